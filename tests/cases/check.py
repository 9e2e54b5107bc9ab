#!/usr/bin/env python3
"""Checks that every evaluation case, and every demo repository, is what it claims to be.

What it is for: a case is worth something only if its bug is genuine. For each folder this script copies the
buggy tree elsewhere, runs its test command and asks for red, with the error of the report in the output and at
least two passing tests; then it applies `solution.patch` to a second fresh copy and asks for green, with nothing
lost that passed before. It also checks the files around the tree: the keys of `case.yml`, the title line of
`report.md`, `expected.json`, that the patch touches only `fixed_files`, and that no build output lies in the tree.

What it refuses to do: it changes nothing in the folders it checks, needs no network, and installs nothing. A
case whose programs are missing is skipped and said so; it never counts as checked.

Usage: check.py [--jobs N] [NAME ...]      all cases and the demo fleet, or only those named
Exit:  0 all that could run are right, 1 something is wrong, 2 usage.
"""

import argparse
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CASES = Path(__file__).resolve().parent
DEMO = CASES.parent.parent / "templates" / "demo"
CASE_KEYS = {"language", "test_command", "needs", "fixed_files", "labels"}
DEMO_KEYS = {"slug", "language", "needs", "test_command", "description"}
LANGUAGES = {"javascript", "python", "rust", "go", "java"}
TIMEOUT = 300  # seconds; a compiler on a cold, busy machine
BUILD_OUTPUT = {"target", "build", "node_modules", "__pycache__"}

# The homes that a toolchain manager may need; nothing else of the caller's environment is passed on.
TOOLCHAIN_HOMES = ("RUSTUP_HOME", "CARGO_HOME", "JAVA_HOME", "GOROOT", "PYENV_ROOT")

# How each runner says that a test passed. Names are compared before and after.
PASSED = {
    # TAP, and the reporter that newer versions of Node use by themselves.
    "javascript": re.compile(r"^\s*(?:ok \d+ - (?P<name>.+?)(?: # .*)?|✔ (?P<spec>.+?) \([\d.]+ms\))$"),
    "java": re.compile(r"^ok \d+ - (?P<name>\S+)$"),
    "python": re.compile(r"^(?P<name>\w+ \([\w.]+\)) \.\.\. ok$"),
    "rust": re.compile(r"^test (?P<name>\S+) \.\.\. ok$"),
    "go": re.compile(r"^\s*--- PASS: (?P<name>\S+)"),
}


def read_flat_yaml(text):
    """Reads the little YAML that these files use: `key: value`, `key: [a, b]`, comments."""
    values = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        key, colon, value = line.partition(": ")
        if not colon or key != key.strip():
            raise ValueError(f"line {number} is not `key: value`: {line!r}")
        value = value.strip()
        if value.startswith("[") and value.endswith("]"):
            values[key] = [part.strip() for part in value[1:-1].split(",") if part.strip()]
        else:
            if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
                value = value[1:-1]
            values[key] = value
    return values


def run_tests(command, tree, scratch):
    """Runs a test command as Homeostat would: a minimal environment with a private home."""
    home, tmp = scratch / "home", scratch / "tmp"
    home.mkdir(exist_ok=True)
    tmp.mkdir(exist_ok=True)
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "TMPDIR": str(tmp),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "CI": "true",
    }
    for name, fallback in (("RUSTUP_HOME", ".rustup"), ("CARGO_HOME", ".cargo")):
        folder = Path.home() / fallback
        if folder.is_dir():
            env[name] = str(folder)
    env.update({name: os.environ[name] for name in TOOLCHAIN_HOMES if name in os.environ})
    started = time.monotonic()
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=tree,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=TIMEOUT,
        check=False,
    )
    return done.returncode, done.stdout.decode("utf-8", "replace"), time.monotonic() - started


def passed_tests(language, output):
    pattern = PASSED[language]
    return {next(filter(None, m.groups())) for m in map(pattern.match, output.splitlines()) if m}


