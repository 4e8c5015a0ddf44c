"""What has gone wrong where one system believes another's tokens: rows 48 to 52 of our list of published faults."""

from __future__ import annotations

import asyncio
import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec
import pytest

from intaglio.dialects.google import principals
from intaglio.errors import Unavailable
from intaglio.names import TenantId
from intaglio.protocol.principals import Principal
from intaglio.server.compose import Outward
from intaglio.server.devmode import seeds
from intaglio.server.model import policies, pools
from intaglio.server.model.plan import Conflict
from intaglio.server.model.policies import Binding, Policy
from intaglio.server.model.pools import Pool
from intaglio.server.registry import sharedissuers
from intaglio.server.settings.records import Outgoing
from intaglio.wire.flow import Call, Flow, Reply
from tests import foreign, harness, workloads
from tests.capability import capability
from tests.foreign import opened, told

pytestmark = capability("security-d6", witness="requests and tokens that an attacker would make")

T = TypeVar("T")
GITHUB = "https://token.actions.githubusercontent.com"
UNCONNECTED = (400, "invalid_grant", "Error connecting to the given credential's issuer.")
REJECTED = (400, "unauthorized_client", "The given credential is rejected by the attribute condition.")


class Internet:
    """Answers calls from a table of documents, and remembers them; what is not in it does not answer."""

    def __init__(self, **documents: Any) -> None:
        self.documents: dict[str, Any] = dict(documents)
        self.asked: list[str] = []

    async def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end."""
        try:
            call: Call = next(flow)
            while True:
                self.asked.append(call.url)
                await asyncio.sleep(0.01)
                if call.url in self.documents:
                    body = json.dumps(self.documents[call.url]).encode()
                    call = flow.send(Reply(200, (("content-type", "application/json"),), body, call.url))
                else:
                    call = flow.throw(Unavailable("unreachable", "The other side did not answer."))
        except StopIteration as done:
            found: T = done.value
            return found


def internet(issuer: str = foreign.ISSUER, key: Any = foreign.KEY) -> Internet:
    """Return an internet in which the issuer publishes its keys."""
    made = Internet()
    made.documents[issuer + "/.well-known/openid-configuration"] = {"issuer": issuer, "jwks_uri": issuer + "/jwks"}
    made.documents[issuer + "/jwks"] = {"keys": [foreign.public_jwk(key)]}
    return made


def connect(site: harness.Site, way: Any) -> None:
    """Let the site's workloads call out by `way`."""
    site.hall.works.outgoing = way


# --- 48 and 49: whom is asked for keys, and whose answer counts


def test_d6_48_nobody_is_asked_for_a_token_of_another_issuer(site: harness.Site) -> None:
    """Issuer, audience and times are judged first; the token never says where its keys are."""
    way = internet()
    connect(site, way)
    foreign.plant(site, jwks="")
    for changes in (
        {"iss": "https://evil.example"},
        {"aud": "https://evil.example"},
        {"exp": harness.NOW - 100},
        {"iat": harness.NOW + 100},
        {"headers": {"typ": "at+jwt"}},
    ):
        assert foreign.exchange(site, foreign.token(**changes)).status == 400
    assert way.asked == []


def test_d6_48_keys_that_travel_with_a_token_count_for_nothing(site: harness.Site) -> None:
    """Neither jwk nor jku, x5u or kid leads anywhere (Vault CVE-2020-16250: the caller chose who vouches)."""
    way = internet()
    connect(site, way)
    foreign.plant(site, jwks="")
    evil = "https://evil.example/jwks"
    way.documents[evil] = {"keys": [foreign.public_jwk(foreign.OTHER_KEY, "evil")]}
    for headers in (
        {"jwk": foreign.public_jwk(foreign.OTHER_KEY)},
        {"jku": evil, "kid": "evil"},
        {"x5u": evil},
        {"kid": "../../evil"},
    ):
        answer = foreign.exchange(site, foreign.token(key=foreign.OTHER_KEY, headers=headers))
        assert answer.json()["error"] == "invalid_grant"
    assert not [url for url in way.asked if "evil" in url]


