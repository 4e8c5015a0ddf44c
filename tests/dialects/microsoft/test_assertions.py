"""Applications that prove themselves by a certificate's key, or by a token of an issuer that they trust."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Iterator
from typing import Any

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from intaglio.dialects.coding import ASSERTION_TYPE
from intaglio.server.model import clients
from intaglio.tokens import certificates, jwk
from tests import assertions, harness
from tests.capability import capability
from tests.dialects.microsoft.conftest import BASE, DAEMON, TENANT

NOW = harness.NOW
KEY, STRANGER = (rsa.generate_private_key(65537, 2048) for _ in range(2))
CERTIFICATE = certificates.self_signed(
    jwk.SigningKey("RS256", KEY), common_name="daemon", not_before=NOW - 86_400, lifetime=365 * 86_400
)
SHA1, SHA256 = certificates.thumbprint_sha1(CERTIFICATE), certificates.thumbprint_sha256(CERTIFICATE)
TOKEN = f"{BASE}/{TENANT}/oauth2/v2.0/token"
ISSUER = "https://token.actions.test"
CREDENTIAL = {
    "name": "main",
    "issuer": ISSUER,
    "subject": "repo:contoso/app:ref:refs/heads/main",
    "audiences": ["api://AzureADTokenExchange"],
}


@pytest.fixture(scope="module", autouse=True)
def daemon(site: harness.Site) -> Iterator[None]:
    """Let the daemon prove itself by its certificate's key and by a token of another issuer besides."""
    before = site.client(DAEMON)
    document = {**assertions.jwk_of(KEY), "x5t": SHA1, "x5t#S256": SHA256, "use": "sig"}
    outgoing, site.house.outgoing = site.house.outgoing, elsewhere()  # type: ignore[assignment]
    changed = msgspec.structs.replace(
        before,
        token_endpoint_auth_methods=(*before.token_endpoint_auth_methods, "private_key_jwt"),
        jwks=assertions.jwks(document),
        dialects={"microsoft": {"federatedIdentityCredentials": [CREDENTIAL]}},
    )
    assert site.write(clients.replace, changed)
    site.settle()
    yield
    site.house.outgoing = outgoing
    site.write(clients.replace, before)


