"""Installs and starts the emulator of GitHub, an npm package that nobody here wrote.

It is pinned with its hashes in `package-lock.json`. Refuses to run install scripts, and to start on a port that
somebody else may already listen on.
"""

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
FILES = ("package.json", "package-lock.json")


class Broken(Exception):
    """Something that should hold does not; the sentence says what."""


def install(cache: Path) -> Path:
    """Returns the emulator's program, installed below `cache` if the lock file changed since the last time."""
    npm = shutil.which("npm")
    if npm is None:
        raise Broken("npm is not installed; the emulator is an npm package")
    stamp = cache / "lock"
    lock = (HERE / FILES[1]).read_bytes()
    if not stamp.exists() or stamp.read_bytes() != lock:
        cache.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            shutil.copyfile(HERE / name, cache / name)
        command = [npm, "ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=cache, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Broken(f"npm ci ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        stamp.write_bytes(lock)
    return cache / "node_modules" / "emulate" / "dist" / "index.js"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Emulator:
    """The emulator's process, with the accounts of every tenant in its seed."""

    def __init__(self, program: Path, folder: Path, logins: dict[str, str]):
        """`logins` maps tokens to logins."""
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        seed = folder / "seed.json.yaml"
        seed.write_text(json.dumps({
            "tokens": {token: {"login": login, "scopes": ["repo"]} for token, login in logins.items()},
            "github": {"users": [{"login": login} for login in sorted(set(logins.values()))]},
        }))
        self._log = (folder / "emulator.log").open("wb")
        node = shutil.which("node")
        if node is None:
            raise Broken("node is not installed; the emulator runs on it")
        command = [node, str(program), "start", "-s", "github", "-p", str(self.port), "--seed", str(seed)]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("GITHUB_")}
        self._process = subprocess.Popen(command, stdout=self._log, stderr=subprocess.STDOUT, env=clean)
        self._wait(folder / "emulator.log")

    def _wait(self, log: Path) -> None:
        for _ in range(150):
            if self._process.poll() is not None:
                raise Broken(f"the emulator ended with {self._process.returncode}:\n{log.read_text()}")
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/meta", timeout=5):
                    return
            except urllib.error.HTTPError:
                return
            except OSError:
                time.sleep(0.1)
        self.stop()
        raise Broken(f"the emulator does not answer:\n{log.read_text()}")

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._log.close()


class Api:
    """Plain HTTP to the emulator, past the overlay: for seeding and for looking."""

    def __init__(self, port: int, token: str):
        self._base = f"http://127.0.0.1:{port}"
        self._token = token

    def ask(self, method: str, path: str, body=None):
        """Returns the answer as JSON; `None` for 404."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._base + path, data=data, method=method)
        request.add_header("Authorization", f"Bearer {self._token}")
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            if error.code == 404 and method == "GET":
                return None
            raise Broken(f"{method} {path} answered {error.code}: {error.read().decode(errors='replace')}") from error
        return json.loads(text) if text else None

    def get(self, path: str):
        return self.ask("GET", path)

    def all(self, path: str) -> list:
        """Every page of a list."""
        found, page = [], 1
        mark = "&" if "?" in path else "?"
        while True:
            some = self.get(f"{path}{mark}per_page=100&page={page}")
            found.extend(some or [])
            if not some or len(some) < 100:
                return found
            page += 1