def test_d6_49_a_document_that_names_another_issuer(site: harness.Site) -> None:
    """It speaks for nobody, whatever keys it leads to."""
    way = internet()
    way.documents[foreign.ISSUER + "/.well-known/openid-configuration"]["issuer"] = foreign.ISSUER + "/"
    connect(site, way)
    foreign.plant(site, jwks="")
    assert told(foreign.exchange(site, foreign.token())) == UNCONNECTED
    assert foreign.ISSUER + "/jwks" not in way.asked


def test_d6_49_keys_are_kept_per_issuer_and_place(site: harness.Site) -> None:
    """Who names a place of their own for somebody's issuer changes nothing for those who trust the issuer itself."""
    way = internet()
    own = "https://evil.example/configuration"
    way.documents[own] = {"issuer": foreign.ISSUER, "jwks_uri": "https://evil.example/jwks"}
    way.documents["https://evil.example/jwks"] = {"keys": [foreign.public_jwk(foreign.OTHER_KEY)]}
    connect(site, way)
    honest = foreign.plant(site, jwks="")
    evil = msgspec.structs.replace(honest, provider_id="evil-place", discovery_uri=own)
    site.write(pools.insert_provider, evil)
    name = foreign.NAME.replace(foreign.PROVIDER, "evil-place")
    forged = foreign.token(key=foreign.OTHER_KEY, aud=name)
    assert foreign.exchange(site, forged, audience=name).status == 200
    assert foreign.exchange(site, foreign.token()).status == 200
    assert foreign.exchange(site, foreign.token(key=foreign.OTHER_KEY)).json()["error"] == "invalid_grant"


def _many(site: harness.Site, tokens: list[str]) -> list[int]:
    async def one(text: str) -> int:
        body = urlencode(foreign.form(text)).encode()
        return (await site.exchange("POST", foreign.STS, headers=[("content-type", harness.FORM)], body=body)).status

    async def every() -> list[int]:
        return list(await asyncio.gather(*[one(text) for text in tokens]))

    return site.run(every())


def test_d6_49_one_fetch_at_a_time(site: harness.Site) -> None:
    """Thirty who come at once cost the issuer two calls."""
    way = internet()
    connect(site, way)
    foreign.plant(site, jwks="")
    assert set(_many(site, [foreign.token(jti=str(number)) for number in range(30)])) == {200}
    assert len(way.asked) == 2


def test_d6_49_a_silent_issuer_is_not_asked_for_each_token(site: harness.Site) -> None:
    """A flood of tokens is no flood of calls; five seconds later it is asked again, and keys come."""
    way = Internet()
    connect(site, way)
    foreign.plant(site, jwks="")
    for _ in range(3):
        assert set(_many(site, [foreign.token()] * 10)) == {400}
    assert len(way.asked) == 1
    way.documents = internet().documents
    site.clock.advance(5)
    assert foreign.exchange(site, foreign.token()).status == 200


def test_d6_49_invented_keys_cost_no_calls(site: harness.Site) -> None:
    """A stranger picks the kid; the issuer is asked once in thirty seconds at most."""
    way = internet()
    connect(site, way)
    foreign.plant(site, jwks="")
    assert foreign.exchange(site, foreign.token()).status == 200
    before = len(way.asked)
    for number in range(40):
        answer = foreign.exchange(site, foreign.token(headers={"kid": f"invented-{number}"}))
        assert told(answer) == UNCONNECTED
    assert len(way.asked) - before <= 1


def test_d6_49_a_key_that_is_gone_is_gone(site: harness.Site) -> None:
    """When the set is asked for again, keys that are no longer in it check nothing."""
    way = internet()
    connect(site, way)
    foreign.plant(site, jwks="")
    assert foreign.exchange(site, foreign.token()).status == 200
    way.documents[foreign.ISSUER + "/jwks"] = {"keys": [foreign.public_jwk(foreign.OTHER_KEY, "ci-2")]}
    site.clock.advance(400)
    now = site.clock.now()
    fresh = foreign.token(key=foreign.OTHER_KEY, headers={"kid": "ci-2"}, iat=now, exp=now + 300)
    assert foreign.exchange(site, fresh).status == 200
    assert told(foreign.exchange(site, foreign.token(iat=now, exp=now + 300))) == UNCONNECTED


