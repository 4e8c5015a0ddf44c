"""A small HTTP server of the tests' own on loopback."""

from __future__ import annotations

import http.server
import threading
import time

import pytest


class Pages(http.server.BaseHTTPRequestHandler):
    """Answers by path: echo, redirect, away, long, slow, drip, garbage."""

    protocol_version = "HTTP/1.1"

    def _answer(self, status, body, headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        """Answer a GET."""
        self.server.seen.append((self.command, self.path, dict(self.headers)))
        if self.path == "/redirect":
            self._answer(302, b"", (("Location", "/echo"),))
        elif self.path == "/away":
            self._answer(302, b"", (("Location", "https://keys.example/"),))
        elif self.path == "/long":
            self._answer(200, b"x" * 300_000)
        elif self.path == "/slow":
            time.sleep(1.5)
            self._answer(200, b"late")
        elif self.path == "/drip":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
            self.close_connection = True
            for _ in range(40):
                try:
                    self.wfile.write(b"a")
                except OSError:
                    return
                time.sleep(0.1)
        elif self.path == "/garbage":
            self.wfile.write(b"no http at all\r\n\r\n")
            self.close_connection = True
        else:
            self._answer(200, b"hello", (("X-Answer", "yes"),))

    def do_POST(self):
        """Answer a POST with its body."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.command, self.path, dict(self.headers)))
        self._answer(200, body)

    def log_message(self, *args):
        """Say nothing."""


@pytest.fixture
def server():
    """Run the server; `seen` lists what it was asked."""
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    made.daemon_threads = True
    made.seen = []
    made.url = f"http://127.0.0.1:{made.server_address[1]}"
    thread = threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()
