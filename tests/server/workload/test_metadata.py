"""The metadata server: an identity for whoever is on the machine, and nothing for pages and proxies."""

from __future__ import annotations

import jwt
import msgspec
import pytest

from intaglio.server.devmode import seeds
from intaglio.server.model import serviceaccounts
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
        (ACCOUNTS + "/default/", "aliases\nemail\nidentity\nscopes\ntoken\n"),
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


# --- the tree


@capability("metadata-tree", witness="the paths that clients of five languages ask")
@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("project/numeric-project-id", "100000000001"),
        ("instance/zone", "projects/100000000001/zones/local1-a"),
        ("instance/service-accounts/", f"default/\n{seeds.ACCOUNT}/\n"),
        ("instance/tags", "[]"),
        ("instance/preempted", "FALSE"),
        ("instance/licenses/0/id", "1000000000000000000"),
        ("universe/universe_domain", "googleapis.com"),
        ("project/", "attributes/\nnumeric-project-id\nproject-id\n"),
        ("", "instance/\nproject/\nuniverse/\n"),
    ],
)
def test_what_clients_ask(site: harness.Site, path: str, text: str) -> None:
    """Values bare, directories line by line, as `application/text`."""
    answer = site.get(f"{ROOT}/computeMetadata/v1/{path}", headers=FLAVOR)
    assert (answer.status, answer.text, answer.header("content-type")) == (200, text, "application/text")
    assert len(answer.header("etag") or "") == 16


@capability("metadata-tree", witness="a JSON reader")
def test_the_whole_tree_at_once(site: harness.Site) -> None:
    """Camel case, whole numbers, and the account under both of its names."""
    answer = site.get(ROOT + "/computeMetadata/v1/?recursive=true&alt=json", headers=FLAVOR)
    assert answer.header("content-type") == "application/json"
    told = answer.json()
    assert told["project"]["numericProjectId"] == 100000000001
    assert told["instance"]["id"] > 0
    accounts = told["instance"]["serviceAccounts"]
    assert accounts["default"] == accounts[seeds.ACCOUNT]
    assert accounts["default"]["aliases"] == ["default"]
    assert accounts["default"].keys() == {"aliases", "email", "scopes"}


@capability("metadata-tree", witness="HTTP redirections")
@pytest.mark.parametrize("path", ["/computeMetadata", "/computeMetadata/v1", "/computeMetadata/v1/instance",
                                  "/computeMetadata/v1/instance/service-accounts/default"])  # fmt: skip
def test_a_missing_slash(site: harness.Site, path: str) -> None:
    """301 to the directory, which then answers; without the header nothing is told."""
    answer = site.get(ROOT + path, headers=FLAVOR)
    assert (answer.status, answer.location) == (301, f"{ROOT}{path}/")
    assert answer.header("content-type") == "text/html"
    assert site.get(answer.location, headers=FLAVOR).status == 200
    assert site.get(ROOT + path).status == 403


@capability("metadata-refusals", witness="requests of every kind")
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/computeMetadata/v1/nothing", 404),
        ("GET", "/computeMetadata/v1/instance/service-accounts/nobody@x/identity?audience=a", 404),
        ("GET", "/computeMetadata/v1/instance/service-accounts/nobody@x/token", 404),
        ("GET", "/computeMetadata/v1beta1/instance/", 404),
        ("GET", "/computeMetadata/v1/" + "a/" * 30, 404),
        ("GET", "/computeMetadata/v1/instance/%ff", 404),
        ("PUT", "/computeMetadata/v1/instance/attributes/x", 405),
        ("DELETE", "/computeMetadata/v1/instance/service-accounts/default/token", 405),
        ("GET", "/computeMetadata/v1/instance/service-accounts/default/identity", 400),
        ("GET", "/computeMetadata/v1/instance/?timeout_sec=x", 400),
    ],
)
@pytest.mark.parametrize("accept", ["*/*", "text/html"])
def test_every_refusal_has_the_flavor(site: harness.Site, method: str, path: str, status: int, accept: str) -> None:
    """Clients refuse what does not carry it, errors too; and a browser gets the same."""
    answer = site.request(method, ROOT + path, headers=FLAVOR | {"accept": accept})
    assert answer.status == status
    assert answer.header("metadata-flavor") == "Google"
    assert answer.header("server") == "Metadata Server for VM"
    assert answer.header("etag")
    assert (answer.header("content-type") or "").startswith("text/html")


# --- tokens


