"""What `token preview` tells is what is issued: held against real tokens, and the reasons against what they claim."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intaglio.dialects import registry
from intaglio.dialects.dialect import Dialect, Site
from intaglio.errors import Denied
from intaglio.protocol.claimsrequest import ClaimRequest
from intaglio.protocol.facts import Facts, Person
from intaglio.server.devmode import seeds
from intaglio.server.issue import reasons
from intaglio.server.model import signingkeys, tenants
from intaglio.server.model.tenants import Lifetimes
from intaglio.server.provider import preview
from intaglio.server.provider.scene import Scene
from tests import harness

TYPES = ("code", "id_token", "id_token token", "code id_token", "code token", "code id_token token")
ALL = {
    "response_types": TYPES,
    "grant_types": ("authorization_code", "refresh_token", "implicit"),
    "encrypt_id_token": "",
}
LATER = {"at_hash", "c_hash", "s_hash", "sid", "auth_time", "iat", "exp"}


def previewed(site: harness.Site, dialect: str = "standard", client: str = "web", **request: str) -> dict[str, Any]:
    """Return what is previewed for alice."""
    tenant = site.read(tenants.by_slug, "default")
    spoken = registry.DIALECTS[dialect]
    base = site.listeners[list(run_names()).index(dialect)].base_url
    issuer = spoken.issuer(Site(base, tenant.slug, tenant.tenant_id, tenant.owner))
    scene = Scene(tenant, spoken, issuer, base, site.clock.now(), "ref")
    told = {"scope": "openid"} | request
    found = preview.preview(site.client(client), site.user("alice"), told, scene, site.house)
    return preview.plain(site.run(found))


def run_names() -> tuple[str, ...]:
    """Return the dialects in the order of their ports."""
    return ("standard", "google", "microsoft", "auth0", "cloudentity")


def reason(found: dict[str, Any], claim: str, number: int = 0) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the rules and origins of a claim."""
    told = found["id_tokens"][number]["reasons"][claim]
    return told["rules"], told["origins"]


def issued(site: harness.Site, app: harness.App, **request: str) -> list[dict[str, Any]]:
    """Return the claims of the ID tokens that a real sign-in gives: through the browser first, then for the code."""
    answer = app.callback(None, "alice", **request)
    fields = answer.params or dict(parse_qsl(urlsplit(answer.location).fragment))
    assert "error" not in fields, fields
    told = [harness.payload(fields["id_token"])] if "id_token" in fields else []
    if "code" in fields:
        told.append(harness.payload(app.redeem(fields["code"]).json()["id_token"]))
    return told


CLAIMS = '{"id_token": {"email": {"essential": true}, "nickname": null, "gender": {"value": "none"}}}'


@pytest.mark.parametrize("claims", ["", CLAIMS])
@pytest.mark.parametrize("scope", ["openid", "openid profile email", "openid profile email phone address"])
@pytest.mark.parametrize("response_type", TYPES)
def test_what_is_told_is_what_is_issued(site: harness.Site, response_type: str, scope: str, claims: str) -> None:
    """For every response type: the same claims in the same order and with the same values."""
    site.change_client("web", **ALL)
    request = {"response_type": response_type, "scope": scope, "nonce": "n-1", "state": "s-1"}
    request |= {"claims": claims} if claims else {}
    found = previewed(site, **request)
    real = issued(site, harness.App(site), **request)
    assert len(found["id_tokens"]) == len(real)
    for told, made in zip(found["id_tokens"], real, strict=True):
        assert list(told["claims"]) == list(made)
        for name, value in made.items():
            assert name in LATER or told["claims"][name] == value, name
        assert told["claims"]["exp"] - told["claims"]["iat"] == made["exp"] - made["iat"]


def test_what_is_told_is_what_is_issued_by_auth0s_dialect(site: harness.Site) -> None:
    """Another dialect's claims, with the lifetime and subject of its own."""
    request = {"response_type": "code", "scope": "openid profile email", "nonce": "n-1", "state": "s"}
    (told,) = previewed(site, "auth0", **request)["id_tokens"]
    (made,) = issued(site, harness.auth0_app(site), **request)
    assert list(told["claims"]) == list(made)
    assert all(name in LATER or told["claims"][name] == value for name, value in made.items())
    assert told["lifetime"] == {"seconds": 36000, "origin": "dialect"}


