#!/bin/sh
# Builds one service from the sources at /src and runs it; does both again each time that a source is saved.
# A debugger attaches at port 2345: `target extended-remote 127.0.0.1:2345`, then `attach <pid>`.
set -eu

service=$1
cd /src
gdbserver --multi 0.0.0.0:2345 >/dev/null 2>&1 &

# What the image brought is used first; a dependency that is new since then is fetched.
build="cargo build --locked --offline -p $service || cargo build --locked -p $service"

# entr ends where a file is added or removed, to be given the new list.
follow() {
    while :; do
        find Cargo.toml Cargo.lock crates services -name '*.rs' -o -name '*.toml' -o -name '*.lock' -o -name '*.html' |
            entr -n -d -r sh -c "($build) && exec /target/debug/$service" || true
    done
}

# A shell waits for what runs in front before it hears a signal.
trap 'kill -TERM -1; wait; exit 0' TERM INT
follow &
wait
