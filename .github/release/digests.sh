#!/usr/bin/env bash
# Writes the list that the launcher trusts: `digests.sh VERSION REPOSITORY FOLDER` puts the archives of that version in
# FOLDER at the end of `.github/launcher/digests.txt`, and says where releases lie.
#
# Refuses to say a second thing about an archive that has a line already.
set -euo pipefail

version=$1 repository=$2 folder=$3
list=$(cd "$(dirname "${BASH_SOURCE[0]}")/../launcher" && pwd)/digests.txt
server=${GITHUB_SERVER_URL:-https://github.com}
new=$(mktemp)
trap 'rm -f "$new"' EXIT

sed '/^# releases: /d' "$list" >"$new"
found=0
for archive in "$folder"/homeostat-"$version"-*.tar.gz; do
  [ -f "$archive" ] || continue
  name=${archive##*/}
  line="$(sha256sum <"$archive" | cut -c 1-64)  $name"
  if grep -qF "  $name" "$new" && ! grep -qxF "$line" "$new"; then
    echo "$name has another digest already; a release is never made twice, take a new version." >&2
    exit 1
  fi
  grep -qxF "$line" "$new" || printf '%s\n' "$line" >>"$new"
  found=$((found + 1))
done
if [ "$found" = 0 ]; then
  echo "There is no archive of $version in $folder." >&2
  exit 1
fi
printf '# releases: %s/%s/releases/download\n' "$server" "$repository" >>"$new"
cat "$new" >"$list"
