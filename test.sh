#!/usr/bin/env bash
# Sets up (once) and runs the tests: bash test.sh [options of pytest]
cd "$(dirname "$0")" || exit 1
exec "${PYTHON:-python3}" tools/launch.py --test "$@"
