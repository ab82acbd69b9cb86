#!/usr/bin/env bash
# Sets up (once) and starts the service: bash run.sh [--port 9883] [--model_dir DIR] [--no-browser]
exec bash "$(dirname "$0")/tools/launch.sh" "$@"
