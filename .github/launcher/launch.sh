#!/usr/bin/env bash
# Gets the program for this machine and runs it: `launch.sh get`, then `launch.sh run`; `action.yml` calls both.
#
# `get` downloads the archive of a release and refuses it unless its SHA-256 stands in `digests.txt` beside this file.
# Only where no line fits is the program built, from the source that this file came with; a wrong digest is never a
# reason for that. `run` maps inputs to options, one argument each. Nothing is evaluated, nothing is expanded, nothing
# is run before it was checked, and no token is near while something is fetched or built.
#
# Kept to what the bash 3.2 of macOS and the one of Git for Windows understand.
set -euo pipefail
# No names from the folder that a step happens to stand in.
set -f
umask 077

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
# The program has 40 MB at most, and its archive about a third of that.
readonly MOST_BYTES=$((96 * 1024 * 1024))
readonly TRIES=3 CONNECT_SECONDS=10 WHOLE_SECONDS=180

# The exit codes of the program, by what they mean.
readonly FINDING=1 CONFIG=2 RETRYABLE=4 INTERNAL=70

class_of() {
  case $1 in
    0) echo ok ;;
    "$FINDING") echo finding ;;
    "$CONFIG") echo config ;;
    3) echo refused ;;
    "$RETRYABLE") echo retryable ;;
    5) echo budget ;;
    *) echo internal ;;
  esac
}

# What a workflow command may carry in one line.
escaped() {
  local text=$1
  text=${text//'%'/%25}
  text=${text//$'\r'/%0D}
  text=${text//$'\n'/%0A}
  printf '%s' "$text"
}

say() { printf '%s\n' "$*" >&2; }

output() {
  [ -n "${GITHUB_OUTPUT:-}" ] || return 0
  printf '%s=%s\n' "$1" "$2" >>"$GITHUB_OUTPUT"
}

# Ends with a code and a sentence: in the log, as an annotation, in the summary and as the output `exit-class`.
fail() {
  local code=$1 message=$2 shown
  if [ "${GITHUB_ACTIONS:-}" = true ]; then
    # The runner reads both streams for commands, and standard output may be somebody's value just now.
    printf '::error title=Homeostat::%s\n' "$(escaped "$message")" >&2
  else
    say "error: $message"
  fi
  output exit-class "$(class_of "$code")"
  if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then
    # A code span of one line: whatever was asked for is shown as it is.
    shown=${message//$'\n'/ }
    shown=${shown//'`'/\'}
    # shellcheck disable=SC2016 # The accents are markup.
    printf '**Homeostat** did not start (exit class `%s`, code %s).\n\n`%s`\n' \
      "$(class_of "$code")" "$code" "$shown" >>"$GITHUB_STEP_SUMMARY"
  fi
  exit "$code"
}

# --- get -----------------------------------------------------------------------------------------------------------

# Neither a download nor a build script needs a secret, so none is left for them.
forget_secrets() {
  local name
  for name in $(compgen -e); do
    case $name in
      *TOKEN* | *SECRET* | *PASSWORD* | *_KEY | *_KEY_FILE) unset "$name" ;;
    esac
  done
}

# The platform as archives name it, or nothing.
platform() {
  local system machine
  system=$(uname -s)
  machine=$(uname -m)
  case $machine in
    x86_64 | amd64) machine=x86_64 ;;
    aarch64 | arm64) machine=aarch64 ;;
    *) return 0 ;;
  esac
  case $system-$machine in
    Linux-*) echo "$machine-linux" ;;
    Darwin-*) echo "$machine-macos" ;;
    MINGW*-x86_64 | MSYS*-x86_64 | CYGWIN*-x86_64) echo "$machine-windows" ;;
  esac
}

own_version() { sed -n 's/^version = "\(.*\)"$/\1/p' "$ROOT/Cargo.toml" | head -n 1; }

# The digest of an archive by the list beside this file, or nothing. Two different ones are a broken list.
digest_of() {
  local found
  found=$(tr -d '\r' <"$HERE/digests.txt" | awk -v name="$1" '!/^#/ && NF == 2 && $2 == name { print $1 }' | sort -u)
  [ -n "$found" ] || return 0
  if ! [[ $found =~ ^[0-9a-f]{64}$ ]]; then
    fail "$CONFIG" "The list of digests says nothing clear about $1; take the action from an unchanged commit."
  fi
  echo "$found"
}

sha256_of() {
  if command -v sha256sum >/dev/null 2>&1; then
    sha256sum <"$1" | cut -c 1-64
  elif command -v shasum >/dev/null 2>&1; then
    shasum -a 256 <"$1" | cut -c 1-64
  elif command -v openssl >/dev/null 2>&1; then
    openssl dgst -sha256 -r <"$1" | cut -c 1-64
  else
    fail "$CONFIG" "There is no sha256sum, shasum or openssl, so the program cannot be checked; install one of them."
  fi
}

