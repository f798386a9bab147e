#!/usr/bin/env bash
# Makes container images on a machine without Docker and without an image registry, into STORAGE:
#   images.sh STORAGE CONTEXT IMAGE...
# IMAGE is an official name, for which a stand-in is made from Debian's packages, or build:NAME, which builds CONTEXT's
# Dockerfile, unmodified, on the stand-in for its base image. What STORAGE has already is left as it is.
# Debian only, as root. Exit code 0: made, 1: broken, 77: cannot run here.
set -euo pipefail

storage=$1 context=$2
shift 2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repo=$(cd "$here/../.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/leitstand-proof
node_image=docker.io/library/node:24-bookworm-slim
built=localhost/leitstand:proof
started=$SECONDS

step() { printf '%4d s  %s\n' $((SECONDS - started)) "$*"; }
skip() { echo "cannot run here: $*" >&2; exit 77; }
fail() { step "FAILED: $*"; exit 1; }

# --- What is needed ----------------------------------------------------------------------------------------------------

[[ $(uname -s) == Linux ]] || skip 'it needs Linux'
((EUID == 0)) || skip 'it needs root, for debootstrap and name spaces'
for tool in buildah debootstrap tar npm; do
  command -v $tool > /dev/null || skip "$tool is not installed"
done
node=$repo/node_modules/node/bin/node
[[ -x $node && $("$node" --version) == v24.* ]] || skip 'Node 24 is missing in node_modules: run npm ci first'
npm=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")
[[ -d $npm/node_modules ]] || skip 'npm on this machine does not bring its own dependencies and cannot be copied'

mkdir -p "$cache" "$storage"
work=$(mktemp -d "${TMPDIR:-/tmp}/leitstand-images.XXXXXX")
log=$cache/last-run.log
trap 'rm -rf "$work"' EXIT

# The npm cache that the Dockerfile asks for lies below TMPDIR and stays for the next run; everything else goes.
buildah_() {
  TMPDIR=$cache buildah --storage-driver vfs --root "$storage/storage" --runroot "$storage/run" "$@"
}
is_there() { buildah_ images --quiet "$1" > /dev/null 2>&1; }

# --- Stand-ins ---------------------------------------------------------------------------------------------------------

# Prints the archive of a minimal Debian with the packages that are named; made once, kept for later runs.
debian() {
  local packages=$* archive mirror
  archive=$cache/bookworm-$(dpkg --print-architecture)${packages:+-${packages// /+}}.tar
  if [[ ! -f $archive ]]; then
    step "making a minimal Debian${packages:+ with $packages} (once; kept for later runs)" >&2
    # The mirror this machine already uses; none: debootstrap's own.
    mirror=$(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' | sed -n 's/^bookworm //p' | head -n 1)
    debootstrap --variant=minbase ${packages:+--include="${packages// /,}"} bookworm "$work/rootfs" ${mirror:+"$mirror"} >> "$log" 2>&1 \
      || fail debootstrap >&2
    tar --numeric-owner -C "$work/rootfs" --exclude='./var/cache/apt/*.bin' --exclude='./var/cache/apt/archives/*.deb' -cf "$archive.part" .
    mv "$archive.part" "$archive"
    rm -rf "$work/rootfs"
  fi
  echo "$archive"
}

# begin PACKAGE...: a new container of them; its files are in $root until `finish IMAGE CONFIG...`.
begin() {
  local archive
  archive=$(debian "$@")
  container=$(buildah_ from scratch)
  root=$(buildah_ mount "$container")
  tar --numeric-owner -C "$root" -xf "$archive"
}
finish() {
  local image=$1
  shift
  buildah_ umount "$container" > /dev/null
  buildah_ config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@" "$container" >> "$log" 2>&1
  buildah_ commit --quiet --rm --format docker "$container" "$image" >> "$log" 2>&1
}

# The same Debian, Node, npm, user and way to start as in the official image.
make_node() {
  begin
  install -m 755 "$node" "$root/usr/local/bin/node"
  mkdir -p "$root/usr/local/lib/node_modules" "$root/usr/local/etc"
  cp -a "$npm" "$root/usr/local/lib/node_modules/npm"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
  ln -s ../lib/node_modules/npm/bin/npx-cli.js "$root/usr/local/bin/npx"
  chroot "$root" useradd --uid 1000 --user-group --create-home --shell /bin/bash node
  printf '#!/bin/sh\nexec "$@"\n' > "$root/usr/local/bin/docker-entrypoint.sh"
  chmod 755 "$root/usr/local/bin/docker-entrypoint.sh"
  finish "$1" --entrypoint '["docker-entrypoint.sh"]' --cmd '["node"]'
}

# The official image starts as root, gives /mosquitto to its user, and Mosquitto itself gives up root.
make_mosquitto() {
  begin mosquitto mosquitto-clients
  mkdir -p "$root/mosquitto/config" "$root/mosquitto/data" "$root/mosquitto/log"
  printf '#!/bin/sh\nset -e\n[ "$(id -u)" != 0 ] || chown -R mosquitto:mosquitto /mosquitto || true\nexec "$@"\n' > "$root/docker-entrypoint.sh"
  chmod 755 "$root/docker-entrypoint.sh"
  finish "$1" --entrypoint '["/docker-entrypoint.sh"]' --cmd '["/usr/sbin/mosquitto","-c","/mosquitto/config/mosquitto.conf"]'
}

# Caddy's program is marked with the capability that the official one is marked with, and starts only where it can be had.
# Debian's 2.6 does not know persist_config.
make_caddy() {
  begin caddy wget libcap2-bin ca-certificates
  printf '#!/bin/sh\nsed /persist_config/d "$3" > /tmp/Caddyfile\nexec /usr/bin/caddy run --config /tmp/Caddyfile --adapter caddyfile\n' > "$root/usr/local/bin/caddy"
  chmod 755 "$root/usr/local/bin/caddy"
  chroot "$root" setcap cap_net_bind_service=+ep /usr/bin/caddy
  finish "$1" --env XDG_CONFIG_HOME=/config --env XDG_DATA_HOME=/data --workingdir /srv \
    --cmd '["caddy","run","--config","/etc/caddy/Caddyfile","--adapter","caddyfile"]'
}

# Debian's nginx does not have its stream module built in.
make_nginx() {
  begin nginx-light libnginx-mod-stream wget
  printf '#!/bin/sh\nexec /usr/sbin/nginx -g "load_module /usr/lib/nginx/modules/ngx_stream_module.so;" "$@"\n' > "$root/usr/local/bin/nginx"
  chmod 755 "$root/usr/local/bin/nginx"
  finish "$1" --stop-signal SIGQUIT --cmd '["nginx"]'
}

make_prometheus() {
  begin prometheus wget
  mkdir -p "$root/prometheus"
  chown 65534:65534 "$root/prometheus"
  finish "$1" --user 65534 --workingdir /prometheus --entrypoint '["/usr/bin/prometheus"]'
}

# PostgreSQL alone: Leitstand does not need TimescaleDB.
make_postgresql() {
  begin postgresql
  chroot "$root" sh -c 'ln -s /usr/lib/postgresql/*/bin/* /usr/local/bin/'
  chroot "$root" useradd --uid 1000 --user-group timescale
  mkdir -p "$root/home/postgres/pgdata"
  install -d -m 3777 "$root/run/postgresql"
  install -m 755 "$here/postgresql-entrypoint.sh" "$root/docker-entrypoint.sh"
  finish "$1" --stop-signal SIGINT --entrypoint '["/docker-entrypoint.sh"]' --cmd '["postgres"]'
}

# EMQX has no package: one Mosquitto that listens as deploy/cluster/emqx.conf does. docs/operation.md says what that leaves open.
make_emqx() {
  begin mosquitto mosquitto-clients
  mkdir -p "$root/opt/emqx/bin" "$root/opt/emqx/etc" "$root/opt/emqx/data" "$root/opt/emqx/log"
  install -m 644 "$here/emqx-stand-in.conf" "$root/opt/emqx/etc/mosquitto.conf"
  printf '#!/bin/sh\nexec mosquitto_sub -i healthcheck -t "\$SYS/broker/uptime" -C 1 -W 3\n' > "$root/opt/emqx/bin/emqx"
  chmod 755 "$root/opt/emqx/bin/emqx"
  finish "$1" --cmd '["/usr/sbin/mosquitto","-c","/opt/emqx/etc/mosquitto.conf"]'
}

make_stand_in() {
  step "making the stand-in for $1"
  case $1 in
    "$node_image") make_node "$1" ;;
    docker.io/library/eclipse-mosquitto:2) make_mosquitto "$1" ;;
    docker.io/library/caddy:2) make_caddy "$1" ;;
    docker.io/library/nginx:*) make_nginx "$1" ;;
    docker.io/prom/prometheus:*) make_prometheus "$1" ;;
    docker.io/timescale/timescaledb-ha:*) make_postgresql "$1" ;;
    docker.io/emqx/emqx:*) make_emqx "$1" ;;
    *) fail "there is no stand-in for $1" ;;
  esac
}

