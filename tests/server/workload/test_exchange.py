"""An exchange from end to end in one process: who gets in, as whom, for how long; and each refusal's face."""

from __future__ import annotations

import json
from typing import Any

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from intaglio.protocol.principals import Origin
from intaglio.server.devmode import seeds
from intaglio.server.model import pools
from intaglio.server.model.pools import Pool
from tests import foreign, harness
from tests.capability import capability
from tests.foreign import log, opened, told

STALE = "ID Token issued at {} is stale to sign-in."
UNCONNECTED = "Error connecting to the given credential's issuer."


@capability("federated-exchange", witness="PyJWT")
def test_an_exchange(site: harness.Site) -> None:
    """A token of the provider's issuer becomes an access token of the mapped identity, with its scope and origin."""
    foreign.plant(site, attribute_mapping={**MAPPING, "google.groups": "assertion.groups"})
    answer = foreign.exchange(site, foreign.token(), scope="openid https://www.googleapis.com/auth/iam")
    body = answer.json()
    assert set(body) == {"access_token", "issued_token_type", "token_type", "expires_in"}
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 600)
    found = opened(site, answer)
    who = found.principal
    assert (who.kind, who.id, who.pool_id, who.project_number) == (
        "external",
        "repo:acme/app",
        "builders",
        100000000001,
    )
    assert (who.groups, who.attributes) == (("dev", "ops"), {"repository": "acme/app"})
    assert found.origin == Origin(foreign.ISSUER, "repo:acme/app", "job-1")
    assert found.scope == ("openid", "https://www.googleapis.com/auth/iam")
    assert (found.issued_at, found.expires_at) == (harness.NOW, harness.NOW + 600)


MAPPING = {"google.subject": "assertion.sub", "attribute.repository": "assertion.repository"}


def test_the_log_keeps_the_origin(site: harness.Site) -> None:
    """Issuer, subject and identifier of the foreign token; who it became; never the token."""
    foreign.plant(site)
    foreign.exchange(site, foreign.token())
    (entry,) = log(site)
    assert entry.origin == Origin(foreign.ISSUER, "repo:acme/app", "job-1")
    assert entry.principal.endswith("/workloadIdentityPools/builders/subject/repo:acme/app")
    assert (entry.outcome, entry.resource) == ("allowed", "projects/demo-project/pools/builders")
    assert "eyJ" not in repr(entry)


@pytest.mark.parametrize(("left", "lifetime"), [(3, 3), (600, 600), (3600, 3600), (86_000, 3600)])
def test_how_long_it_is_good(site: harness.Site, left: int, lifetime: int) -> None:
    """As long as the foreign token, an hour at most."""
    foreign.plant(site)
    answer = foreign.exchange(site, foreign.token(exp=harness.NOW + left))
    assert answer.json()["expires_in"] == lifetime


@pytest.mark.parametrize("audience", [foreign.NAME, "https:" + foreign.NAME, [foreign.NAME]])
def test_the_audience_is_the_providers_name(site: harness.Site, audience: Any) -> None:
    """With or without a scheme, alone or as a list of one."""
    foreign.plant(site)
    assert foreign.exchange(site, foreign.token(aud=audience)).status == 200


def test_listed_audiences_replace_the_name(site: harness.Site) -> None:
    """Then the name itself is another audience."""
    foreign.plant(site, allowed_audiences=("https://sts.acme.example",))
    assert foreign.exchange(site, foreign.token(aud="https://sts.acme.example")).status == 200
    assert foreign.exchange(site, foreign.token()).json()["error"] == "invalid_grant"


NOW = harness.NOW


