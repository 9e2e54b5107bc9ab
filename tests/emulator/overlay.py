"""What stands between the program and the emulator: what the emulator lacks of GitHub, and faults.

Adds 401 for a wrong token, ETag and 304, pull requests inside `/issues`, workflow runs whose logs lie on another host,
an empty combined status, and the two questions of GraphQL without which nothing is worked on or deleted; every other
GraphQL is 404, so that REST is used. Refuses to add what would help the program count: a second pull request of one head is accepted, as the emulator does.
"""

import hashlib
import http.client
import json
import random
import re
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server", "content-encoding"}
MADE_REF = re.compile(r"^/repos/[^/]+/[^/]+/git/refs$")
READ_REF = re.compile(r"^(/repos/[^/]+/[^/]+/git)/(ref|matching-refs)/(.+)$")
LISTED_PULLS = re.compile(r"^/repos/[^/]+/[^/]+/pulls$")
ACTIONS = re.compile(r"^/repos/([^/]+/[^/]+)/actions/(runs|runs/(\d+)/jobs|jobs/(\d+)/logs)$")
STORE = "/store-of-logs/"
ISSUES = re.compile(r"^/repos/[^/]+/[^/]+/issues$")
STATUS = re.compile(r"^/repos/[^/]+/[^/]+/commits/([0-9a-f]{40})/status$")


@dataclass
class Fault:
    """What happens to which write."""

    kind: str
    # The number of the write, from one; with `periodic` every such one.
    at: int
    periodic: bool = False
    # How many requests it may hit: an answer that refuses a write makes the program send it again, once is enough.
    hits: int = 0

    # With a seed: any request may be hit, reads too, each time in another way.
    seed: int | None = None

    def strikes(self, number: int) -> bool:
        if self.periodic:
            return number % self.at == 0
        return number == self.at


KINDS = {
    "500-before": "500, nothing was done",
    "502-after": "502, but it was done",
    "reset-before": "the connection breaks, nothing was done",
    "reset-after": "the connection breaks, but it was done",
    "cut-after": "half of the answer, but it was done",
    "limit-0": "403 by the secondary limit, retry-after 0",
    "limit-1": "403 by the secondary limit, retry-after 1",
    "kill-after": "the program is killed when it was done",
}


@dataclass
class FailedRun:
    """A failed workflow run of `main`, with one job."""

    commit: str
    log: bytes


@dataclass
class Seen:
    """What went through, since the last time it was asked."""

    requests: int = 0
    writes: list[str] = field(default_factory=list)
    # What never may happen, in words.
    wrongs: list[str] = field(default_factory=list)


