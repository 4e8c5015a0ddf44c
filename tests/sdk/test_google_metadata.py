"""The metadata server as Google's own clients in five languages, gcloud and curl know it."""

from __future__ import annotations

import itertools
import time
from typing import Any
from urllib.parse import quote

import pytest

from intaglio.server.devmode import seeds
from tests import harness
from tests.capability import capability
from tests.sdk import cells, namespace, world
from tests.sdk.official import Clients
from tests.sdk.world import World, claims

pytestmark = pytest.mark.sdk
AUDIENCE = "https://service.example.com/path?a=b"
TREE = "http://metadata.google.internal/computeMetadata/v1"
IDENTITY = TREE + "/instance/service-accounts/default/identity"
FLAVOR = ("-H", "Metadata-Flavor: Google")
FORMATS = {"standard": ("standard", False), "full": ("full", False), "licences": ("full", True)}


def _curl(clients: Clients, format: str, licenses: bool) -> str:  # noqa: A002
    more = "&licenses=TRUE" if licenses else ""
    return clients.curl(*FLAVOR, f"{IDENTITY}?audience={AUDIENCE}&format={format}{more}")


def _gcloud(clients: Clients, format: str, licenses: bool) -> str:  # noqa: A002
    more = [f"--token-format={format}"] + (["--include-license"] if licenses else [])
    done = clients.gcloud("auth", "print-identity-token", f"--audiences={AUDIENCE}", *more)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def _token(clients: Clients, client: str, format: str, licenses: bool) -> str:  # noqa: A002
    if client == "curl":
        return _curl(clients, format, licenses)
    if client == "gcloud":
        return _gcloud(clients, format, licenses)
    language, _, old = client.partition(" ")
    flow = "old_identity" if old else "identity"
    return clients.run(language, flow, audience=AUDIENCE, format=format, licenses=licenses).token


LANGUAGES = ("Python", "Node", "Go", "Go old", "Java", "Ruby")
CLIENTS = ("curl", *LANGUAGES, "gcloud")
# Ruby's library and the older one for Go ask for the full format whatever one wants, and for no licences.
ASKED = [(client, form) for client in ("curl", "Python", "Node", "Go", "Java", "gcloud") for form in FORMATS]
ASKED += [("Go old", "full"), ("Ruby", "full")]


def _named(pairs: list[tuple[str, str]]) -> Any:
    return [pytest.param(*pair, id="-".join(pair).replace(" ", "_")) for pair in pairs]


@cells.cell("identity")
@capability("official-python-metadata", witness="google-auth (Python)")
@capability("official-node-metadata", witness="google-auth-library (npm)")
@capability("official-go-metadata", witness="cloud.google.com/go/auth, google.golang.org/api/idtoken")
@capability("official-java-metadata", witness="google-auth-library-oauth2-http (Java)")
@capability("official-ruby-metadata", witness="googleauth (Debian's ruby-googleauth)")
@capability("official-gcloud-metadata", witness="gcloud")
@pytest.mark.parametrize("client", CLIENTS)
def test_each_client_gets_its_token_of_the_agent(google: World, client: str) -> None:
    """Beside an agent, a client with no setting gets the account's token for its audience."""
    form = "full" if client in ("Go old", "Ruby") else "standard"
    told = claims(_token(google.clients, client, *FORMATS[form]))
    assert told["iss"] == namespace.ISSUER
    assert told["aud"] == AUDIENCE
    assert (told["email"], told["email_verified"]) == (google.worker, True)
    assert told["sub"] == told["azp"] == google.number(google.worker)
    assert told["exp"] - told["iat"] == 3600


