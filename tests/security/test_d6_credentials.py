"""D6 of the security list, acting as accounts: self-impersonation, circles, long chains, look-alike refusals, leaks."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intaglio import codec
from intaglio.protocol.principals import Origin, Principal
from intaglio.server.devmode import seeds
from intaglio.server.model.serviceaccounts import ServiceAccount
from tests import harness, workloads
from tests.capability import capability
from tests.server.workload.test_callers import person_token
from tests.workloads import CLOUD, ROOT

pytestmark = capability("security-d6", witness="requests and tokens that an attacker would make")

METHODS: list[tuple[str, dict[str, Any]]] = [
    ("generateIdToken", {"audience": "https://a"}),
    ("generateAccessToken", {"scope": [CLOUD]}),
    ("signBlob", {"payload": "YQ=="}),
    ("signJwt", {"payload": "{}"}),
]


def accounts(site: harness.Site, number: int) -> list[ServiceAccount]:
    """Make accounts, each of which may act as every one, itself included."""
    made = [workloads.account(site, f"many-{one}") for one in range(number)]
    for one in made:
        workloads.allow(site, one, *made)
    return made


def step(site: harness.Site, target: ServiceAccount, bearer: str, **members: Any) -> str:
    """Return the access token of another account, got with a token."""
    answer = workloads.access_token(site, target, bearer, **members)
    assert answer.status == 200, answer.text
    return str(answer.json()["accessToken"])


# --- 53 self-impersonation, cycles, chain depth, tokens that last for ever


@capability("act-self-refused", witness="the audit log, read from the database")
@pytest.mark.parametrize(("verb", "members"), METHODS)
def test_d6_53_no_account_renews_itself(site: harness.Site, verb: str, members: dict[str, Any]) -> None:
    """Not even where a policy says that it may; the log says what it was."""
    (one,) = accounts(site, 1)
    answer = workloads.post(site, verb, one, workloads.token(site, one), **members)
    assert answer.status == 403
    assert workloads.log(site)[0].outcome == "self-impersonation"


@capability("act-self-refused", witness="the audit log, read from the database")
def test_d6_53_no_way_back(site: harness.Site) -> None:
    """A to B to A, over two tokens; by any method and by a delegate: a token remembers where it came from."""
    first, second, third = accounts(site, 3)
    of_second = step(site, second, workloads.token(site, first))
    for verb, members in METHODS:
        assert workloads.post(site, verb, first, of_second, **members).status == 403
        assert workloads.log(site)[0].outcome == "self-impersonation"
    assert workloads.id_token(site, third, of_second, delegates=[first.email]).status == 403
    of_third = step(site, third, of_second)
    for back in (first, second):
        assert workloads.id_token(site, back, of_third).status == 403


@pytest.mark.parametrize("through", [["many-1", "many-1"], ["many-0"], ["many-2"], ["many-1", "many-0"]])
def test_d6_53_no_account_twice(site: harness.Site, through: list[str]) -> None:
    """Not among the delegates, nor the caller, nor the target; by number as well as by address."""
    made = accounts(site, 3)
    named = {one.email.partition("@")[0]: one for one in made}
    bearer = workloads.token(site, made[0])
    for spelled in (
        [named[name].email for name in through],
        [named[name].unique_id for name in through],
        [named[name].email if place % 2 else named[name].unique_id for place, name in enumerate(through)],
    ):
        answer = workloads.id_token(site, made[2], bearer, delegates=spelled)
        assert answer.status == 403
        assert workloads.log(site)[0].outcome == "self-impersonation"


@capability("act-delegates", witness="the audit log, read from the database")
def test_d6_53_four_delegates_at_most(site: harness.Site) -> None:
    """Four are let through, a fifth is no valid request."""
    made = accounts(site, 7)
    bearer, target = workloads.token(site, made[0]), made[-1]
    four = workloads.id_token(site, target, bearer, delegates=[one.email for one in made[1:5]])
    assert four.status == 200
    assert workloads.log(site)[0].detail["delegates"].count("@") == 4
    five = workloads.id_token(site, target, bearer, delegates=[one.email for one in made[1:6]])
    assert (five.status, five.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_d6_53_a_chain_ends(site: harness.Site) -> None:
    """Over all tokens of a way, eight identities: nobody wanders from account to account without end."""
    made = accounts(site, 10)
    bearer = workloads.token(site, made[0])
    passed = 1
    for one in made[1:]:
        answer = workloads.access_token(site, one, bearer)
        if answer.status != 200:
            break
        bearer, passed = answer.json()["accessToken"], passed + 1
    assert passed == 8
    assert workloads.log(site)[0].outcome == "chain-too-long"


def test_d6_53_delegates_are_part_of_the_way(site: harness.Site) -> None:
    """A token that came through delegates leads back to none of them."""
    first, second, third, fourth = accounts(site, 4)
    bearer = step(site, third, workloads.token(site, first), delegates=[second.email])
    assert workloads.id_token(site, second, bearer).status == 403
    assert workloads.id_token(site, fourth, bearer).status == 200
    chain = workloads.log(site)[0].chain
    assert chain == tuple(f"service_account:{one.unique_id}" for one in (first, second, third))


def test_d6_53_the_tenant_s_switch(site: harness.Site) -> None:
    """What is refused by default is let where the tenant says so, and the log says that it was let."""
    first, second = accounts(site, 2)
    site.change_tenant(self_impersonation=True)
    bearer = step(site, first, workloads.token(site, first))
    assert workloads.log(site)[0].detail["self-impersonation"] == "allowed by the tenant"
    back = step(site, first, step(site, second, bearer))
    assert workloads.id_token(site, second, back).status == 200
    other = workloads.account(site, "other")
    assert workloads.id_token(site, other, workloads.token(site, other)).status == 403


def test_d6_53_a_token_lives_no_longer_than_it_was_given(site: harness.Site) -> None:
    """An hour at most, whatever was asked; after that nothing it was made of revives it."""
    first, second = accounts(site, 2)
    bearer = workloads.token(site, first)
    given = step(site, second, bearer, lifetime="3600s")
    site.clock.advance(3600)
    assert workloads.id_token(site, first, given).status == 401
    assert workloads.id_token(site, second, bearer).status == 401


def test_d6_53_nothing_is_signed_ahead(site: harness.Site) -> None:
    """An assertion of tomorrow is not signed today, neither as a JWT nor as the octets of one."""
    first, second = accounts(site, 2)
    bearer = workloads.token(site, first)
    for begins, status in ((0, 200), (86400, 400)):
        now = site.clock.now() + begins
        claims = workloads.assertion(site, second, iat=now, exp=now + 3600, target_audience="https://a")
        text = json.dumps(claims).encode()
        octets = b".".join(codec.encode_base64url(part).encode() for part in (b'{"alg":"RS256"}', text))
        blob = base64.b64encode(octets).decode()
        assert workloads.post(site, "signBlob", second, bearer, payload=blob).status == status
        assert workloads.post(site, "signBlob", second, bearer, bytesToSign=blob).status == status
        assert workloads.post(site, "signJwt", second, bearer, payload=text.decode()).status == status


@pytest.fixture(scope="module")
def crowd() -> Iterator[tuple[harness.Site, list[ServiceAccount]]]:
    """A site with five accounts, each of which may act as every one."""
    with harness.site() as opened:
        yield opened, accounts(opened, 5)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 4), st.lists(st.integers(0, 4), max_size=4)), max_size=12))
def test_d6_53_whatever_way_is_tried(
    crowd: tuple[harness.Site, list[ServiceAccount]], tried: list[tuple[int, int, list[int]]]
) -> None:
    """From whichever token to whichever account through whomever: a way has nobody twice, and is told in full."""
    site, made = crowd
    held = [(made[0], workloads.token(site, made[0]))]
    for which, target, through in tried:
        holder, bearer = held[which % len(held)]
        delegates = [made[one].email for one in through]
        bearing = site.hall.works.tokens.read(bearer, seeds.TENANT_ID, ROOT, "ya29.", site.clock.now())
        assert bearing is not None
        way = [*bearing.lineage, *(f"service_account:{one.unique_id}" for one in (holder, made[target]))]
        way[-1:-1] = [f"service_account:{made[one].unique_id}" for one in through]
        answer = workloads.access_token(site, made[target], bearer, delegates=delegates)
        assert (answer.status == 200) == (len(set(way)) == len(way))
        if answer.status == 200:
            given_token = answer.json()["accessToken"]
            told = site.hall.works.tokens.read(given_token, seeds.TENANT_ID, ROOT, "ya29.", site.clock.now())
            assert told is not None
            assert [*told.lineage, f"service_account:{told.principal.id}"] == way
            held.append((made[target], given_token))


# --- what does not exist and what is forbidden look alike


@capability("act-alike", witness="the octets of the answers, compared")
@pytest.mark.parametrize(("verb", "members"), METHODS)
def test_unknown_and_denied_look_alike(site: harness.Site, verb: str, members: dict[str, Any]) -> None:
    """Forbidden, disabled, deleted, unknown, of another project, itself: one status, one body, one log entry each."""
    worker = workloads.seeded(site, seeds.ACCOUNT)
    forbidden, disabled = workloads.account(site, "forbidden"), workloads.account(site, "disabled")
    deleted, itself = workloads.account(site, "deleted"), worker
    for one in (disabled, deleted, itself):
        workloads.allow(site, one, worker)
    workloads.change(site, disabled, disabled_at=harness.NOW)
    workloads.change(site, deleted, deleted_at=harness.NOW)
    bearer = workloads.token(site, worker)
    names = [one.email for one in (forbidden, disabled, deleted, itself)]
    names += [deleted.unique_id, "nobody@example.com", "9" * 21, "x", "..%2f..%2fa", "%00", "x" * 255]
    faces = set()
    for name in names:
        answer = workloads.post(site, verb, name, bearer, **members)
        if name in {"..%2f..%2fa", "%00"}:
            assert answer.status == 400
            continue
        error = answer.json()["error"]
        error["details"] = [one for one in error["details"] if "RequestInfo" not in one["@type"]]
        faces.add((answer.status, json.dumps(error), answer.header("www-authenticate")))
    assert len(faces) == 1
    assert next(iter(faces))[0] == 403
    assert len([entry for entry in workloads.log(site) if entry.outcome != "allowed"]) == len(names) - 2


def test_unknown_and_denied_take_equal_work(site: harness.Site) -> None:
    """The same questions to the database, in a second in which nothing is remembered yet."""
    worker, forbidden = workloads.seeded(site, seeds.ACCOUNT), workloads.account(site, "forbidden")
    bearer = workloads.token(site, worker)
    asked: list[str] = []
    site.store._reading.set_trace_callback(lambda text: asked.append(" ".join(text.split()[:4])))
    counts = []
    for name in (forbidden.email, "nobody@demo-project.iam.intaglio.test", forbidden.unique_id, "9" * 21):
        site.settle()
        asked.clear()
        assert workloads.id_token(site, name, bearer).status == 403
        counts.append(tuple(asked))
    site.store._reading.set_trace_callback(None)
    assert counts[0] == counts[1] == counts[2] == counts[3]
    assert len(counts[0]) > 5


def test_an_unknown_delegate_looks_as_a_forbidden_one(site: harness.Site) -> None:
    """The same holds for the accounts between, and for the same name twice."""
    first, second, third = accounts(site, 3)
    stranger = workloads.account(site, "stranger")
    bearer = workloads.token(site, first)
    ways = ([stranger.email], ["nobody@example.com"], ["nobody@example.com"] * 2, [second.email, second.unique_id])
    bodies = []
    for way in ways:
        answer = workloads.id_token(site, third, bearer, delegates=way)
        assert answer.status == 403
        bodies.append(answer.json()["error"]["message"])
    assert len(set(bodies)) == 1


def test_another_project_s_name_is_no_way(site: harness.Site) -> None:
    """A whole name has the account's own project, or none."""
    first, second = accounts(site, 2)
    bearer = workloads.token(site, first)
    where = f"{ROOT}/v1/projects/{{}}/serviceAccounts/{second.email}:generateIdToken"
    headers = {"authorization": f"Bearer {bearer}", "content-type": "application/json"}
    status = {
        project: site.request("POST", where.format(project), headers=headers, body=b'{"audience":"a"}').status
        for project in ("-", seeds.PROJECT, "other-project")
    }
    assert status == {"-": 200, seeds.PROJECT: 200, "other-project": 403}


