"""Tokens as the vendors write them, shape by shape, under keys of the tests' own; each is believed by its own rules."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import pytest

import intaglio
from intaglio import codec
from intaglio.clock import FixedClock
from intaglio.dialects import believing
from intaglio.dialects.auth0 import claims as auth0
from intaglio.dialects.auth0 import profile as auth0_profile
from intaglio.dialects.dialect import Site
from intaglio.dialects.google import claims as google
from intaglio.dialects.google import profile as google_profile
from intaglio.dialects.standard import claims as standard
from intaglio.dialects.standard import profile as standard_profile
from intaglio.protocol.facts import Facts, Person, Workload
from intaglio.tokens import jwk, jws
from intaglio.validate import report as reports
from tests.capability import capability

NOW = 1_700_000_000
TENANT = "fa15d692-e9c7-4460-a743-29f2956fd429"
OTHER_TENANT = "72f988bf-86f1-41af-91ab-2d7cd011db47"
CONSUMERS = "9188040d-6c67-4c5b-b112-36a304b66dad"
APPLICATION = "b14a7505-96e9-4927-91e8-0601d0fc9caa"
V1, V2 = "https://sts.windows.net/{}/", "https://login.microsoftonline.com/{}/v2.0"
TIMES = {"iat": NOW - 20, "exp": NOW + 3580}
GOOGLE = {"iss": "https://accounts.google.com", "sub": "110169484474386276334", **TIMES}
CLIENT = "407408718192.apps.googleusercontent.com"
ROBOT, ROBOT_ID = "deploy@project-one.iam.gserviceaccount.com", "112010400000000710080"
MICROSOFT = {"aud": APPLICATION, "iat": NOW - 320, "nbf": NOW - 320, "exp": NOW + 3580, "nonce": "123523"}
AUTH0 = {
    "nickname": "abe",
    "name": "Abe Lincoln",
    "picture": "https://images.example/abe.png",
    "updated_at": "2023-11-14T22:13:20.000Z",
    "email": "abe@people.example",
    "email_verified": True,
    "iss": "https://tenant-one.eu.auth0.com/",
    "sub": "auth0|5f7c8ec7c33c6c004bbafe82",
    "aud": "Xq3vJ0aT5mYd2kLwP9sRzB1cN7hG4fU8",
    "iat": NOW - 20,
    "exp": NOW + 35980,
    "sid": "dPZQ0Yf2mC3kJ8",
    "nonce": "n-0S6_WzA2Mj",
}
CLOUDENTITY = {
    "acr": "1",
    "aid": "default",
    "amr": ["pwd"],
    "aud": "c4d5e6f7g8h9i0j1k2l3",
    "auth_time": NOW - 29,
    "email": "",
    "email_verified": False,
    "exp": NOW + 3580,
    "iat": NOW - 20,
    "idp": "default",
    "iss": "https://people.eu.authz.cloudentity.io/people/default",
    "jti": "3c9f9f1c-66f5-4a37-b7c6-8f2e2c7f4a11",
    "name": "John Doe",
    "nbf": NOW - 20,
    "nonce": "c51akj5n8ul0g2lq3b5g",
    "rat": NOW - 20,
    "scp": ["email", "openid", "profile"],
    "st": "public",
    "sub": "user",
    "tid": "people",
}
PLAIN = {"sub": "248289761001", "aud": "s6BhdRkqt3", **TIMES, "auth_time": NOW - 30, "nonce": "n-0S6"}


class Shape(NamedTuple):
    """One shape of a vendor's tokens, and what a client of that vendor expects."""

    dialect: str
    claims: dict[str, Any]
    issuer: str
    typ: str | None = "JWT"
    owner: str | None = None
    alg: str = "RS256"
    options: dict[str, Any] = {}  # noqa: RUF012  (never changed)


def _microsoft_v1(tenant):
    return {
        **MICROSOFT,
        "iss": V1.format(tenant),
        "amr": ["rsa"],
        "email": "abeli@microsoft.com",
        "family_name": "Lincoln",
        "given_name": "Abe",
        "idp": V1.format(OTHER_TENANT),
        "ipaddr": "131.107.222.22",
        "name": "abeli",
        "oid": "05833b6b-aa1d-42d4-9ec0-1b2bb9194438",
        "rh": "I",
        "sub": "5_J9rSss8-jvt_Icu6ueRNL8xXb8LF4Fsg_KooC2RJQ",
        "tid": tenant,
        "unique_name": "AbeLi@microsoft.com",
        "uti": "Lxe_46GqTkOpGSfTln4EAA",
        "ver": "1.0",
    }


def _microsoft_v2(tenant):
    return {
        "ver": "2.0",
        "iss": V2.format(tenant),
        "sub": "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
        **MICROSOFT,
        "name": "Abe Lincoln",
        "preferred_username": "AbeLi@microsoft.com",
        "oid": "00000000-0000-0000-66f3-3332eca7ea81",
        "tid": tenant,
    }


