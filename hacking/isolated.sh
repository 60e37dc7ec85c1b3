#!/bin/sh
# Run a command among processes, mounts and loopback ports of its own (as root): of several side by side, none meets
# another's daemons, and all it has started and mounted ends with it.
set -eu
# The shell stays: as the first process it has to reap what loses its parent.
# shellcheck disable=SC2016
exec unshare --net --mount --pid --fork --kill-child --mount-proc sh -c 'ip link set lo up && "$@"; exit $?' sh "$@"