def test_each_claim_has_its_rule(site: harness.Site) -> None:
    """Always, by a scope, by the claims parameter, by either, by two things together."""
    site.change_client("web", **ALL)
    found = previewed(site, response_type="id_token", scope="openid profile email", nonce="n", claims=CLAIMS, state="s")
    alone = "no access token to ask UserInfo with"
    assert reason(found, "iss") == (("always",), ("the tenant's issuer",))
    assert reason(found, "aud") == (("always",), ("client_id",))
    assert reason(found, "nonce") == (("the request has a nonce",), ("the request's nonce",))
    assert reason(found, "name") == ((f"scope profile and {alone}",), ("the user's record: name",))
    assert reason(found, "email") == (
        ("claims parameter, essential (email)", f"scope email and {alone}"),
        ("the user's record: email",),
    )
    assert reason(found, "nickname")[0] == ("claims parameter, voluntary (nickname)", f"scope profile and {alone}")
    assert "s_hash" in found["id_tokens"][0]["claims"]
    assert reason(found, "s_hash")[0] == ("the request has a state",)
    assert reason(found, "sub")[1] == ("the user's UUID as the dialect standard shows it",)


def test_lifetimes_have_their_origin(site: harness.Site) -> None:
    """`exp` names the seconds and the level that set them, and the grant where it is of one."""
    said = []
    said.append(reason(previewed(site), "exp")[1])
    site.change_tenant(lifetimes=Lifetimes(id_token=600))
    said.append(reason(previewed(site), "exp")[1])
    site.change_client("web", grant_lifetimes={"authorization_code": Lifetimes(id_token=120)})
    said.append(reason(previewed(site), "exp")[1])
    told = [(3600, "dialect"), (600, "tenant"), (120, "client, authorization_code")]
    assert said == [
        ("the instant of issue", f"the ID token's lifetime of {seconds} s, set by: {origin}")
        for seconds, origin in told
    ]


def test_pairwise_subjects_say_whom_they_are_for(site: harness.Site) -> None:
    """A pairwise subject is the one that the client is told, and its sector is named."""
    site.change_client("web", subject_type="pairwise", sector_identifier="rp.example")
    found = previewed(site, scope="openid", nonce="n-1", state="s-1")
    (made,) = issued(site, harness.App(site), scope="openid", nonce="n-1", state="s-1")
    assert found["id_tokens"][0]["claims"]["sub"] == made["sub"] != site.user("alice").user_id
    assert reason(found, "sub")[1] == ("a pairwise subject for rp.example",)


def test_algorithm_and_encryption_are_told_with_their_rule(site: harness.Site) -> None:
    """The header's alg by the client's metadata or the dialect's lack of it; encryption by the client's."""
    site.change_client("web", id_token_signed_response_alg="ES256")
    assert previewed(site)["id_tokens"][0]["header"] == {"alg": "ES256", "rule": "client id_token_signed_response_alg"}
    told = previewed(site, "auth0")["id_tokens"][0]["header"]
    assert (told["alg"], "auth0, which does not offer ES256" in told["rule"]) == ("RS256", True)
    site.change_client("web", id_token_encrypted_response_alg="RSA-OAEP-256")
    told = previewed(site)["id_tokens"][0]["encryption"]
    assert told == "RSA-OAEP-256 with A128CBC-HS256: client id_token_encrypted_response_alg"


@pytest.mark.parametrize(
    ("changes", "request_", "word"),
    [
        ({}, {"response_type": "id_token", "nonce": "n"}, "unauthorized_client"),
        ({}, {"response_type": "banana"}, "unsupported_response_type"),
        ({"scope": ("openid",)}, {"scope": "openid email"}, "invalid_scope"),
        (ALL, {"response_type": "id_token"}, "nonce"),
        (ALL, {"response_type": "id_token", "nonce": "n", "response_mode": "query"}, "query"),
        ({}, {"claims": "{"}, "claims"),
        ({}, {"redirect_uri": "https://evil.example/"}, "redirect_uri"),
        ({"redirect_uris": ()}, {}, "redirect_uri"),
        ({"encrypt_id_token": "always"}, {}, "encrypted"),
        (
            ALL | {"encrypt_id_token": "front_channel"},
            {"response_type": "code id_token", "nonce": "n"},
            "encrypted",
        ),
    ],
)
def test_what_would_be_refused_is_refused(
    site: harness.Site, changes: dict[str, Any], request_: dict[str, str], word: str
) -> None:
    """A request that gets an error gets it here too, with the words that the client would see."""
    site.change_client("web", **changes)
    with pytest.raises(Denied) as caught:
        previewed(site, **request_)
    assert caught.value.code == "preview-refused"
    assert word in caught.value.public


