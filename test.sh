#!/usr/bin/env bash
# Sets up (once) and runs the tests in three processes, since some of them wait: bash test.sh [options of pytest]
# In one process, as a debugger needs it: bash test.sh -n 0
cd "$(dirname "$0")" || exit 1
exec "${PYTHON:-python3}" tools/launch.py --test -n 3 --dist worksteal "$@"
