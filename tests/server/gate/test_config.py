"""The gate's configuration: what cannot be meant is refused before anybody passes."""

from __future__ import annotations

from typing import Any

import pytest

from intaglio.errors import Misconfigured
from intaglio.server.gate import config
from intaglio.server.gate.config import Trusted

GATE = {"listen": "127.0.0.1:8090"}
PLAIN: dict[str, Any] = {
    "mode": "plain",
    "name": "a",
    "upstream": "http://127.0.0.1:9",
    "issuer": "https://i.example",
    "audience": ["a"],
}
IAP: dict[str, Any] = {
    "mode": "iap",
    "name": "b",
    "upstream": "http://127.0.0.1:9",
    "url": "https://b.example",
    "project": "demo-project",
    "client_id": "b",
}


@pytest.mark.parametrize(
    ("gate", "services"),
    [
        ({}, [PLAIN]),
        (GATE, []),
        (GATE | {"unknown": 1}, [PLAIN]),
        ({"listen": "8090"}, [PLAIN]),
        ({"listen": "127.0.0.1:0"}, [PLAIN]),
        ({"listen": "127.0.0.1:70000"}, [PLAIN]),
        ({"forward_auth": "127.0.0.1:8091"}, [PLAIN]),
        (GATE | {"trusted_proxies": ["proxy.example"]}, [PLAIN]),
        (GATE | {"trusted_proxies": ["10.0.0.1/8"]}, [PLAIN]),
        (GATE | {"certificate_file": "x"}, [PLAIN]),
        (GATE | {"forward_auth": "127.0.0.2:8090", "trusted_proxies": ["127.0.0.1"]}, [PLAIN]),
        (GATE | {"idle_seconds": 0}, [PLAIN]),
        (GATE, [PLAIN | {"mode": "open"}]),
        (GATE, [PLAIN | {"colour": "red"}]),
        (GATE, [PLAIN | {"name": "A b"}]),
        (GATE, [PLAIN | {"audience": []}]),
        (GATE, [PLAIN | {"audience": "a"}]),
        (GATE, [PLAIN | {"url": "https://a.example/path"}]),
        (GATE, [PLAIN | {"url": "a.example"}]),
        (GATE, [PLAIN | {"url": "https://a.example:443"}]),
        (GATE, [PLAIN | {"url": "https://A.example"}]),
        (GATE, [PLAIN | {"claims": {"sub": "Host"}}]),
        (GATE, [PLAIN | {"claims": {"sub": "X_Who"}}]),
        (GATE, [PLAIN | {"claims": {"sub": "X-A: b"}}]),
        (GATE, [PLAIN | {"upstream": ""}]),
        (GATE, [PLAIN, PLAIN]),
        (GATE, [PLAIN, PLAIN | {"name": "c"}]),
        (GATE, [PLAIN | {"url": "https://b.example"}, IAP]),
        (GATE, [IAP | {"url": ""}]),
        (GATE, [IAP | {"url": "http://b.example"}]),
        (GATE, [IAP | {"session_seconds": 86400}]),
        ({"forward_auth": "127.0.0.1:8091", "trusted_proxies": ["127.0.0.1"]}, [PLAIN]),
    ],
)
def test_what_cannot_be_meant(gate: dict[str, Any], services: list[dict[str, Any]]) -> None:
    """Refused with the place and what was expected."""
    with pytest.raises(Misconfigured) as caught:
        config.read({"gate": gate, "service": services})
    assert caught.value.code == "gate-invalid"
    assert caught.value.detail["expected"]


def test_what_can() -> None:
    """Hosts, ports and modes as they were written; the port is part of a host."""
    read = config.read({"gate": GATE, "service": [PLAIN | {"url": "https://a.example:8443"}, IAP]})
    assert [ward.host for ward in read.service] == ["a.example:8443", "b.example"]
    assert read.is_part_of_installation
    assert not config.read({"gate": GATE, "service": [PLAIN]}).is_part_of_installation


def test_who_is_trusted() -> None:
    """Addresses and networks, in both families and mapped; nothing else, and no text that is no address."""
    trusted = Trusted(("10.0.0.0/8", "2001:db8::1"))
    assert [peer in trusted for peer in ("10.1.2.3", "::ffff:10.1.2.3", "2001:db8::1")] == [True] * 3
    assert [peer in trusted for peer in ("11.0.0.1", "2001:db8::2", "", "10.0.0.1 ", "localhost")] == [False] * 5
    assert "127.0.0.1" not in Trusted(())
