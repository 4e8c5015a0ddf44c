"""The names of a universe's hosts."""

from __future__ import annotations

import pytest

from intaglio.dialects.google import hosts, signin
from intaglio.protocol.discovery import DiscoveryAnswer
from tests.capability import capability


@pytest.mark.parametrize("domain", ["", "localhost", "Example.com", "a..b", "-a.example", "a.example/", "a b.example"])
def test_what_is_no_domain_is_refused(domain: str) -> None:
    """A universe is a domain in lower case with two labels or more."""
    with pytest.raises(ValueError, match="domain"):
        hosts.base(domain)


@pytest.mark.parametrize(
    ("base", "universe", "sts"),
    [
        ("https://accounts.id.example.com", "id.example.com", "https://sts.id.example.com"),
        ("https://accounts.id.example.com:8443", "id.example.com", "https://sts.id.example.com:8443"),
        ("http://localhost:8081", "googleapis.com", "http://localhost:8081"),
        ("https://login.example.com", "googleapis.com", "https://login.example.com"),
        ("https://accounts.google.com", "googleapis.com", "https://sts.googleapis.com"),
    ],
)
@capability("google-universe", witness="the addresses")
def test_apis_are_beside_the_issuer(base: str, universe: str, sts: str) -> None:
    """An issuer `accounts.X` has its APIs at names of X; any other serves them all itself."""
    assert hosts.universe(base) == universe
    assert hosts.api(base, "sts") == sts
    assert hosts.sibling(hosts.api(base, "oauth2") + "/token", "sts") == sts
    assert hosts.addresses(base)[0] == base
    assert sts in hosts.addresses(base)


def test_a_universe_and_its_base_are_one() -> None:
    """What makes the base address is found in it again; Google's own is the one that is not under its universe."""
    assert hosts.base("id.example.com") == "https://accounts.id.example.com"
    assert hosts.universe(hosts.base("id.example.com")) == "id.example.com"
    assert hosts.base("googleapis.com") == "https://accounts.google.com"
    assert hosts.names("https://accounts.id.example.com")[:2] == ("accounts.id.example.com", "iam.id.example.com")
    assert hosts.names("http://localhost:8081") == ("localhost",)


@pytest.mark.parametrize(
    "base", ["https://accounts.google.com", "https://accounts.google.com:443", "https://ACCOUNTS.google.com."]
)
def test_googles_own_host_is_told(base: str) -> None:
    """However it is written."""
    assert hosts.is_google(base)
    assert not hosts.is_google("https://accounts.google.com.example.com")
    assert not hosts.is_google("https://accounts.example.com/accounts.google.com")


@capability("google-signin-discovery", witness="the document itself")
def test_the_document_of_a_universe_names_its_hosts() -> None:
    """Issuer and sign-in at accounts, tokens at oauth2, keys at www, userinfo at openidconnect."""
    base = "https://accounts.id.example.com"
    told = signin.metadata(DiscoveryAnswer(base, base, ("RS256",)))
    assert told["authorization_endpoint"] == "https://accounts.id.example.com/o/oauth2/v2/auth"
    assert told["token_endpoint"] == "https://oauth2.id.example.com/token"
    assert told["device_authorization_endpoint"] == "https://oauth2.id.example.com/device/code"
    assert told["revocation_endpoint"] == "https://oauth2.id.example.com/revoke"
    assert told["userinfo_endpoint"] == "https://openidconnect.id.example.com/v1/userinfo"
    assert told["jwks_uri"] == "https://www.id.example.com/oauth2/v3/certs"
