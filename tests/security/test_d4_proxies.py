"""Row 41 of our list of published faults once more: forwarded headers, where proxies are declared."""

from __future__ import annotations

import pytest

from intaglio.server.http.app import App
from intaglio.server.http.proxies import Proxies
from intaglio.server.limits.rates import Rate, Rates
from tests import harness
from tests.capability import capability

PROXY = "192.0.2.10"
OTHER = "198.51.100.4"


@pytest.fixture
def behind(site: harness.Site) -> harness.Site:
    """The server behind one declared proxy."""
    site.house.rates = Rates({"tokens-by-address": Rate(3, 60)}, b"k" * 32)
    site.app = App(site.hall, {harness.STANDARD: site.listeners[0]}, proxies=Proxies([PROXY]))
    return site


@capability("forwarded-headers", witness="the issuer, and who is slowed down")
def test_d4_41_forwarded_headers(behind: harness.Site) -> None:
    """CVE-2025-64484, CVE-2026-0976: a proxy tells an address, never a host; a stranger tells neither.

    A limit of three requests for tokens from one address follows the address that the proxy told, not the proxy.
    """
    plain = behind.get("~/.well-known/openid-configuration", peer=PROXY)
    lies = {"x-forwarded-host": "evil.example", "x-forwarded-proto": "https", "x-forwarded-prefix": "/evil"}
    for peer in (PROXY, OTHER):
        told = behind.get("~/.well-known/openid-configuration", headers=lies, peer=peer)
        assert told.body == plain.body

    def tried(peer: str, forwarded: str) -> int:
        form = {"grant_type": "client_credentials", "client_id": "machine", "client_secret": "wrong"}
        return behind.post("~/token", form, headers={"x-forwarded-for": forwarded}, peer=peer).status

    assert [tried(PROXY, f"6.6.6.{n}, {OTHER}") for n in range(4)] == [401, 401, 401, 429]
    # Another name at the left does not help, nor does coming without the proxy; another person is not held up.
    assert tried(PROXY, f"7.7.7.7, {OTHER}") == 429
    assert tried(OTHER, "8.8.8.8") == 429
    assert tried(PROXY, "203.0.113.77") == 401
