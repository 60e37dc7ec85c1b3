#!/bin/sh
# step.sh NAME COMMAND...: one step of `make test`. Says when it starts, that it still runs and how it ended;
# its output goes to build/log/NAME.log and is shown when the step fails, so that parallel steps stay readable.
set -u

name=$1
shift
mkdir -p build/log
log=build/log/$name.log
begun=$(date +%s)
echo "== $name ..."
"$@" >"$log" 2>&1 &
command=$!
trap 'kill "$command" 2>/dev/null' INT TERM

( while sleep 30; do echo "== $name: still at it after $(($(date +%s) - begun)) s"; done ) &
reminder=$!
wait "$command"
status=$?
kill "$reminder" 2>/dev/null

took=$(($(date +%s) - begun))
if [ "$status" -eq 0 ]; then
    echo "== $name: passed in $took s"
else
    sed "s/^/$name| /" "$log"
    echo "== $name: FAILED ($status) after $took s; the output above is also in $log"
fi
exit "$status"
