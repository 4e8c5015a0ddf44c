"""A person at a terminal and a browser without pictures: what `intaglio login` needs around it."""

from __future__ import annotations

import http.client
import http.cookiejar
import os
import pathlib
import ssl
import subprocess
import threading
import urllib.parse
import urllib.request
from typing import NamedTuple

from tests import harness, live


class Ran(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


class Terminal:
    """Runs commands in an environment of its own, with files of its own."""

    def __init__(self, home: pathlib.Path) -> None:
        self.home = home
        self.file = home / "config" / "intaglio" / "credentials.json"
        self.environment = live.environment(XDG_CONFIG_HOME=str(home / "config"), HOME=str(home))
        for name in ("GOOGLE_APPLICATION_CREDENTIALS", "GCE_METADATA_HOST", "GCE_METADATA_IP"):
            self.environment.pop(name, None)

    def run(self, *words: str, **more: str) -> Ran:
        """Run a command to its end."""
        done = subprocess.run(
            live.command(*words),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            env=self.environment | more,
            cwd=self.home,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def login(self, issuer: str, *words: str, browser: Browser | None = None) -> Ran:
        """Sign alice in with the browser at the issuer."""
        begun = self.begin("login", "--issuer", issuer, "--no-browser", *words)
        (browser or Browser()).sign_in(begun.address())
        return begun.end()

    def begin(self, *words: str) -> Begun:
        """Start a command that will wait for a person."""
        return Begun(live.command(*words), self.environment, self.home)


class Begun:
    """A command that runs."""

    def __init__(self, words: list[str], environment: dict[str, str], home: pathlib.Path) -> None:
        read, write = os.pipe()
        self._process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=write, env=environment, cwd=home)
        os.close(write)
        self._stderr = os.fdopen(read, encoding="utf-8")
        self._told: list[str] = []
        self._timer = threading.Timer(30, self._process.kill)
        self._timer.start()

    def line(self, beginning: str) -> str:
        """Return the next line of stderr that begins so, without its blanks."""
        for line in self._stderr:
            self._told.append(line)
            if line.strip().startswith(beginning):
                return line.strip()
        raise AssertionError("".join(self._told))

    def address(self) -> str:
        """Return the address that it prints."""
        return self.line("http")

    def end(self) -> Ran:
        """Wait for the command's end."""
        self._told += self._stderr.readlines()
        out = self._process.stdout.read().decode() if self._process.stdout is not None else ""
        code = self._process.wait()
        self._timer.cancel()
        self._stderr.close()
        if self._process.stdout is not None:
            self._process.stdout.close()
        return Ran(code, out, "".join(self._told))


class Browser:
    """One jar of cookies that follows redirects and sends forms; it believes the authorities in `ca_file`."""

    def __init__(self, ca_file: str | None = None) -> None:
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        tls = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=ca_file))
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), jar, tls)
        self._opener.addheaders = [("accept", "text/html")]

    def open(self, url: str) -> harness.Answer:
        """Open an address."""
        with self._opener.open(url, timeout=10) as answer:
            return self._read(answer)

    @staticmethod
    def _read(answer: http.client.HTTPResponse) -> harness.Answer:
        return harness.Answer(answer.status, tuple(answer.getheaders()), answer.read(), answer.geturl())

    def submit(self, page: harness.Answer, form_id: str, **changes: str) -> harness.Answer:
        """Send the form of a page."""
        action, fields = harness.read_form(page, form_id)
        kept = [(name, value) for name, value in fields if name not in changes]
        target = urllib.parse.urljoin(page.url, action)
        parts = urllib.parse.urlsplit(target)
        body = urllib.parse.urlencode([*kept, *changes.items()]).encode()
        request = urllib.request.Request(target, body, {"origin": f"{parts.scheme}://{parts.netloc}"})
        with self._opener.open(request, timeout=10) as answer:
            return self._read(answer)

    def sign_in(self, url: str, username: str = "alice") -> harness.Answer:
        """Open an address and take every step that is asked for; return the last page."""
        page = self.open(url)
        if 'id="login-form"' in page.text:
            page = self.submit(page, "login-form", username=username, password=f"{username}-password", decision="login")
        if 'id="consent-form"' in page.text:
            page = self.submit(page, "consent-form", decision="allow")
        return page
