#!/bin/sh
# Starts a Docker Engine where none answers, and ends the one it started.
#
#   docker/engine.sh start    use the engine that answers, else unpack one into target/engine and start it (as root)
#   docker/engine.sh stop     end the engine that `start` started, and nothing else
#   docker/engine.sh env      print the PATH that finds its client and plugins
#
# For machines without systemd and without Docker's own packages: CI, and a bare Debian. Everything but the socket
# lies under target/engine; the system gets Debian's own runc and iptables.
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
home=$top/target/engine
root=$home/root
socket=/var/run/docker.sock
# Sockets have short paths, so not in target.
run=/run/gantry-engine
PATH=$root/usr/bin:$root/usr/sbin:$PATH:/usr/sbin:/sbin
export PATH
export DOCKER_CONFIG="${DOCKER_CONFIG:-$HOME/.docker}"

say() { printf '%s\n' "$*" >&2; }

answers() { docker version --format '{{.Server.Version}}' 2>/dev/null; }

plugins() { docker compose version >/dev/null 2>&1 && docker buildx version >/dev/null 2>&1; }

mirror() {
    # The mirror that this machine uses already; the public one where its sources have another form.
    found=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list 2>/dev/null |
        grep -v '^#' | grep -o 'https\?://[^ ]*/debian/\?\( \|$\)' | head -n 1 | tr -d ' ')
    printf '%s' "${found:-http://deb.debian.org/debian}"
}

install() {
    [ "$(id -u)" = 0 ] || { say "no Docker Engine answers; run this as root to start one, or start yours"; exit 1; }
    if ! command -v runc >/dev/null || ! command -v iptables >/dev/null; then
        DEBIAN_FRONTEND=noninteractive apt-get update -q
        DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends runc iptables ca-certificates
    fi
    [ -x "$root/usr/sbin/dockerd" ] && return
    say "unpacking a Docker Engine into target/engine"
    mkdir -p "$home/apt/lists/partial" "$home/apt/archives/partial" "$home/debs"
    # The newest engine is in Debian's sid; an apt configuration of its own leaves the system's alone.
    echo "deb $(mirror) sid main" >"$home/apt/sid.list"
    set -- -q -o Dir::Etc::SourceList="$home/apt/sid.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::State::Lists="$home/apt/lists" -o Dir::Cache="$home/apt" -o Dir::Cache::Archives="$home/apt/archives" \
        -o APT::Sandbox::User=root -o Acquire::Languages=none
    apt-get "$@" update
    (cd "$home/debs" && apt-get "$@" download docker.io docker-cli docker-buildx docker-compose containerd)
    for deb in "$home"/debs/*.deb; do dpkg -x "$deb" "$root"; done
    # sid's runc needs a newer C library than Debian 12's own.
    rm -rf "$home/debs" "$home/apt" "$root/usr/bin/runc" "$root/usr/sbin/runc"
}

add_plugins() {
    plugins && return
    mkdir -p "$DOCKER_CONFIG/cli-plugins"
    for plugin in docker-compose docker-buildx; do
        path=$(find "$root" -path "*cli-plugins/$plugin" -type f | head -n 1)
        [ -n "$path" ] && ln -sf "$path" "$DOCKER_CONFIG/cli-plugins/$plugin"
    done
    plugins || { say "docker compose and docker buildx are missing: install Docker's plugins"; exit 1; }
}

# An engine leaves mounts behind, one that was killed more than one that was stopped.
clear_run() {
    awk -v run="$run/" 'index($2, run) == 1 { print $2 }' /proc/mounts | sort -r | xargs -r umount --lazy
    rm -rf "$run"
}

start() {
    if version=$(answers); then
        plugins || { install; add_plugins; }
        say "Docker Engine $version answers"
        return
    fi
    install
    add_plugins
    clear_run
    mkdir -p "$home/data"
    say "starting a Docker Engine"
    # Its own choice of addresses is enough for some thirty networks, fewer where the machine is in one of them. These are
    # for hundreds; the engine leaves out what the machine has a route to.
    set --
    for base in 172.16.0.0/12 192.168.0.0/16 10.192.0.0/12; do set -- "$@" --default-address-pool "base=$base,size=24"; done
    # GANTRY_ENGINE_OPTIONS: more options of dockerd's, `--userland-proxy=false` for one.
    # shellcheck disable=SC2086
    setsid nohup dockerd "$@" --host "unix://$socket" --data-root "$home/data" --exec-root "$run" \
        --pidfile "$home/dockerd.pid" --log-level warn ${GANTRY_ENGINE_OPTIONS:-} >"$home/dockerd.log" 2>&1 </dev/null &
    waited=0
    until version=$(answers); do
        waited=$((waited + 1))
        if [ "$waited" -gt 240 ] || { [ "$waited" -gt 10 ] && ! kill -0 "$(cat "$home/dockerd.pid" 2>/dev/null)" 2>/dev/null; }; then
            say "the engine did not start:"
            tail -n 20 "$home/dockerd.log" >&2
            exit 1
        fi
        sleep 0.5
    done
    say "Docker Engine $version started"
}

stop() {
    [ -f "$home/dockerd.pid" ] || return 0
    pid=$(cat "$home/dockerd.pid")
    # The number may be another program's by now.
    grep -qs dockerd "/proc/$pid/comm" || return 0
    kill -TERM "$pid"
    waited=0
    while [ -d "/proc/$pid" ] && [ "$waited" -lt 120 ]; do waited=$((waited + 1)); sleep 0.5; done
    clear_run
    say "the Docker Engine ended"
}

case "${1:-}" in
start) start ;;
stop) stop ;;
env) echo "PATH=$PATH" ;;
*) sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 64 ;;
esac
