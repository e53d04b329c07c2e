#!/bin/sh
# Write web/src/gen from the contracts. Needs `npm ci` here and buf (the project's .venv has it). The same input gives the same bytes.
set -eu
cd "$(dirname "$0")"
PATH="$PWD/../.venv/bin:$PATH"
buf generate
