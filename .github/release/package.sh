#!/usr/bin/env bash
# Packs one program as the launcher expects it: `package.sh VERSION PLATFORM PROGRAM FOLDER` writes
# `FOLDER/homeostat-VERSION-PLATFORM.tar.gz`. The same input gives the same bytes where tar is GNU's.
#
# Completions and the manual page go with it where the program can be run here and has them.
set -euo pipefail

version=$1 platform=$2 program=$3 out=$4
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
inner="homeostat-$version-$platform"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

name=homeostat
case $platform in *-windows) name=homeostat.exe ;; esac
mkdir -p "$work/$inner" "$out"
cp "$program" "$work/$inner/$name"
chmod 755 "$work/$inner/$name"
cp "$root/LICENSE" "$root/README.md" "$root/CHANGELOG.md" "$work/$inner/"

if "$program" completions --help >/dev/null 2>&1; then
  mkdir "$work/$inner/completions"
  for shell in bash zsh fish powershell elvish; do
    "$program" completions "$shell" >"$work/$inner/completions/homeostat.$shell"
  done
fi
if "$program" man --help >/dev/null 2>&1; then "$program" man >"$work/$inner/homeostat.1"; fi

out=$(cd "$out" && pwd)
cd "$work"
if tar --version 2>/dev/null | grep -q GNU; then
  tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@${SOURCE_DATE_EPOCH:-0}" -cf - "$inner" | gzip -n -9 >"$out/$inner.tar.gz"
else
  tar -czf "$out/$inner.tar.gz" "$inner"
fi
echo "$out/$inner.tar.gz"
