#!/usr/bin/env bash
# Sets up (once) and runs the tests in three processes, since some of them wait: bash test.sh [options of pytest]
# In one process, as a debugger needs it: bash test.sh -n 0
exec bash "$(dirname "$0")/tools/launch.sh" --test -n 3 --dist worksteal "$@"
