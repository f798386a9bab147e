#!/usr/bin/env bash
# Proves the Dockerfile on a machine without Docker and without an image registry: builds it, unmodified, on a stand-in
# for its base image, runs the result as compose.yaml would, next to a real Mosquitto, and asks it what a user would ask.
# `--storage DIR` leaves the image there for the next proof. Debian only, as root. Exit code 0: proved, 1: broken, 77: cannot
# run here.
set -euo pipefail

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/leitstand-proof
image=localhost/leitstand:proof
started=$SECONDS

step() { printf '%4d s  %s\n' $((SECONDS - started)) "$*"; }
skip() { echo "cannot run here: $*" >&2; exit 77; }
fail() { step "FAILED: $*"; exit 1; }

# --- What is needed ----------------------------------------------------------------------------------------------------

[[ $(uname -s) == Linux ]] || skip 'it needs Linux'
((EUID == 0)) || skip 'it needs root, for name spaces'
for tool in buildah unshare nsenter setpriv ip mosquitto mosquitto_pub; do
  command -v $tool > /dev/null || skip "$tool is not installed"
done
node=$repo/node_modules/node/bin/node

mkdir -p "$cache"
work=$(mktemp -d "${TMPDIR:-/tmp}/leitstand-proof.XXXXXX")
chmod 711 "$work" # Mosquitto gives up root and still has to reach its data below.
storage=$work
[[ ${1:-} != --storage ]] || storage=$2
log=$cache/last-run.log
: > "$log"
pids=()