# --- 51 recycled names


def test_d6_51_a_recycled_account_inherits_nothing(site: harness.Site) -> None:
    """A new account at an old address has neither what the old one was let do, nor its tokens and keys."""
    target, old = workloads.account(site, "goal"), workloads.account(site, "name")
    workloads.allow(site, target, old)
    bearer = workloads.token(site, old)
    key = workloads.key(site, old)
    text = key.sign(workloads.assertion(site, old, sub=old.email, aud=None, scope=CLOUD))
    assert workloads.id_token(site, target, bearer).status == 200
    assert workloads.id_token(site, target, text).status == 200
    workloads.change(site, old, deleted_at=harness.NOW)
    new = workloads.account(site, "name")
    site.settle()
    assert workloads.id_token(site, target, bearer).status == 401
    assert workloads.id_token(site, target, text).status == 401
    assert workloads.id_token(site, target, workloads.token(site, new)).status == 403


# --- 55 tokens go to whom they are for, and into no log


def test_d6_55_an_id_token_is_for_one_audience(site: harness.Site) -> None:
    """Exactly the one that was asked for, as text; our own addresses make nobody a caller."""
    worker = workloads.seeded(site, seeds.ACCOUNT)
    bearer = workloads.token(site, worker)
    for audience in (ROOT, ROOT + "/token", "https://iamcredentials.googleapis.com/", "a b", "ü", "x" * 2048):
        got = workloads.id_token(site, seeds.TARGET, bearer, audience=audience)
        assert workloads.claims(got)["aud"] == audience
        assert workloads.id_token(site, seeds.TARGET, got.json()["token"]).status == 401