# Where the archives lie: the release workflow writes it into the list of digests, so a copy of the action asks there
# too. Anything but HTTPS is for tests on this machine.
release_address() {
  local base=${HOMEOSTAT_RELEASE_URL:-}
  if [ -z "$base" ]; then
    base=$(tr -d '\r' <"$HERE/digests.txt" | sed -n 's/^# releases: //p' | head -n 1)
    [ -n "$base" ] || fail "$CONFIG" "The list of digests does not say where releases lie; set HOMEOSTAT_RELEASE_URL."
  fi
  if ! [[ $base =~ ^https://[^@[:space:]]+$ || $base =~ ^http://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]+)?(/[^@[:space:]]*)?$ ]]; then
    fail "$CONFIG" "The address of releases has to begin with https://, and must not name a user."
  fi
  echo "${base%/}"
}

# Fetches an address into a file, with a limit on time and size: 0 fetched, 1 not there, 2 no answer, 3 too large.
fetch() {
  local address=$1 file=$2 try status code protocol=${1%%:*}
  for ((try = 1; try <= TRIES; try++)); do
    [ "$try" = 1 ] || sleep "$((try - 1))"
    code=0
    # --disable comes first: no configuration of a person, and so no password of theirs, takes part. `head` counts
    # where a server does not say how much is to come.
    curl --disable --silent --show-error --fail --location --max-redirs 5 \
      --proto "=$protocol" --proto-redir "=$protocol" --connect-timeout "$CONNECT_SECONDS" --max-time "$WHOLE_SECONDS" \
      --user-agent homeostat-launcher --dump-header "$file.head" "$address" 2>"$file.said" |
      head -c "$((MOST_BYTES + 1))" >"$file" || code=$?
    if [ "$(wc -c <"$file")" -gt "$MOST_BYTES" ]; then return 3; fi
    if [ "$code" = 0 ]; then return 0; fi
    status=$(tr -d '\r' <"$file.head" 2>/dev/null | awk '/^HTTP\// { status = $2 } END { print status }')
    case $status in
      401 | 403 | 404 | 410) return 1 ;;
    esac
    say "Try $try of $TRIES: $(head -c 300 "$file.said" | tr '\n' ' ')"
  done
  return 2
}

# Leaves the checked archive in the given file, from the tool cache or from the release.
obtain() {
  local version=$1 archive=$2 digest=$3 file=$4 kept="" found how=0 base
  if [ -n "${RUNNER_TOOL_CACHE:-}" ]; then kept="$RUNNER_TOOL_CACHE/homeostat/$version/$digest.tar.gz"; fi
  # Other jobs can write where archives are kept: the copy is private first, and checked then.
  if [ -n "$kept" ] && [ -f "$kept" ] && cp "$kept" "$file" 2>/dev/null; then
    if [ "$(sha256_of "$file")" = "$digest" ]; then
      say "Homeostat $version was fetched before."
      return 0
    fi
    say "What was kept of Homeostat $version is not what was released; it is fetched again."
  fi
  base=$(release_address) || exit $?
  command -v curl >/dev/null 2>&1 || fail "$CONFIG" "There is no curl, so the program cannot be fetched; install it."
  fetch "$base/v$version/$archive" "$file" || how=$?
  case $how in
    0) ;;
    1) fail "$CONFIG" "The release v$version has no file $archive, though the list of digests names it; take another version." ;;
    3) fail "$FINDING" "$archive is larger than $((MOST_BYTES >> 20)) MiB, which no release is; it was not run." ;;
    *) fail "$RETRYABLE" "$archive could not be fetched in $TRIES tries; see the log, and run the job again." ;;
  esac
  found=$(sha256_of "$file")
  if [ "$found" != "$digest" ]; then
    fail "$FINDING" "$archive is not the file that was released: its SHA-256 is $found, and the action names $digest. It was not run. If the next try says the same, tell the people who make the action."
  fi
  if [ -n "$kept" ] && mkdir -p "${kept%/*}" 2>/dev/null; then
    # Under a name of its own until it is whole; a cache that cannot be written is none.
    { cp "$file" "$kept.$$" && mv -f "$kept.$$" "$kept"; } 2>/dev/null || rm -f "$kept.$$" 2>/dev/null || true
  fi
}

# Builds the program from the source beside this file.
build() {
  local why=$1 code=0
  command -v cargo >/dev/null 2>&1 ||
    fail "$CONFIG" "$why Building it needs the Rust toolchain, and there is no cargo; install it, or use a released version of the action."
  say "$why It is built from source, which takes some minutes."
  [ "${GITHUB_ACTIONS:-}" != true ] || echo "::group::Build Homeostat"
  (cd "$ROOT" && cargo build --locked --release --bin homeostat --target-dir "$ROOT/target") >&2 || code=$?
  [ "${GITHUB_ACTIONS:-}" != true ] || echo "::endgroup::"
  [ "$code" = 0 ] || fail "$INTERNAL" "Homeostat could not be built from source; the log above says why."
}

