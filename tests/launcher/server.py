"""A release server on loopback that serves one folder, and misbehaves by the first part of an address.

`/good/…` serves; `/short/…` announces more than it sends; `/huge/…` never says how much there is and does not stop;
`/busy/…` is out of order, for the first two times of each file; `/moved/…` sends to the file itself, past the
server. Writes one line a request, with its headers, to the given log. Refuses to listen to anything but loopback.
"""

import http.server
import socketserver
import sys
from pathlib import Path


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    folder: Path
    log: Path
    seen: dict[str, int] = {}

    def log_message(self, *_):
        pass

    def do_GET(self):
        with self.log.open("a") as log:
            headers = " ".join(f"{name}={value!r}" for name, value in self.headers.items())
            log.write(f"{self.path} {headers}\n")
        how, _, rest = self.path.lstrip("/").partition("/")
        times = self.seen[self.path] = self.seen.get(self.path, 0) + 1
        file = (self.folder / rest).resolve()
        if how == "moved":
            return self.answer(302, b"", {"Location": f"file://{self.folder.resolve()}/{rest}"})
        if how == "busy" and times <= 2:
            return self.answer(503, b"later", {})
        if not file.is_relative_to(self.folder.resolve()) or not file.is_file():
            return self.answer(404, b"nothing here", {})
        content = file.read_bytes()
        if how == "huge":
            return self.flood()
        if how == "short":
            self.close_connection = True
            return self.answer(200, content[: len(content) // 2], {"Content-Length": str(len(content))})
        self.answer(200, content, {})

    def answer(self, status, body, headers):
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def flood(self):
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        piece, sent = bytes(1 << 20), 0
        try:
            for sent in range(400):
                self.wfile.write(piece)
        except OSError:
            pass
        with self.log.open("a") as log:
            log.write(f"flooded {sent}\n")


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """Somebody hung up, which is what the tests make them do."""


def main():
    Handler.folder, Handler.log = Path(sys.argv[1]), Path(sys.argv[2])
    server = Server(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()


main()
