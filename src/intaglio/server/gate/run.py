"""Mode run: an ID token whose audience is the service itself, and whose bearer may call it.

RFC 6750 sections 2.1 and 3 (Bearer), RFC 7519 section 4.1.3 (aud).
"""

from __future__ import annotations

from intaglio.errors import Refused as TokenFault
from intaglio.protocol.principals import Principal
from intaglio.server.gate import credential, outcome
from intaglio.server.gate.asked import Asked
from intaglio.server.gate.credential import Carried
from intaglio.server.gate.inside import Inside, Target
from intaglio.server.gate.outcome import Outcome, Passed, Refused
from intaglio.server.model.services import ServiceRecord
from intaglio.tokens.claims import IDToken
from intaglio.wire.message import Response

AUTHORIZATION = "authorization"


class RunMode:
    """Lets through who shows an ID token for the service and may call it."""

    cookies: tuple[str, ...] = ()

    def __init__(self, inside: Inside, project_id: str, service: str, development_client: str) -> None:
        self._inside = inside
        self._words = inside.receiving.run
        self._target = Target(inside, project_id, service)
        self._development_client = development_client

    def owns(self, name: str) -> bool:
        """Tell whether a header is one that may carry the token: what travels on of it is decided here."""
        return name in (AUTHORIZATION, self._words.header)

    async def decide(self, asked: Asked, now: int) -> Outcome:
        """Return whether the request may pass; raises `Unavailable`."""
        carried = credential.find(asked, (self._words.header, AUTHORIZATION))
        if carried is None:
            return Refused(self._forbidden(), "token-missing")
        if carried.token is None:
            return Refused(self._unverified(), "token-unreadable")
        service = await self._target.service(now)
        try:
            token = await self._inside.believer.token(carried.token, self._audiences(service), now)
        except TokenFault as fault:
            return Refused(self._unverified(), fault.code)
        principal = await self._principal(token, service, now)
        if principal is None:
            return Refused(self._forbidden(), "caller-unknown", token.sub)
        who = self._inside.vocabulary.display(principal)
        if not await self._inside.may(principal, self._words.permissions, service.resource, now):
            return Refused(self._forbidden(), "permission-denied", who)
        return Passed(self._told(asked, carried), who)

    async def page(self, asked: Asked, body: bytes, now: int) -> Response | None:
        """Answer None: this mode has no pages."""
        return None

    def _audiences(self, service: ServiceRecord) -> tuple[str, ...]:
        if service.development_tokens and self._development_client:
            return (*service.audiences, self._development_client)
        return service.audiences

    async def _principal(self, token: IDToken, service: ServiceRecord, now: int) -> Principal | None:
        callers = self._inside.callers
        if set(token.aud) <= set(service.audiences):
            account = await callers.account(token, now)
            return account or await callers.user(token, self._inside.dialect, now)
        # SECURITY: the token that a command line got for itself speaks for a person, and only if it was issued to that
        # very client: any account can have a token made for any audience (test_development_tokens_are_for_people).
        if token.azp != self._development_client:
            return None
        return await callers.user(token, self._inside.dialect, now)

    def _told(self, asked: Asked, carried: Carried) -> tuple[tuple[str, str], ...]:
        assert carried.token is not None
        # The service may read the token and cannot show it to another service (confused deputy).
        kept = f"Bearer {credential.with_signature_removed(carried.token, self._words.removed)}"
        if carried.header == AUTHORIZATION:
            return ((AUTHORIZATION, kept), (self._words.header, ""))
        return ((AUTHORIZATION, asked.one(AUTHORIZATION)), (self._words.header, kept))

    def _unverified(self) -> Response:
        sentence = "The request was not authenticated: its token could not be verified."
        return outcome.page(401, "Unauthorized", sentence, (("www-authenticate", self._words.challenge),))

    @staticmethod
    def _forbidden() -> Response:
        return outcome.page(403, "Forbidden", "Whoever sent this request may not call this service.")
