"""The metadata server: an identity for whoever is on the machine, and nothing for pages and proxies."""

from __future__ import annotations

import jwt
import pytest

from intaglio.server.devmode import seeds
from tests import harness
from tests.capability import capability

ROOT = "http://localhost:8081"
ACCOUNTS = ROOT + "/computeMetadata/v1/instance/service-accounts"
FLAVOR = {"metadata-flavor": "Google"}


@capability("google-identity", witness="PyJWT")
@pytest.mark.parametrize("account", ["default", seeds.ACCOUNT, "worker%40demo-project.iam.intaglio.test"])
def test_an_identity(site: harness.Site, account: str) -> None:
    """A bare token for the audience, signed with a key of the published set."""
    answer = site.get(f"{ACCOUNTS}/{account}/identity?audience=https://api.example.com", headers=FLAVOR)
    assert answer.status == 200
    assert answer.header("metadata-flavor") == "Google"
    keys = site.get(ROOT + "/oauth2/v3/certs").json()["keys"]
    kid = jwt.get_unverified_header(answer.text)["kid"]
    (key,) = [key for key in keys if key["kid"] == kid]
    options = {"verify_exp": False, "verify_iat": False}
    claims = jwt.decode(
        answer.text,
        jwt.PyJWK(key),
        algorithms=["RS256"],
        audience="https://api.example.com",
        issuer=ROOT,
        options=options,
    )
    assert (claims["email"], claims["email_verified"]) == (seeds.ACCOUNT, True)
    assert claims["sub"] == claims["azp"] == "100000000000000000001"
    assert claims["exp"] - claims["iat"] == 3600


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"metadata-flavor": "google"},
        {"metadata-flavor": ""},
        FLAVOR | {"x-forwarded-for": "10.0.0.1"},
        FLAVOR | {"origin": "https://evil.example"},
        FLAVOR | {"origin": "null"},
        FLAVOR | {"host": "evil.example"},
    ],
)
def test_who_gets_none(site: harness.Site, headers: dict[str, str]) -> None:
    """403 for what a page or a confused proxy would send; the flavor is in the refusal too."""
    answer = site.get(f"{ACCOUNTS}/default/identity?audience=a", headers=headers)
    assert answer.status == 403
    assert answer.header("metadata-flavor") == "Google"
    assert answer.header("access-control-allow-origin") is None


@pytest.mark.parametrize("account", ["nobody@x", "Default", "default%00", "%ff", seeds.ACCOUNT.upper()])
def test_another_account_is_none(site: harness.Site, account: str) -> None:
    """Only the one that is attached."""
    assert site.get(f"{ACCOUNTS}/{account}/identity?audience=a", headers=FLAVOR).status == 404


@pytest.mark.parametrize(
    "query", ["", "?audience=", "?audience=%ff", "?audience=%0a", "?audience=a&format=x", "?format=%ff&audience=a"]
)
def test_a_question_that_is_none(site: harness.Site, query: str) -> None:
    """400, with a reference."""
    with harness.logged() as log:
        answer = site.get(f"{ACCOUNTS}/default/identity{query}", headers=FLAVOR)
    assert answer.status == 400
    assert log.traces == []


@pytest.mark.parametrize(
    ("where", "text"),
    [
        (ROOT + "/", "computeMetadata/\n"),
        (ROOT + "/computeMetadata/v1/project/project-id", "demo-project"),
        (ACCOUNTS + "/", f"default/\n{seeds.ACCOUNT}/\n"),
        (ACCOUNTS + "/default/", "aliases\nemail\nidentity\nscopes\n"),
        (ACCOUNTS + "/default/email", seeds.ACCOUNT),
        (ACCOUNTS + "/default/aliases", "default\n"),
        (ROOT + "/computeMetadata/v1/universe/universe-domain", "googleapis.com"),
    ],
)
def test_the_directory(site: harness.Site, where: str, text: str) -> None:
    """What clients look up before they ask for a token."""
    answer = site.get(where, headers=FLAVOR)
    assert (answer.status, answer.text) == (200, text)
    assert site.request("HEAD", where, headers=FLAVOR).body == b""


def test_the_directory_at_once(site: harness.Site) -> None:
    """`recursive=true` gives JSON; what cannot be read is refused, not a fault of ours."""
    answer = site.get(ACCOUNTS + "/default/?recursive=true", headers=FLAVOR)
    assert answer.json()["email"] == seeds.ACCOUNT
    with harness.logged() as log:
        assert site.get(ACCOUNTS + "/default/?recursive=%ff", headers=FLAVOR).status == 400
    assert log.traces == []


def test_metadata_refuses_a_rebound_name(site: harness.Site) -> None:
    """A page whose own name was bound to this address sends its own Host, and gets nothing."""
    for host, status in [
        ("evil.example", 403),
        ("evil.example:8081", 403),
        ("localhost.evil.example", 403),
        ("", 403),
        ("[::1", 403),
        ("metadata.google.internal", 200),
        ("localhost:8081", 200),
        ("127.0.0.1:8081", 200),
        ("[::1]:8081", 200),
        ("169.254.169.254", 200),
    ]:
        given = FLAVOR | {"host": host}
        assert (host, site.get(f"{ACCOUNTS}/default/email", headers=given).status) == (host, status)


def test_no_account_is_attached_elsewhere(site: harness.Site) -> None:
    """Other dialects' ports have no metadata."""
    for port in (8080, 8083):
        where = f"http://localhost:{port}/computeMetadata/v1/instance/service-accounts/default/email"
        assert site.get(where, headers=FLAVOR).status == 404