class Overlay(ThreadingHTTPServer):
    """One scenario's door to the emulator."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, port: int, token: str, read_token: str):
        super().__init__(("127.0.0.1", 0), Door)
        self.upstream = port
        self.token = token
        # May read and nothing else; the emulator knows the other alone.
        self.read_token = read_token
        self.lock = threading.Lock()
        self.fault: Fault | None = None
        self.chance = random.Random()
        # Repositories with a failed run, by slug.
        self.runs: dict[str, FailedRun] = {}
        # How long a new pull request is left out of lists and a new branch is not there, in seconds.
        self.lag = 0.0
        # When what has this address was made.
        self.born: dict[str, float] = {}
        self.kill = lambda: None
        self.seen = Seen()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def begin(self, fault: Fault | None) -> None:
        """Counts from nothing, with a fault or without."""
        with self.lock:
            self.seen = Seen()
            self.fault = fault
            self.chance = random.Random(fault.seed if fault else None)

    def count(self, method: str, path: str, writes: bool) -> str:
        """Counts a request, and says what is to happen to it, if anything."""
        with self.lock:
            self.seen.requests += 1
            if writes:
                self.seen.writes.append(f"{method} {path}")
            fault = self.fault
            if fault is None:
                return ""
            if fault.seed is not None:
                return self._by_chance(fault)
            if writes and fault.strikes(len(self.seen.writes)):
                fault.hits += 1
                return fault.kind
            return ""

    def _by_chance(self, fault: Fault) -> str:
        if self.chance.randrange(100) >= fault.at:
            return ""
        fault.hits += 1
        return self.chance.choice([kind for kind in KINDS if not kind.startswith("kill")])

    def close(self) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, request, client_address) -> None:
        """A program that was killed leaves connections behind; that is no news."""


@dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def json(self):
        return json.loads(self.body) if self.body else None


def made(status: int, value, *headers: tuple[str, str]) -> Answer:
    return Answer(status, [("Content-Type", "application/json; charset=utf-8"), *headers], json.dumps(value).encode())


class Door(BaseHTTPRequestHandler):
    """One connection of the program."""

    protocol_version = "HTTP/1.1"
    server: Overlay

    def log_message(self, format, *args) -> None:  # noqa: A002 (the name is the base class's)
        """Nobody reads a line for each request."""

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PATCH = do_PUT = do_DELETE = do_GET

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        is_graph = urlsplit(self.path).path.endswith("/graphql")
        asked = json.loads(body) if is_graph else {}
        changes = self.command != "GET" and not (is_graph and not asked.get("query", "").startswith("mutation"))
        given = self.headers.get("Authorization", "").split(" ")[-1]
        if self.path.startswith(STORE):
            return self._send(self._store(given))
        kind = self.server.count(self.command, self.path, changes)
        if given not in (self.server.token, self.server.read_token):
            return self._send(made(401, {"message": "Bad credentials"}))
        if given == self.server.read_token and changes:
            self.server.seen.wrongs.append(f"a token that may only read asked for {self.command} {self.path}")
            return self._send(made(403, {"message": "Resource not accessible by personal access token"}))
        if kind == "500-before":
            return self._send(made(500, {"message": "Server Error"}))
        if kind == "reset-before":
            return self._reset()
        if kind.startswith("limit-"):
            message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
            return self._send(made(403, {"message": message}, ("Retry-After", kind.removeprefix("limit-"))))
        answer = self._graph(asked) if is_graph else self._rest(body)
        if kind == "502-after":
            return self._send(Answer(502, [("Content-Type", "text/html")], b"<html>Bad Gateway</html>"))
        if kind == "reset-after":
            return self._reset()
        if kind == "cut-after":
            return self._send(answer, cut=True)
        if kind == "kill-after":
            self.server.kill()
            return self._reset()
        return self._send(answer)

    def _forward(self, method: str, path: str, body: bytes = b"") -> Answer:
        upstream = http.client.HTTPConnection("127.0.0.1", self.server.upstream, timeout=60)
        headers = {"Authorization": f"Bearer {self.server.token}", "Accept": "application/vnd.github+json"}
        if body:
            headers["Content-Type"] = "application/json"
        upstream.request(method, path, body or None, headers)
        got = upstream.getresponse()
        theirs = f"http://localhost:{self.server.upstream}"
        kept = [(name, value.replace(theirs, self.server.url)) for name, value in got.getheaders() if name.lower() not in HOP]
        answer = Answer(got.status, kept, got.read().replace(theirs.encode(), self.server.url.encode()))
        upstream.close()
        return answer

    def _rest(self, body: bytes) -> Answer:
        place = urlsplit(self.path)
        status = STATUS.match(place.path)
        actions = ACTIONS.match(place.path)
        if actions and actions[1] in self.server.runs:
            return self._actions(actions)
        if self.command == "GET" and status:
            return made(200, {"state": "pending", "sha": status[1], "total_count": 0, "statuses": []})
        answer = self._forward(self.command, self.path, body)
        if self.command == "POST" and answer.status == 201:
            if LISTED_PULLS.match(place.path) or MADE_REF.match(place.path):
                self.server.born[answer.json()["url"]] = time.monotonic()
        if self.command == "GET" and answer.status == 200:
            read = READ_REF.match(place.path)
            if read and read[2] == "ref" and self._is_too_new(answer.json()):
                return made(404, {"message": "Not Found"})
            if LISTED_PULLS.match(place.path) or read and read[2] == "matching-refs":
                answer.body = json.dumps([one for one in answer.json() if not self._is_too_new(one)]).encode()
            if ISSUES.match(place.path):
                answer.body = self._with_pulls(place.path, parse_qs(place.query), answer)
            self._tag(answer)
        return answer

    def _is_too_new(self, one: dict) -> bool:
        """A replica that lags does not have what was made a moment ago."""
        return time.monotonic() - self.server.born.get(one["url"], float("-inf")) < self.server.lag

    def _actions(self, asked: re.Match) -> Answer:
        """One failed run of `main`, its job, and where the log is."""
        slug, what = asked[1], asked[2]
        run, web = self.server.runs[slug], f"{self.server.url}/{slug}/actions/runs/71"
        if what == "runs":
            repository = self._forward("GET", f"/repos/{slug}").json()
            one = {
                "id": 71, "name": "ci", "path": ".github/workflows/ci.yml", "html_url": web, "head_branch": "main",
                "head_sha": run.commit, "head_repository": repository, "repository": repository, "event": "push",
                "actor": repository["owner"], "run_attempt": 1, "status": "completed", "conclusion": "failure",
                "created_at": "2026-01-05T08:10:00Z", "updated_at": "2026-01-05T08:11:00Z",
            }
            return made(200, {"total_count": 1, "workflow_runs": [one]})
        if what.endswith("/jobs"):
            ends = {"Set up job": "success", "Run the tests": "failure", "Complete job": "success"}
            steps = [
                {"number": number, "name": name, "status": "completed", "conclusion": conclusion}
                for number, (name, conclusion) in enumerate(ends.items(), 1)
            ]
            job = {
                "id": 72, "run_id": 71, "name": "test", "html_url": f"{web}/job/72", "status": "completed",
                "conclusion": "failure", "labels": ["ubuntu-24.04"], "steps": steps,
            }
            return made(200, {"total_count": 1, "jobs": [job]})
        # Another name for this machine is another host: no token may follow there.
        elsewhere = self.server.url.replace("127.0.0.1", "localhost")
        return Answer(302, [("Location", f"{elsewhere}{STORE}{slug}?sig=abc")], b"")

    def _store(self, given: str) -> Answer:
        if given:
            self.server.seen.wrongs.append("the store of logs, which is another host, was sent a token")
        slug = urlsplit(self.path).path.removeprefix(STORE)
        return Answer(200, [("Content-Type", "text/plain")], self.server.runs[slug].log)

    def _with_pulls(self, path: str, query: dict, answer: Answer) -> bytes:
        """Puts pull requests where GitHub has them too, at the end of the last page."""
        if any(name.lower() == "link" and 'rel="next"' in value for name, value in answer.headers):
            return answer.body
        state = query.get("state", ["open"])[0]
        wanted = {label for text in query.get("labels", []) for label in text.split(",")}
        listed = answer.json()
        for pull in self._forward("GET", f"{path.removesuffix('/issues')}/pulls?state={state}&per_page=100").json():
            if wanted <= {label["name"] for label in pull["labels"]}:
                keys = ("id", "node_id", "number", "title", "body", "user", "labels", "state", "created_at", "updated_at")
                issue = {key: pull.get(key) for key in keys} | {"comments": 0, "author_association": "MEMBER"}
                listed.append(issue | {"html_url": pull["html_url"], "pull_request": {"url": pull["url"]}})
        return json.dumps(listed).encode()

    def _tag(self, answer: Answer) -> None:
        tag = f'W/"{hashlib.sha256(answer.body).hexdigest()}"'
        answer.headers.append(("ETag", tag))
        if self.headers.get("If-None-Match") == tag:
            answer.status, answer.body = 304, b""

    def _graph(self, asked: dict) -> Answer:
        query, variables = asked.get("query", ""), asked.get("variables", {})
        if "userContentEdits" in query:
            path = "/repos/{owner}/{name}/issues/{number}".format_map(variables)
            issue = self._forward("GET", path)
            if issue.status != 200:
                error = {"type": "NOT_FOUND", "path": ["repository"], "message": "Could not resolve to a node"}
                return made(200, {"data": None, "errors": [error]})
            edits = {"createdAt": issue.json()["created_at"], "userContentEdits": {"nodes": []}}
            return made(200, {"data": {"repository": {"issueOrPullRequest": edits}}})
        if "updateRefs" in query:
            return self._delete(variables)
        return made(404, {"message": "Not Found"})

    def _delete(self, variables: dict) -> Answer:
        """Deletes a branch that is where the program says; the repository is named by its node."""
        for repository in self._forward("GET", "/user/repos?per_page=100").json():
            if repository["node_id"] != variables["repository"]:
                continue
            base = f"/repos/{repository['full_name']}/git"
            name = variables["name"].removeprefix("refs/")
            found = self._forward("GET", f"{base}/ref/{name}")
            if found.status == 200 and found.json()["object"]["sha"] == variables["before"]:
                self._forward("DELETE", f"{base}/refs/{name}")
                return made(200, {"data": {"updateRefs": {"clientMutationId": None}}})
            error = {"type": "STALE_DATA", "path": ["updateRefs"], "message": "The reference is not where it was expected"}
            return made(200, {"data": {"updateRefs": None}, "errors": [error]})
        error = {"type": "NOT_FOUND", "path": ["updateRefs"], "message": "Could not resolve to a node"}
        return made(200, {"data": {"updateRefs": None}, "errors": [error]})

    def _send(self, answer: Answer, cut: bool = False) -> None:
        try:
            self.send_response(answer.status)
            for name, value in answer.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body[: len(answer.body) // 2] if cut else answer.body)
            if cut:
                self.wfile.flush()
                self.close_connection = True
        except OSError:
            self.close_connection = True

    def _reset(self) -> None:
        """Ends the connection with a reset instead of a farewell."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # Both the handler's files and the socket itself hold it open.
        self.rfile.close()
        self.wfile.close()
        self.connection.close()