def elsewhere() -> assertions.Elsewhere:
    """Return the other issuer: its metadata and its keys."""
    found = {
        "openid-configuration": {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"},
        "keys": {"keys": [assertions.jwk_of(STRANGER, kid="theirs")]},
    }
    return assertions.Elsewhere(**found)


def own(site: harness.Site, alg: str = "PS256", header: dict[str, Any] | None = None, **changes: Any) -> str:
    """Return an assertion as an SDK makes it of a certificate."""
    now = site.clock.now()
    usual = {"aud": TOKEN, "iss": DAEMON, "sub": DAEMON, "jti": str(uuid.uuid4()), "nbf": now, "exp": now + 600}
    claims = {name: value for name, value in (usual | changes).items() if value is not None}
    return jwt.encode(claims, KEY, algorithm=alg, headers={"x5t#S256": SHA256} if header is None else header)


def others(site: harness.Site, key: Any = STRANGER, alg: str = "RS256", **changes: Any) -> str:
    """Return a token of the other issuer."""
    now = site.clock.now()
    usual = {"iss": ISSUER, "sub": CREDENTIAL["subject"], "aud": CREDENTIAL["audiences"][0], "iat": now}
    claims = {name: value for name, value in (usual | {"exp": now + 300} | changes).items() if value is not None}
    return jwt.encode(claims, key, algorithm=alg, headers={"kid": "theirs"})


def ask(site: harness.Site, assertion: str, where: str = TOKEN, **changes: str) -> harness.Answer:
    """Ask for a token by an assertion."""
    form = {
        "grant_type": "client_credentials",
        "client_id": DAEMON,
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
        "scope": f"api://{DAEMON}/.default",
    }
    return site.post(where, form | changes)


def refused(answer: harness.Answer) -> tuple[int, str, int]:
    """Return the status, the error and the number of a refusal."""
    body = answer.json()
    return answer.status, body["error"], body["error_codes"][0]


def standard64(thumbprint: str) -> str:
    """Return a thumbprint as one SDK writes it: in the other alphabet, padded."""
    return base64.b64encode(base64.urlsafe_b64decode(thumbprint + "=" * (-len(thumbprint) % 4))).decode()


@capability("microsoft-certificate", witness="PyJWT")
@pytest.mark.parametrize(
    ("alg", "header"),
    [
        ("PS256", {"x5t#S256": SHA256}),
        ("PS256", {"x5t#S256": standard64(SHA256)}),
        ("RS256", {"x5t": SHA1}),
        ("RS256", {"x5t": standard64(SHA1)}),
        ("RS256", {"x5t#S256": SHA256, "x5c": [base64.encodebytes(CERTIFICATE).decode()]}),
    ],
)
def test_s9_07_certificates_as_sdks_send_them(site: harness.Site, alg: str, header: dict[str, Any]) -> None:
    """Both algorithms, thumbprints in any base64, certificates with ends of lines inside."""
    answer = ask(site, own(site, alg, header))
    assert answer.status == 200, answer.text


def test_s9_07_fractions_of_seconds(site: harness.Site) -> None:
    """One SDK sends instants with fractions."""
    now = site.clock.now()
    assert ask(site, own(site, iat=now + 0.25, exp=now + 600.75, nbf=None)).status == 200


@pytest.mark.parametrize("version", ["v2.0/", ""])
@pytest.mark.parametrize("word", [TENANT, "dev.intaglio.test", "common", "organizations"])
def test_s9_07_every_name_of_the_token_endpoint(site: harness.Site, word: str, version: str) -> None:
    """The audience is the endpoint under any word that leads to the tenant, of either version."""
    assert ask(site, own(site, aud=f"{BASE}/{word}/oauth2/{version}token")).status == 200


@pytest.mark.parametrize("audience", [f"{BASE}/{TENANT}/v2.0", f"{BASE}/{TENANT}/"])
def test_s9_07_the_issuer_is_an_audience(site: harness.Site, audience: str) -> None:
    """The issuer of either version means the token endpoint as well."""
    assert ask(site, own(site, aud=audience)).status == 200


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ({"aud": f"{BASE}/00000000-0000-4000-8000-000000000000/oauth2/v2.0/token"}, 50027),
        ({"aud": "https://login.elsewhere.test/" + TENANT}, 50027),
        ({"aud": [TOKEN, "https://login.elsewhere.test/"]}, 50027),
        ({"exp": NOW - 600}, 700024),
        ({"iss": "somebody-else"}, 50048),
        ({"jti": None}, 700027),
    ],
)
def test_assertions_that_are_not_believed(site: harness.Site, changes: dict[str, Any], number: int) -> None:
    """For somebody else, too old, of two parties, without an identifier."""
    assert refused(ask(site, own(site, **changes))) == (401, "invalid_client", number)


def test_an_assertion_is_good_once(site: harness.Site) -> None:
    """What somebody overheard is worth nothing."""
    assertion = own(site)
    assert ask(site, assertion).status == 200
    assert refused(ask(site, assertion)) == (401, "invalid_client", 50027)


def test_another_key_signs_nothing(site: harness.Site) -> None:
    """A thumbprint is a name: the key has to be the registered one."""
    forged = jwt.encode(
        {"aud": TOKEN, "iss": DAEMON, "sub": DAEMON, "jti": "x", "exp": site.clock.now() + 60},
        STRANGER,
        algorithm="PS256",
        headers={"x5t#S256": SHA256},
    )
    assert refused(ask(site, forged)) == (401, "invalid_client", 700027)


@capability("microsoft-federated", witness="PyJWT")
def test_a_token_of_a_trusted_issuer(site: harness.Site) -> None:
    """Its issuer, subject and audience are agreed: it is the application; and again with the same token."""
    token = others(site)
    assert ask(site, token).status == 200
    assert ask(site, token).status == 200
    assert ask(site, others(site, iat=None)).status == 200


