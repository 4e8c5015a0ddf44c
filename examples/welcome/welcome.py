"""Welcome: a web application that greets everybody by a mail, once.

People sign in "with Google" at a tenant of Intaglio. Name and address for the mail come out of the ID token, of which
every check has passed; no other call asks for them. Nothing but Python's standard library and Intaglio is needed.
"""

from __future__ import annotations

import argparse
import html
import http.cookies
import http.server
import json
import pathlib
import secrets
import time
from email.headerregistry import Address
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from mails import Mails

from intaglio import IntaglioError
from intaglio.ids import Secret
from intaglio.net.guard import Guard
from intaglio.net.sync import SyncDriver
from intaglio.relying.party import RelyingParty
from intaglio.relying.records import Transaction
from intaglio.tokens.claims import IDToken

COOKIE = "welcome"
SIGN_INS = 10
"""How many sign-ins one browser may have under way: one a tab, and the oldest is forgotten."""
VISITORS = 1000
WANTED = {"id_token": {"name": None, "email": None, "email_verified": None}}
"""OpenID Connect Core 5.5: the claims that the application wants in the ID token itself."""


class Visit:
    """What is remembered of one browser: sign-ins that are under way, by state, and who signed in."""

    def __init__(self) -> None:
        self.under_way: dict[str, Transaction] = {}
        self.person: IDToken | None = None


class Welcome:
    """The application: its client at the issuer, its visitors, its mails."""

    def __init__(self, party: RelyingParty, connection: str, mails: Mails) -> None:
        self.party, self.connection, self.mails = party, connection, mails
        self.driver = SyncDriver(Guard((party.issuer,)))
        self.visits: dict[str, Visit] = {}

    def visit(self, cookie: str) -> tuple[str, Visit]:
        """Return a browser's visit and the cookie that names it."""
        if cookie not in self.visits:
            cookie = secrets.token_urlsafe(32)
            self.visits[cookie] = Visit()
            while len(self.visits) > VISITORS:
                del self.visits[next(iter(self.visits))]
        return cookie, self.visits[cookie]

    def login(self, visit: Visit) -> str:
        """Return where the browser goes to sign in: past the issuer's login page, to the connection."""
        made = Transaction(**{n: secrets.token_urlsafe(32) for n in ("state", "nonce", "code_verifier")})
        provider = self.driver.run(self.party.discover())
        where = self.party.begin(
            provider,
            state=made.state,
            nonce=made.nonce,
            code_verifier=made.code_verifier,
            connection=self.connection,
            claims=json.dumps(WANTED),
        )
        visit.under_way[made.state] = made
        while len(visit.under_way) > SIGN_INS:
            del visit.under_way[next(iter(visit.under_way))]
        return where

    def callback(self, visit: Visit, fields: dict[str, str]) -> IDToken | None:
        """Believe the ID token, greet its person and return it; None for an answer to no sign-in of this browser."""
        made = visit.under_way.pop(fields.get("state", ""), None)
        if made is None:
            return None
        provider = self.driver.run(self.party.discover())
        signed_in = self.driver.run(self.party.finish(provider, made, fields, now=int(time.time())))
        self.greet(signed_in.token)
        return signed_in.token

    def greet(self, token: IDToken) -> None:
        """Note that somebody is to be welcomed, and send what is to be sent.

        An address that nobody confirmed gets no mail: it may be a stranger's.
        """
        email, name = token.claims.get("email"), token.claims.get("name")
        if token.claims.get("email_verified") is True and isinstance(email, str):
            # Issuer and subject together name a person (OpenID Connect Core 5.7); an address may pass to somebody else.
            self.mails.note(token.iss, token.sub, email, name if isinstance(name, str) else "")
        self.mails.send()


def page(text: str) -> bytes:
    """Return a page with a paragraph of HTML."""
    head = '<!doctype html><html lang="en"><meta charset="utf-8"><title>Welcome</title><link rel="icon" href="data:,">'
    return f"{head}<main>{text}</main></html>".encode()


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers requests of one application."""

    welcome: Welcome

    def do_GET(self) -> None:
        """Answer one of the three addresses."""
        parts = urlsplit(self.path)
        kept = http.cookies.SimpleCookie(self.headers.get("cookie", "")).get(COOKIE)
        cookie, visit = self.welcome.visit(kept.value if kept is not None else "")
        try:
            if parts.path == "/login":
                self._go(self.welcome.login(visit), cookie)
            elif parts.path == "/callback":
                self._arrive(cookie, visit, dict(parse_qsl(parts.query)))
            elif parts.path == "/":
                self._show(self._home(visit.person), cookie)
            else:
                self.send_error(404)
        except IntaglioError as fault:
            self._show(f'<p id="failed">Signing in did not succeed ({html.escape(fault.code)}).</p>', cookie)

    def _arrive(self, cookie: str, visit: Visit, fields: dict[str, str]) -> None:
        person = self.welcome.callback(visit, fields)
        if person is not None:
            # Whoever knew the cookie from before the sign-in knows it no more.
            del self.welcome.visits[cookie]
            cookie, visit = self.welcome.visit("")
            visit.person = person
        self._go("/", cookie)

    @staticmethod
    def _home(person: IDToken | None) -> str:
        if person is None:
            return '<p><a id="sign-in" href="/login">Sign in with Google</a></p>'
        name = html.escape(str(person.claims.get("name") or "you"))
        return f'<p id="hello">Hello, {name}.</p>'

    def _go(self, where: str, cookie: str) -> None:
        self.send_response(303)
        self.send_header("location", where)
        self._end(cookie, b"")

    def _show(self, text: str, cookie: str) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.send_header("content-security-policy", "default-src 'none'; img-src data:; frame-ancestors 'none'")
        self._end(cookie, page(text))

    def _end(self, cookie: str, body: bytes) -> None:
        self.send_header("set-cookie", f"{COOKIE}={cookie}; Path=/; Max-Age=86400; HttpOnly; SameSite=Lax")
        self.send_header("cache-control", "no-store")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Write nothing: addresses hold codes."""


def main() -> None:
    """Serve until stopped."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--issuer", default="http://localhost:8080/shop")
    options.add_argument("--connection", default="google")
    options.add_argument("--client-id", default="welcome")
    options.add_argument("--client-secret-file", type=pathlib.Path, default=pathlib.Path("welcome.secret"))
    options.add_argument("--port", type=int, default=3000)
    options.add_argument("--smtp", default="127.0.0.1:2525")
    options.add_argument("--database", default="welcome.db")
    given = options.parse_args()
    party = RelyingParty(
        issuer=given.issuer,
        client_id=given.client_id,
        client_secret=Secret(given.client_secret_file.read_text().strip()),
        redirect_uri=f"http://localhost:{given.port}/callback",
        scope="openid profile email",
    )
    host, _, port = given.smtp.rpartition(":")
    mails = Mails(given.database, (host, int(port)), Address("Example shop", "welcome", "shop.example"))
    Handler.welcome = Welcome(party, given.connection, mails)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", given.port), Handler)
    print(f"Welcome is at http://localhost:{given.port}/", flush=True)
    mails.send()
    server.serve_forever()


if __name__ == "__main__":
    main()