@pytest.mark.parametrize(
    ("changes", "code", "description"),
    [
        (
            {"iss": "https://evil.example"},
            "invalid_grant",
            "The issuer in ID Token https://evil.example does not match the expected one.",
        ),
        ({"iss": None}, "invalid_grant", "The issuer in ID Token null does not match the expected one."),
        (
            {"iss": foreign.ISSUER + "/"},
            "invalid_grant",
            f"The issuer in ID Token {foreign.ISSUER}/ does not match the expected one.",
        ),
        (
            {"aud": "https://other.example"},
            "invalid_grant",
            "The audience in ID Token [https://other.example] does not match the expected audience.",
        ),
        ({"aud": None}, "invalid_grant", "The audience in ID Token [null] does not match the expected audience."),
        ({"exp": NOW - 61, "iat": NOW - 700}, "invalid_grant", STALE.format(NOW - 61)),
        ({"exp": NOW - 1}, "invalid_grant", STALE.format(NOW - 10)),
        ({"exp": NOW + 2}, "invalid_grant", STALE.format(NOW - 10)),
        ({"exp": None}, "invalid_grant", STALE.format("null")),
        ({"iat": None}, "invalid_grant", STALE.format("null")),
        ({"iat": NOW + 61}, "invalid_grant", STALE.format(NOW + 61)),
        ({"nbf": NOW + 61}, "invalid_grant", STALE.format(NOW + 61)),
        ({"iat": NOW - 86_461}, "invalid_grant", STALE.format(NOW - 86_461)),
        ({"key": foreign.OTHER_KEY}, "invalid_grant", "Unable to verify the ID Token signature."),
        ({"headers": {"kid": "unknown"}}, "invalid_grant", UNCONNECTED),
        (
            {"headers": {"typ": "at+jwt"}},
            "invalid_grant",
            "The subject token is a token of another kind than an ID Token.",
        ),
        ({"key": "k" * 32, "alg": "HS256"}, "invalid_grant", "Unable to verify the ID Token signature."),
        ({"key": "", "alg": "none"}, "invalid_grant", "Unable to verify the ID Token signature."),
    ],
)
def test_each_refusal_has_its_face(site: harness.Site, changes: dict[str, Any], code: str, description: str) -> None:
    """What was received is told; what the provider expects is not."""
    foreign.plant(site)
    answer = foreign.exchange(site, foreign.token(**changes))
    assert told(answer) == (400, code, description)


def test_strangers_do_not_write_the_log_full(site: harness.Site) -> None:
    """Only who holds a token that the issuer signed leaves a trace in the audit log."""
    foreign.plant(site)
    for changes in ({"iss": "x"}, {"aud": "x"}, {"key": foreign.OTHER_KEY}, {"headers": {"kid": "x"}}):
        foreign.exchange(site, foreign.token(**changes))
    assert log(site) == []


@pytest.mark.parametrize("iat", [NOW + 60, NOW - 86_460])
def test_clocks_may_differ_by_a_minute(site: harness.Site, iat: int) -> None:
    """Sixty seconds either way."""
    foreign.plant(site)
    assert foreign.exchange(site, foreign.token(iat=iat)).status == 200


def test_how_old_a_token_may_be_is_configured(site: harness.Site) -> None:
    """Some issuers give tokens that live for days, others want minutes."""
    foreign.plant(site, max_age=300)
    assert foreign.exchange(site, foreign.token(iat=NOW - 360)).status == 200
    assert foreign.exchange(site, foreign.token(iat=NOW - 361)).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("text", ["x", "a.b.c", "a.b.c.d.e", "{}", "\u00e9"])
def test_what_is_no_token(site: harness.Site, text: str) -> None:
    """A malformed subject token is a malformed request (RFC 8693 section 2.2.2)."""
    foreign.plant(site)
    with harness.logged() as written:
        assert foreign.exchange(site, text).json()["error"] == "invalid_request"
    assert written.traces == []


def test_a_clients_own_credentials_change_nothing(site: harness.Site) -> None:
    """Files with a client's id and secret make clients send them; here nobody needs them."""
    foreign.plant(site)
    for value in ("Basic d2ViOndlYi1zZWNyZXQ=", "Bearer x", "nonsense"):
        answer = site.post(foreign.STS, foreign.form(foreign.token()), headers={"authorization": value})
        assert answer.status == 200