# --- The build ---------------------------------------------------------------------------------------------------------

# How this machine reaches its npm registry, lent to the build as npm's own settings file: not part of any image.
lend_npm() {
  local key value authorities
  {
    for key in registry proxy https-proxy noproxy strict-ssl; do
      value=$(cd / && npm config get "$key" 2> /dev/null)
      [[ -z $value || $value == null || $value == undefined ]] || echo "$key=$value"
    done
    echo update-notifier=false
  } > "$work/npmrc"
  authorities=$(cd / && npm config get cafile 2> /dev/null)
  [[ -f $authorities ]] || authorities=${NODE_EXTRA_CA_CERTS:-${SSL_CERT_FILE:-}}
  lent=(--volume "$work/npmrc:/usr/local/etc/npmrc:ro")
  if [[ -f $authorities ]]; then
    echo cafile=/usr/local/etc/authorities.pem >> "$work/npmrc"
    lent+=(--volume "$authorities:/usr/local/etc/authorities.pem:ro")
  fi
}

# All proofs are of the same sources: what one has built the next only gives another name.
build() {
  if is_there "$built"; then
    buildah_ tag "$built" "$1"
    return
  fi
  is_there "$node_image" || make_stand_in "$node_image"
  lend_npm
  step 'building the Dockerfile'
  local building=$SECONDS
  buildah_ build --isolation chroot --format docker --pull-never "${lent[@]}" --tag "$built" "$context" >> "$log" 2>&1 || fail 'the build'
  buildah_ tag "$built" "$1"
  step "built in $((SECONDS - building)) s"
}

for image; do
  is_there "${image#build:}" && continue
  case $image in
    build:*) build "${image#build:}" ;;
    *) make_stand_in "$image" ;;
  esac
done
