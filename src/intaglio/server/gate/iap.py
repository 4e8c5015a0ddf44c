"""Mode iap: people sign in with a browser, programs show an ID token, and the service gets a signed assertion of both.

OpenID Connect Core 3.1 (sign-in), RFC 6750 section 2.1 (Bearer), RFC 9110 section 11.7.1 (Proxy-Authorization).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from intaglio.errors import Refused as TokenFault
from intaglio.protocol.gate import AssertionFacts
from intaglio.protocol.principals import Principal
from intaglio.server.gate import credential, outcome, plain
from intaglio.server.gate.asked import PAGES, Asked
from intaglio.server.gate.credential import Carried
from intaglio.server.gate.inside import Inside, Target
from intaglio.server.gate.outcome import Outcome, Passed, Refused
from intaglio.server.gate.signin import SignIn
from intaglio.server.keyring import rings
from intaglio.validate.report import TokenRefused
from intaglio.wire.message import Response

AUTHORIZATION = "authorization"
PROXY_AUTHORIZATION = "proxy-authorization"
SHOWN = 200


class Assertions(msgspec.Struct, frozen=True):
    """Who signs assertions, and for whom."""

    issuer: str
    audience: str


class IapMode:
    """Lets through who signed in and may use the service, and tells the service who that is."""

    def __init__(
        self, inside: Inside, project_id: str, service: str, client_id: str, assertions: Assertions, sign_in: SignIn
    ) -> None:
        self._inside = inside
        self._words = inside.receiving.iap
        self._target = Target(inside, project_id, service)
        self._client_id = client_id
        self._assertions = assertions
        self._sign_in = sign_in
        self._ring_id = rings.of_assertions(inside.tenant_id)

    @property
    def cookies(self) -> tuple[str, ...]:
        """How the gate's own cookies begin."""
        return (self._sign_in.jar.prefix,)

    def owns(self, name: str) -> bool:
        """Tell whether a header is the proxy's own, or carries what was meant for it."""
        return name.startswith(self._words.prefix) or name in (AUTHORIZATION, PROXY_AUTHORIZATION)

    async def decide(self, asked: Asked, now: int) -> Outcome:
        """Return whether the request may pass; raises `Unavailable`."""
        carried = credential.find(asked, (PROXY_AUTHORIZATION, AUTHORIZATION))
        if carried is None or not self._is_ours(carried, asked):
            return await self._visited(asked, now)
        try:
            principal = await self._shown(carried, now)
        except TokenFault as fault:
            return Refused(self._invalid(fault), fault.code)
        return await self._judged(principal, asked, carried.header, now)

    async def page(self, asked: Asked, body: bytes, now: int) -> Response | None:
        """Answer the pages of signing in and out."""
        return await self._sign_in.page(asked, body, now)

    @staticmethod
    def _is_ours(carried: Carried, asked: Asked) -> bool:
        """Tell whether a header is meant for the gate: Proxy-Authorization always, Authorization if it is Bearer."""
        value = asked.every(carried.header)[0]
        return carried.header == PROXY_AUTHORIZATION or value[:7].lower() == "bearer "

    async def _shown(self, carried: Carried, now: int) -> Principal | None:
        if not carried.token:
            raise TokenFault("" if carried.token == "" else "token-malformed")
        token = await self._inside.believer.token(carried.token, (self._client_id,), now)
        callers = self._inside.callers
        return await callers.account(token, now) or await callers.user(token, self._inside.dialect, now)

    async def _visited(self, asked: Asked, now: int) -> Outcome:
        session = await self._sign_in.session(asked, now)
        if session is not None:
            principal = await self._inside.callers.by_id(session.user_id, session.issued_at, now)
            if principal is None and asked.pages and asked.is_visit:
                return Refused(await self._sign_in.begin(asked, asked.target, now), "sign-in-begins")
            return await self._judged(principal, asked, "cookie", now)
        if asked.pages and asked.is_visit:
            return Refused(await self._sign_in.begin(asked, asked.target, now), "sign-in-begins")
        return Refused(self._answer(""), "token-missing")

    async def _judged(self, principal: Principal | None, asked: Asked, header: str, now: int) -> Outcome:
        # The application is told an address, so there has to be one, and a confirmed one.
        if principal is None or not principal.email:
            return Refused(self._forbidden(), "caller-unknown")
        who = self._inside.vocabulary.display(principal)
        service = await self._target.service(now)
        if not await self._inside.may(principal, self._words.permissions, service.resource, now):
            return Refused(self._forbidden(), "permission-denied", who)
        return Passed(await self._told(principal, asked, header, now), who)

    async def _told(self, principal: Principal, asked: Asked, header: str, now: int) -> tuple[tuple[str, str], ...]:
        words, number = self._words, principal.id
        if principal.kind == "user":
            number = self._inside.works.subjects.of(self._inside.dialect, None, principal.id)
        facts = AssertionFacts(
            issuer=self._assertions.issuer,
            audience=self._assertions.audience,
            subject=words.subject_prefix + number,
            email=principal.email,
            now=now,
            lifetime=words.lifetime,
        )
        assertion = await self._inside.works.mint.assertion(self._inside.dialect, self._ring_id, words, facts)
        # A token for the gate is of no use to the application but to be shown elsewhere: it stays here.
        kept = "" if header == AUTHORIZATION else asked.one(AUTHORIZATION)
        return (
            (words.assertion_header, assertion),
            # SECURITY: an address may hold any sign; what stands in a header reads as nobody else's
            # (test_d6_44_an_address_is_one_line_of_ascii). The assertion has it as it is.
            (words.email_header, words.subject_prefix + plain.as_header(principal.email)),
            (words.id_header, words.subject_prefix + number),
            (AUTHORIZATION, kept),
            (PROXY_AUTHORIZATION, ""),
        )

    def _invalid(self, fault: TokenFault) -> Response:
        received: object = ""
        if isinstance(fault, TokenRefused):
            received = fault.detail.get("received", "")
        return self._answer(fault.code, _plain(received))

    def _answer(self, code: str, received: str = "") -> Response:
        return outcome.words(401, self._words.refusal(code, self._client_id, received))

    def _forbidden(self) -> Response:
        sentence = (
            "You are signed in, and may not use this application. "
            f'<a href="{PAGES}sign-out">Sign out</a> to use another account.'
        )
        return outcome.page(403, "Forbidden", sentence)


def _plain(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, Sequence) and not isinstance(value, str) else str(value)
    return "".join(letter for letter in text[:SHOWN] if letter.isprintable())