def test_no_page_exchanges_anything(site: harness.Site) -> None:
    """Another origin's script cannot read an answer."""
    foreign.plant(site)
    answer = site.post(foreign.STS, foreign.form(foreign.token()), headers={"origin": "https://evil.example"})
    assert answer.header("access-control-allow-origin") is None
    assert answer.header("cache-control") == "no-store"


# --- pools and providers that are not in use


def test_what_is_not_in_use_looks_alike(site: harness.Site) -> None:
    """Absent, disabled, deleted, of another tenant: one face."""
    faces = {told(foreign.exchange(site, foreign.token()))}
    foreign.plant(site, disabled_at=NOW)
    site.settle()
    faces.add(told(foreign.exchange(site, foreign.token())))
    foreign.change(site, disabled_at=None, deleted_at=NOW)
    faces.add(told(foreign.exchange(site, foreign.token())))
    foreign.change(site, deleted_at=None)
    assert foreign.exchange(site, foreign.token()).status == 200
    made = Pool(seeds.TENANT_ID, seeds.PROJECT, foreign.POOL, NOW)
    for pool in (msgspec.structs.replace(made, disabled_at=NOW), msgspec.structs.replace(made, deleted_at=NOW)):
        assert site.write(pools.replace, pool)
        site.settle()
        faces.add(told(foreign.exchange(site, foreign.token())))
    other = foreign.NAME.replace("100000000001", "100000000002")
    faces.add(told(foreign.exchange(site, foreign.token(), audience=other)))
    ((status, code, _),) = faces
    assert (status, code) == (400, "invalid_target")


# --- mapping and condition


def test_a_condition_that_is_false(site: harness.Site) -> None:
    """`unauthorized_client`, and the log says why, with the origin."""
    foreign.plant(site, attribute_condition="assertion.repository == 'acme/other'")
    answer = foreign.exchange(site, foreign.token())
    assert told(answer) == (
        400,
        "unauthorized_client",
        "The given credential is rejected by the attribute condition.",
    )
    (entry,) = log(site)
    assert (entry.outcome, entry.origin) == ("unauthorized_client", Origin(foreign.ISSUER, "repo:acme/app", "job-1"))


@pytest.mark.parametrize(
    "condition",
    [
        "assertion.absent == 'x'",
        "assertion.repository",
        "assertion.groups[9] == 'x'",
        "attribute.absent == 'x'",
        "google.absent == 'x'",
    ],
)
def test_a_condition_that_cannot_be_judged_keeps_out(site: harness.Site, condition: str) -> None:
    """What has no value, or one that is no boolean, is not true."""
    foreign.plant(site, attribute_condition=condition)
    assert foreign.exchange(site, foreign.token()).json()["error"] == "unauthorized_client"


@pytest.mark.parametrize(
    "condition",
    [
        "assertion.repository == 'acme/app' && assertion.ref == 'refs/heads/main'",
        "google.subject.startsWith('repo:acme/')",
        "attribute.repository == 'acme/app'",
        "'dev' in assertion.groups",
        "'ops' in google.groups",
        "assertion.sub.extract('repo:{owner}/') == 'acme'",
    ],
)
def test_what_a_condition_sees(site: harness.Site, condition: str) -> None:
    """The token, the mapped subject and groups, the mapped attributes."""
    mapping = {**MAPPING, "google.groups": "assertion.groups"}
    foreign.plant(site, attribute_condition=condition, attribute_mapping=mapping)
    assert foreign.exchange(site, foreign.token()).status == 200


@pytest.mark.parametrize(("subject", "status"), [("a" * 127, 200), ("a" * 128, 400)])
def test_a_subject_has_127_octets_at_most(site: harness.Site, subject: str, status: int) -> None:
    """Long names of branches are the usual way to more."""
    foreign.plant(site)
    answer = foreign.exchange(site, foreign.token(sub=subject))
    assert answer.status == status
    if status == 400:
        assert answer.json()["error"] == "invalid_request"
        assert "google.subject exceeds the 127 bytes limit" in answer.json()["error_description"]


