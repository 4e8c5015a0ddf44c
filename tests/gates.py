"""A gate in one process: the application as built, over a site of the harness, with a service behind it that remembers.

Tokens are signed with the site's own key, with any claims: most of them are such as nobody would issue.
"""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from intaglio import codec
from intaglio.dialects import registry
from intaglio.names import RingId
from intaglio.server.devmode import seeds
from intaglio.server.gate import config as configs
from intaglio.server.gate.app import GateApp
from intaglio.server.gate.building import Builder, Door, Installation
from intaglio.server.model import policies
from intaglio.server.model.policies import Binding, Policy
from intaglio.tokens import jws
from tests import harness
from tests.harness import Answer

LISTEN, QUESTIONS = 8090, 8091
PROXY = "192.0.2.80"
CLIENT = "192.0.2.1"
GOOGLE = registry.DIALECTS["google"]
ISSUER = "http://localhost:8081"
ALICE_SUBJECT = GOOGLE.subject(seeds.ALICE_ID)
RUN = {
    "mode": "run",
    "name": "hello",
    "url": "https://hello.example",
    "upstream": "http://127.0.0.1:9",
    "project": seeds.PROJECT,
    "service": seeds.SERVICE,
}
IAP = {
    "mode": "iap",
    "name": "app",
    "url": "https://app.example",
    "upstream": "http://127.0.0.1:9",
    "project": seeds.PROJECT,
    "service": seeds.SERVICE,
    "client_id": "gate",
    "sign_in": "standard",
}
WHO = {"user:alice@example.com": seeds.ALICE_ID, f"serviceAccount:{seeds.TARGET}": seeds.TARGET_ID}
CALLBACK = "https://app.example/_intaglio/gate/callback"


class Seen(msgspec.Struct, frozen=True):
    """What reached the service."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def every(self, name: str) -> list[str]:
        """Return every value of a header."""
        return [value for key, value in self.headers if key == name]

    def one(self, name: str) -> str | None:
        """Return a header's value; None if it did not come, and a fault if it came twice."""
        found = self.every(name)
        assert len(found) <= 1, f"{name} came {len(found)} times"
        return found[0] if found else None


class Answered(msgspec.Struct, frozen=True):
    """What the service answers."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: AsyncIterator[bytes]


class Recorder:
    """A service that remembers what reached it and answers with two pieces."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.headers: tuple[tuple[bytes, bytes], ...] = ((b"content-type", b"text/plain"), (b"connection", b"x-gone"))

    @contextlib.asynccontextmanager
    async def forward(
        self, method: str, target: str, headers: Iterable[tuple[bytes, bytes]], body: AsyncIterator[bytes] | None
    ) -> AsyncIterator[Answered]:
        """Remember a request."""
        octets = b"".join([piece async for piece in body]) if body is not None else b""
        told = tuple((name.decode(), value.decode("latin-1")) for name, value in headers)
        self.seen.append(Seen(method, target, told, octets))
        yield Answered(200, self.headers, _pieces())


async def _pieces() -> AsyncIterator[bytes]:
    yield b"hello, "
    yield b"world"


class Outside:
    """Leads every outgoing call to the site, and every upstream to the recorder."""

    def __init__(self, site: harness.Site, recorder: Recorder) -> None:
        self._site = site
        self._recorder = recorder

    def outgoing(self, trusted: tuple[str, ...]) -> harness.InProcess:
        """Return what runs calls."""
        return harness.InProcess(self._site)

    def upstream(self, origin: str) -> Recorder:
        """Return the service."""
        return self._recorder


