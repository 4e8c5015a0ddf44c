"""Guests: somebody signs in at another provider, and gets the v1.0 sample's claims, as a guest of this tenant."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from intaglio.server.model import signingkeys
from tests import harness, upstreams
from tests.capability import capability
from tests.dialects.microsoft import facts
from tests.dialects.microsoft.conftest import BASE, TENANT, Application
from tests.harness import Browser, payload
from tests.upstreams import OP, Liar

CLAIMS = {
    "sub": "u1",
    "name": "abeli",
    "given_name": "Abe",
    "family_name": "Lincoln",
    "email": "abeli@op.example",
    "email_verified": True,
    "preferred_username": "AbeLi@op.example",
    "amr": ["rsa"],
}


@pytest.fixture
def provider() -> Iterator[Liar]:
    """A site of its own with another provider to sign in at."""
    with harness.site() as opened:
        opened.write(signingkeys.insert, harness._seeded_key(f"authority:{BASE}", "RS256", harness.NOW))
        made = Liar(opened)
        made.claims = dict(CLAIMS)
        made.connect(trusts_email=True)
        yield made


def signed_in(provider: Liar, app: Application, **request: str) -> dict[str, object]:
    """Sign in at the other provider and return the claims of the ID token."""
    browser = Browser(provider.site, "131.107.222.22")
    page = browser.follow(app.authorize(browser, **request))
    (way,) = upstreams.links(page)
    leaving = browser.get(BASE + way)
    assert leaving.location.startswith(OP)
    provider.asked = leaving.params
    answer = browser.through(provider.back(browser))
    return payload(app.redeem(answer.params["code"]).json()["id_token"])


@capability("microsoft-samples", witness="a guest of another provider, and the decoded sample on Microsoft's page")
def test_s9_04_a_guest_of_another_provider_gets_the_pages_sample(provider: Liar) -> None:
    """Through the v1.0 endpoint: exactly the sample's claims, types and order; 3900 s from iat to exp."""
    _, sample = facts.samples()[0]
    made = signed_in(provider, Application(provider.site).v1(), scope="openid", nonce="123523")
    assert [(name, type(value)) for name, value in made.items()] == [(n, type(v)) for n, v in sample.items()]
    assert made["exp"] - made["iat"] == 3900  # type: ignore[operator]
    assert (made["iss"], made["idp"], made["tid"]) == (f"{BASE}/{TENANT}/", OP, TENANT)
    assert (made["amr"], made["email"], made["ipaddr"]) == (["rsa"], "abeli@op.example", "131.107.222.22")
    assert (made["name"], made["unique_name"]) == ("abeli", "AbeLi@op.example")


def test_a_guest_through_v2(provider: Liar) -> None:
    """`idp` and the confirmed address besides a member's claims; an address that nobody confirmed is not told."""
    made = signed_in(provider, Application(provider.site), scope="openid profile")
    names = "aud iss iat nbf exp aio email idp name nonce oid preferred_username rh sub tid uti ver".split()
    assert list(made) == names
    provider.claims |= {"sub": "u2", "email": "somebody@else.example", "email_verified": False}
    made = signed_in(provider, Application(provider.site), scope="openid profile email")
    assert "email" not in made