# --- 47: issuers in one's own house


@pytest.fixture
def neighbour() -> Iterator[tuple[int, list[str]]]:
    """A server on this machine that nobody may be led to; its port, and what reached it."""
    seen: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server.server_address[1], seen
        server.shutdown()
        thread.join()


def test_d6_ssrf_through_an_issuer_tells_nothing(site: harness.Site, neighbour: tuple[int, list[str]]) -> None:
    """Addresses of this machine, of the cloud's metadata and of private networks are not called; all look alike."""
    port, seen = neighbour
    connect(site, Outward(Outgoing()))
    foreign.plant(site)
    faces = set()
    for issuer in (
        f"http://127.0.0.1:{port}",
        f"https://127.0.0.1:{port}",
        f"https://localhost:{port}",
        f"https://[::1]:{port}",
        f"https://[::ffff:127.0.0.1]:{port}",
        "https://169.254.169.254",
        "https://10.0.0.1",
        "https://192.168.1.1:8443",
        "https://[fd00::1]",
        f"https://2130706433:{port}",
        "https://nobody.invalid",
    ):
        foreign.change(site, issuer=issuer, jwks="")
        now = site.clock.now()
        faces.add(told(foreign.exchange(site, foreign.token(iss=issuer, iat=now, exp=now + 300))))
    assert faces == {UNCONNECTED}
    assert seen == []
    site.run(site.hall.works.outgoing.aclose())  # type: ignore[union-attr]


def test_d6_ssrf_through_a_document(site: harness.Site, neighbour: tuple[int, list[str]]) -> None:
    """A document cannot lead to where its issuer could not: http, this machine, a file."""
    _, seen = neighbour
    foreign.plant(site, jwks="")
    for uri in (f"http://127.0.0.1:{neighbour[0]}/jwks", "file:///etc/passwd", "https://a@b.example/jwks", ""):
        way = internet()
        way.documents[foreign.ISSUER + "/.well-known/openid-configuration"]["jwks_uri"] = uri
        connect(site, way)
        site.clock.advance(10)
        now = site.clock.now()
        assert told(foreign.exchange(site, foreign.token(iat=now, exp=now + 300))) == UNCONNECTED
        assert [url for url in way.asked if not url.endswith("/openid-configuration")] == []
    assert seen == []


# --- 50: trust that is wider than was meant


def test_d6_50_a_shared_issuer_without_a_condition_gets_nobody_in(site: harness.Site) -> None:
    """Even where the record is there: an older version may have kept it, or a restored backup."""
    foreign.plant(site, issuer=GITHUB)
    token = foreign.token(iss=GITHUB)
    for condition in ("", "true", "assertion.repository.contains('/')", "assertion.sub.matches('repo:acme')"):
        foreign.change(site, attribute_condition=condition)
        assert told(foreign.exchange(site, token)) == REJECTED
    foreign.change(site, attribute_condition="assertion.repository == 'acme/app'")
    assert foreign.exchange(site, token).status == 200


def test_d6_50_our_own_issuer_needs_a_condition_too(site: harness.Site) -> None:
    """Every account of the installation can have a token of it, for any audience."""
    foreign.plant(site, issuer=workloads.ROOT)
    token = foreign.token(iss=workloads.ROOT)
    assert told(foreign.exchange(site, token)) == REJECTED
    foreign.change(site, attribute_condition="assertion.sub == 'repo:acme/app'")
    assert foreign.exchange(site, token).status == 200


