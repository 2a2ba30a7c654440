#!/bin/sh
# Prepares a machine to develop on: an engine, base images, the program `gantry`, every image.
#
#   docker/prepare.sh         then: target/release/gantry up --stack dev examples/cinema
#
# Needs Rust and a C compiler. What is there already is left alone.
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top"

command -v cargo >/dev/null || { echo "Rust is missing: https://rustup.rs, or Debian's package rustup" >&2; exit 1; }
docker/engine.sh start
PATH=$(docker/engine.sh env | sed 's/^PATH=//')
export PATH
docker/bases.sh
cargo build --release --package gantry

bundle=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}
[ -s "$bundle" ] || bundle=
CA=$bundle BUILDX_BAKE_ENTITLEMENTS_FS=0 REVISION=$(git rev-parse --short HEAD 2>/dev/null || echo unknown) \
    SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || echo 0) \
    docker buildx bake --file docker/docker-bake.hcl services stores workshops

echo "ready: target/release/gantry up --stack dev examples/cinema"
