#!/usr/bin/env bash
# A Temporal development server for this machine, reachable from this machine only.
#
#   bash temporal-dev.sh [flags of `temporal server start-dev`]   runs it; prints `ready` once it answers
#   bash temporal-dev.sh --install                                 only gets the CLI, and prints its path
#
# Reads TEMPORAL_CLI, TEMPORAL_ADDRESS, TEMPORAL_UI_URL, DATA_DIR and XDG_CACHE_HOME.
set -euo pipefail

readonly VERSION=1.5.1
readonly ADDRESS=${TEMPORAL_ADDRESS:-127.0.0.1:7233}
readonly UI_URL=${TEMPORAL_UI_URL:-http://127.0.0.1:8233}
readonly DATA=${DATA_DIR:-.data}
# The server outlives whoever started it, so its output must not go to a pipe that may break.
readonly LOG=$DATA/temporal.log
readonly HEALTHY_WITHIN_SECONDS=60
# shellcheck source=temporal-binaries.sh
source "$(dirname "${BASH_SOURCE[0]}")/temporal-binaries.sh"

# Puts the release's binary into the folder $1.
download() {
  local machine
  machine=$(platform) &&
    unpack_release "$1" temporal \
      "https://github.com/temporalio/cli/releases/download/v$VERSION/temporal_cli_${VERSION}_$machine.tar.gz"
}

# Builds the binary into the folder $1.
build() {
  say "building Temporal CLI $VERSION with go (two to five minutes, once)"
  GOBIN=$1 CGO_ENABLED=0 go install -v "github.com/temporalio/cli/cmd/temporal@v$VERSION" >&2
}

find_cli() {
  if [ -n "${TEMPORAL_CLI:-}" ]; then
    [ -x "$TEMPORAL_CLI" ] || fail "TEMPORAL_CLI is not an executable file: $TEMPORAL_CLI"
    echo "$TEMPORAL_CLI"
  elif command -v temporal; then
    :
  elif all_cached temporal || cache_by download temporal || cache_by build temporal; then
    cached temporal
  else
    fail "found no Temporal CLI, and could neither download nor build one. Install it" \
      "(https://docs.temporal.io/cli), put it on PATH or name it in TEMPORAL_CLI; or install Go 1.25 or newer."
  fi
}

# The server's process id is $1, also after the exec below.
announce() {
  local deadline=$((SECONDS + HEALTHY_WITHIN_SECONDS))
  until "$2" operator cluster health --address "$ADDRESS" >/dev/null 2>&1; do
    kill -0 "$1" 2>/dev/null || {
      say "the server ended at once; its log says:"
      tail -n 5 "$LOG" >&2
      exit 1
    }
    if [ "$SECONDS" -ge "$deadline" ]; then
      kill "$1"
      fail "the server was not healthy within $HEALTHY_WITHIN_SECONDS seconds"
    fi
    sleep 0.1
  done
  echo ready
}

loopback_ip() {
  case $1 in
    127.*) echo "$1" ;;
    localhost) echo 127.0.0.1 ;;
    *) fail "the development server has no authentication and listens on loopback only, not on $1" ;;
  esac
}

# The port at the end of the address or URL $1.
port_of() {
  local authority port
  authority=${1#*://}
  authority=${authority%%/*}
  port=${authority##*:}
  case $port in
    '' | *[!0-9]*) fail "a port is missing in $1" ;;
    *) echo "$port" ;;
  esac
}

main() {
  local cli ip port ui_port
  cli=$(find_cli)
  if [ "${1:-}" = --install ]; then
    echo "$cli"
    return
  fi
  ip=$(loopback_ip "${ADDRESS%:*}")
  port=$(port_of "$ADDRESS")
  ui_port=$(port_of "$UI_URL")
  # Without this look, the health of a server that is already there would be announced as ours.
  if (exec 3<>"/dev/tcp/$ip/$port") 2>/dev/null; then
    fail "something listens on $ADDRESS already"
  fi
  mkdir -p "$DATA"
  (announce $$ "$cli" &)
  # The names of the search attributes are those of contract/names.ts. WAL halves the time of a run on SQLite;
  # eager activities are the default from server 1.30 on.
  exec "$cli" server start-dev \
    --ip "$ip" --port "$port" --ui-ip 127.0.0.1 --ui-port "$ui_port" \
    --db-filename "$DATA/temporal.db" \
    --sqlite-pragma journal_mode=WAL --sqlite-pragma synchronous=NORMAL \
    --dynamic-config-value system.enableActivityEagerExecution=true \
    --search-attribute HoldfastConversation=Keyword --search-attribute HoldfastAgent=Keyword \
    --search-attribute HoldfastOwner=Keyword --search-attribute HoldfastStatus=Keyword \
    --log-level error "$@" >>"$LOG" 2>&1
}

main "$@"