get() {
  local version place archive digest folder name=homeostat own
  forget_secrets
  own=$(own_version)
  version=${HOMEOSTAT_INPUT_VERSION:-}
  version=${version#v}
  version=${version:-$own}
  [[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.]+)?$ ]] ||
    fail "$CONFIG" "The version has to be three numbers, such as 1.4.0; it is $(printf '%s' "$version" | head -c 40 | tr -c '0-9A-Za-z.+-' '?')."
  place=$(platform)
  archive="homeostat-$version-$place.tar.gz"
  digest=""
  if [ -n "$place" ]; then digest=$(digest_of "$archive") || exit $?; fi
  case $place in *-windows) name=homeostat.exe ;; esac

  if [ -z "$digest" ]; then
    # What is built is the source beside this file, so another version cannot be had in this way.
    [ "$version" = "$own" ] ||
      fail "$CONFIG" "This commit of the action knows no digest of Homeostat $version for $(uname -sm); use the action's tag v$version, or leave the version out."
    build "There is no release of Homeostat $version for $(uname -sm) that this commit of the action names."
    output program "$ROOT/target/release/$name"
    return 0
  fi

  folder=$(mktemp -d "${RUNNER_TEMP:-${TMPDIR:-/tmp}}/homeostat.XXXXXXXX")
  obtain "$version" "$archive" "$digest" "$folder/archive"
  # Names without a colon, which tar on Windows takes for another machine.
  (cd "$folder" && tar -xzf archive "${archive%.tar.gz}/$name") ||
    fail "$FINDING" "$archive does not hold ${archive%.tar.gz}/$name; it was not run."
  if [ -L "$folder/${archive%.tar.gz}/$name" ] || [ ! -f "$folder/${archive%.tar.gz}/$name" ]; then
    fail "$FINDING" "$archive holds no program but something else; it was not run."
  fi
  rm -f "$folder/archive" "$folder/archive.said" "$folder/archive.head"
  chmod 700 "$folder/${archive%.tar.gz}/$name"
  say "Homeostat $version for $place, SHA-256 $digest."
  output program "$folder/${archive%.tar.gz}/$name"
}

# --- run -----------------------------------------------------------------------------------------------------------

# Asks the runner to hide a value in every log; short lines would hide half of it.
mask() {
  local line
  [ "${GITHUB_ACTIONS:-}" = true ] || return 0
  while IFS= read -r line || [ -n "$line" ]; do
    line=${line%$'\r'}
    if [ "${#line}" -ge 8 ]; then printf '::add-mask::%s\n' "$(escaped "$line")"; fi
  done <<<"$1"
}

# Adds an option where its input was given.
option() { if [ -n "$2" ]; then argv+=("$1" "$2"); fi; }