cleanup() {
  local status=$?
  trap - EXIT
  for pid in "${pids[@]}"; do kill -KILL "$pid" 2> /dev/null || true; done
  wait 2> /dev/null || true
  [[ -z ${container:-} ]] || buildah_ rm "$container" > /dev/null 2>&1 || true
  rm -rf "$work"
  ((status == 0)) || echo "what the tools said: $log" >&2
  exit $status
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

buildah_() {
  TMPDIR=$cache buildah --storage-driver vfs --root "$storage/storage" --runroot "$storage/run" "$@"
}

# --- The build ---------------------------------------------------------------------------------------------------------

code=0
"$repo/tools/prove/images.sh" "$storage" "$repo" "build:$image" || code=$?
((code == 0)) || exit "$code"

container=$(buildah_ from --pull-never "$image")
root=$(buildah_ mount "$container")
buildah_ inspect --type image "$image" > "$work/image.json"
# One line per element, because that is what mapfile reads.
config() { "$node" -p "const c = require('$work/image.json').Docker.config; [$1].flat().join('\n')"; }
mapfile -t environment < <(config c.Env)
mapfile -t command < <(config 'c.Entrypoint ?? [], c.Cmd')
mapfile -t check < <(config 'c.Healthcheck.Test')
user=$(config c.User)
directory=$(config c.WorkingDir)
[[ $user == node ]] || fail "the image runs as '$user'"
[[ ${check[0]} == CMD ]] || fail 'the image has no HEALTHCHECK in exec form'
[[ $(config c.StopSignal) == SIGTERM ]] || fail 'the image does not stop with SIGTERM'
[[ $(stat -c %u "$root/data") == 1000 ]] || fail '/data does not belong to node'
[[ $(find "$root/app" -mindepth 1 -maxdepth 1 -printf '%f ') == '.output ' ]] || fail 'the image holds more than the built application'
[[ -z $(find "$root/app" \( -user 1000 -o -perm -o+w \) ! -type l -print -quit) ]] || fail 'the application could change its own program'
step "the built application: $(du -sm "$root/app" | cut -f 1) MB"

# --- The run: as compose.yaml has it -----------------------------------------------------------------------------------

# A network of its own, so that the real ports and the unmodified mosquitto.conf can be used beside whatever runs here.
# The second address is for what Docker does with published ports: it never comes in through 127.0.0.1.
unshare --net -- sh -c 'ip link set lo up && ip address add 192.0.2.1/32 dev lo && exec sleep 1000' &
network=$!
pids+=("$network")
in_network() { nsenter --net=/proc/$network/ns/net -- "$@"; }
for _ in {1..50}; do in_network ip address show lo 2> /dev/null | grep -q 192.0.2.1 && break; sleep 0.1; done

mkdir -p "$work/broker/mosquitto/data"
chmod 777 "$work/broker/mosquitto/data"
start_broker() {
  (cd "$work/broker" && exec nsenter --net=/proc/$network/ns/net -- mosquitto -c "$repo/mosquitto/mosquitto.conf" >> "$log" 2>&1) &
  broker=$!
  pids+=("$broker")
}

# As compose.yaml has it: read-only file system, /tmp in memory, a volume at /data, no capabilities, no new privileges, process number 1, and
# the broker under its service name. HOST and PORT come from the image.
printf '127.0.0.1 localhost mosquitto\n' > "$work/hosts"
: > "$root/etc/hosts"
environment+=(NUXT_MQTT_URL=mqtt://mosquitto:1883 NUXT_ACCOUNTS_OPEN=true)
unprivileged=(setpriv --reuid 1000 --regid 1000 --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all)
start_application() {
  nsenter --net=/proc/$network/ns/net -- unshare --mount --pid --fork --kill-child -- bash -euc '
    root=$1 hosts=$2; shift 2
    mount --make-rprivate /
    mount --bind "$root" "$root"
    mount --bind "$hosts" "$root/etc/hosts"
    mount -t proc proc "$root/proc"
    mount -t tmpfs tmpfs "$root/tmp"
    mount -t tmpfs -o mode=755,uid=1000,gid=1000 tmpfs "$root/data"
    mount -t tmpfs -o mode=755 tmpfs "$root/dev"
    for device in null zero random urandom; do touch "$root/dev/$device"; mount --bind "/dev/$device" "$root/dev/$device"; done
    mount -o remount,bind,ro "$root"
    exec chroot "$root" "$@"
  ' start "$root" "$work/hosts" /usr/bin/env -i -C "$directory" "${environment[@]}" "${unprivileged[@]}" "${command[@]}" >> "$log" 2>&1 &
  launcher=$!
  pids+=("$launcher")
  for _ in {1..50}; do
    application=$(cat "/proc/$launcher/task/$launcher/children" 2> /dev/null || true)
    application=${application// /}
    [[ -n $application && $(readlink "/proc/$application/exe" 2> /dev/null) == */usr/local/bin/node ]] && return
    sleep 0.1
  done
  fail 'the application did not start'
}
# Like `docker exec`.
inside() {
  timeout 5 nsenter --target "$application" --mount --pid --net --root --wd -- \
    /usr/bin/env -i "${environment[@]}" "${unprivileged[@]}" "$@"
}
well() { inside "${check[@]:1}" 2> /dev/null; }
until_well() {
  for _ in {1..100}; do
    if well; then return; fi
    sleep 0.2
  done
  fail "$1"
}

step 'starting Mosquitto with mosquitto/mosquitto.conf, and the application'
start_broker
start_application
until_well 'the HEALTHCHECK did not become well within 20 s'
step 'HEALTHCHECK: well'

status() { sed -n "s/^$1:[[:space:]]*//p" "/proc/$application/status"; }
[[ $(status Uid) == $'1000\t1000\t1000\t1000' ]] || fail 'it does not run as node'
[[ $(status CapEff) == 0000000000000000 && $(status CapBnd) == 0000000000000000 ]] || fail 'it has capabilities'
[[ $(status NoNewPrivs) == 1 ]] || fail 'it could gain privileges'
[[ $(status NSpid) == *$'\t'1 ]] || fail 'node is not process number 1'
[[ $(inside node -p 'process.getuid()') == 1000 ]] || fail 'docker exec would not be node'
for file in /app/x /home/node/x /var/tmp/x; do
  if inside touch "$file" 2> /dev/null; then fail "$file could be written"; fi
done
inside touch /tmp/x || fail '/tmp cannot be written to'
inside test -s /data/history.db || fail 'the history is not in the volume'
step 'it is process 1, user node, without capabilities, on a read-only file system'

in_network mosquitto_pub -p 1883 -q 1 -t sensors/tor-1/telemetry -m '{"metrics":{"tempC":22.4,"doorState":"open"}}'
cat > "$work/ask.mjs" <<'ASK'
import assert from 'node:assert/strict'
const url = 'http://192.0.2.1:3000'
let device
for (let i = 0; i < 25 && !device; i++) {
  device = (await (await fetch(`${url}/api/sensors`)).json()).find(({ deviceId }) => deviceId === 'tor-1')
  await new Promise(resolve => setTimeout(resolve, 200))
}
assert.deepEqual(device?.lastTelemetry?.metrics, { tempC: 22.4, doorState: 'open' })
const page = await fetch(url, { headers: { accept: 'text/html' } })
assert.equal(page.status, 200)
assert.match(await page.text(), /<html/)
const socket = new WebSocket('ws://192.0.2.1:3000/ws/events')
const first = await new Promise((resolve, reject) => {
  socket.onmessage = ({ data }) => resolve(JSON.parse(data))
  socket.onerror = () => reject(new Error('no event stream'))
})
assert.equal(first.type, 'snapshot')
assert.equal(first.data[0].deviceId, 'tor-1')
socket.close()
ASK
in_network "$node" "$work/ask.mjs" 2>> "$log" || fail 'the published telemetry is not shown'
step 'telemetry published; GET /api/sensors, the page and the event stream show it'

kill -TERM "$broker"
wait "$broker" || fail "Mosquitto ended with $?"
for _ in {1..50}; do
  code=0
  well || code=$?
  ((code == 0)) || break
  sleep 0.2
done
((code == 1)) || fail "HEALTHCHECK without the broker: exit code $code"
step 'HEALTHCHECK: not well without the broker'
start_broker
until_well 'HEALTHCHECK did not become well again'
step 'HEALTHCHECK: well again after the broker came back'

stopping=$(date +%s%N)
kill -TERM "$application"
(sleep 5 && kill -KILL "$launcher" 2> /dev/null) &
deadline=$!
code=0
wait "$launcher" || code=$?
kill "$deadline" 2> /dev/null || true
((code == 0 || code == 143)) || fail "SIGTERM: exit code $code"
step "SIGTERM: stopped after $((($(date +%s%N) - stopping) / 1000000)) ms with exit code $code"
step 'proved'
