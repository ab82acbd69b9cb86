#!/usr/bin/env bash
# Sets up (once) and checks the form of the code: bash check.sh [--fix]
exec bash "$(dirname "$0")/tools/launch.sh" --check "$@"