@capability("metadata-identity", witness="the documented claims")
def test_the_full_format(site: harness.Site) -> None:
    """Describes the machine, with its licences only where they are asked for; the posted form is the same."""
    where = f"{ACCOUNTS}/default/identity?audience=a&format=full"
    told = harness.payload(site.get(where, headers=FLAVOR).text)["google"]["compute_engine"]
    assert (told["project_id"], told["project_number"]) == (seeds.PROJECT, seeds.PROJECT_NUMBER)
    assert isinstance(told["instance_id"], str)
    assert "license_id" not in told
    for spelling in ("licenses=TRUE", "license=TRUE"):
        posted = site.post(f"{where}&{spelling}", payload={"certificate_chain": "x"}, headers=FLAVOR)
        assert harness.payload(posted.text)["google"]["compute_engine"]["license_id"] == ["1000000000000000000"]
    standard = site.get(f"{ACCOUNTS}/default/identity?audience=a", headers=FLAVOR)
    assert "google" not in harness.payload(standard.text)
    assert standard.header("content-type") == "text/html"


@capability("metadata-identity", witness="a clock that is moved")
def test_an_identity_is_made_anew_each_time(site: harness.Site) -> None:
    """Some clients take each for an hour's, whatever it says: fifty minutes later it has its full hour again."""
    for _ in range(3):
        told = harness.payload(site.get(f"{ACCOUNTS}/default/identity?audience=a", headers=FLAVOR).text)
        assert told["exp"] - site.clock.now() == 3600
        site.clock.advance(3000)


@capability("metadata-token", witness="a clock that is moved")
def test_an_access_token_is_the_same_while_enough_is_left(site: harness.Site) -> None:
    """`expires_in` falls as the time goes, and never to five minutes; the scopes have tokens of their own."""
    seen: dict[str, int] = {}
    for _ in range(130):
        told = site.get(f"{ACCOUNTS}/default/token", headers=FLAVOR).json()
        assert told["token_type"] == "Bearer"
        assert told["expires_in"] > 300
        ends_at = site.clock.now() + told["expires_in"]
        assert seen.setdefault(told["access_token"], ends_at) == ends_at
        site.clock.advance(60)
    assert len(seen) == 3
    other = site.get(f"{ACCOUNTS}/default/token?scopes=https://www.googleapis.com/auth/iam", headers=FLAVOR).json()
    assert other["access_token"] not in seen
    assert site.post(f"{ACCOUNTS}/default/token", payload={}, headers=FLAVOR).status == 200


@capability("metadata-token", witness="the token's own reader")
def test_what_the_access_token_says(site: harness.Site) -> None:
    """It is the account's, with the scopes that were asked for."""
    token = site.get(f"{ACCOUNTS}/default/token?scopes=a,b", headers=FLAVOR).json()["access_token"]
    read = site.hall.works.tokens.read
    bearing = read(token, seeds.TENANT_ID, ROOT, "ya29.", site.clock.now())
    assert bearing is not None
    assert (bearing.principal.kind, bearing.principal.email) == ("service_account", seeds.ACCOUNT)
    assert bearing.scope == ("a", "b")
    assert read(token, seeds.TENANT_ID, "http://localhost:8080/default", "ya29.", site.clock.now()) is None


def test_a_withdrawn_access_token_is_not_given_out_again(site: harness.Site) -> None:
    """Whoever revoked it meant it."""
    where = f"{ACCOUNTS}/default/token"
    first = site.get(where, headers=FLAVOR).json()["access_token"]
    works = site.hall.works
    bearing = works.tokens.read(first, seeds.TENANT_ID, ROOT, "ya29.", site.clock.now())
    assert bearing is not None
    site.run(works.tokens.revoke(first, bearing))
    assert site.get(where, headers=FLAVOR).json()["access_token"] != first


def test_a_disabled_account_gets_nothing(site: harness.Site) -> None:
    """Neither a token that was kept nor a word of what it was, within a second."""
    account = site.read(serviceaccounts.by_email, seeds.TENANT_ID, seeds.ACCOUNT)
    assert site.get(f"{ACCOUNTS}/default/token", headers=FLAVOR).status == 200
    site.write(serviceaccounts.replace, msgspec.structs.replace(account, disabled_at=harness.NOW))
    site.settle()
    for path in ("token", "identity?audience=a", "email", ""):
        assert site.get(f"{ACCOUNTS}/default/{path}", headers=FLAVOR).status == 404
    assert site.get(ROOT + "/", headers=FLAVOR).status == 200
