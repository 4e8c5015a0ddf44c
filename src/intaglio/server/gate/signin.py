"""Signing a browser in at the issuer, bringing it back to where it wanted to go, and signing it out of the service.

OpenID Connect Core 3.1, RFC 7636 (PKCE), RFC 9207 (iss), RFC 9700 sections 4.7 (CSRF) and 4.11 (open redirectors).
"""

from __future__ import annotations

import re

from intaglio import ids
from intaglio.dialects.dialect import Dialect
from intaglio.errors import IntaglioError
from intaglio.relying.party import RelyingParty
from intaglio.relying.records import Provider
from intaglio.server.gate import outcome
from intaglio.server.gate.asked import PAGES, Asked
from intaglio.server.gate.callers import Callers
from intaglio.server.gate.session import SIGN_IN_SECONDS, Begun, Jar, Session
from intaglio.wire import message, params
from intaglio.wire.flow import Driver
from intaglio.wire.message import Response

CALLBACK = PAGES + "callback"
SIGN_OUT = PAGES + "sign-out"
MAX_TARGET = 2000
PROVIDER_SECONDS = 300
_TARGET = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*")
"""A path of the service itself: `//host` and `/\\host` lead elsewhere."""


def safe_target(target: str) -> str:
    """Return where a sign-in may end: the path as it was asked for, or the service's first page."""
    # RFC 9700 4.11: never an address that somebody else chose; only the text behind our own origin.
    if len(target) > MAX_TARGET or not _TARGET.fullmatch(target) or target.startswith(PAGES):
        return "/"
    return target


class SignIn:
    """The relying party of one service."""

    def __init__(
        self,
        party: RelyingParty,
        origin: str,
        jar: Jar,
        callers: Callers,
        dialect: Dialect,
        outgoing: Driver,
        session_lifetime: int,
    ) -> None:
        self._party = party
        self._origin = origin
        self.jar = jar
        self._callers = callers
        self._dialect = dialect
        self._outgoing = outgoing
        self._session_lifetime = session_lifetime
        self._provider: tuple[int, Provider] | None = None

    async def session(self, asked: Asked, now: int) -> Session | None:
        """Return who signed in in this browser; None if nobody did, or it is over.

        It is over after its time, when the session at the issuer has ended, and when the client was disabled.
        """
        found = self.jar.session(asked, now)
        if found is None or not await self._callers.serves(self._party.client_id, found.issued_at, now):
            return None
        return found if await self._callers.goes_on(found.session_id, now) else None

    async def begin(self, asked: Asked, target: str, now: int) -> Response:
        """Send the browser to the issuer; raises `Unavailable`."""
        provider = await self._discovered(now)
        begun = Begun(ids.opaque(), ids.opaque(), ids.opaque(), safe_target(target), now + SIGN_IN_SECONDS)
        where = self._party.begin(provider, state=begun.state, nonce=begun.nonce, code_verifier=begun.code_verifier)
        headers = (("location", where), *self.jar.crowded(asked), self.jar.keep_begun(begun))
        return Response(303, (*headers, *message.NO_STORE))

    async def page(self, asked: Asked, body: bytes, now: int) -> Response | None:
        """Answer the callback and the page for signing out; None for any other path."""
        if asked.path == CALLBACK and asked.method == "GET":
            return await self._return(asked, now)
        if asked.path == SIGN_OUT:
            return self._out(asked)
        return None

    async def _return(self, asked: Asked, now: int) -> Response:
        try:
            found = params.read(asked.query)
        except params.ParamsError:
            return outcome.page(400, "Not signed in", "The address cannot be read.")
        # RFC 6749 3.1: no parameter twice.
        fields = {} if found.duplicates else dict(found.items())
        state = fields.get("state", "")
        # RFC 9700 4.7: only the browser that began the sign-in can end it.
        begun = self.jar.begun(asked, state, now)
        if begun is None:
            sentence = 'No sign-in is under way in this browser. <a href="/">Begin again</a>.'
            return outcome.page(403, "Not signed in", sentence)
        over = self.jar.forget_begun(state)
        try:
            session = await self._signed_in(begun, fields, now)
        except IntaglioError as fault:
            status = 503 if fault.retryable else 403
            sentence = f'Signing in did not succeed ({fault.code}). <a href="/">Begin again</a>.'
            return outcome.page(status, "Not signed in", sentence, over)
        if session is None:
            return outcome.page(403, "Not signed in", "There is no such account here.", over)
        headers = (("location", self._origin + begun.target), *over, self.jar.keep_session(session, now))
        return Response(303, (*headers, *message.NO_STORE))

    async def _signed_in(self, begun: Begun, fields: dict[str, str], now: int) -> Session | None:
        provider = await self._discovered(now)
        done = await self._outgoing.run(self._party.finish(provider, begun.transaction, fields, now=now))
        principal = await self._callers.user(done.token, self._dialect, now)
        if principal is None:
            return None
        session_id = await self._callers.session_of(done.access_token, now)
        return Session(principal.id, now, now + self._session_lifetime, session_id)

    async def _discovered(self, now: int) -> Provider:
        if self._provider is None or not 0 <= now - self._provider[0] < PROVIDER_SECONDS:
            self._provider = (now, await self._outgoing.run(self._party.discover()))
        return self._provider[1]

    def _out(self, asked: Asked) -> Response:
        if asked.method in ("GET", "HEAD"):
            form = f'<form method="post" action="{SIGN_OUT}"><button>Sign out</button></form>'
            allowed = "default-src 'none'; form-action 'self'; frame-ancestors 'none'"
            answer = outcome.page(200, "Sign out", f"Leave this application in this browser?{form}")
            rest = tuple(pair for pair in answer.headers if pair[0] != "content-security-policy")
            return Response(200, (*rest, ("content-security-policy", allowed)), answer.body)
        # A page of another site can post here, and the browser says whose it is (Fetch, `Origin`).
        if asked.method != "POST" or asked.one("origin") != self._origin:
            return outcome.page(403, "Forbidden", "Signing out is asked for on this application's own page.")
        return outcome.page(200, "Signed out", "You have left this application.", (self.jar.forget_session(),))
