# Runs a command until it ends, or until whoever started this script has died.
#
# $1: data directory to remove when the starter is gone, or empty; the rest: the command.
# 0: a pipe held by the starter; 1: the lock on the data directory; 2: the log.
doomed=$1
shift
exec 3<&0 4>&1 1>&2

# The command keeps descriptor 4: the lock is free only when its last process is gone.
"$@" 3<&- </dev/null &
child=$!

# One line in the pipe is an order to stop at once; its end means: stop in good order.
(
    if read -r order <&3; then
        kill -QUIT "$child"
        exit 1
    fi
    # A shell makes its background commands ignore INT until they say otherwise. One that has not
    # come to that yet ends by TERM, which a server that heard INT has no more use for.
    kill -INT "$child"
    kill -TERM "$child"
    exit 0
) &
listener=$!

wait "$child"
status=$?
kill "$listener" 2>/dev/null
if wait "$listener" && [ -n "$doomed" ]; then
    rm -rf "$doomed" "$doomed.init" "$doomed.log" "$doomed.lock"
fi
exit "$status"
