# Shared by `.ci/run` and `.ci/full`: steps that say what they do and how long they took, and tools that are
# installed where they are missing. Sourced, never run.
# shellcheck shell=bash

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT"
TOOLS="$ROOT/target/ci-tools"
mkdir -p "$TOOLS"
export PATH="$TOOLS/python/bin:$TOOLS/cargo/bin:${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"

# One job a core, unless the caller knows better: a shared machine asks for fewer.
cores() { getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2; }
: "${CARGO_BUILD_JOBS:=$(cores)}"
export CARGO_BUILD_JOBS
export CARGO_TERM_COLOR="${CARGO_TERM_COLOR:-never}" RUST_BACKTRACE="${RUST_BACKTRACE:-1}"
# A clean checkout is built once: what serves the next edit only costs disk there.
if [ -n "${CI:-}" ]; then export CARGO_INCREMENTAL="${CARGO_INCREMENTAL:-0}"; fi

have() { command -v "$1" >/dev/null 2>&1; }
say() { printf '%s\n' "$*"; }

# Where the pinned toolchain is not installed and cannot be fetched, an equal or newer default will do.
choose_toolchain() {
  local pinned
  pinned=$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)
  have rustup || return 0
  if rustup run "$pinned" rustc --version >/dev/null 2>&1; then return 0; fi
  if rustup toolchain install "$pinned" --profile minimal -c clippy -c rustfmt >/dev/null 2>&1; then return 0; fi
  RUSTUP_TOOLCHAIN=$(rustup default | awk '{print $1}')
  export RUSTUP_TOOLCHAIN
  say "toolchain: $pinned cannot be had, using $RUSTUP_TOOLCHAIN ($(rustc --version))"
}

# Runs one function as a step: `step "what it does" function`.
# It runs in a shell of its own with -e, since a function called in a condition loses it.
step() {
  local what=$1 name=$2 start=$SECONDS code=0
  say ""
  say "==> $name: $what"
  set +e
  (set -euo pipefail; "$name")
  code=$?
  set -e
  if [ "$code" -ne 0 ]; then
    say "<== $name: FAILED with exit code $code after $((SECONDS - start)) s"
    exit "$code"
  fi
  say "<== $name: done in $((SECONDS - start)) s"
}

# A step that cannot run here says so and why; hosted CI has every tool.
skip() { say "    skipped: $*"; }

# Installs a Debian package where that is possible, and is quiet where it is not.
apt_install() {
  [ "$(id -u)" = 0 ] && have apt-get || return 1
  if [ ! -e "$TOOLS/apt-updated" ]; then
    apt-get update -qq >/dev/null 2>&1 || return 1
    touch "$TOOLS/apt-updated"
  fi
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1
}

# Builds a cargo tool once, unoptimised: it is run for seconds, and waiting for an optimiser costs minutes.
# It lands in cargo's own folder, which machines and caches keep.
cargo_tool() {
  local tool=$1 version=$2
  if have "$tool"; then return 0; fi
  say "    installing $tool $version"
  cargo install --quiet --locked --debug --target-dir "$TOOLS/build" "$tool@$version" || return 1
  rm -rf "$TOOLS/build"
}
