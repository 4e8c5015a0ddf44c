"""What a provider may be: issuers that serve everybody, conditions that keep strangers out, and what is warned of."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intaglio.errors import Misconfigured
from intaglio.server.registry import looseness, pools, sharedissuers
from intaglio.tokens import jwk
from tests import authorities, foreign
from tests.capability import capability

GITHUB = "https://token.actions.githubusercontent.com"
GITLAB = "https://gitlab.com"


def check(**changes: Any) -> Any:
    """Check a provider."""
    return pools.provider(foreign.provider(**changes), "google", development=False)


def refusal(**changes: Any) -> Misconfigured:
    """Return why a provider is refused."""
    with pytest.raises(Misconfigured) as caught:
        check(**changes)
    return caught.value


@pytest.mark.parametrize(
    "issuer",
    [
        GITHUB,
        GITHUB + "/acme",
        "https://token.actions.acme.ghe.com",
        "https://github.acme.example/_services/token",
        GITLAB,
        "https://accounts.google.com",
        "https://securetoken.google.com/any-project",
        "https://login.microsoftonline.com/common/v2.0",
        "https://login.microsoftonline.com/organizations/v2.0",
        "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0",
        "https://login.microsoftonline.us/common/v2.0",
        "https://sts.windows.net/common/",
        "https://api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc",
        "https://oidc.circleci.com/org/0a1b",
        "https://app.terraform.io",
        "https://agent.buildkite.com",
        "https://oidc.vercel.com",
        "https://oidc.vercel.com/acme",
        "https://vstoken.dev.azure.com/0a1b",
        "https://api.pulumi.com/oidc",
        "https://oidc.fly.io/acme",
        "https://appleid.apple.com",
        "https://oauth2.sigstore.dev/auth",
        "https://huggingface.co",
    ],
)
def test_issuers_that_serve_everybody_need_a_condition(issuer: str) -> None:
    """Whoever has an account there has tokens of it."""
    assert refusal(issuer=issuer, jwks="").code == "condition-missing"


@pytest.mark.parametrize(
    "issuer",
    [
        "https://ci.example.com",
        "https://gitlab.acme.example",
        "https://notgitlab.com",
        "https://gitlab.com.acme.example",
        "https://login.microsoftonline.com/8a1b2c3d-0000-4000-8000-000000000000/v2.0",
        "https://container.example.com/v1/projects/p/locations/l/clusters/c",
    ],
)
def test_issuers_of_one_party_need_none(issuer: str) -> None:
    """An own server, or one's own tenant of a large one."""
    assert check(issuer=issuer, jwks="").issuer == issuer


@pytest.mark.parametrize(
    "condition",
    [
        "true",
        "1 == 1",
        "'assertion' == 'assertion'",
        "assertion.sub != ''",
        "has(assertion.repository)",
        "assertion.ref == 'refs/heads/main'",
        "assertion.repository.contains('/')",
        "true || assertion.repository == 'acme/app'",
        "assertion.repository_visibility == 'public'",
        "!(assertion.repository == 'other/app')",
        "google.subject != ''",
        "attribute.repository.size() > 0",
        "assertion.event_name == 'push' && assertion.runner_environment == 'github-hosted'",
    ],
)
def test_a_condition_that_lets_strangers_in_is_none(condition: str) -> None:
    """Tried with a token of somebody else's."""
    assert refusal(issuer=GITHUB, jwks="", attribute_condition=condition).code == "condition-open"


