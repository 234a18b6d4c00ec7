#!/usr/bin/env bash
# Installs the kit while Gradescope builds the image. The log ends with what `grader doctor` says of the sandbox.
set -euo pipefail
apt-get update
for version in 3.13 3.12 3.11; do
    if apt-get install -y "python$version" "python$version-venv"; then break; fi
done
"python$version" -m venv /autograder/venv
kit=/autograder/source/kit
/autograder/venv/bin/pip install -c "$kit/constraints.txt" -e "$kit"
/autograder/venv/bin/grader doctor || true