@pytest.mark.parametrize(
    ("changes", "number", "named"),
    [
        ({"iss": "https://token.actions.test/"}, 700211, "issuer 'https://token.actions.test/'"),
        ({"sub": "repo:contoso/app:ref:refs/heads/Main"}, 700213, "subject 'repo:contoso/app:ref:refs/heads/Main'"),
        ({"aud": "api://azureadtokenexchange"}, 700212, "audience 'api://azureadtokenexchange'"),
        ({"aud": [CREDENTIAL["audiences"][0], "https://other.test"]}, 700212, "audience"),
    ],
)
def test_what_nobody_agreed_to(site: harness.Site, changes: dict[str, Any], number: int, named: str) -> None:
    """Compared letter for letter, capitals and slashes included; the answer names what did not match."""
    answer = ask(site, others(site, **changes))
    assert refused(answer) == (401, "invalid_client", number)
    assert named in answer.json()["error_description"]


def test_nobody_is_asked_for_a_stranger(site: harness.Site) -> None:
    """The keys of an issuer that no application trusts are never fetched, nor those for another subject."""
    outgoing, watched = site.house.outgoing, elsewhere()
    site.house.outgoing = watched  # type: ignore[assignment]
    try:
        for changes in ({"iss": "https://stranger.test"}, {"sub": "another"}, {"aud": "another"}, {"exp": NOW - 600}):
            assert ask(site, others(site, **changes)).status == 401
        assert watched.asked == []
    finally:
        site.house.outgoing = outgoing


@pytest.mark.parametrize("alg", ["PS256", "RS384"])
def test_federated_tokens_are_signed_with_rs256(site: harness.Site, alg: str) -> None:
    """No other algorithm, though the key could."""
    assert refused(ask(site, others(site, alg=alg))) == (401, "invalid_client", 700027)


def test_federated_tokens_have_their_issuers_key_and_times(site: harness.Site) -> None:
    """Another key, a token that has ended, and one that is not valid yet."""
    now = site.clock.now()
    assert refused(ask(site, others(site, KEY))) == (401, "invalid_client", 700027)
    for changes in ({"exp": now - 60}, {"exp": None}, {"nbf": now + 300}, {"iat": now + 300}):
        assert refused(ask(site, others(site, **changes))) == (401, "invalid_client", 700024)


def test_own_tokens_vouch_for_nobody(site: harness.Site) -> None:
    """A token of this very server is no federated assertion, whoever it is about."""
    assert refused(ask(site, others(site, iss=f"{BASE}/{TENANT}/v2.0"))) == (401, "invalid_client", 700229)


def test_another_applications_credential(site: harness.Site) -> None:
    """What is agreed for one application is worth nothing for another."""
    answer = ask(site, others(site), client_id="no-such-application")
    assert refused(answer) == (400, "unauthorized_client", 700016)


def _compact(payload: object) -> str:
    head = base64.urlsafe_b64encode(b'{"alg":"RS256"}').decode().rstrip("=")
    body = base64.urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip("=")
    return f"{head}.{body}.AAAA"


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.text(st.characters(exclude_categories=["C"]), max_size=40)
    | st.builds(
        _compact,
        st.dictionaries(
            st.sampled_from(["iss", "sub", "aud", "exp", "nbf", "iat"]),
            st.sampled_from([ISSUER, CREDENTIAL["subject"], CREDENTIAL["audiences"], None, 1, -1, True, [], {}, 1e400]),
        ),
    )
)
def test_no_text_is_an_assertion(site: harness.Site, text: str) -> None:
    """Whatever is sent, the answer is one of the refusals, and never a fault of the server."""
    answer = ask(site, text)
    assert answer.status == 401
    assert answer.error == "invalid_client"


def test_a_certificate_counts_as_long_as_it_says(site: harness.Site) -> None:
    """Before its first and after its last instant its key proves nothing; after it, the answer says that it ended."""
    before, now = site.client(DAEMON), site.clock.now()
    for begins, lives, number in ((-100, 90, 7000222), (100, 100, 700027), (-100, 200, 0)):
        der = certificates.self_signed(
            jwk.SigningKey("RS256", KEY), common_name="daemon", not_before=now + begins, lifetime=lives
        )
        document = {**assertions.jwk_of(KEY), "x5c": [base64.b64encode(der).decode()], "use": "sig"}
        site.write(clients.replace, msgspec.structs.replace(before, jwks=assertions.jwks(document)))
        site.settle()
        answer = ask(site, own(site))
        told = answer.json().get("error_codes", [0])[0] if answer.status != 200 else 0
        assert (answer.status, told) == ((401, number) if number else (200, 0))
    site.write(clients.replace, before)
    site.settle()
