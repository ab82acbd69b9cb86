#!/usr/bin/env bash
# Sets up (once) and checks the form of the code: bash check.sh [--fix]
cd "$(dirname "$0")" || exit 1
exec "${PYTHON:-python3}" tools/launch.py --check "$@"