# Where a report says what went wrong: `TypeError: m` and `pkg.module.Name: m`, `panic: m`, the line under the head
# of a Rust panic, a Go test's own complaint, and the error of a TAP block on one line or on the next.
ERRORS = [
    re.compile(r"^[ \t]*(?:Exception in thread \"[^\"]*\" )?(?P<e>(?:[\w$]+\.)*\w*(?:Error|Exception)(?: \[\w+\])?(?:: .+)?)$", re.M),
    re.compile(r"^(?P<e>(?:[a-z_]\w*\.)+[A-Z]\w*: .+)$", re.M),
    re.compile(r"^(?P<e>panic: (?:runtime error: )?.+?)(?: \[recovered\])?$", re.M),
    re.compile(r"panicked at \S+:\d+:\d+:\n(?P<e>.+)"),
    re.compile(r"^[ \t]+\w+_test\.go:\d+: (?P<e>.+)$", re.M),
    re.compile(r"^[ \t]*error: (?P<q>['\"])(?P<e>.+)(?P=q)$", re.M),
    re.compile(r"^[ \t]*error: \|-\n[ \t]*(?P<e>.+)$", re.M),
]


def reported_errors(report):
    """The errors that a report carries, each as it is written there."""
    return [match["e"].strip() for pattern in ERRORS for match in pattern.finditer(report)]


def same_type(error, output):
    """True where at least the error's type occurs: runtimes change their wording from version to version."""
    match = re.match(r"^((?:[\w$]+\.)*\w*(?:Error|Exception))\b", error)
    return match is not None and match[1] in output


def same_error(error, output):
    """True where the output carries the error, with or without its type in front (TAP shows the message alone)."""
    message = re.sub(r"^[\w.$]+(?: \[\w+\])?: ", "", error)
    return error in output or message in output


def check_tree(repo, language, command, patch, reports):
    """Runs a repository before and after its patch; returns (problems, facts)."""
    problems, notes = [], {}
    with tempfile.TemporaryDirectory(prefix="case-") as folder:
        scratch = Path(folder)
        before, after = scratch / "before", scratch / "after"
        shutil.copytree(repo, before)
        shutil.copytree(repo, after)
        code, output, seconds = run_tests(command, before, scratch)
        passed = passed_tests(language, output)
        if code == 0:
            problems.append("the tests are green although the bug is there")
        if len(passed) < 2:
            problems.append(f"only {len(passed)} tests pass before the fix:\n{output[-2000:]}")
        for name, report in reports:
            errors = reported_errors(report)
            if not errors:
                problems.append(f"{name}: no error was recognised in it")
            elif any(same_error(e, output) for e in errors):
                pass
            elif any(same_type(e, output) for e in errors):
                notes["wording"] = "of this runtime differs"
            else:
                problems.append(f"{name}: none of {errors} occurs in the output:\n{output[-3000:]}")
        if patch is None:
            return problems, {"before": seconds, "passed": len(passed)}
        apply = subprocess.run(
            ["git", "apply", "--whitespace=error-all", str(patch)],
            cwd=after,
            env={**os.environ, "GIT_CEILING_DIRECTORIES": folder},
            capture_output=True,
            text=True,
            check=False,
        )
        if apply.returncode != 0:
            problems.append(f"solution.patch does not apply: {apply.stderr.strip()}")
            return problems, {"before": seconds, "passed": len(passed)}
        code, output, seconds_after = run_tests(command, after, scratch)
        passed_after = passed_tests(language, output)
        if code != 0:
            problems.append(f"the tests are red after the fix:\n{output[-3000:]}")
        if not passed < passed_after:
            problems.append(f"passed before but not after: {sorted(passed - passed_after)}; new: {sorted(passed_after - passed)}")
    facts = {"before": seconds, "after": seconds_after, "passed": len(passed), "fixed": len(passed_after) - len(passed)}
    return problems, {**facts, **notes}


def patched_files(patch):
    return sorted(line[6:] for line in patch.read_text(encoding="utf-8").splitlines() if line.startswith("+++ b/"))


def litter(folder):
    """Build output that git knows about; what is only ignored by git does not matter."""
    listed = subprocess.run(["git", "ls-files", "--", "."], cwd=folder, capture_output=True, text=True, check=False)
    return [name for name in listed.stdout.splitlines() if BUILD_OUTPUT & set(Path(name).parts)]