@pytest.mark.parametrize(
    "issuer",
    [
        GITHUB + "/",
        GITHUB.upper(),
        GITHUB + ":443",
        "https://token.actions.githubusercontent.com./acme",
        "HTTPS://gitlab.com",
        "gitlab.com",
        "https://GitLab.com:443/",
        " https://gitlab.com",
        "https://login.microsoftonline.com/Common/v2.0",
    ],
)
def test_d6_50_other_spellings_of_an_issuer(issuer: str) -> None:
    """Another spelling is no way around the list."""
    assert sharedissuers.of(issuer) is not None


@pytest.mark.parametrize(
    "audience",
    [
        foreign.NAME.replace("example-ci", "other-ci"),
        foreign.NAME.replace("builders", "other-pool"),
        foreign.NAME.replace("100000000001", "100000000002"),
        foreign.NAME + "/",
        foreign.NAME.upper(),
        "http:" + foreign.NAME,
        "https://" + foreign.NAME,
        "https://sts.googleapis.com",
        "sts.amazonaws.com",
        "",
        [],
        [foreign.NAME, "https://evil.example"],
        ["https:" + foreign.NAME, foreign.NAME.replace("builders", "other-pool")],
    ],
)
def test_d6_50_a_foreign_audience(site: harness.Site, audience: Any) -> None:
    """A token for somebody else, or for somebody else as well, was not given to be brought here."""
    foreign.plant(site)
    answer = foreign.exchange(site, foreign.token(aud=audience))
    assert (answer.status, answer.json()["error"]) == (400, "invalid_grant")


def test_d6_50_a_provider_takes_no_token_of_its_neighbour(site: harness.Site) -> None:
    """Two providers of one issuer, two pools: each takes what names it, and the identities are not the same."""
    foreign.plant(site)
    site.write(pools.insert, Pool(seeds.TENANT_ID, seeds.PROJECT, "other-pool", harness.NOW))
    site.write(pools.insert_provider, foreign.provider_of("other-pool"))
    other = foreign.NAME.replace("builders", "other-pool")
    assert foreign.exchange(site, foreign.token(), audience=other).json()["error"] == "invalid_grant"
    here, there = (
        foreign.exchange(site, foreign.token()),
        foreign.exchange(site, foreign.token(aud=other), audience=other),
    )
    assert principals.members(opened(site, here).principal).isdisjoint(
        principals.members(opened(site, there).principal) - principals.EVERYBODY
    )


def _may(site: harness.Site, member: str, who: Principal) -> bool:
    account = workloads.seeded(site)
    known = site.read(policies.of_resource, seeds.TENANT_ID, account.resource)
    binding = Binding("roles/iam.workloadIdentityUser", (member,))
    policy = Policy(TenantId(seeds.TENANT_ID), account.resource, (binding,), f"E{site.clock.now()}", harness.NOW)
    assert site.write(policies.write, policy, known.etag)
    site.settle()
    status = workloads.id_token(site, account, workloads.token(site, who)).status
    assert status in (200, 403)
    return status == 200


POOL = "//iam.googleapis.com/projects/100000000001/locations/global/workloadIdentityPools/builders"


def test_d6_50_members_are_exact(site: harness.Site) -> None:
    """No wildcard spans a slash, no name is a prefix of another, no part of one name reads as a part of another."""
    foreign.plant(site, attribute_mapping={**foreign.provider().attribute_mapping, "google.groups": "assertion.groups"})
    who = opened(site, foreign.exchange(site, foreign.token())).principal
    for member in (
        f"principal:{POOL}/subject/repo:acme/app",
        f"principalSet:{POOL}/group/dev",
        f"principalSet:{POOL}/attribute.repository/acme/app",
        f"principalSet:{POOL}/*",
    ):
        assert (member, _may(site, member, who)) == (member, True)
    for member in (
        f"principal:{POOL}/subject/*",
        f"principal:{POOL}/subject/repo:acme/*",
        f"principal:{POOL}/subject/repo:acme",
        f"principal:{POOL}/subject/REPO:acme/app",
        f"principalSet:{POOL}/subject/repo:acme/app",
        f"principal:{POOL}/group/dev",
        f"principalSet:{POOL}/group/*",
        f"principalSet:{POOL}/attribute.repository/acme/*",
        f"principalSet:{POOL}/attribute.repository/*",
        f"principalSet:{POOL}/attribute.repository/acme",
        f"principalSet:{POOL}/attribute.*/acme/app",
        f"principalSet:{POOL[:-1]}/*",
        f"principalSet:{POOL.rpartition('/')[0]}/*",
        f"principalSet:{POOL.replace('builders', 'other')}/*",
    ):
        assert (member, _may(site, member, who)) == (member, False)


