"""Makes repositories with real content: the demo fleet of `templates/demo`, on the emulator and as bare repositories.

The objects of both have the same ids: git makes them here, the emulator makes them from the same content, and what
differs is an error. Issues come from the fleet too, filed by a person who may write.
"""

import base64
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from emulator import Api, Broken

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "templates" / "demo"
WHEN = "2026-01-05T08:00:00Z"
PERSON = {"name": "Ada", "email": "ada@example.org"}
MESSAGE = "First version\n"


def git(*arguments: str, cwd: Path, stdin: bytes | None = None) -> str:
    """Runs git with an identity and a configuration of its own."""
    env = {"PATH": os.environ["PATH"], "HOME": str(cwd), "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    for role in ("AUTHOR", "COMMITTER"):
        env |= {f"GIT_{role}_NAME": PERSON["name"], f"GIT_{role}_EMAIL": PERSON["email"], f"GIT_{role}_DATE": WHEN}
    done = subprocess.run(["git", *arguments], cwd=cwd, env=env, input=stdin, capture_output=True, check=False)
    if done.returncode != 0:
        raise Broken(f"git {' '.join(arguments)} ended with {done.returncode}: {done.stderr.decode(errors='replace')}")
    return done.stdout.decode().strip()


@dataclass
class Report:
    """An issue of the demo fleet."""

    title: str
    labels: list[str]
    body: str


@dataclass
class Project:
    """One repository of the fleet, ready to be given to any owner."""

    name: str
    test_command: str
    commit: str
    tree: str
    solved: dict[str, tuple[str, str]]
    bare: Path
    reports: list[Report] = field(default_factory=list)
    # The log of the job that failed, where that is the report.
    log: bytes | None = None
    files: list[tuple[str, str, bytes]] = field(default_factory=list)


def read_report(path: Path) -> Report:
    """Reads front matter that is one line for each key, as the fleet's is."""
    _, head, body = path.read_text(encoding="utf-8").split("---\n", 2)
    keys = dict(line.split(": ", 1) for line in head.strip().splitlines())
    labels = [label.strip() for label in keys["labels"].strip("[]").split(",")]
    return Report(keys["title"].strip('"'), labels, body)


def listed(folder: Path, tree: str) -> dict[str, tuple[str, str]]:
    """Returns the files of a tree: path, then mode and id."""
    found = {}
    for line in git("ls-tree", "-r", "-z", tree, cwd=folder).split("\0"):
        if line:
            facts, path = line.split("\t", 1)
            mode, _, sha = facts.split(" ")
            found[path] = (mode, sha)
    return found


def log_of(command: str, tests: subprocess.CompletedProcess) -> bytes:
    """Writes what a command said as a workflow's log has it."""
    lines = [f"##[group]Run {command}", f"{command}", "shell: /usr/bin/bash -e {0}", "##[endgroup]"]
    lines += tests.stdout.decode().splitlines()
    lines.append(f"##[error]Process completed with exit code {tests.returncode}.")
    return "".join(f"2026-01-05T08:10:{number % 60:02}.0000000Z {line}\r\n" for number, line in enumerate(lines)).encode()


def failing(command: str, work: Path) -> bytes:
    """Runs the project's own tests as its CI would, and returns the log."""
    ground = work.with_suffix(".ci")
    shutil.copytree(work, ground, ignore=shutil.ignore_patterns(".git"))
    tests = subprocess.run(["/bin/sh", "-c", command], cwd=ground, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    shutil.rmtree(ground)
    if tests.returncode == 0:
        raise Broken(f"{command} is green in {work.name}, so its log shows no failure")
    return log_of(command, tests)


def project(name: str, folder: Path, from_log: str | None = None) -> Project:
    """Makes the bare repository of one project of the fleet; with `from_log` under that name, without its issues, and
    with the log of its own failing tests instead."""
    source, name = DEMO / name, from_log or name
    work, bare = folder / f"{name}.work", folder / f"{name}.git"
    shutil.copytree(source / "repo", work)
    git("init", "--quiet", "--initial-branch=main", cwd=work)
    # Bytes count: nothing is converted on the way in.
    git("-c", "core.autocrlf=false", "add", "--all", "--force", cwd=work)
    tree = git("write-tree", cwd=work)
    commit = git("commit-tree", tree, cwd=work, stdin=MESSAGE.encode())
    git("update-ref", "refs/heads/main", commit, cwd=work)
    git("clone", "--quiet", "--bare", str(work), str(bare), cwd=folder)
    entries = listed(work, tree)
    files = [(path, mode, (work / path).read_bytes()) for path, (mode, _) in sorted(entries.items())]
    # What a person would change is what the library's pattern makes, to the byte; so the pull request's tree is known.
    git("apply", "--index", str(source / "solution.patch"), cwd=work)
    solved = listed(work, git("write-tree", cwd=work))
    settings = dict(line.split(": ", 1) for line in (source / "demo.yml").read_text().splitlines())
    made = Project(name, settings["test_command"], commit, tree, solved, bare, files=files)
    if from_log:
        git("reset", "--quiet", "--hard", commit, cwd=work)
        made.log = failing(made.test_command, work)
    else:
        made.reports = [read_report(path) for path in sorted((source / "issues").glob("*.md"))]
    shutil.rmtree(work)
    return made


@dataclass
class Tenant:
    """One scenario's world: an owner, a bot, an operator's repository and its fleet."""

    name: str
    folder: Path
    projects: list[Project]

    @property
    def owner(self) -> str:
        return f"{self.name}-people"

    @property
    def bot(self) -> str:
        return f"{self.name}-bot"

    @property
    def operator(self) -> str:
        return f"{self.owner}/operations"

    @property
    def owner_token(self) -> str:
        return f"owner-of-{self.name}"

    @property
    def bot_token(self) -> str:
        # The prefix of a personal token: several repositories may be configured for it.
        return f"ghp_{self.name.replace('-', '')}Zq8RtVx2LmPw5KdYb3Nc7"

    @property
    def read_token(self) -> str:
        return f"ghp_{self.name.replace('-', '')}Hd6WsQj9TfXk4RuMz1Gv8"

    def logins(self) -> dict[str, str]:
        return {self.owner_token: self.owner, self.bot_token: self.bot}

    def slug(self, one: Project) -> str:
        return f"{self.owner}/{one.name}"

    def seed(self, api: Api) -> None:
        """Fills the emulator, and puts bare repositories where the run clones from."""
        self._repository(api, "operations", auto_init=True)
        lines = ["version: 1", "repositories:"]
        for one in self.projects:
            self._repository(api, one.name, auto_init=False)
            self._content(api, one)
            for report in one.reports:
                issue = {"title": report.title, "body": report.body, "labels": report.labels}
                self._labels(api, one, report.labels)
                api.ask("POST", f"/repos/{self.slug(one)}/issues", issue)
            place = self.folder / "bare" / self.owner / f"{one.name}.git"
            shutil.copytree(one.bare, place)
            lines += [f"  - slug: {self.slug(one)}", f"    test_command: {one.test_command}"]
        config = self.folder / "repos.yml"
        config.write_text("\n".join(lines) + "\n")

    def _repository(self, api: Api, name: str, auto_init: bool) -> None:
        api.ask("POST", "/user/repos", {"name": name, "auto_init": auto_init})
        api.ask("PUT", f"/repos/{self.owner}/{name}/collaborators/{self.bot}", {"permission": "push"})

    def _labels(self, api: Api, one: Project, labels: list[str]) -> None:
        known = {label["name"] for label in api.all(f"/repos/{self.slug(one)}/labels")}
        for label in labels:
            if label not in known:
                api.ask("POST", f"/repos/{self.slug(one)}/labels", {"name": label, "color": "ededed"})

    def _content(self, api: Api, one: Project) -> None:
        base = f"/repos/{self.slug(one)}/git"
        entries = []
        for path, mode, content in one.files:
            blob = {"content": base64.b64encode(content).decode(), "encoding": "base64"}
            sha = api.ask("POST", f"{base}/blobs", blob)["sha"]
            entries.append({"path": path, "mode": mode, "type": "blob", "sha": sha})
        tree = api.ask("POST", f"{base}/trees", {"tree": entries})["sha"]
        who = PERSON | {"date": WHEN}
        commit = {"message": MESSAGE, "tree": tree, "parents": [], "author": who, "committer": who}
        made = api.ask("POST", f"{base}/commits", commit)["sha"]
        if (tree, made) != (one.tree, one.commit):
            raise Broken(f"the emulator made {tree} and {made} of what git makes {one.tree} and {one.commit}")
        api.ask("POST", f"{base}/refs", {"ref": "refs/heads/main", "sha": made})
