#!/bin/sh
# Makes the base images that the Dockerfile names, where no registry offers them.
#
#   docker/bases.sh           debian:trixie-slim and rust:<the toolchain>-slim-trixie, from Debian's mirror and this
#                             machine's own Rust; what is there already, or can be pulled, is left alone
#
# An image made here has the name of the official one, so that everything else is built the same way.
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
rust=$(sed -n 's/^channel = "\(.*\)"/\1/p' "$top/rust-toolchain.toml")
debian_image=debian:trixie-slim
rust_image=rust:$rust-slim-trixie
work=$top/target/bases

say() { printf '%s\n' "$*" >&2; }

# Whether the image is here, or a registry that answers has it. One that does not answer is given ten seconds, once.
present() {
    docker image inspect "$1" >/dev/null 2>&1 && return
    [ -z "${no_registry:-}" ] && timeout 10 docker manifest inspect "$1" >/dev/null 2>&1 && docker pull -q "$1" >/dev/null && return
    no_registry=yes
    return 1
}

sources() {
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list 2>/dev/null |
        grep -v '^#' | grep -o "https\?://[^ ]*$1/\?\( \|$\)" | head -n 1 | tr -d ' '
}

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

debian() {
    command -v mmdebstrap >/dev/null || {
        as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends mmdebstrap
    }
    say "making $debian_image from Debian's mirror"
    mirror=$(sources /debian)
    security=$(sources /debian-security)
    mirror=${mirror:-http://deb.debian.org/debian}
    security=${security:-http://deb.debian.org/debian-security}
    mkdir -p "$work"
    as_root mmdebstrap --quiet --variant=minbase \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
        --keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
        trixie "$work/debian.tar" \
        "deb $mirror trixie main" "deb $mirror trixie-updates main" "deb $security trixie-security main"
    docker import --change 'CMD ["bash"]' "$work/debian.tar" "$debian_image" >/dev/null
    as_root rm -f "$work/debian.tar"
}

rust() {
    say "making $rust_image from $debian_image and this machine's Rust $rust"
    toolchain=$(cd "$top" && rustc --print sysroot)
    mkdir -p "$work"
    cat >"$work/rust.Dockerfile" <<END
FROM $debian_image
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates gcc libc6-dev && rm -rf /var/lib/apt/lists/*
COPY --from=toolchain bin /usr/local/rustup/bin
COPY --from=toolchain lib /usr/local/rustup/lib
ENV PATH=/usr/local/cargo/bin:/usr/local/rustup/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \\
    CARGO_HOME=/usr/local/cargo
RUN rustc --version
END
    docker build -q --build-context "toolchain=$toolchain" -t "$rust_image" -f "$work/rust.Dockerfile" "$work" >/dev/null
}

present "$debian_image" || debian
present "$rust_image" || rust
say "$debian_image and $rust_image are here"