class Gate:
    """A gate, what is behind it, and how to knock."""

    def __init__(self, site: harness.Site, *wards: Mapping[str, Any], folder: pathlib.Path | None = None) -> None:
        self.site = site
        self.service = Recorder()
        document = {
            "gate": {
                "listen": f"127.0.0.1:{LISTEN}",
                "forward_auth": f"127.0.0.1:{QUESTIONS}",
                "trusted_proxies": [PROXY],
            },
            "service": list(wards),
        }
        doors = {"google": Door(ISSUER, "default"), "standard": Door("http://localhost:8080")}
        installation = Installation(site.hall.works, doors)
        outside = Outside(site, self.service)
        builder = Builder(registry.DIALECTS, outside, folder or pathlib.Path(), installation)
        config = configs.read(document)
        services = site.run(builder.services(config))
        self.app = GateApp(services, QUESTIONS, configs.Trusted(config.gate.trusted_proxies), site.clock)

    @property
    def seen(self) -> Seen:
        """What reached the service, which is one request since this was asked the last time."""
        (found,) = self.service.seen
        self.service.seen.clear()
        return found

    @property
    def untouched(self) -> bool:
        """Whether nothing reached the service."""
        return not self.service.seen

    def knock(
        self,
        where: str,
        *,
        method: str = "GET",
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        peer: str = CLIENT,
        port: int = LISTEN,
    ) -> Answer:
        """Send a request; `where` is an absolute URL, whose host goes into Host unless the headers have one."""
        return self.site.run(self._exchange(where, method, list(headers), body, peer, port))

    def ask(self, path: str, headers: Iterable[tuple[str, str]] = (), peer: str = PROXY, method: str = "GET") -> Answer:
        """Send a proxy's question."""
        return self.knock(f"http://gate.internal{path}", method=method, headers=headers, peer=peer, port=QUESTIONS)

    async def _exchange(
        self, where: str, method: str, headers: list[tuple[str, str]], body: bytes, peer: str, port: int
    ) -> Answer:
        parts = urlsplit(where)
        path = where.split("://", 1)[1].partition("/")[1] + where.split("://", 1)[1].partition("/")[2].partition("?")[0]
        given = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
        if not any(name == b"host" for name, _ in given):
            given.insert(0, (b"host", parts.netloc.encode()))
        if body and not any(name in (b"content-length", b"transfer-encoding") for name, _ in given):
            given.append((b"content-length", str(len(body)).encode()))
        scope = {
            "type": "http",
            "method": method,
            "scheme": "http",
            "path": unquote(path or "/"),
            "raw_path": (path or "/").encode("latin-1"),
            "query_string": parts.query.encode(),
            "headers": given,
            "client": (peer, 50000),
            "server": ("127.0.0.1", port),
        }
        sent: list[Any] = []
        waiting = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> dict[str, Any]:
            if waiting:
                return waiting.pop(0)
            await _for_ever()
            raise AssertionError

        async def send(message: Any) -> None:
            sent.append(dict(message))

        await self.app(scope, receive, send)
        told = tuple((name.decode(), value.decode("latin-1")) for name, value in sent[0]["headers"])
        return Answer(sent[0]["status"], told, b"".join(m.get("body", b"") for m in sent[1:]), where)

    # --- tokens and policies

    def sign(
        self, claims: Mapping[str, Any], ring_id: str = seeds.TENANT_ID, alg: str = "RS256", typ: str = "JWT"
    ) -> str:
        """Return a token with these claims, signed by a ring of the site; a claim of None is left out."""
        keyring = self.site.hall.works.keyring
        record = self.site.run(keyring.signing(RingId(ring_id), alg))
        header = {"typ": typ, "kid": GOOGLE.kid(keyring.public(record))}
        payload = {name: value for name, value in claims.items() if value is not None}
        return jws.sign(keyring.open(record), header, codec.encode_json(payload))

    def of_account(
        self,
        audience: Any = seeds.SERVICE_AUDIENCE,
        number: str = seeds.TARGET_ID,
        email: str = seeds.TARGET,
        **more: Any,
    ) -> str:
        """Return the ID token of a service account, the one that may call the seeded service."""
        return self.sign(self._usual(audience, number) | {"email": email, "email_verified": True} | more)

    def of_user(self, audience: str = "intaglio-cli", sub: str = ALICE_SUBJECT, **more: Any) -> str:
        """Return the ID token of a person, as the command line has it."""
        known = {"email": "alice@example.com", "email_verified": True}
        return self.sign(self._usual(audience, sub) | {"azp": audience} | known | more)

    def _usual(self, audience: Any, sub: str) -> dict[str, Any]:
        now = self.site.clock.now()
        return {"iss": ISSUER, "aud": audience, "azp": sub, "sub": sub, "iat": now, "exp": now + 3600}

    def grant(self, role: str, *members: str) -> None:
        """Give members a role on the seeded service, in place of whatever they had."""
        resource = f"projects/{seeds.PROJECT}/services/{seeds.SERVICE}"
        self.site.write(policies.delete, seeds.TENANT_ID, resource)
        if role:
            bindings = (Binding(role, members),)
            known = {member: WHO[member] for member in members if member in WHO}
            made = Policy(seeds.TENANT_ID, resource, bindings, "test", 0, identities=known)
            assert self.site.write(policies.write, made, "")
        self.site.settle()


async def _for_ever() -> None:
    import asyncio

    await asyncio.Event().wait()


def bearer(token: str) -> tuple[str, str]:
    """Return the Authorization header of a token."""
    return ("authorization", f"Bearer {token}")


def stripped(token: str) -> str:
    """Return a token as the service gets it."""
    return token.rpartition(".")[0] + ".SIGNATURE_REMOVED_BY_GOOGLE"


@contextlib.contextmanager
def gate(*wards: Mapping[str, Any], folder: pathlib.Path | None = None) -> Iterator[Gate]:
    """Open a gate over a site of its own."""
    with harness.site() as site:
        site.add_client("gate", like="demo", redirect_uris=(CALLBACK,))
        yield Gate(site, *wards, folder=folder)
