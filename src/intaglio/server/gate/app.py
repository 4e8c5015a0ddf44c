"""The ASGI application of a gate: one door for requests that it passes on, one for the questions of other proxies.

ASGI 3, HTTP connection scope. RFC 9110 sections 7.2 (Host), 7.4 (misdirected requests), 7.8 (Upgrade).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence

import msgspec

from intaglio import ids
from intaglio.clock import Clock
from intaglio.errors import IntaglioError
from intaglio.server.gate import outcome, questions
from intaglio.server.gate.asked import PAGES, Asked, travelling, without_cookies
from intaglio.server.gate.config import Trusted
from intaglio.server.gate.outcome import Mode, Outcome, Passed, Refused
from intaglio.server.gate.streaming import Upstream, stream
from intaglio.server.http import framework
from intaglio.server.http.framework import Disconnected, Receive, Scope, Send
from intaglio.wire.message import Request, Response

log = logging.getLogger("intaglio.gate")

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
PAGE_BODY = 4096


class Protected(msgspec.Struct, frozen=True):
    """A service behind the gate: how it is decided for, by which host it is called, where it is passed on to."""

    name: str
    host: str
    secure: bool
    mode: Mode
    upstream: Upstream | None

    def __repr__(self) -> str:
        return f"Protected({self.name})"


class GateApp:
    """An ASGI application over two ports; `questions_port` is the one for other proxies, 0 for none."""

    def __init__(self, services: Sequence[Protected], questions_port: int, trusted: Trusted, clock: Clock) -> None:
        self._by_name: Mapping[str, Protected] = {service.name: service for service in services}
        self._by_host: Mapping[str, Protected] = {
            # One that is nowhere passed on and has no address is for the questions alone.
            service.host: service
            for service in services
            if service.host or service.upstream is not None
        }
        self._questions_port = questions_port
        self._trusted = trusted
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection scope; only HTTP is spoken."""
        if scope["type"] != "http":
            return
        request = framework.read_head(scope)
        try:
            if scope["server"][1] == self._questions_port:
                await _send(send, request, await self._question(request))
            else:
                await self._request(request, receive, send)
        except (Disconnected, asyncio.CancelledError):
            return

    # --- questions of other proxies

    async def _question(self, request: Request) -> Response:
        # SECURITY: what the answer holds is for the proxy alone, and what it sends is believed
        # (test_questions_of_strangers).
        if request.peer not in self._trusted:
            return outcome.words(403, "Only the proxies that were configured are answered here.")
        question = questions.read(request)
        service = self._by_name.get(question.service) if question is not None else None
        if question is None or service is None:
            return outcome.words(404, "There is no such service.")
        if question.asked is None:
            return outcome.words(400, "The proxy did not say what was asked for.")
        # SECURITY: another host at the same proxy is another service (test_another_host).
        if service.host and question.asked.host != service.host:
            return outcome.words(403, "The service has another host.")
        decided = await self._decided(service, question.asked)
        if isinstance(decided, Passed):
            passed = self._cleaned(service, question.asked, decided)
            return questions.allowed(question.kind, question.asked, passed, service.mode.owns)
        return questions.refused(question.kind, decided)

    @staticmethod
    def _cleaned(service: Protected, asked: Asked, passed: Passed) -> Passed:
        """Return what is told, with the cookies that the service may see."""
        if not service.mode.cookies:
            return passed
        cookies = [without_cookies(value, service.mode.cookies) for value in asked.every("cookie")]
        return Passed((*passed.told, ("cookie", "; ".join(value for value in cookies if value))), passed.who)

    # --- requests that are passed on

    async def _request(self, request: Request, receive: Receive, send: Send) -> None:
        hosts = request.header_values("host")
        service = self._by_host.get(hosts[0].lower()) or self._by_host.get("") if len(hosts) == 1 else None
        if service is None:
            # RFC 9112 3.2: exactly one Host; RFC 9110 7.4: not for this server.
            status = 421 if len(hosts) == 1 else 400
            await _send(send, request, outcome.words(status, "There is no service of this name here."))
            return
        refusal = _unfit(request)
        if refusal is not None:
            await _send(send, request, refusal)
            return
        asked = Asked(request.method, hosts[0].lower(), request.path, request.query, request.headers, request.peer)
        if asked.path.startswith(PAGES):
            await _send(send, request, await self._page(service, asked, receive))
            return
        decided = await self._decided(service, asked) if service.upstream is not None else _nothing_here()
        if isinstance(decided, Refused):
            await _send(send, request, decided.response)
            return
        assert service.upstream is not None
        headers = self._onward(service, asked, decided)
        await stream(service.upstream, asked, headers, receive, send)

    async def _page(self, service: Protected, asked: Asked, receive: Receive) -> Response:
        try:
            body = b""
            if asked.method not in ("GET", "HEAD"):
                body = await framework.read_body(receive, asked.one("content-length") or None, PAGE_BODY)
            found = await service.mode.page(asked, body, self._clock.now())
        except IntaglioError as fault:
            return self._failed(service, fault).response
        return found if found is not None else outcome.words(404, "There is no such page.")

    def _onward(self, service: Protected, asked: Asked, passed: Passed) -> list[tuple[str, str]]:
        """Return the headers that the service gets."""
        told = dict(passed.told)
        headers = [(name, value) for name, value in travelling(asked.headers, service.mode.owns) if name not in told]
        if service.mode.cookies:
            cleaned = ((n, without_cookies(v, service.mode.cookies) if n == "cookie" else v) for n, v in headers)
            headers = [(name, value) for name, value in cleaned if value or name != "cookie"]
        headers += [(name, value) for name, value in passed.told if value]
        return [*headers, *self._about_client(service, asked)]

    def _about_client(self, service: Protected, asked: Asked) -> tuple[tuple[str, str], ...]:
        """Return what is said of who asked; what they say of it themselves counts only if they are a trusted proxy."""
        before = ", ".join(asked.every("x-forwarded-for")) if asked.peer in self._trusted else ""
        scheme = "https" if service.secure else "http"
        return (
            ("x-forwarded-for", f"{before}, {asked.peer}" if before else asked.peer),
            ("x-forwarded-host", asked.host),
            ("x-forwarded-proto", scheme),
        )

    async def _decided(self, service: Protected, asked: Asked) -> Outcome:
        try:
            decided = await service.mode.decide(asked, self._clock.now())
        except IntaglioError as fault:
            return self._failed(service, fault)
        except Exception:
            # The last line of defence: whatever goes wrong, nobody passes.
            log.exception("unexpected error at the gate of %s", service.name)
            return Refused(outcome.words(500, "Something went wrong."), "unexpected")
        if isinstance(decided, Refused):
            log.info("%s refused %s: %s %s", service.name, asked.method, decided.code, ascii(decided.who))
        return decided

    @staticmethod
    def _failed(service: Protected, fault: IntaglioError) -> Refused:
        ref = ids.reference()
        log.warning("%s cannot decide: %s %s %s", service.name, fault.code, ref, ascii(fault.detail))
        return Refused(outcome.words(503, f"The gate cannot decide at the moment ({ref})."), fault.code)


def _nothing_here() -> Refused:
    return Refused(outcome.words(404, "This service is not passed on from here."), "no-upstream")


def _unfit(request: Request) -> Response | None:
    """Return the answer to a request that cannot be passed on, None for one that can."""
    if request.method not in METHODS:
        # RFC 9110 9.3.6, 9.3.8: a tunnel would pass the gate, and TRACE shows what the gate added.
        return outcome.words(501, "This gate does not pass on requests of this method.")
    if request.header("upgrade") is not None:
        return outcome.words(
            501, "This gate does not pass on connections that change their protocol, such as WebSocket."
        )
    return None


async def _send(send: Send, request: Request, response: Response) -> None:
    named = any(name == "x-content-type-options" for name, _ in response.headers)
    extra = () if named else (("x-content-type-options", "nosniff"),)
    await framework.send(send, response, extra, head=request.method == "HEAD")