@cells.cell("identity")
@capability("official-python-metadata", witness="google-auth (Python)")
@capability("official-node-metadata", witness="google-auth-library (npm)")
@capability("official-go-metadata", witness="cloud.google.com/go/auth, google.golang.org/api/idtoken")
@capability("official-java-metadata", witness="google-auth-library-oauth2-http (Java)")
@capability("official-ruby-metadata", witness="googleauth (Debian's ruby-googleauth)")
@capability("official-gcloud-metadata", witness="gcloud")
@pytest.mark.parametrize(("client", "form"), _named(ASKED))
def test_each_client_gets_its_token_in_development(developing: Clients, client: str, form: str) -> None:
    """In development the attached account's token comes in each format; the full one tells of the machine."""
    told = claims(_token(developing, client, *FORMATS[form]))
    assert (told["iss"], told["aud"]) == ("http://localhost:8081", AUDIENCE)
    assert (told["email"], told["email_verified"]) == (seeds.ACCOUNT, True)
    assert told["sub"] == told["azp"] == seeds.ACCOUNT_ID
    assert told["exp"] - told["iat"] == 3600
    assert ("google" in told) == (form != "standard")
    if form != "standard":
        machine = told["google"]["compute_engine"]
        assert isinstance(machine["project_number"], int)
        assert isinstance(machine["instance_creation_timestamp"], int)
        assert machine["instance_id"].isdigit()
        assert ("license_id" in machine) == (form == "licences")


AUDIENCES = {
    "query": "https://h.example.com/x?a=b",
    "ampersand": "https://h.example.com/x?a=b&c=d",
    "fragment": "https://h.example.com/x#part",
    "blank": "urn:example:with a blank",
    "plus": "https://h.example.com/1+1",
    "percent": "https://h.example.com/a%2Fb",
    "letters": "https://h.example.com/größe/日本",
}
# Node's library writes the audience into the address as it is, so there `&` and `#` end it; curl is given it encoded.
RAW = ("ampersand", "fragment", "plus", "percent")
WRITTEN = [(client, name) for client in ("curl", "Python", "Node", "Go", "Java", "Ruby") for name in AUDIENCES]


@cells.cell("audience")
@pytest.mark.parametrize(("client", "name"), _named([one for one in WRITTEN if one[0] != "Node" or one[1] not in RAW]))
def test_an_audience_arrives_as_it_was_meant(google: World, client: str, name: str) -> None:
    """However a client writes its audience into the address, the token is for that audience."""
    audience = AUDIENCES[name]
    if client == "curl":
        token = google.clients.curl(*FLAVOR, f"{IDENTITY}?audience={quote(audience, safe='')}")
    else:
        token = google.clients.run(client, "identity", audience=audience).token
    assert claims(token)["aud"] == audience


