"""A browser without a screen, and the application that sends it: authorize, login, consent, code, tokens."""

from __future__ import annotations

import base64
import hashlib
import html
import random
import re
import secrets
from urllib.parse import urlencode, urlsplit

from tests.proof import wire, world
from tests.proof.wire import Answer, Connection

_FIELD = re.compile(r'<input[^>]*name="csrf"[^>]*value="([^"]*)"|<input[^>]*value="([^"]*)"[^>]*name="csrf"')
BASIC = "Basic " + base64.b64encode(f"{world.CLIENT}:{world.SECRET}".encode()).decode()
VERIFIER = secrets.token_urlsafe(40)
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


def form_token(page: bytes) -> str:
    """Return the token of the form on a page."""
    found = _FIELD.search(page.decode())
    assert found is not None, page[:500]
    return html.unescape(found[1] or found[2])


def authorize_target(path: str, scope: str, **more: str) -> str:
    """Return path and query of an authorization request."""
    fields = {
        "client_id": world.CLIENT,
        "redirect_uri": world.CALLBACK,
        "response_type": "code",
        "scope": scope,
        "state": secrets.token_urlsafe(8),
        "nonce": secrets.token_urlsafe(8),
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return f"{path}/authorize?" + urlencode(fields | more)


def code_form(code: str) -> str:
    """Return the body of a token request for a code."""
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": world.CALLBACK}
    return urlencode(fields | {"code_verifier": VERIFIER})


class Browser:
    """One person's browser (cookies, one connection) and the application's back channel beside it."""

    def __init__(self, connection: Connection, path: str, scope: str = "openid profile offline_access") -> None:
        self.connection = connection
        self.path = path
        self.scope = scope
        self.cookies: dict[str, str] = {}

    @classmethod
    async def open(cls, port: int, path: str, scope: str = "openid profile offline_access") -> Browser:
        """Open a browser without cookies."""
        # People sign in from addresses of their own; an attempt that a kill cuts off stays counted for its address.
        source = f"127.{random.randrange(1, 255)}.{random.randrange(255)}.{random.randrange(1, 255)}"
        return cls(await Connection.open(port, source), path, scope)

    async def go(self, method: str, target: str, body: str | None = None) -> Answer:
        """Send the browser somewhere; cookies are kept."""
        jar = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = await self.connection.ask(wire.request(method, target, {"cookie": jar} if jar else {}, body))
        for name, value in answer.headers:
            if name == "set-cookie":
                key, _, text = value.split(";", 1)[0].partition("=")
                self.cookies[key] = text
        return answer

    async def sign_in(self, username: str) -> str:
        """Sign in from the start, consent where asked, and return the code."""
        answer = await self.go("GET", authorize_target(self.path, self.scope))
        login = answer.header("location")
        assert login.startswith("/"), answer
        page = await self.go("GET", login)
        fields = {"csrf": form_token(page.body), "username": username, "password": world.PASSWORD, "decision": "login"}
        answer = await self.go("POST", login, urlencode(fields))
        where = answer.header("location")
        if where.startswith("/"):
            page = await self.go("GET", where)
            pairs = [("csrf", form_token(page.body)), ("decision", "allow")]
            answer = await self.go("POST", where, urlencode(pairs + [("scope", word) for word in self.scope.split()]))
        return answer.sent_back["code"]

    async def authorize(self, **more: str) -> dict[str, str]:
        """Ask for a code with what the browser has, and return the parameters that came back."""
        return (await self.go("GET", authorize_target(self.path, self.scope, **more))).sent_back

    async def sign_out(self, id_token: str) -> Answer:
        """End the session that an ID token names."""
        return await self.go("GET", f"{self.path}/logout?" + urlencode({"id_token_hint": id_token}))

    async def token(self, body: str) -> Answer:
        """Send a token request as the application."""
        return await self.connection.ask(token_request(self.path, body))

    async def redeem(self, code: str) -> Answer:
        """Redeem a code."""
        return await self.token(code_form(code))

    async def refresh(self, refresh_token: str) -> Answer:
        """Use a refresh token."""
        return await self.token(refresh_form(refresh_token))

    async def revoke(self, token: str) -> Answer:
        """Revoke a token."""
        body = urlencode({"token": token})
        return await self.connection.ask(wire.request("POST", f"{self.path}/revoke", {"authorization": BASIC}, body))

    async def userinfo(self, access_token: str) -> Answer:
        """Ask who an access token is of."""
        return await self.connection.ask(userinfo_request(self.path, access_token))

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()


def refresh_form(refresh_token: str) -> str:
    """Return the body of a token request for a refresh token."""
    return urlencode({"grant_type": "refresh_token", "refresh_token": refresh_token})


def token_request(path: str, body: str) -> bytes:
    """Return a token request's octets."""
    return wire.request("POST", f"{path}/token", {"authorization": BASIC}, body)


def userinfo_request(path: str, access_token: str) -> bytes:
    """Return a userinfo request's octets."""
    return wire.request("GET", f"{path}/userinfo", {"authorization": f"Bearer {access_token}"})


def path_of(address: str) -> str:
    """Return the path of an address."""
    return urlsplit(address).path