_user = {**GOOGLE, "azp": CLIENT, "aud": CLIENT, "email": "abe@people.example", "email_verified": True}
_user |= {
    "hd": "people.example",
    "at_hash": "HK6E_P6Dh8Y93mRNtsDB1Q",
    "name": "Abe",
    "locale": "en",
    "nonce": "0394852",
}
_robot = {**GOOGLE, "aud": "https://service.example/", "azp": ROBOT_ID, "sub": ROBOT_ID}
_robot_email = {**_robot, "email": ROBOT, "email_verified": True}
_member = {**AUTH0, "org_id": "org_9ybsU1dN2dKfDkBi", "org_name": "acme"}
_ISS = "https://accounts.google.com"
_AUTH0_ISS = "https://tenant-one.eu.auth0.com/"
_WORKSPACE = "https://people.eu.authz.cloudentity.io/people/default"
_ANY_OWNER = V2.format("{tenantid}")

SHAPES = {
    "google user": Shape("google", _user, _ISS),
    "google user, bare issuer": Shape("google", {**_user, "iss": "accounts.google.com"}, _ISS),
    "google workload": Shape("google", _robot, _ISS),
    "google workload with e-mail": Shape("google", _robot_email, _ISS),
    "google workload by its key": Shape("google", {**_robot_email, "azp": ROBOT}, _ISS),
    "microsoft v1.0": Shape("microsoft", _microsoft_v1(TENANT), V1.format(TENANT)),
    "microsoft v1.0, any tenant": Shape("microsoft", _microsoft_v1(TENANT), V1.format("{tenantid}")),
    "microsoft v2.0": Shape("microsoft", _microsoft_v2(TENANT), V2.format(TENANT), owner=_ANY_OWNER),
    "microsoft v2.0, any tenant": Shape("microsoft", _microsoft_v2(TENANT), _ANY_OWNER, owner=_ANY_OWNER),
    "microsoft personal": Shape(
        "microsoft", _microsoft_v2(CONSUMERS), V2.format(CONSUMERS), owner=V2.format(CONSUMERS)
    ),
    "auth0 user": Shape("auth0", AUTH0, _AUTH0_ISS),
    "auth0 organization": Shape("auth0", _member, _AUTH0_ISS, options={"organization": "org_9ybsU1dN2dKfDkBi"}),
    "auth0 organization by name": Shape("auth0", _member, _AUTH0_ISS, options={"organization": "ACME"}),
    "cloudentity": Shape("cloudentity", CLOUDENTITY, _WORKSPACE),
    "cloudentity ES256": Shape("cloudentity", CLOUDENTITY, _WORKSPACE, alg="ES256"),
    "cloudentity, tenant's host": Shape(
        "cloudentity", {**CLOUDENTITY, "iss": "https://id.people.example/default"}, "https://id.people.example/default"
    ),
    "cloudentity, workspace's host": Shape(
        "cloudentity", {**CLOUDENTITY, "iss": "https://id.people.example"}, "https://id.people.example"
    ),
    "standard": Shape("standard", {**PLAIN, "iss": "https://op.example/default"}, "https://op.example/default"),
    "standard, bare host": Shape("standard", {**PLAIN, "iss": "https://op.example"}, "https://op.example", typ=None),
}
"""Every shape by its name."""


@functools.cache
def key(alg: str) -> jwk.SigningKey:
    """Return a signing key, the same one throughout the run."""
    return jwk.generate(alg)


@functools.cache
def stranger(alg: str) -> jwk.SigningKey:
    """Return a signing key that is in no set."""
    return jwk.generate(alg)


def members(owner: str | None = None, alg: str = "RS256") -> dict[str, str]:
    """Return the published key as a JWK, with the issuer that owns it where the vendor says so."""
    published = {**jwk.public_members(key(alg).public()), "kid": "k1", "use": "sig"}
    return published if owner is None else {**published, "issuer": owner}


@functools.cache
def keys(owner: str | None, alg: str) -> jwk.KeySet:
    """Return the published key set."""
    return jwk.read_set({"keys": [members(owner, alg)]})


def sign(shape: Shape, changes=None, *, without=(), header=None, by=None) -> str:
    """Return a token of a shape with some claims changed and some left out."""
    usual = {"kid": "k1"} if shape.typ is None else {"typ": shape.typ, "kid": "k1"}
    claims = {name: value for name, value in {**shape.claims, **(changes or {})}.items() if name not in without}
    return jws.sign(by or key(shape.alg), {**usual, **(header or {})}, codec.encode_json(claims))


def validator(shape: Shape, *, now: int = NOW, **options: Any) -> intaglio.Validator:
    """Return a validator that expects what a client of the vendor does, but for the options."""
    usual = {
        "issuer": shape.issuer,
        "audience": shape.claims["aud"],
        "dialect": shape.dialect,
        "keys": keys(shape.owner, shape.alg),
        "clock": FixedClock(now),
        **shape.options,
    }
    return intaglio.Validator(**{**usual, **options})