def test_d6_50_a_value_cannot_pretend_to_be_another(site: harness.Site) -> None:
    """A group or attribute whose text holds slashes means itself alone."""
    tricky = Principal(
        "external",
        "x/group/admins",
        project_id=seeds.PROJECT,
        project_number=100000000001,
        pool_id="builders",
        groups=("a/../admins", "*"),
        attributes={"repository": "../group/admins"},
    )
    for member in (f"principalSet:{POOL}/group/admins", f"principal:{POOL}/subject/x", f"principalSet:{POOL}/group/a"):
        assert (member, _may(site, member, tricky)) == (member, False)


@pytest.mark.parametrize("member", ["disabled_at", "deleted_at"])
def test_d6_50_a_closed_pool_ends_its_tokens(site: harness.Site, member: str) -> None:
    """Who disables a pool means its identities, those that are in as well."""
    foreign.plant(site)
    bearer = foreign.exchange(site, foreign.token()).json()["access_token"]
    account = workloads.seeded(site)
    assert _may(site, f"principalSet:{POOL}/*", opened(site, foreign.exchange(site, foreign.token())).principal)
    assert workloads.id_token(site, account, bearer).status == 200
    found = site.read(pools.by_id, seeds.TENANT_ID, seeds.PROJECT, foreign.POOL)
    closed = msgspec.structs.replace(found, **{member: harness.NOW})
    assert site.write(pools.replace, closed)
    site.settle()
    assert workloads.id_token(site, account, bearer).status == 401
    assert site.write(pools.replace, found)
    site.settle()
    assert workloads.id_token(site, account, bearer).status == 200


# --- 51: names that come to mean somebody else


def test_d6_51_a_pools_name_is_never_anothers(site: harness.Site) -> None:
    """What was granted to a pool that is gone is granted to nobody: the store refuses a second of the name."""
    foreign.plant(site)
    found = site.read(pools.by_id, seeds.TENANT_ID, seeds.PROJECT, foreign.POOL)
    assert site.write(pools.replace, msgspec.structs.replace(found, deleted_at=harness.NOW))
    with pytest.raises(Conflict):
        site.write(pools.insert, Pool(seeds.TENANT_ID, seeds.PROJECT, foreign.POOL, harness.NOW))


def test_d6_51_a_number_tells_a_recycled_name(site: harness.Site) -> None:
    """With the immutable claim in the condition, the next owner of the name stays out."""
    condition = "assertion.repository == 'acme/app' && assertion.repository_id == '42'"
    foreign.plant(site, issuer=GITHUB, attribute_condition=condition)
    first = foreign.exchange(site, foreign.token(iss=GITHUB, repository_id="42"))
    second = foreign.exchange(site, foreign.token(iss=GITHUB, repository_id="43"))
    assert (first.status, told(second)) == (200, REJECTED)


# --- 52: proofs of machines


def test_d6_52_a_proof_for_one_place_is_none_for_another(site: harness.Site) -> None:
    """A token is bound to the provider that was asked, not to whichever accepts it (Vault CVE-2020-16251)."""
    foreign.plant(site)
    second = msgspec.structs.replace(foreign.provider(), provider_id="second-ci", allowed_audiences=("second",))
    site.write(pools.insert_provider, second)
    name = foreign.NAME.replace(foreign.PROVIDER, "second-ci")
    assert foreign.exchange(site, foreign.token(), audience=name).json()["error"] == "invalid_grant"
    assert foreign.exchange(site, foreign.token(aud="second")).json()["error"] == "invalid_grant"
    assert foreign.exchange(site, foreign.token(aud="second"), audience=name).status == 200
