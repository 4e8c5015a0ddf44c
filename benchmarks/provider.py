"""What a provider does beside the code flow, under the same load as node oidc-provider: requests per second, in turns.

Hybrid flow (`code id_token` by fragment, then POST token), userinfo and introspection of a live access token, key set,
registration of a client with one redirect_uri. Of every answer the status and a text that only a good one has are
looked at.
"""

from __future__ import annotations

import asyncio
import base64
import json
import statistics
from collections.abc import Callable
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlencode, urlsplit

from benchmarks import contestants
from benchmarks.contestants import Contestant, drive
from intaglio import ids
from intaglio.clock import SystemClock
from intaglio.server import compose
from intaglio.server.admin import clients, tenants
from intaglio.server.admin.clients import NewClient
from intaglio.server.admin.tenants import Policies
from intaglio.server.settings import load as settings
from tests.proof import browser, wire, world
from tests.proof.browser import Browser
from tests.proof.wire import Answer
from tests.proof.world import World

CLIENT = "hybrid"
CALLBACK = "https://shop.example.com/cb"
ASKED = {"client_id": CLIENT, "redirect_uri": CALLBACK, "response_type": "code id_token"}
BASIC = "Basic " + base64.b64encode(f"{CLIENT}:{world.SECRET}".encode()).decode()
OPEN = "open"
"""The tenant that lets everybody register."""
WARM_UP = 0.3
HYBRID = "hybrid flow"
FIGURES = ("per_second", "p50_ms", "p99_ms", "processor_ms", "others_share", "driver_share_of_a_core")


async def furnish(made: World) -> None:
    """Add the client of the hybrid flow, and a tenant whose registration is open."""
    configured, clock = settings.load(None, made.environment), SystemClock()
    async with compose.administration(configured) as a:
        tenant = await tenants.show(a.store, world.SLUG)
        wanted = NewClient(
            client_name="Hybrid",
            client_id=CLIENT,
            client_secret=ids.Secret(world.SECRET),
            redirect_uris=(CALLBACK,),
            grant_types=("authorization_code", "implicit"),
            response_types=("code id_token",),
            require_auth_time=True,
        )
        await clients.create(a.store, clock, a.secrets, tenant.tenant_id, wanted)
        await tenants.create(a.store, clock, slug=OPEN, policies=Policies(registration="open"))


class Intaglio(contestants.SQLite):
    """Intaglio on an SQLite file, with the client, its consents and the open tenant."""

    introspect = f"/{world.SLUG}/introspect"
    jwks = f"/{world.SLUG}/jwks"
    register = f"/{OPEN}/register"
    userinfo = f"/{world.SLUG}/userinfo"

    def __init__(self) -> None:
        super().__init__()
        try:
            asyncio.run(furnish(self.world))
            for cookie in self.cookies:
                asyncio.run(self._consent(cookie))
        except BaseException:
            self.stop()
            raise

    async def _consent(self, cookie: str) -> None:
        person = await Browser.open(self.port, self.world.path, "openid")
        person.cookies = dict(pair.split("=", 1) for pair in cookie.split("; "))
        where = (await person.go("GET", browser.authorize_target(self.world.path, "openid", **ASKED))).header(
            "location"
        )
        if where.startswith("/"):
            page = await person.go("GET", where)
            form = {"csrf": browser.form_token(page.body), "decision": "allow", "scope": "openid"}
            await person.go("POST", where, urlencode(form))
        person.close()

    def renew(self) -> None:
        """Nothing is forgotten here."""


class Peer(contestants.Peer):
    """node oidc-provider with these features; its memory forgets the oldest of some thousand records."""

    request: ClassVar[dict[str, str]] = ASKED
    more: ClassVar[dict[str, str]] = {"BENCH_HYBRID": CLIENT, "BENCH_HYBRID_CALLBACK": CALLBACK}
    introspect = "/token/introspection"
    jwks = "/jwks"
    register = "/reg"
    userinfo = "/me"

    def renew(self) -> None:
        """Begin new sessions: registrations have pushed the old ones out."""
        self.sign_in()


Provider = Intaglio | Peer


def _ask(one: Contestant, method: str, target: str, headers: dict[str, str], body: str = "") -> str:
    """Return a request's octets as text."""
    fields = {"host": f"127.0.0.1:{one.port}"} | headers | ({"content-length": str(len(body))} if body else {})
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{method} {target} HTTP/1.1\r\n{lines}\r\n{body}"


def _answered(one: Contestant, octets: str, status: int = 200) -> Answer:
    answer = asyncio.run(wire.once(one.port, octets.encode()))
    if answer.status != status:
        raise RuntimeError(f"{one.name}: {answer}")
    return answer