def failures(checking: intaglio.Validator, token: Any, **asked: Any) -> list[tuple[str, str]]:
    """Return the name and the code of every check that failed; `validate` must agree with the first."""
    report = checking.explain(token, **asked)
    found = [(check.name, check.code) for check in report.failures()]
    if found:
        with pytest.raises(reports.TokenRefused) as caught:
            checking.validate(token, **asked)
        assert caught.value.code == found[0][1]
        assert caught.value.report.to_dict() == report.to_dict()
    else:
        assert checking.validate(token, **asked) == report.believed()
    return found


def only(shape: Shape, changes=None, *, without=(), header=None, asked=None, **options: Any) -> tuple[str, str]:
    """Return the name and the code of the one check that failed on a changed token."""
    found = failures(validator(shape, **options), sign(shape, changes, without=without, header=header), **(asked or {}))
    assert len(found) == 1, found
    return found[0]


def skipped(shape: Shape, changes=None, *, without=(), asked=None, **options: Any) -> dict[str, str]:
    """Return the sentences of the checks that had nothing to do on a token that is believed."""
    report = validator(shape, **options).explain(sign(shape, changes, without=without), **(asked or {}))
    assert report.failures() == ()
    return {check.name: check.hint for check in report.checks if check.outcome == "skipped"}


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_is_believed(name):
    """Believe a vendor's token by its own rules, with the nonce that was sent."""
    shape = SHAPES[name]
    nonce = shape.claims.get("nonce")
    checking = validator(shape)
    assert failures(checking, sign(shape), nonce=nonce) == []
    believed = checking.validate(sign(shape), nonce=nonce)
    assert (believed.iss, believed.sub) == (shape.claims["iss"], shape.claims["sub"])
    assert believed.claims == shape.claims
    assert checking.explain(sign(shape)).dialect == shape.dialect


# --- what the project's own dialects mint


def _facts(issuer: str, audience: str, **more: Any) -> Facts:
    return Facts(issuer, "t", "default", "owner", audience, NOW, 3600, "RS256", **more)


_PERSON = Person(
    "6f1c3c52-6f4a-4d5a-8d5d-0c5b7e0a5d11", "abe", {"name": "Abe", "email": "abe@people.example"}, NOW, NOW
)
_ROBOT = Workload(ROBOT, ROBOT_ID, "project-one")
_SIGN_IN = {"person": _PERSON, "scope": ("openid", "profile", "email"), "nonce": "n", "auth_time": NOW - 5}
OWN = {
    "standard person": ("standard", standard_profile.DIALECT, standard.id_token, _SIGN_IN),
    "auth0 person": ("auth0", auth0_profile.DIALECT, auth0.id_token, _SIGN_IN),
    "google person": ("google", google_profile.DIALECT, google.id_token, _SIGN_IN),
    "google workload": ("google", google_profile.DIALECT, google.id_token, {"workload": _ROBOT}),
}


@pytest.mark.parametrize("name", OWN)
def test_own_dialects_mint_what_their_rules_believe(name):
    """Believe the tokens of the project's own issuers by the rules of the dialect that they speak."""
    dialect, minting, id_token, more = OWN[name]
    issuer = minting.issuer(Site("https://op.example", "default", "t", "default"))
    token = jws.sign(
        key("RS256"), {"typ": "JWT", "kid": "k1"}, codec.encode_json(id_token(_facts(issuer, "client-1", **more)))
    )
    checking = intaglio.Validator(
        issuer=issuer, audience="client-1", dialect=dialect, keys=keys(None, "RS256"), clock=FixedClock(NOW)
    )
    assert failures(checking, token, nonce=more.get("nonce")) == []


def test_own_dialects_sign_with_what_their_rules_allow():
    """Allow every algorithm that an own dialect signs with, unless it is said which are not and why."""
    # PS256: Auth0's kits for Python, Java and the browser refuse it, so that it is to be asked for.
    known = {"auth0": {"PS256"}}
    for name, minting in (("google", google_profile), ("auth0", auth0_profile), ("standard", standard_profile)):
        allowed = believing.rules(name).algorithms
        assert allowed is None or set(minting.DIALECT.profile.signing_algs) - set(allowed) == known.get(name, set())


@capability("validator-async", witness="asyncio")
@pytest.mark.parametrize("name", SHAPES)
async def test_async_decides_as_the_blocking_way(name):
    """Return the same claims and the same report from an event loop."""
    shape = SHAPES[name]
    checking = validator(shape)
    assert await checking.avalidate(sign(shape)) == checking.validate(sign(shape))
    bad = sign(shape, {"exp": 1})
    assert (await checking.aexplain(bad)).to_dict() == checking.explain(bad).to_dict()
    with pytest.raises(reports.TokenRefused) as caught:
        await checking.avalidate(bad)
    assert caught.value.code == "token-expired"
    await checking.aclose()
