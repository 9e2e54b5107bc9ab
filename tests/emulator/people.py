"""What people do to a finished world, and what the program makes of it: nothing, unless it was asked.

Also what nobody should do, to see that the checks notice it.
"""

from checks import OURS, STATE, require
from emulator import Broken
from scenarios import DONE, Stage, writes_nothing


class Hands:
    """The first project's pull request, in the hands of the owner."""

    def __init__(self, stage: Stage):
        self.stage, self.api = stage, stage.world.api
        self.one = stage.tenant.projects[0]
        self.slug = stage.tenant.slug(self.one)
        self.pull = stage.world.ours(self.one)[0]
        self.number, self.head = self.pull["number"], self.pull["head"]

    def edit(self, **words) -> None:
        self.api.ask("PATCH", f"/repos/{self.slug}/pulls/{self.number}", words)

    def only_one(self, what: str) -> None:
        heads = [pull["head"]["ref"] for pull in self.stage.world.ours(self.one)]
        require(heads == [self.head["ref"]], f"{self.slug} has pull requests of {heads} after {what}")


def closes_and_asks_again(stage: Stage) -> None:
    """A person commits to our branch, closes the pull request, and later asks for another: the tree was refused once."""
    hands = Hands(stage)
    git = f"/repos/{hands.slug}/git"
    tree = hands.api.get(f"{git}/commits/{hands.one.commit}")["tree"]["sha"]
    commit = {"message": "Another idea", "tree": tree, "parents": [hands.head["sha"]]}
    made = hands.api.ask("POST", f"{git}/commits", commit)["sha"]
    hands.api.ask("PATCH", f"{git}/refs/heads/{hands.head['ref']}", {"sha": made})
    writes_nothing(stage)
    hands.edit(state="closed")
    writes_nothing(stage)
    hands.api.ask("POST", f"/repos/{hands.slug}/issues/1/comments", {"body": "/homeostat retry"})
    stage.overlay.begin(None)
    stage.ended(stage.start(), {DONE})
    hands.only_one("a word that asked for the same change again")
    writes_nothing(stage)


def merges(stage: Stage) -> None:
    """The change is in; the issue stays open, since nobody closed it."""
    hands = Hands(stage)
    hands.api.ask("PUT", f"/repos/{hands.slug}/pulls/{hands.number}/merge", {})
    writes_nothing(stage)
    hands.only_one("the merge")


def loses_the_state(stage: Stage) -> None:
    """The state branch is gone; what is open stays as it is."""
    hands = Hands(stage)
    hands.api.ask("DELETE", f"/repos/{stage.tenant.operator}/git/refs/heads/{STATE}")
    stage.overlay.begin(None)
    stage.ended(stage.start(), {DONE})
    hands.only_one("the loss of the state")
    writes_nothing(stage)


def spoils(stage: Stage) -> None:
    """The checks are worth something: each of these is an invariant that no longer holds."""
    hands = Hands(stage)
    api, slug, number, head = hands.api, hands.slug, hands.number, hands.head
    label, body = hands.pull["labels"][0]["name"], hands.pull["body"]
    labels, main = f"/repos/{slug}/issues/{number}/labels", f"/repos/{slug}/git/refs/heads/main"
    stray = {"ref": f"refs/heads/{OURS}aaaa", "sha": head["sha"]}
    again = {"title": "again", "head": head["ref"], "base": "main", "body": body}
    spoilt = {
        "a label taken off": (
            lambda: api.ask("DELETE", f"{labels}/{label}"),
            lambda: api.ask("POST", labels, {"labels": [label]}),
        ),
        "another body": (lambda: hands.edit(body="Something else"), lambda: hands.edit(body=body)),
        "a stray branch": (
            lambda: api.ask("POST", f"/repos/{slug}/git/refs", stray),
            lambda: api.ask("DELETE", f"/repos/{slug}/git/refs/heads/{OURS}aaaa"),
        ),
        "a closed pull request": (lambda: hands.edit(state="closed"), lambda: hands.edit(state="open")),
        "another main": (
            lambda: api.ask("PATCH", main, {"sha": head["sha"], "force": True}),
            lambda: api.ask("PATCH", main, {"sha": hands.one.commit, "force": True}),
        ),
        "a second pull request": (lambda: api.ask("POST", f"/repos/{slug}/pulls", again), lambda: None),
    }
    for what, (spoil, mend) in spoilt.items():
        stage.world.complete()
        spoil()
        try:
            stage.world.complete()
        except Broken:
            mend()
        else:
            raise Broken(f"the checks did not notice {what}")