def _answer(google: World, address: str, *options: str) -> tuple[int, dict[str, str], str]:
    """Return status, headers and body as curl tells them."""
    text = google.clients.curl("-i", *options, address)
    head, _, body = text.replace("\r\n", "\n").partition("\n\n")
    status, *lines = head.split("\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return int(status.split()[1]), headers, body


REFUSED = {
    "no audience": (IDENTITY, FLAVOR, 400),
    "empty audience": (IDENTITY + "?audience=", FLAVOR, 400),
    "no flavor": (IDENTITY + "?audience=x", (), 403),
    "wrong flavor": (IDENTITY + "?audience=x", ("-H", "Metadata-Flavor: google"), 403),
    "through a proxy": (IDENTITY + "?audience=x", (*FLAVOR, "-H", "X-Forwarded-For: 10.0.0.1"), 403),
    "from a browser": (IDENTITY + "?audience=x", (*FLAVOR, "-H", "Origin: https://evil.example"), 403),
    "by a foreign name": (IDENTITY + "?audience=x", (*FLAVOR, "-H", "Host: evil.example"), 403),
    "unknown account": (IDENTITY.replace("/default/", "/nobody@example.com/") + "?audience=x", FLAVOR, 404),
    "unknown format": (IDENTITY + "?audience=x&format=long", FLAVOR, 400),
    "unknown path": (TREE + "/instance/nothing", FLAVOR, 404),
}


@cells.cell("metadata")
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(google: World, name: str) -> None:
    """What a client must not get is refused with the status that clients know, and the flavor is on each answer."""
    address, options, expected = REFUSED[name]
    status, headers, body = _answer(google, address, *options)
    assert status == expected
    assert headers["metadata-flavor"] == "Google"
    assert "eyJ" not in body


@cells.cell("metadata")
def test_an_account_is_known_by_its_address(google: World) -> None:
    """The attached account is found under its e-mail address as under `default`."""
    at = f"{TREE}/instance/service-accounts/{google.worker}/identity?audience=x"
    status, headers, body = _answer(google, at, *FLAVOR)
    assert (status, headers["content-type"]) == (200, "text/html")
    assert claims(body)["email"] == google.worker


@cells.cell("metadata")
def test_the_ping_needs_no_flavor(google: World) -> None:
    """`GET /` answers 200 with the flavor, by which clients know where they are; it asks for no header."""
    status, headers, _ = _answer(google, "http://metadata/")
    assert (status, headers["metadata-flavor"]) == (200, "Google")


@cells.cell("metadata")
@pytest.mark.parametrize("client", ["Python", "Node", "Go", "Java", "Ruby"])
def test_an_access_token_lives_long_enough(google: World, client: str) -> None:
    """A client gets an access token that it need not renew at once."""
    told = google.clients.run(client, "access").told
    assert told["token"]
    assert told.get("universe", "googleapis.com") == "googleapis.com"


@cells.cell("metadata")
@pytest.mark.parametrize("asked", ["last_etag=0", "last_etag=", "timeout_sec=1", "timeout_sec=soon"])
def test_waiting_for_a_change(google: World, asked: str) -> None:
    """A poller is answered at once where it cannot know the value, else when its time is over; the tag comes along."""
    where = TREE + "/instance/service-accounts/default/email"
    _, known, value = _answer(google, where, *FLAVOR)
    more = asked + known["etag"] if asked == "last_etag=" else asked
    began = time.monotonic()
    status, headers, body = _answer(google, f"{where}?wait_for_change=true&{more}&timeout_sec=1", *FLAVOR)
    if asked == "timeout_sec=soon":
        assert status == 400
        return
    assert (status, headers["etag"], body) == (200, known["etag"], value)
    assert (time.monotonic() - began >= 0.9) == (asked != "last_etag=0")


@cells.cell("metadata")
def test_each_hour_has_its_own_token() -> None:
    """Fifty minutes later the token is a new one with its whole hour: some clients count it from when they ask."""
    at = "http://localhost:8081/computeMetadata/v1/instance/service-accounts/default/identity?audience=x"
    tokens = []
    with harness.site() as site:
        for _ in range(3):
            tokens.append(claims(site.get(at, headers={"metadata-flavor": "Google"}).text))
            site.clock.advance(3000)
    assert [one["exp"] - one["iat"] for one in tokens] == [3600] * 3
    assert [later["iat"] - one["iat"] for one, later in itertools.pairwise(tokens)] == [3000, 3000]


@cells.cell("metadata")
def test_no_token_comes_from_a_cache(google: World) -> None:
    """Two tokens asked for one after the other are two tokens, each with its whole hour."""
    first = google.clients.curl(*FLAVOR, f"{IDENTITY}?audience=x")
    time.sleep(1.1)
    second = google.clients.curl(*FLAVOR, f"{IDENTITY}?audience=x")
    assert claims(second)["iat"] > claims(first)["iat"]
    assert claims(second)["exp"] - claims(second)["iat"] == 3600


@cells.cell("metadata")
@pytest.mark.parametrize("client", ["Python", "Node", "Go", "Java"])
def test_a_universe_of_ones_own(own: World, client: str) -> None:
    """A client that asks the metadata server is told the universe that the issuer is in."""
    told = own.clients.run(client, "access").told
    assert (told["universe"], bool(told["token"])) == (world.OWN, True)


@cells.cell("metadata")
@pytest.mark.parametrize("client", ["Python", "Go"])
def test_the_universe_leads_to_the_issuer(own: World, client: str) -> None:
    """With no setting but the authority, a client impersonates at the universe's own address."""
    told = own.clients.run(client, "impersonate", target=own.target, audience=AUDIENCE, include_email=True).claims
    assert (told["iss"], told["email"]) == ("https://accounts.id.example.com", own.target)
