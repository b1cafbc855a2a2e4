#!/usr/bin/env bash
# Gets Temporal's Web UI, where it is not there yet, and prints its path. There is no release of it but as an image, so it is
# built with Go.
#
# Reads XDG_CACHE_HOME.
set -euo pipefail

readonly VERSION=2.55.0
# shellcheck source=../temporal-binaries.sh
source "$(dirname "${BASH_SOURCE[0]}")/../temporal-binaries.sh"

# Builds the binary into the folder $1.
build() {
  say "building Temporal's Web UI $VERSION with go (one to three minutes, once)"
  GOBIN=$1 CGO_ENABLED=0 go install -v "github.com/temporalio/ui-server/v2/cmd/server@v$VERSION" >&2 &&
    mv "$1/server" "$1/temporal-ui"
}

all_cached temporal-ui || cache_by build temporal-ui || fail "found no Web UI, and could not build one: it needs Go 1.26.5 or newer."
cached temporal-ui
