"""The provider as a process of its own, over https, with the configuration that it printed for the suite."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from intaglio.wire.flow import Call
from tests.conformance.op.checks import published
from tests.conformance.op.provider import Defect, Party, Provider
from tests.conformance.op.running import NotThere
from tests.harness import Answer
from tests.live import Dev

LONGEST_WAIT = 3
"""Seconds that a test may really wait."""


class NoWorld:
    """There are no pages of clients behind this provider."""

    def put(self, url: str, body: bytes, media_type: str = "") -> None:
        """Say that such pages are not there."""
        raise NotThere("the client has no address of its own here")


class Live(Provider):
    """A provider that runs as a server; its clients are those of a plan's configuration."""

    def __init__(self, running: Dev, configuration: Mapping[str, Any], suite: str) -> None:
        self.configuration = configuration
        self.suite = f"{suite}/test/a/{configuration['alias']}"
        self.issuer = configuration["server"]["discoveryUrl"].removesuffix(published.DISCOVERY_TAIL)
        self.defect = Defect()
        self.metadata = {}
        self.world = NoWorld()  # type: ignore[assignment]
        self._trust = ssl.create_default_context(cafile=str(next(running.directory.rglob("*.pem"))))
        self._connection = http.client.HTTPSConnection("localhost", running.port, timeout=10, context=self._trust)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    @property
    def now(self) -> int:
        """The instant."""
        return int(time.time())

    def wait(self, seconds: int) -> None:
        """Really wait, if it is not long."""
        if seconds > LONGEST_WAIT:
            raise NotThere("nobody waits that long here")
        time.sleep(seconds)

    def address(self, number: int, path: str) -> str:
        """Return an address of the suite, which nobody listens at."""
        own = {"bye": "post_logout_redirect", "frontchannel": "frontchannel_logout"}
        return f"{self.suite}/{own.get(path, path)}"

    def static(self, number: int, metadata: Mapping[str, Any], suffix: str) -> Party:
        """Return a client of the configuration."""
        if "jwks" in metadata:
            raise NotThere("the client has no key here")
        method = metadata["token_endpoint_auth_method"]
        section = "client2" if suffix else "client_secret_post" if method == "client_secret_post" else "client"
        told = self.configuration[section]
        return Party(told["client_id"], told["client_secret"], self.address(number, "callback"), dict(metadata))

    def exchange(self, call: Call) -> Answer:
        """Send a request over the connection."""
        parts = urlsplit(call.url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._connection.request(call.method, path, call.body or None, dict(call.headers))
        came = self._connection.getresponse()
        return Answer(came.status, tuple(came.getheaders()), came.read(), call.url)


def printed(log: str) -> dict[str, Any]:
    """Return what the server printed for the suite, from a log where it stands among other lines."""
    found, _ = json.JSONDecoder().raw_decode(log[log.index("{\n") :])
    assert isinstance(found, dict)
    return found