def test_d6_55_no_token_in_any_log(site: harness.Site) -> None:
    """Neither what callers bring nor what they get, in no line and no entry, whether it was good or refused."""
    worker, target = workloads.seeded(site, seeds.ACCOUNT), workloads.seeded(site)
    key = workloads.key(site, worker)
    origin = Origin("https://issuer.example", "subject", "jti")
    secrets = [
        workloads.token(site, worker, origin=origin),
        workloads.token(site, worker, "openid"),
        person_token(site),
        person_token(site, scope="openid"),
        key.sign(workloads.assertion(site, worker, sub=worker.email, aud=None, scope=CLOUD)),
        key.sign(workloads.assertion(site, worker, sub="x", aud=None, scope=CLOUD)),
        workloads.token(site, Principal("external", "s", project_number=1, pool_id="p")),
    ]
    assertion = key.sign(workloads.assertion(site, worker, target_audience="https://a", jti="once"))
    handed: list[str] = []
    with harness.logged() as log:
        for bearer in list(secrets):
            for verb, members in METHODS:
                answer = workloads.post(site, verb, target, bearer, **members)
                body = answer.json()
                handed += [str(value) for name, value in body.items() if name not in ("error", "keyId", "expireTime")]
            site.get(f"{ROOT}/tokeninfo?access_token={bearer}")
        handed += [str(workloads.exchange(site, assertion).json().get("id_token", "")) for _ in range(2)]
        site.get(f"{ROOT}/tokeninfo?id_token={handed[0]}x")
        site.post(ROOT + "/revoke", {"token": secrets[0]})
        site.post(ROOT + "/revoke", {"token": secrets[0]})
    lines = "\n".join(log.lines) + "\n".join(str(entry) for entry in workloads.log(site))
    assert len(workloads.log(site)) > 10
    for secret in [*secrets, assertion, *handed]:
        parts = [secret, *(part for part in secret.split(".") if len(part) > 20)]
        assert not any(part in lines for part in parts if part)
    assert log.traces == []


def test_no_log_no_deed(site: harness.Site) -> None:
    """If the entry cannot be written nothing is given."""
    bearer = workloads.token(site, workloads.seeded(site, seeds.ACCOUNT))
    assert workloads.id_token(site, seeds.TARGET, bearer).status == 200
    site.store._writing.execute("ALTER TABLE audit_log RENAME TO gone")
    with harness.logged():
        answers = [workloads.post(site, verb, seeds.TARGET, bearer, **members) for verb, members in METHODS]
    assert {answer.status for answer in answers} <= {500, 503}
