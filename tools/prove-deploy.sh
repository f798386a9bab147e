#!/usr/bin/env bash
# Proves every Compose file below deploy/ by starting it (tools/prove-compose.ts). Each week; `compose.yaml` at each push.
# Debian only, as root. Exit code 0: proved, 1: broken, 77: cannot run here.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

images=$(mktemp -d "${TMPDIR:-/tmp}/leitstand-deploy.XXXXXX")
trap 'rm -rf "$images"' EXIT

npm run -s prove-compose -- --storage "$images" deploy/compose.production.yaml
npm run -s prove-compose -- --storage "$images" compose.yaml deploy/compose.monitoring.yaml
npm run -s prove-compose -- --storage "$images" deploy/compose.cluster.yaml
