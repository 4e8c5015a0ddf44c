"""The operator's limits at the endpoints: who has used up their part is told so, and nobody else feels it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from intaglio.server.devmode import seeds
from intaglio.server.limits.rates import Rate, Rates
from tests import harness
from tests.capability import capability
from tests.harness import Answer, Site

MINUTE = 60


def _limit(site: Site, **limits: int) -> None:
    """Put limits of so many a minute in force, by name with underscores."""
    site.house.rates = Rates({name.replace("_", "-"): Rate(count, MINUTE) for name, count in limits.items()}, b"k" * 32)


def _machine(site: Site, secret: str = "machine-secret", peer: str = "192.0.2.1") -> Answer:
    form = {"grant_type": "client_credentials", "client_id": "machine", "client_secret": secret}
    return site.post("~/token", form, peer=peer)


def _left(answer: Answer) -> Mapping[str, str | None]:
    return {name: answer.header(name) for name in ("ratelimit-policy", "ratelimit", "retry-after")}


@capability("limit-tokens", witness="a scripted client")
def test_a_client_has_its_part_of_tokens(site: Site) -> None:
    """A client is told what is left; then 429 with the fields and when to come back; a minute later it goes on."""
    _limit(site, tokens_by_client=2)
    first = _machine(site)
    assert first.status == 200
    assert first.header("ratelimit-policy") == '"tokens-by-client";q=2;w=60'
    assert first.header("ratelimit") == '"tokens-by-client";r=1;t=60'
    assert _machine(site).status == 200
    refused = _machine(site)
    assert refused.status == 429
    assert _left(refused) == {
        "ratelimit-policy": '"tokens-by-client";q=2;w=60',
        "ratelimit": '"tokens-by-client";r=0;t=60',
        "retry-after": "60",
    }
    assert "access_token" not in refused.text
    site.clock.advance(MINUTE)
    assert _machine(site).status == 200


def test_a_stranger_uses_up_nobodys_part(site: Site) -> None:
    """Who only names a client spends nothing of what is the client's."""
    _limit(site, tokens_by_client=1)
    for _ in range(5):
        assert _machine(site, "wrong").status == 401
    assert _machine(site).status == 200


@capability("limit-tokens", witness="a scripted client")
def test_an_address_has_its_part_of_tokens(site: Site) -> None:
    """Whether they succeed or not, requests from one address are bounded; others are not held up by them."""
    _limit(site, tokens_by_address=3)
    for _ in range(3):
        _machine(site, "wrong")
    assert _machine(site).status == 429
    assert _machine(site, peer="192.0.2.2").status == 200


@capability("limit-tokens", witness="a scripted client")
def test_a_tenant_has_its_part_of_tokens(site: Site) -> None:
    """All clients of a tenant together are bounded, and another tenant's are not."""
    _limit(site, tokens_by_tenant=1)
    site.add_tenant("other")
    assert _machine(site).status == 200
    assert _machine(site, peer="192.0.2.2").status == 429


@capability("limit-registrations", witness="a scripted client")
def test_registrations_are_rationed(site: Site) -> None:
    """Where everybody may register, an address gets so many clients and no more."""
    _limit(site, registrations_by_address=2)
    site.change_tenant(registration="open")
    wanted = {"redirect_uris": ["https://rp.example/cb"]}
    assert [site.post("~/register", payload=wanted).status for _ in range(3)] == [201, 201, 429]
    assert site.post("~/register", payload=wanted, peer="192.0.2.2").status == 201


@capability("limit-waiting", witness="a scripted browser")
def test_requests_that_wait_are_rationed(site: Site) -> None:
    """An address may let so many authorization requests wait; the next gets a page and no row."""
    _limit(site, waiting_by_address=2)
    asked = "~/authorize?client_id=web&response_type=code&scope=openid&redirect_uri=http://localhost:9000/callback"
    site.change_client("web", redirect_uris=("http://localhost:9000/callback",))
    assert [site.get(asked).status for _ in range(2)] == [303, 303]
    refused = site.get(asked)
    assert refused.status == 429
    assert refused.header("retry-after") == "59"
    assert site.get(asked, peer="192.0.2.2").status == 303


@capability("limit-sign-ins", witness="a scripted browser")
@pytest.mark.parametrize("whose", ["tenant", "client", "address"])
def test_sign_ins_are_rationed(site: Site, whose: str) -> None:
    """Tried sign-ins are bounded by tenant, client and address, also with the right password; the page says so."""
    _limit(site, **{f"sign_ins_by_{whose}": 1})
    first, second = harness.Browser(site), harness.Browser(site)
    app = harness.App(site)
    first.sign_in(first.follow(app.authorize(first)))
    page = second.sign_in(second.follow(app.authorize(second)), "bob")
    assert page.status == 429
    assert page.header("retry-after") == "60"
    assert "Too many" in page.text


@pytest.mark.parametrize(
    ("port", "path", "form"),
    [
        (harness.STANDARD, "/default/token", {"client_id": "machine", "client_secret": "machine-secret"}),
        (harness.AUTH0, "/oauth/token", {"client_id": "machine", "client_secret": "machine-secret"}),
        (harness.CLOUDENTITY, "/default/default/oauth2/token", {"client_id": "machine", "client_secret": "wrong"}),
        (harness.MICROSOFT, f"/{seeds.TENANT_ID}/oauth2/v2.0/token", {"client_id": "machine", "scope": "api/.default"}),
        (harness.GOOGLE, "/token", {"client_id": "web", "client_secret": "web-secret"}),
    ],
)
def test_every_dialect_says_429(site: Site, port: int, path: str, form: Mapping[str, str]) -> None:
    """Each dialect refuses in its own form, with status 429 and the same fields."""
    _limit(site, tokens_by_address=1)
    given = {"grant_type": "client_credentials", **form}
    if port == harness.GOOGLE:
        given |= {"grant_type": "authorization_code", "code": "4/x", "redirect_uri": "https://rp.example/cb"}
    site.post(f"http://localhost:{port}{path}", given)
    refused = site.post(f"http://localhost:{port}{path}", given)
    assert refused.status == 429, refused.text
    assert refused.header("retry-after") == "60"
