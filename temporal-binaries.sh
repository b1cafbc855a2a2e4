# How the scripts beside it get Temporal's binaries: from a release, else built with Go, once per version. To be sourced.
# Who sources it sets VERSION.

readonly CACHE=${XDG_CACHE_HOME:-${HOME:-.}/.cache}/holdfast

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
fail() {
  say "$@"
  exit 1
}

# Name of this machine in the names of a release's archives.
platform() {
  case "$(uname -s)/$(uname -m)" in
    Linux/x86_64) echo linux_amd64 ;;
    Linux/aarch64 | Linux/arm64) echo linux_arm64 ;;
    Darwin/x86_64) echo darwin_amd64 ;;
    Darwin/arm64) echo darwin_arm64 ;;
    *) say 'there is no release for this machine' && return 1 ;;
  esac
}

# Unpacks the files $2 (spaces between them) of the release at the URL $3 into the folder $1.
unpack_release() {
  local files
  read -ra files <<<"$2"
  say "downloading $3"
  curl -fsSL --connect-timeout 5 --max-time 60 -o "$1/archive.tar.gz" "$3" &&
    tar -xzf "$1/archive.tar.gz" -C "$1" "${files[@]}"
}

cached() { echo "$CACHE/$1-$VERSION"; }

# Whether all the binaries of these names are in the cache.
all_cached() {
  local name
  for name in "$@"; do [ -x "$(cached "$name")" ] || return 1; done
}

# Gets binaries by `$1 <folder>`, which puts them there under the names that follow. Each enters the cache by a rename: never
# half of it, whoever else does the same.
cache_by() {
  local way=$1 scratch name
  shift
  mkdir -p "$CACHE" && scratch=$(mktemp -d "$CACHE/tmp.XXXXXX") || return 1
  if "$way" "$scratch" && all_work "$scratch" "$@"; then
    for name in "$@"; do mv -f "$scratch/$name" "$(cached "$name")"; done
  else
    say "$way failed"
  fi
  rm -rf "$scratch"
  all_cached "$@"
}

all_work() {
  local folder=$1 name
  shift
  for name in "$@"; do "$folder/$name" --version >/dev/null || return 1; done
}