# Adds the words of `args`: one line is split at blanks; of several lines each is one word.
further() {
  local text=${1//$'\r'/} line word lines=0
  while IFS= read -r line; do if [ -n "${line// /}" ]; then lines=$((lines + 1)); fi; done <<<"$text"
  while IFS= read -r line; do
    if [ "$lines" -gt 1 ]; then
      line="${line#"${line%%[![:space:]]*}"}"
      line="${line%"${line##*[![:space:]]}"}"
      if [ -n "$line" ]; then argv+=("$line"); fi
    else
      # -f is set: words, and no names of files.
      for word in $line; do argv+=("$word"); done
    fi
  done <<<"$text"
}

# Runs the program so that a cancelled job ends it in good order, and leaves its exit code in `code`.
carry_out() {
  local child
  "$@" </dev/null &
  child=$!
  trap 'kill -TERM "$child" 2>/dev/null || true' INT TERM HUP
  while :; do
    code=0
    wait "$child" || code=$?
    kill -0 "$child" 2>/dev/null || break
  done
  trap - INT TERM HUP
}

run() {
  local program=${HOMEOSTAT_PROGRAM:-} command=${HOMEOSTAT_INPUT_COMMAND:-run} dry=${HOMEOSTAT_INPUT_DRY_RUN:-false}
  local name tag code=0 argv=()
  [ -n "$program" ] && [ -f "$program" ] || fail "$INTERNAL" "There is no program to run; the step before this one did not leave it."
  [[ $command =~ ^[a-z][a-z-]*(\ [a-z][a-z-]*)?$ ]] || fail "$CONFIG" "The command has to be a word such as run; homeostat --help lists them."

  for name in HOMEOSTAT_INPUT_TOKEN HOMEOSTAT_INPUT_READ_TOKEN HOMEOSTAT_INPUT_APP_KEY ANTHROPIC_API_KEY \
    OPENAI_API_KEY DEEPSEEK_API_KEY GEMINI_API_KEY OPENROUTER_API_KEY; do
    if [ -n "${!name:-}" ]; then mask "${!name}"; fi
  done
  if [ "$command" = propose ] && [ -n "${HOMEOSTAT_INPUT_APP_KEY:-}${HOMEOSTAT_APP_KEY:-}${HOMEOSTAT_APP_KEY_FILE:-}" ]; then
    fail "$CONFIG" "app-key was given to propose, which runs code of repositories; leave it out there, and give read-token."
  fi

  # Without a file the program would work on this repository under built-in settings, which nobody asked for here.
  if [ -n "${HOMEOSTAT_INPUT_CONFIG:-}" ] && [ ! -f "$HOMEOSTAT_INPUT_CONFIG" ]; then
    fail "$CONFIG" "There is no $HOMEOSTAT_INPUT_CONFIG here, which config names; check the repository out in a step before this one."
  fi
  # shellcheck disable=SC2206 # One or two words, as checked above.
  argv=($command)
  option --config "${HOMEOSTAT_INPUT_CONFIG:-}"
  option --repo "${HOMEOSTAT_INPUT_REPOSITORY:-}"
  option --issue "${HOMEOSTAT_INPUT_ISSUE:-}"
  option --shard "${HOMEOSTAT_INPUT_SHARD:-}"
  option --mode "${HOMEOSTAT_INPUT_MODE:-}"
  case $dry in
    true) argv+=(--dry-run) ;;
    false | "") ;;
    *) fail "$CONFIG" "dry-run is neither true nor false." ;;
  esac
  for tag in $(printf '%s' "${HOMEOSTAT_INPUT_TAGS:-}" | tr ',\r\n\t' '    '); do argv+=(--tag "$tag"); done
  further "${HOMEOSTAT_INPUT_ARGS:-}"

  export HOMEOSTAT_ENV=${HOMEOSTAT_INPUT_ENVIRONMENT:-production}
  if [ -n "${HOMEOSTAT_INPUT_SHARD:-}" ]; then export HOMEOSTAT_SHARD=$HOMEOSTAT_INPUT_SHARD; fi
  if [ -n "${HOMEOSTAT_INPUT_READ_TOKEN:-}" ]; then export HOMEOSTAT_READ_TOKEN=$HOMEOSTAT_INPUT_READ_TOKEN; fi
  if [ -n "${HOMEOSTAT_INPUT_APP_ID:-}" ]; then export HOMEOSTAT_APP_ID=$HOMEOSTAT_INPUT_APP_ID; fi
  if [ -n "${HOMEOSTAT_INPUT_APP_KEY:-}" ]; then export HOMEOSTAT_APP_KEY=$HOMEOSTAT_INPUT_APP_KEY; fi
  if [ -n "${HOMEOSTAT_INPUT_TOKEN:-}" ]; then export GITHUB_TOKEN=$HOMEOSTAT_INPUT_TOKEN; fi
  # What runs code of repositories gets no second token beside the one that can only read.
  if [ "$command" = propose ] && [ -n "${HOMEOSTAT_READ_TOKEN:-}${HOMEOSTAT_READ_TOKEN_FILE:-}" ]; then
    unset GITHUB_TOKEN GITHUB_TOKEN_FILE HOMEOSTAT_APP_ID
  fi
  # A variable that is not set arrives as an empty one.
  for name in HOMEOSTAT_STOP HOMEOSTAT_DRY_RUN; do if [ -z "${!name:-}" ]; then unset "$name"; fi; done
  for name in $(compgen -e); do
    case $name in HOMEOSTAT_INPUT_* | HOMEOSTAT_PROGRAM) unset "$name" ;; esac
  done

  carry_out "$program" ${argv[@]+"${argv[@]}"}
  exit "$code"
}

# Sees to it that a step says its class. Whatever `fail` did not say is a machine that lacks something: `get` has no
# other ends. Of `run` the code is the program's own.
said_nothing() { [ -n "${GITHUB_OUTPUT:-}" ] && ! grep -q '^exit-class[<=]' "$GITHUB_OUTPUT" 2>/dev/null; }
end_get() {
  local ended=$1
  if [ "$ended" != 0 ] && said_nothing; then
    fail "$INTERNAL" "The program could not be prepared on this machine; the log above says what it lacks."
  fi
  exit "$ended"
}
end_run() {
  local ended=$1
  if said_nothing; then output exit-class "$(class_of "$ended")"; fi
  exit "$ended"
}

case ${1:-} in
  get)
    trap 'end_get "$?"' EXIT
    get
    ;;
  run)
    trap 'end_run "$?"' EXIT
    run
    ;;
  *)
    say "usage: launch.sh get | launch.sh run"
    exit "$CONFIG"
    ;;
esac
