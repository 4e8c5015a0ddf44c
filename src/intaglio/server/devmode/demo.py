"""The demo relying party: a real one, through the real endpoints, over real HTTP.

What it remembers of a visitor lives in this process's memory, bounded, and is named by a cookie.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from intaglio import codec, ids
from intaglio.clock import Clock
from intaglio.dialects import coding
from intaglio.errors import IntaglioError
from intaglio.protocol.faults import MethodNotAllowed, NotFound, UnsafeToRedirect
from intaglio.protocol.pages import DemoPage
from intaglio.relying.party import RelyingParty
from intaglio.relying.records import SignedIn, Transaction
from intaglio.server.devmode import seeds, show
from intaglio.server.http import cookies
from intaglio.server.http.dispatch import Hall, with_headers
from intaglio.wire import message, url
from intaglio.wire.flow import Driver
from intaglio.wire.message import Request, Response

VISITORS = 1000
PURPOSE = "demo"
MAX_HINT = 320
_PLAIN = re.compile(r"[\x21\x24-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7e]{1,2000}")
"""Visible ASCII without quotes, brackets, fragment and backslash, which browsers read in ways of their own."""


def _refused(name: str, expected: str, received: str) -> UnsafeToRedirect:
    return UnsafeToRedirect(
        "invalid_request",
        f"A sign-in cannot begin with this {name}.",
        detail={"expected": expected, "received": received[:200] or "none"},
    )


class Visit(msgspec.Struct):
    """What the demo remembers of one browser."""

    transaction: Transaction | None = None
    signed_in: SignedIn | None = None
    person: dict[str, Any] = {}
    refreshed: int = 0
    error: str = ""
    target: str = ""


class Demo:
    """The pages under `/demo`."""

    def __init__(self, base_url: str, driver: Callable[[], Driver], clock: Clock) -> None:
        self._base = base_url
        self._home = base_url + "/demo"
        self._make_driver = driver
        self._made: Driver | None = None
        self._clock = clock
        self._cookie = cookies.name("demo", self._home, secure=self._secure)
        self._visits: OrderedDict[str, Visit] = OrderedDict()
        self._party = RelyingParty(
            issuer=f"{base_url}/{seeds.SLUG}",
            client_id="demo",
            redirect_uri=self._home + "/callback",
            scope=" ".join(seeds.SCOPE),
        )

    @property
    def _secure(self) -> bool:
        return self._base.startswith("https:")

    @property
    def _driver(self) -> Driver:
        """What runs the outgoing flows, made when the first visitor needs it."""
        if self._made is None:
            self._made = self._make_driver()
        return self._made

    async def answer(self, request: Request, hall: Hall) -> Response:
        """Answer a request under `/demo`; raises `NotFound`, `MethodNotAllowed`."""
        rows: dict[str, tuple[tuple[str, ...], Callable[[Request, Hall, str, Visit], Awaitable[Response]]]] = {
            "/demo": (("GET",), self._show),
            "/demo/login": (("GET", "POST"), self._login),
            "/demo/callback": (("GET",), self._callback),
            "/demo/refresh": (("POST",), self._refresh),
            "/demo/logout": (("POST",), self._logout),
        }
        if request.path not in rows:
            raise NotFound(detail={"received": request.path[:200]})
        methods, act = rows[request.path]
        if request.method not in methods:
            fault = MethodNotAllowed()
            fault.allowed = methods
            raise fault
        if request.path == "/demo/login" and request.method == "POST":
            # The post of another site brings no cookies; the same request by GET does.
            return message.redirect(url.with_query(self._home + "/login", self._initiation(request)))
        secret, visit = self._visit(request)
        response = await act(request, hall, secret, visit)
        kept = cookies.write(self._cookie, secret, max_age=24 * 3600, secure=self._secure)
        return with_headers(response, (kept,))

    def _visit(self, request: Request) -> tuple[str, Visit]:
        secret = cookies.read(request, self._cookie)
        if secret not in self._visits:
            secret = ids.opaque()
            self._visits[secret] = Visit()
        self._visits.move_to_end(secret)
        while len(self._visits) > VISITORS:
            self._visits.popitem(last=False)
        return secret, self._visits[secret]

    async def _show(self, request: Request, hall: Hall, secret: str, visit: Visit) -> Response:
        error, visit.error = visit.error, ""
        if visit.signed_in is None:
            party = self._party
            return hall.page(
                DemoPage(party.issuer, party.client_id, self._home + "/login", seeds.ACCOUNTS, error=error)
            )
        csrf = hall.forms.token(secret, PURPOSE)
        return hall.page(
            show.token_page(self._home, self._party.issuer, visit.signed_in, visit.person, visit.refreshed, csrf)
        )

    def _initiation(self, request: Request) -> list[tuple[str, str]]:
        """Return the parameters with which another site begins a sign-in here (OpenID Connect Core 4).

        Raises `UnsafeToRedirect` for another issuer, and for a target outside the demo.
        """
        found = coding.form_params(request) if request.method == "POST" else coding.query_params(request)
        fields = coding.single(found).items()
        given = {name: value for name, value in fields if name in ("iss", "target_link_uri", "login_hint")}
        if given and given.get("iss") != self._party.issuer:
            raise _refused("iss", self._party.issuer, given.get("iss", ""))
        target = given.get("target_link_uri", "")
        # SECURITY: OpenID Connect Core 4: the target must not make an open redirector of the relying party
        # (test_a_target_outside_the_demo_is_refused).
        if target and not self._is_inside(target):
            raise _refused("target_link_uri", f"{self._home}, with any query", target)
        return [(name, value[:MAX_HINT] if name == "login_hint" else value) for name, value in given.items()]

    def _is_inside(self, target: str) -> bool:
        """Tell whether an address is the demo's page: its text as it is, with a query or without."""
        return target == self._home or (target.startswith(self._home + "?") and bool(_PLAIN.fullmatch(target)))

    async def _login(self, request: Request, hall: Hall, secret: str, visit: Visit) -> Response:
        given = dict(self._initiation(request))
        visit.target = given.get("target_link_uri", "")
        try:
            provider = await self._driver.run(self._party.discover())
        except IntaglioError as error:
            return self._failed(visit, error)
        visit.transaction = Transaction(state=ids.opaque(), nonce=ids.opaque(), code_verifier=ids.opaque())
        begun = visit.transaction
        where = self._party.begin(provider, state=begun.state, nonce=begun.nonce, code_verifier=begun.code_verifier)
        hint = [("login_hint", given["login_hint"])] if "login_hint" in given else []
        return message.redirect(url.with_query(where, hint))

    async def _callback(self, request: Request, hall: Hall, secret: str, visit: Visit) -> Response:
        begun, visit.transaction = visit.transaction, None
        if begun is None:
            return self._back(visit, "There is no sign-in under way in this browser.")
        fields = dict(coding.single(coding.query_params(request)).items())
        try:
            provider = await self._driver.run(self._party.discover())
            finish = self._party.finish(provider, begun, fields, now=self._clock.now())
            visit.signed_in = await self._driver.run(finish)
            userinfo = self._party.userinfo(provider, visit.signed_in.access_token, visit.signed_in.token.sub)
            visit.person = await self._driver.run(userinfo)
        except IntaglioError as error:
            return self._failed(visit, error)
        visit.refreshed = 0
        target, visit.target = visit.target, ""
        return message.redirect(target or self._home)

    async def _refresh(self, request: Request, hall: Hall, secret: str, visit: Visit) -> Response:
        hall.forms.check(request, coding.form_params(request).get("csrf"), secret, PURPOSE)
        held = visit.signed_in
        if held is None or held.refresh_token is None:
            return self._back(visit, "There is nothing to refresh: sign in first.")
        try:
            provider = await self._driver.run(self._party.discover())
            again = self._party.refresh(provider, held.refresh_token, held.token, now=self._clock.now())
            fresh = await self._driver.run(again)
        except IntaglioError as error:
            visit.signed_in = None
            return self._failed(visit, error)
        kept = fresh.refresh_token or held.refresh_token
        visit.signed_in = msgspec.structs.replace(fresh, refresh_token=kept, raw=fresh.raw or held.raw)
        visit.refreshed += 1
        return message.redirect(self._home)

    async def _logout(self, request: Request, hall: Hall, secret: str, visit: Visit) -> Response:
        hall.forms.check(request, coding.form_params(request).get("csrf"), secret, PURPOSE)
        held = visit.signed_in
        self._visits[secret] = Visit()
        if held is None:
            return message.redirect(self._home)
        provider = await self._driver.run(self._party.discover())
        where = self._party.logout_url(provider, held.raw, self._home, ids.opaque(16))
        return message.redirect(where or self._home)

    def _failed(self, visit: Visit, error: IntaglioError) -> Response:
        detail = codec.encode_json(error.detail).decode() if error.detail else ""
        return self._back(visit, f"{error.public} ({error.code}) {detail}")

    def _back(self, visit: Visit, sentence: str) -> Response:
        visit.error = sentence
        return message.redirect(self._home)