@pytest.mark.parametrize(
    "condition",
    [
        "assertion.repository_owner_id == '123'",
        "assertion.repository == 'acme/app' && assertion.ref == 'refs/heads/main'",
        "assertion.sub.startsWith('repo:acme/')",
        "attribute.repository in ['acme/app', 'acme/api']",
        "google.subject == 'repo:acme/app:ref:refs/heads/main'",
        "assertion.job_workflow_ref.matches('^acme/[^/]+/[.]github/workflows/deploy[.]yml@refs/tags/v[0-9]+$')",
    ],
)
def test_a_condition_that_knows_its_own(condition: str) -> None:
    """Owner, repository, subject."""
    assert check(issuer=GITHUB, jwks="", attribute_condition=condition).attribute_condition == condition


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ("assertion.repository.matches('acme/app')", "unanchored-pattern"),
        ("assertion.repository.matches('^acme/')", "unanchored-pattern"),
        ("assertion.repository.matches('acme/app$')", "unanchored-pattern"),
        ("assertion.repository.matches('^acme/app$|^acme/api')", "half-anchored"),
        ("assertion.repository.matches(r'^acme/app|acme/api$')", "half-anchored"),
        ("assertion.repository.matches('^acme/.*$')", "wildcard-spans-slash"),
        ("assertion.repository.startsWith('acme')", "open-prefix"),
        ("assertion.repository.contains('acme/')", "open-text"),
        ("assertion.repository.endsWith('/app')", "open-text"),
        ("assertion.repository.matches('^acme/' + 'app|evil$')", "computed-pattern"),
        ("assertion.repository.matches(assertion.ref)", "computed-pattern"),
        ("matches(assertion.repository, '^acme/app$')", "computed-pattern"),
        ("assertion.repository.matches('^acme\\x7cevil/app$')", "half-anchored"),
    ],
)
def test_loose_patterns(condition: str, code: str) -> None:
    """They fit more than they seem to."""
    assert [one.code for one in looseness.patterns(condition)] == [code]


@pytest.mark.parametrize(
    "condition",
    [
        "assertion.repository.matches('^(acme/app|acme/api)$')",
        "assertion.repository.matches('^acme/[a-z|]+$')",
        "assertion.repository.matches('^acme/a\\\\|b$')",
        "assertion.repository.startsWith('acme/')",
        "assertion.repository == 'x.matches(a)'",
    ],
)
def test_patterns_that_are_tight(condition: str) -> None:
    """Anchored on both sides, a delimiter at the end."""
    assert looseness.patterns(condition) == []


def test_names_that_change_owners_are_warned_of() -> None:
    """A repository's name can be another's tomorrow; its number cannot."""
    loose = foreign.provider(issuer=GITHUB, jwks="", attribute_condition="assertion.repository == 'acme/app'")
    found = {one.code: one for one in pools.findings(loose, "google")}
    assert "assertion.repository_id" in found["mutable-name"].hint
    tight = "assertion.repository == 'acme/app' && assertion['repository_id'] == '42'"
    assert pools.findings(msgspec.structs.replace(loose, attribute_condition=tight), "google") == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, "no-condition"),
        ({"attribute_condition": "assertion.x == 'y'", "allowed_audiences": ("sts",)}, "plain-audience"),
    ],
)
def test_other_warnings(changes: dict[str, Any], code: str) -> None:
    """What is allowed and had better not be."""
    assert [one.code for one in pools.findings(foreign.provider(**changes), "google")] == [code]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"issuer": ""}, "provider-kind-unclear"),
        ({"trust_anchors": authorities.ROOT.pem}, "provider-kind-unclear"),
        ({"issuer": "", "trust_anchors": authorities.ROOT.pem}, "provider-kind-unclear"),
        ({"issuer": "http://ci.example.com"}, "issuer-unusable"),
        ({"issuer": "http://localhost:8080"}, "issuer-unusable"),
        ({"issuer": "https://user@ci.example.com"}, "issuer-unusable"),
        ({"issuer": "https://ci.example.com#x"}, "issuer-unusable"),
        ({"issuer": "ci.example.com"}, "issuer-unusable"),
        ({"issuer": "file:///etc/passwd"}, "issuer-unusable"),
        ({"discovery_uri": "http://ci.example.com/x", "jwks": ""}, "issuer-unusable"),
        ({"jwks": "[]"}, "jwks-invalid"),
        ({"jwks": '{"keys": []}'}, "jwks-invalid"),
        ({"jwks": " " * 70_000}, "jwks-invalid"),
        ({"issuer": "", "jwks": "", "trust_anchors": "x"}, "trust-anchors-invalid"),
        ({"issuer": "", "jwks": "", "trust_anchors": authorities.ROOT.pem * 21}, "trust-anchors-invalid"),
        ({"max_age": 59}, "max-age-invalid"),
        ({"max_age": 8 * 86400}, "max-age-invalid"),
        ({"allowed_audiences": ("",)}, "audience-invalid"),
        ({"allowed_audiences": ("a" * 257,)}, "audience-invalid"),
        ({"allowed_audiences": ("https://*.acme.example",)}, "audience-invalid"),
        ({"allowed_audiences": ("a b",)}, "audience-invalid"),
        ({"attribute_mapping": {}}, "mapping-invalid"),
        ({"attribute_mapping": {"google.subject": "x" * 2049}}, "expression-invalid"),
        ({"attribute_mapping": {"google.subject": "google.subject"}}, "expression-invalid"),
        ({"attribute_condition": "x" * 4097}, "expression-invalid"),
    ],
)
def test_what_no_provider_can_be(changes: dict[str, Any], code: str) -> None:
    """Each field has its bounds."""
    assert refusal(**changes).code == code