@pytest.mark.parametrize(
    ("target", "expression"),
    [
        ("attribute.x", "assertion.absent"),
        ("attribute.x", "assertion.iat"),
        ("attribute.x", "assertion.groups"),
        ("attribute.x", "''"),
        ("attribute.x", "'a\\nb'"),
        ("google.groups", "assertion.repository"),
        ("google.groups", "[1, 2]"),
        ("google.subject", "assertion.iat"),
    ],
)
def test_a_mapping_that_makes_no_text(site: harness.Site, target: str, expression: str) -> None:
    """The answer names the attribute: whoever holds a token of the issuer may know."""
    foreign.plant(site, attribute_mapping={**MAPPING, target: expression})
    answer = foreign.exchange(site, foreign.token())
    assert answer.json()["error"] == "invalid_request"
    assert target in answer.json()["error_description"]


def test_all_that_is_mapped_has_a_bound(site: harness.Site) -> None:
    """Eight KiB; a longer list of groups is refused, not cut."""
    foreign.plant(site, attribute_mapping={**MAPPING, "google.groups": "assertion.groups"})
    groups = [f"group-{number:04}" for number in range(900)]
    answer = foreign.exchange(site, foreign.token(groups=groups))
    assert "exceeds the 8192 bytes limit" in answer.json()["error_description"]


# --- keys


@capability("federated-kubernetes", witness="PyJWT")
def test_a_projected_token_of_kubernetes(site: harness.Site) -> None:
    """A list as audience, no typ, RS256, claims under a name with dots; the cluster's keys were handed over."""
    key = rsa.generate_private_key(65537, 2048)
    published = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
    issuer = "https://kubernetes.default.svc.cluster.local"
    foreign.plant(
        site,
        issuer=issuer,
        jwks=json.dumps({"keys": [published | {"kid": "k8s", "alg": "RS256", "use": "sig"}]}),
        attribute_mapping={
            "google.subject": "assertion.sub",
            "attribute.namespace": "assertion['kubernetes.io']['namespace']",
            "attribute.account": "assertion['kubernetes.io'].serviceaccount.name",
        },
        attribute_condition="assertion['kubernetes.io'].namespace == 'shop'",
    )
    claims = {
        "iss": issuer,
        "sub": "system:serviceaccount:shop:cart",
        "aud": ["https:" + foreign.NAME],
        "iat": NOW - 100,
        "nbf": NOW - 100,
        "exp": NOW + 3507,
        "jti": "7c1c0c2e-8f0a-4f0e-a3a0-5c38a1f7d1d0",
        "kubernetes.io": {
            "namespace": "shop",
            "node": {"name": "n1", "uid": "u1"},
            "pod": {"name": "cart-0", "uid": "u2"},
            "serviceaccount": {"name": "cart", "uid": "u3"},
            "warnafter": NOW + 3507,
        },
    }
    token = jwt.encode(claims, key, "RS256", headers={"kid": "k8s", "typ": None})
    found = opened(site, foreign.exchange(site, token))
    assert found.principal.id == "system:serviceaccount:shop:cart"
    assert found.principal.attributes == {"namespace": "shop", "account": "cart"}


def test_keys_that_were_replaced_count_within_a_second(site: harness.Site) -> None:
    """The old key checks nothing any more."""
    foreign.plant(site)
    assert foreign.exchange(site, foreign.token()).status == 200
    replaced = json.dumps({"keys": [foreign.public_jwk(foreign.OTHER_KEY)]})
    foreign.change(site, jwks=replaced)
    assert foreign.exchange(site, foreign.token()).json()["error"] == "invalid_grant"
    assert foreign.exchange(site, foreign.token(key=foreign.OTHER_KEY)).status == 200
