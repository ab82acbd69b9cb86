#!/usr/bin/env bash
# Sets up (once) and starts the service: bash run.sh [--port 9883] [--model_dir DIR] [--no-browser]
cd "$(dirname "$0")" || exit 1
exec "${PYTHON:-python3}" tools/launch.py "$@"