def check_case(folder, expected):
    problems = []
    settings = read_flat_yaml((folder / "case.yml").read_text(encoding="utf-8"))
    if unknown := set(settings) - CASE_KEYS:
        problems.append(f"case.yml has unknown keys {sorted(unknown)}")
    if settings.get("language") not in LANGUAGES:
        problems.append(f"case.yml: language {settings.get('language')!r}")
    report = (folder / "report.md").read_text(encoding="utf-8")
    if not report.startswith("# "):
        problems.append("report.md does not start with `# title`")
    entry = expected.get(folder.name)
    if entry is None or entry.get("expected") not in {"fixed", "unfixed"}:
        problems.append("expected.json has no word for it")
    elif (entry["expected"] == "fixed") != ("pattern" in entry):
        problems.append("expected.json: exactly the fixed ones name a pattern")
    patch = folder / "solution.patch"
    if patched_files(patch) != sorted(settings["fixed_files"]):
        problems.append(f"solution.patch touches {patched_files(patch)}, fixed_files says {settings['fixed_files']}")
    if found := litter(folder):
        problems.append(f"build output is committed: {found[:3]}")
    if missing := [p for p in settings.get("needs", []) if shutil.which(p) is None]:
        return "skipped", problems, {"missing": missing}
    more, facts = check_tree(
        folder / "repo", settings["language"], settings["test_command"], patch, [("report.md", report)]
    )
    problems += more
    return ("wrong" if problems else "right"), problems, facts


def check_demo(folder, _expected):
    problems = []
    settings = read_flat_yaml((folder / "demo.yml").read_text(encoding="utf-8"))
    if set(settings) != DEMO_KEYS:
        problems.append(f"demo.yml has the keys {sorted(settings)}, wants {sorted(DEMO_KEYS)}")
    if settings.get("slug") != f"demo/{folder.name}":
        problems.append(f"demo.yml: slug {settings.get('slug')!r}")
    reports = []
    for issue in sorted((folder / "issues").glob("*.md")):
        text = issue.read_text(encoding="utf-8")
        match = re.match(r"---\n(.*?)\n---\n(.*)", text, re.S)
        if not match or "title" not in read_flat_yaml(match[1]):
            problems.append(f"{issue.name} has no front matter with a title")
        elif "enhancement" not in match[1]:  # a wish carries no error
            reports.append((issue.name, match[2]))
    if found := litter(folder):
        problems.append(f"build output is committed: {found[:3]}")
    if missing := [p for p in settings.get("needs", []) if shutil.which(p) is None]:
        return "skipped", problems, {"missing": missing}
    patch = folder / "solution.patch"
    more, facts = check_tree(
        folder / "repo", settings["language"], settings["test_command"], patch if patch.exists() else None, reports
    )
    problems += more
    return ("wrong" if problems else "right"), problems, facts


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="only these cases or demo repositories")
    parser.add_argument("--jobs", type=int, default=2, help="how many to run at once (default 2)")
    args = parser.parse_args()
    expected = json.loads((CASES / "expected.json").read_text(encoding="utf-8"))
    work = [(f.name, check_case, f) for f in sorted(CASES.iterdir()) if (f / "case.yml").exists()]
    work += [(f"demo/{f.name}", check_demo, f) for f in sorted(DEMO.iterdir()) if (f / "demo.yml").exists()] if DEMO.is_dir() else []
    if args.names:
        if unknown := set(args.names) - {name for name, _, _ in work}:
            parser.error(f"no case named {sorted(unknown)}")
        work = [item for item in work if item[0] in args.names]
    elif stale := set(expected) - {name for name, _, _ in work}:
        parser.error(f"expected.json names cases that are not there: {sorted(stale)}")
    counts = {"right": 0, "wrong": 0, "skipped": 0}
    with concurrent.futures.ThreadPoolExecutor(max_workers=max(1, args.jobs)) as pool:
        runs = [(name, pool.submit(check, folder, expected)) for name, check, folder in work]
        for name, run in runs:
            try:
                verdict, problems, facts = run.result()
            except (OSError, ValueError, KeyError, subprocess.TimeoutExpired) as error:
                verdict, problems, facts = "wrong", [f"{type(error).__name__}: {error}"], {}
            counts[verdict] += 1
            told = ", ".join(f"{k} {v:.1f}s" if isinstance(v, float) else f"{k} {v}" for k, v in facts.items())
            print(f"{verdict:8} {name:36} {told}", flush=True)
            for problem in problems:
                print(f"         {problem}", flush=True)
    print(", ".join(f"{count} {verdict}" for verdict, count in counts.items()))
    return 1 if counts["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
