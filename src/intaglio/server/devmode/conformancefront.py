"""What development mode answers under `/conformance`: the suite's configurations, and the call that rotates keys."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlsplit

from intaglio import codec
from intaglio.clock import Clock
from intaglio.names import RingId
from intaglio.server.devmode import conformance, suiteplans
from intaglio.server.devmode.conformance import Keys
from intaglio.server.keyring import rings, rotate
from intaglio.server.keyring.vault import Vault
from intaglio.server.model import signingkeys
from intaglio.server.model.plan import Store
from intaglio.wire import message, url
from intaglio.wire.message import Request, Response

PATH = "/conformance"
ROTATE = PATH + "/rotate-keys"


class ConformanceFront:
    """Answers this machine's programs; a page of somebody else's that makes the browser ask gets nothing."""

    def __init__(self, base_url: str, suite: str, keys: Keys, store: Store, vault: Vault, clock: Clock) -> None:
        self.base_url = base_url
        self.suite = suite
        self._keys = keys
        self._store = store
        self._vault = vault
        self._clock = clock

    def __repr__(self) -> str:
        return "ConformanceFront(…)"

    def owns(self, path: str) -> bool:
        """Tell whether a path is one of these, and not the tenant's of the same name."""
        return path in (PATH, PATH + "/", ROTATE) or (path.startswith(PATH + "/") and path.endswith(".json"))

    async def answer(self, request: Request) -> Response:
        """Return the list of plans, a plan's configuration, or what came of a rotation."""
        if not self._may_ask(request):
            return _told(403, {"error": "forbidden", "error_description": "Only programs on this machine may ask."})
        if request.path == ROTATE:
            return await self._rotate() if request.method == "POST" else _not_allowed("POST")
        if request.method not in ("GET", "HEAD"):
            return _not_allowed("GET, HEAD")
        if request.path.endswith(".json"):
            return self._configuration(request.path.removeprefix(PATH + "/").removesuffix(".json"))
        return _told(200, self.listed())

    def _may_ask(self, request: Request) -> bool:
        # SECURITY: what is told here signs for clients. A page elsewhere whose name leads to this machine (DNS
        # rebinding) has another Host; one that posts a form from anywhere has an Origin.
        named = (request.header("host") or "").lower() == urlsplit(self.base_url).netloc
        near = url.is_loopback_host(request.peer) or not request.peer
        return named and near and request.header("origin") is None and request.header("forwarded") is None

    def listed(self) -> dict[str, Any]:
        """Return what `--conformance` prints: the tenant, its clients, and where each plan's configuration is."""
        return {
            "issuer": f"{self.base_url}/{conformance.SLUG}",
            "suite": self.suite,
            "user": {"username": "alice", "password": conformance.PASSWORD},
            "rotate_keys": f"curl -X POST {self.base_url}{ROTATE}",
            "clients": suiteplans.every_client(self._keys),
            "plans": [
                {"plan": plan.words, "configuration": f"{self.base_url}{PATH}/{plan.slug}.json"}
                for plan in suiteplans.plans()
            ],
        }

    def configurations(self) -> dict[str, dict[str, Any]]:
        """Return every plan's configuration by the plan."""
        return {
            plan.words: suiteplans.configuration(plan, self.base_url, self.suite, self._keys)
            for plan in suiteplans.plans()
        }

    def _configuration(self, slug: str) -> Response:
        plan = next((one for one in suiteplans.plans() if one.slug == slug), None)
        if plan is None:
            return _told(404, {"error": "not_found"})
        return _told(200, suiteplans.configuration(plan, self.base_url, self.suite, self._keys))

    async def _rotate(self) -> Response:
        """Let a new key of each algorithm sign at once; the old ones stay published."""
        ring = RingId(conformance.TENANT_ID)
        now = self._clock.now()
        held = await self._store.read(signingkeys.of_ring, ring)
        made = []
        for alg in sorted({key.alg for key in held} or {rings.FIRST_ALG}):
            fresh = await asyncio.to_thread(rotate.make, self._vault, ring, alg, now)
            key = await self._store.write(rotate.rotate, fresh, now, 0)
            made.append({"alg": alg, "key_id": key.key_id})
        return _told(200, {"made": made})


def _told(status: int, body: dict[str, Any]) -> Response:
    return message.json_response(status, codec.encode_json(body))


def _not_allowed(methods: str) -> Response:
    return message.json_response(405, b'{"error":"method_not_allowed"}', (("allow", methods), *message.NO_STORE))
