"""What has to be true on the emulator, asked through plain HTTP past the overlay.

Refuses to take the program's word for anything but its exit code.
"""

import json
import re
from dataclasses import dataclass

from emulator import Api, Broken
from fleet import Project, Tenant

OURS = "homeostat/"
STATE = "homeostat-state"
MARKER = re.compile(r"^<!-- homeostat:state (\{.*\}) -->$")


@dataclass
class Expected:
    """What one project's repository holds when all is done."""

    # For each pull request that is wanted: the issue that it closes; `None` where the report is a failed run.
    closes: list[int | None]
    # For each issue: how many comments of ours.
    comments: dict[int, int]


EXPECTED = {
    "invoice-kit": Expected(closes=[1], comments={1: 0, 2: 0}),
    "invoice-kit-ci": Expected(closes=[None], comments={}),
    "inventory-service": Expected(closes=[1], comments={1: 0, 2: 1}),
}


def require(truth: bool, sentence: str) -> None:
    if not truth:
        raise Broken(sentence)


class World:
    """One tenant's part of the emulator."""

    def __init__(self, api: Api, tenant: Tenant):
        self.api = api
        self.tenant = tenant

    def ours(self, one: Project) -> list[dict]:
        """Every pull request whose branch has our name, open or not."""
        pulls = self.api.all(f"/repos/{self.tenant.slug(one)}/pulls?state=all")
        return [pull for pull in pulls if pull["head"]["ref"].startswith(OURS)]

    def branches(self, slug: str) -> dict[str, str]:
        refs = self.api.get(f"/repos/{slug}/git/matching-refs/heads/{OURS}") or []
        return {ref["ref"].removeprefix("refs/heads/"): ref["object"]["sha"] for ref in refs}

    def state_files(self) -> list[str]:
        """The paths on the state branch."""
        slug = self.tenant.operator
        ref = self.api.get(f"/repos/{slug}/git/ref/heads/{STATE}")
        require(ref is not None, f"{slug} has no branch {STATE}")
        tree = self.api.get(f"/repos/{slug}/git/trees/{ref['object']['sha']}?recursive=1")
        require(not tree["truncated"], "the state's tree is cut")
        return [entry["path"] for entry in tree["tree"] if entry["type"] == "blob"]

    def never_two(self) -> None:
        """What holds at every moment, whatever broke: no failure has two pull requests."""
        for one in self.tenant.projects:
            heads = [pull["head"]["ref"] for pull in self.ours(one)]
            require(len(set(heads)) == len(heads), f"{self.tenant.slug(one)} has two pull requests for one branch: {heads}")
            wanted = len(EXPECTED[one.name].closes)
            require(len(heads) <= wanted, f"{self.tenant.slug(one)} has {heads} for {wanted} failure(s)")

    def complete(self) -> None:
        """What holds after a run that nothing disturbed."""
        self.never_two()
        state = self.state_files()
        left = [path for path in state if path.startswith(("leases/", "candidates/"))]
        require(not left, f"the state branch still holds {left}")
        for one in self.tenant.projects:
            self._repository(one, state)

    def _repository(self, one: Project, state: list[str]) -> None:
        slug, expected = self.tenant.slug(one), EXPECTED[one.name]
        pulls = self.ours(one)
        require(len(pulls) == len(expected.closes), f"{slug} has {len(pulls)} pull requests, not {len(expected.closes)}")
        branches = self.branches(slug)
        heads = {pull["head"]["ref"] for pull in pulls}
        require(set(branches) == heads, f"{slug} has branches {sorted(branches)} and pull requests of {sorted(heads)}")
        repository = self.api.get(f"/repos/{slug}")
        for pull, closes in zip(pulls, expected.closes):
            self._pull(one, pull, closes, branches, f"failures/{repository['id']}/", state)
        main = self.api.get(f"/repos/{slug}/git/ref/heads/main")["object"]["sha"]
        require(main == one.commit, f"main of {slug} moved to {main}")
        for number, count in expected.comments.items():
            comments = self.api.all(f"/repos/{slug}/issues/{number}/comments")
            said = [comment for comment in comments if comment["user"]["login"] == self.tenant.bot]
            require(len(said) == count, f"{slug}#{number} has {len(said)} comments of ours, not {count}")

    def _pull(self, one: Project, pull: dict, closes: int | None, branches: dict, folder: str, state: list[str]) -> None:
        what = f"{self.tenant.slug(one)}#{pull['number']}"
        head = pull["head"]["ref"]
        require(pull["state"] == "open", f"{what} is {pull['state']}")
        require(pull["base"]["ref"] == "main", f"{what} goes to {pull['base']['ref']}")
        labels = {label["name"] for label in pull["labels"]}
        require(labels == {"homeostat-fix"}, f"{what} has the labels {sorted(labels)}")
        require(not pull["draft"], f"{what} is a draft, and its evidence is red-green")
        require(pull["user"]["login"] == self.tenant.bot, f"{what} is by {pull['user']['login']}")
        first = MARKER.match((pull["body"] or "").split("\n", 1)[0])
        require(first is not None, f"{what} has no marker in its first line: {(pull['body'] or '')[:80]!r}")
        marker = json.loads(first[1])
        short = marker["fingerprint"].removeprefix("hf1:")[:16]
        require(head == f"{OURS}{short}", f"{what} has the branch {head} and the fingerprint {marker['fingerprint']}")
        if closes is None:
            require("Closes #" not in pull["body"], f"{what} closes an issue, and its report is a failed run")
        else:
            require(f"Closes #{closes}" in pull["body"], f"{what} does not close issue {closes}")
        commit = self.api.get(f"/repos/{self.tenant.slug(one)}/git/commits/{branches[head]}")
        parents = [parent["sha"] for parent in commit["parents"]]
        require(parents == [one.commit], f"{what} stands on {parents}, not on {one.commit}")
        trailer = f"Homeostat-Candidate: {marker['fingerprint']}"
        require(trailer in commit["message"], f"the commit of {what} has no trailer: {commit['message']!r}")
        tree = self.api.get(f"/repos/{self.tenant.slug(one)}/git/trees/{commit['tree']['sha']}?recursive=1")
        files = {entry["path"]: (entry["mode"], entry["sha"]) for entry in tree["tree"] if entry["type"] == "blob"}
        different = sorted(path for path in files.keys() | one.solved.keys() if files.get(path) != one.solved.get(path))
        require(not different, f"the tree of {what} is another one in {different}")
        require(marker["tree"] == commit["tree"]["sha"], f"the marker of {what} speaks of the tree {marker['tree']}")
        require(f"{folder}{short}.json" in state, f"the state branch has no {folder}{short}.json: {state}")

    def picture(self) -> str:
        """Everything that a run could have changed, to be compared."""
        parts = []
        for slug in [self.tenant.operator, *map(self.tenant.slug, self.tenant.projects)]:
            parts.append(self.api.all(f"/repos/{slug}/git/matching-refs/heads/"))
            parts.append(self.api.all(f"/repos/{slug}/pulls?state=all"))
            parts.append(self.api.all(f"/repos/{slug}/issues?state=all"))
            parts.append(self.api.all(f"/repos/{slug}/issues/comments"))
            parts.append(self.api.all(f"/repos/{slug}/labels"))
        return json.dumps(parts, sort_keys=True)