def test_without_openid_there_is_none(site: harness.Site) -> None:
    """A request without the scope openid is granted what it asks for, and no ID token."""
    found = previewed(site, scope="profile")
    assert (found["scope"], found["id_tokens"]) == ("profile", [])


def test_nothing_is_issued(site: harness.Site) -> None:
    """No key is opened or made, no row is written."""
    with harness.site(keys=False) as bare:

        def rows() -> list[Any]:
            connection = bare.store._writing  # type: ignore[attr-defined]
            names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            return [(name, connection.execute(f"SELECT count(*) FROM {name}").fetchone()) for name in names]  # noqa: S608

        before = rows()
        assert previewed(bare, scope="openid profile", nonce="n")["id_tokens"]
        assert rows() == before
        assert bare.read(signingkeys.of_ring, seeds.TENANT_ID) == []
        assert bare.house.mint._signers == {}


# --- the reasons themselves, for any facts and any dialect

WORDS = st.sampled_from(["openid", "profile", "email", "phone", "address", "offline_access", "gender", "custom"])
NAMES = st.sampled_from(["name", "email", "gender", "locale", "custom", "iss", "sub"])
FACTS = st.builds(
    Facts,
    issuer=st.just("https://op.example"),
    tenant_id=st.just("t"),
    tenant_slug=st.just("s"),
    owner=st.just("o"),
    audience=st.just("c"),
    now=st.integers(1, 2**31),
    lifetime=st.integers(1, 10**6),
    alg=st.just("RS256"),
    person=st.builds(
        Person,
        st.just("00000000-0000-4000-8000-000000000101"),
        st.just("alice"),
        st.dictionaries(NAMES, st.text(max_size=5) | st.booleans() | st.integers(0, 9), max_size=4),
        st.integers(0, 2**31),
    ),
    scope=st.lists(WORDS, max_size=4, unique=True).map(tuple),
    nonce=st.text(max_size=3),
    auth_time=st.integers(0, 2**31),
    acr=st.sampled_from(["", "1"]),
    amr=st.sampled_from([(), ("pwd",)]),
    session_id=st.sampled_from(["", "sid"]),
    at_hash=st.sampled_from(["", "a"]),
    delivered_with_access_token=st.booleans(),
    c_hash=st.sampled_from(["", "c"]),
    s_hash=st.sampled_from(["", "s"]),
    subject=st.sampled_from(["", "pairwise"]),
    requested=st.dictionaries(NAMES, st.builds(ClaimRequest, st.booleans()), max_size=3),
)


@pytest.mark.parametrize("dialect", registry.DIALECTS.values(), ids=lambda dialect: str(dialect.name))
@settings(max_examples=60, deadline=None)
@given(facts=FACTS)
def test_every_claim_has_a_reason_that_holds(dialect: Dialect, facts: Facts) -> None:
    """The claims are the dialect's own; each has a rule, and without all that any rule names it is not there."""
    made = dialect.id_token(facts)
    found = reasons.explain(facts, dialect.id_token)
    assert {one.claim: one.value for one in found} == made
    causes = dict(reasons._causes(facts))
    for one in found:
        assert one.rules
        if one.rules == (reasons.ALWAYS,):
            bare = _without(facts, causes.values())
            assert one.claim in dialect.id_token(bare)
        for rule in one.rules:
            named = [text for text in causes if rule != reasons.ALWAYS and text in rule.split(" and ")]
            left = _without(facts, [change for text, change in causes.items() if text not in named])
            assert rule == "all of it together" or one.claim in dialect.id_token(left)


def _without(facts: Facts, changes: Any) -> Facts:
    for change in changes:
        facts = change(facts)
    return facts


def test_a_changed_rule_changes_the_reason() -> None:
    """The reasons follow whatever the claims do, also a rule that nobody told them of."""
    facts = Facts("i", "t", "s", "o", "c", 1, 2, "RS256", scope=("openid", "gift"), nonce="n", person=Person("u", "a"))

    def claims(one: Facts) -> dict[str, Any]:
        return {"aud": one.audience} | ({"gift": one.nonce} if "gift" in one.scope and one.nonce else {})

    told: Callable[[str], Any] = {one.claim: one for one in reasons.explain(facts, claims)}.__getitem__
    assert told("gift").rules == ("scope gift and the request has a nonce",)
    assert told("gift").origins == ("the request's nonce",)
    assert told("aud").rules == ("always",)
    assert msgspec.structs.asdict(told("aud"))["origins"] == ("client_id",)