def access_token(one: Provider) -> str:
    """Return the access token of a new hybrid flow; raises RuntimeError where one fails."""
    target = browser.authorize_target("", "openid", **ASKED).replace("/authorize", one.authorize, 1)
    answer = asyncio.run(wire.once(one.port, _ask(one, "GET", target, {"cookie": one.cookies[0]}).encode()))
    code = parse_qs(urlsplit(answer.header("location")).fragment).get("code")
    if code is None:
        raise RuntimeError(f"{one.name}: {answer}")
    fields = {"grant_type": "authorization_code", "code": code[0], "redirect_uri": CALLBACK}
    body = urlencode(fields | {"code_verifier": browser.VERIFIER})
    headers = {"authorization": BASIC, "content-type": "application/x-www-form-urlencoded"}
    return str(_answered(one, _ask(one, "POST", one.token, headers, body)).json()["access_token"])


def _flow(one: Provider, seconds: float) -> dict[str, Any]:
    more = {"client_id": CLIENT, "redirect_uri": CALLBACK, "response_type": "code id_token"}
    return drive(one.job("flows", seconds, WARM_UP, **more))


def _plain(one: Provider, seconds: float, octets: str, text: str, status: int = 200) -> dict[str, Any]:
    return drive(one.job("plain", seconds, WARM_UP, request=octets, status=status, text=text))


def _userinfo(one: Provider, seconds: float) -> dict[str, Any]:
    octets = _ask(one, "GET", one.userinfo, {"authorization": f"Bearer {access_token(one)}"})
    return _plain(one, seconds, octets, f'"sub":"{_answered(one, octets).json()["sub"]}"')


def _introspection(one: Provider, seconds: float) -> dict[str, Any]:
    headers = {"authorization": BASIC, "content-type": "application/x-www-form-urlencoded"}
    octets = _ask(one, "POST", one.introspect, headers, urlencode({"token": access_token(one)}))
    return _plain(one, seconds, octets, '"active":true')


def _keys(one: Provider, seconds: float) -> dict[str, Any]:
    octets = _ask(one, "GET", one.jwks, {})
    answer = _answered(one, octets)
    keys = answer.json()["keys"]
    figures = _plain(one, seconds, octets, f'"n":"{keys[0]["n"]}"')
    return figures | {"held": f"{len(keys)} in {len(answer.body)} octets"}


def _registration(one: Provider, seconds: float) -> dict[str, Any]:
    body = json.dumps({"redirect_uris": [CALLBACK]})
    octets = _ask(one, "POST", one.register, {"content-type": "application/json"}, body)
    return _plain(one, seconds, octets, '"registration_access_token":"', 201)


WORKS: dict[str, Callable[[Provider, float], dict[str, Any]]] = {
    HYBRID: _flow,
    "userinfo": _userinfo,
    "introspection": _introspection,
    "JWKS": _keys,
    "registration": _registration,
}
"""By name; registration comes last, since it pushes sessions out of the peer's memory."""


def measure(rounds: int, seconds: float, say: Callable[[str], None]) -> dict[str, Any]:
    """Return what each did, work by work: the medians of the rounds and their ratios."""
    turns: dict[str, dict[str, list[dict[str, Any]]]] = {work: {} for work in WORKS}
    entered: list[Provider] = []
    try:
        entered.append(Intaglio())
        entered.append(Peer())
        for _ in range(rounds):
            for one in entered:
                one.renew()
            for work, run in WORKS.items():
                for one in entered:
                    figures = run(one, seconds)
                    turns[work].setdefault(one.name, []).append(figures)
                    say(f"  {work:<14} {one.name:<26} {figures['per_second']:7.0f} /s")
    finally:
        for one in entered:
            one.stop()
    ours, theirs = (one.name for one in entered)
    return {work: _middle(found, ours, theirs) for work, found in turns.items()}


def _middle(found: dict[str, list[dict[str, Any]]], ours: str, theirs: str) -> dict[str, Any]:
    pairs = zip(found[ours], found[theirs], strict=True)
    ratio = statistics.median(mine["per_second"] / other["per_second"] for mine, other in pairs)
    return {"ratio": ratio, "by": {name: _median(turns) for name, turns in found.items()}}


def _median(turns: list[dict[str, Any]]) -> dict[str, Any]:
    for turn in turns:
        turn["processor_ms"] = 1000 * turn["processor_seconds"] / max(1, turn["count"])
        turn["driver_share_of_a_core"] = turn["driver_processor_seconds"] / (turn["seconds"] + WARM_UP)
    middle = {name: statistics.median(turn[name] for turn in turns) for name in FIGURES}
    held = {"held": turns[-1]["held"]} if "held" in turns[-1] else {}
    return middle | held | {"turns": [turn["per_second"] for turn in turns]}


def disturbed(found: dict[str, Any], quiet: float) -> list[str]:
    """Return a line if other programs took more than a share of the machine during one of the works."""
    shares = {
        f"{work}, {name}": figures["others_share"] for work, one in found.items() for name, figures in one["by"].items()
    }
    worst = max(shares, key=shares.__getitem__, default="")
    if not worst or shares[worst] <= quiet:
        return []
    return [f"{worst}: other programs took {100 * shares[worst]:.0f} % of the machine; run it alone"]