def test_a_leaf_is_no_anchor() -> None:
    """Only authorities vouch for others."""
    leaf = authorities.make(authorities.cn("cart"), authorities.ROOT)
    assert refusal(issuer="", jwks="", trust_anchors=leaf.pem).code == "trust-anchors-invalid"


def test_a_private_key_is_not_kept() -> None:
    """Whoever hands it over is told, and the error repeats nothing of it."""
    private = json.dumps({"keys": [foreign.public_jwk() | {"d": "c2VjcmV0"}]})
    refused = refusal(jwks=private)
    assert refused.code == "jwks-invalid"
    assert "c2VjcmV0" not in repr(refused.detail)


def test_on_this_machine_development_may_use_http() -> None:
    """And nobody else."""
    made = foreign.provider(issuer="http://localhost:8080/default", jwks="")
    assert pools.provider(made, "google", development=True) == made
    elsewhere = foreign.provider(issuer="http://ci.example.com", jwks="")
    with pytest.raises(Misconfigured):
        pools.provider(elsewhere, "google", development=True)


@pytest.mark.parametrize("number", [50, 51])
def test_attributes_are_counted(number: int) -> None:
    """Fifty."""
    mapping = {"google.subject": "assertion.sub"} | {f"attribute.a{n}": "'x'" for n in range(number)}
    if number == 50:
        assert len(check(attribute_mapping=mapping).attribute_mapping) == 51
    else:
        assert refusal(attribute_mapping=mapping).code == "mapping-invalid"


@given(st.text(max_size=80))
def test_any_issuer_is_one_of_them_or_not(text: str) -> None:
    """Nothing that somebody types breaks the list."""
    found = sharedissuers.of(text)
    assert found is None or found in sharedissuers.ISSUERS


@given(st.text(max_size=60))
def test_any_pattern_is_looked_at(text: str) -> None:
    """A condition with any regular expression in it can be judged."""
    literal = json.dumps(text).replace("\\u", "\\\\u")
    try:
        found = looseness.patterns(f"assertion.x.matches({literal})")
    except Misconfigured:
        return
    assert all(one.code for one in found)


@capability("federated-shared-issuers", witness="samples of other tenants' tokens")
@pytest.mark.parametrize("shared", sharedissuers.ISSUERS, ids=lambda one: one.name)
def test_a_strangers_token_says_who_it_is(shared: sharedissuers.Shared) -> None:
    """Each of the list has a token of somebody else to try conditions with; immutable names are among its claims."""
    assert shared.stranger.get("sub")
    assert set(shared.ids.values()) <= set(shared.stranger) | {"oid"}


def test_keys_that_cannot_be_used_are_told() -> None:
    """One that is left out without a word would be missed when the issuer signs with it."""
    weak = {"kty": "EC", "crv": "P-256K", "x": "AA", "y": "AA", "kid": "weak"}
    listed = json.dumps({"keys": [foreign.public_jwk(), weak]})
    assert "crv is not supported" in str(refusal(jwks=listed).detail["received"])
    assert len(jwk.read_set(json.loads(foreign.JWKS))) == 1
