"""Holds the pure layers to a least line coverage.

Reads the JSON summary of cargo-llvm-cov, prints one line a module, and exits 1 below the threshold.
Test modules in files of their own do not count; they would flatter the number.

Usage: coverage.py SUMMARY PERCENT
"""

import json
import sys
from collections import defaultdict
from pathlib import PurePosixPath

# Layers 0 to 2; the row of a port is its rules, since a trait has no lines to run.
LAYERS = (
    "model redact config intake fingerprint pattern ai guardrail budget gate proof render plan event history"
).split()
RULES = ("forge/rules",)


def module_of(path: str) -> str | None:
    """The module of layers 0 to 2 that a file belongs to, if it does."""
    parts = PurePosixPath(path.replace("\\", "/")).parts
    if "src" not in parts:
        return None
    inside = parts[len(parts) - parts[::-1].index("src") :]
    if "tests" in [PurePosixPath(part).stem for part in inside]:
        return None
    name = "/".join(inside).removesuffix(".rs")
    for rule in RULES:
        if name == rule or name.startswith(rule + "/"):
            return rule
    top = name.split("/")[0]
    return top if top in LAYERS else None


def main() -> int:
    summary, least = sys.argv[1], float(sys.argv[2])
    with open(summary, encoding="utf-8") as file:
        files = json.load(file)["data"][0]["files"]
    lines: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for entry in files:
        module = module_of(entry["filename"])
        if module is None:
            continue
        counted = entry["summary"]["lines"]
        lines[module][0] += counted["covered"]
        lines[module][1] += counted["count"]
    covered = sum(pair[0] for pair in lines.values())
    count = sum(pair[1] for pair in lines.values())
    if count == 0:
        print("    no line of layers 0 to 2 is there yet")
        return 0
    for module, (hit, total) in sorted(lines.items()):
        print(f"    {module:<12} {100 * hit / max(total, 1):6.2f} %  {hit}/{total}")
    percent = 100 * covered / count
    print(f"    {'all':<12} {percent:6.2f} %  {covered}/{count}, at least {least:g} % wanted")
    return 0 if percent >= least else 1


if __name__ == "__main__":
    sys.exit(main())
