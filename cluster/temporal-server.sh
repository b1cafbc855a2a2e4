#!/usr/bin/env bash
# Gets Temporal's production server and the tool that makes its tables, where they are not there yet, and prints their two
# paths, a line each.
#
# Reads TEMPORAL_SERVER and TEMPORAL_SQL_TOOL (binaries of one's own: both, or neither), and XDG_CACHE_HOME.
set -euo pipefail

readonly VERSION=1.32.0
readonly NAMES=(temporal-server temporal-sql)
# shellcheck source=../temporal-binaries.sh
source "$(dirname "${BASH_SOURCE[0]}")/../temporal-binaries.sh"

# Puts the release's binaries into the folder $1.
download() {
  local machine
  machine=$(platform) &&
    unpack_release "$1" "temporal-server temporal-sql-tool" \
      "https://github.com/temporalio/temporal/releases/download/v$VERSION/temporal_${VERSION}_$machine.tar.gz" &&
    mv "$1/temporal-sql-tool" "$1/temporal-sql"
}

# Builds the binaries into the folder $1.
build() {
  say "building Temporal server $VERSION with go (three to six minutes, once)"
  GOBIN=$1 CGO_ENABLED=0 go install -v "go.temporal.io/server/cmd/server@v$VERSION" \
    "go.temporal.io/server/cmd/tools/sql@v$VERSION" >&2 &&
    mv "$1/server" "$1/temporal-server" && mv "$1/sql" "$1/temporal-sql"
}

own_binary() {
  [ -x "${!1:-}" ] || fail "$1 is not an executable file: ${!1:-unset}"
  echo "${!1}"
}

main() {
  if [ -n "${TEMPORAL_SERVER:-}${TEMPORAL_SQL_TOOL:-}" ]; then
    own_binary TEMPORAL_SERVER
    own_binary TEMPORAL_SQL_TOOL
  elif all_cached "${NAMES[@]}" || cache_by download "${NAMES[@]}" || cache_by build "${NAMES[@]}"; then
    cached temporal-server
    cached temporal-sql
  else
    fail "found no Temporal server, and could neither download nor build one. Install Go 1.26 or newer, or name the" \
      "binaries of a release (https://github.com/temporalio/temporal/releases) in TEMPORAL_SERVER and TEMPORAL_SQL_TOOL."
  fi
}

main
