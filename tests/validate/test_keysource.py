"""Where keys come from: discovery, and the state machine that decides when to ask again."""

from __future__ import annotations

import json

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from intaglio.errors import Misconfigured, Unavailable
from intaglio.tokens import jwk
from intaglio.validate import discovery, keysource, rotation
from intaglio.wire.flow import Reply

ISSUER = "https://issuer.example/t"
JWKS = "https://issuer.example/keys"
START = 1_000_000
MEMBERS = jwk.public_members(jwk.generate("ES256").public())


def reply(document, status=200, headers=()):
    """Return an answer with a JSON body."""
    return Reply(status, headers, json.dumps(document).encode(), "https://issuer.example")


def published(*kids):
    """Return a JWK Set with these kids."""
    return {"keys": [{**MEMBERS, "kid": kid} for kid in kids]}


def drive(flow, *answers):
    """Run a flow by hand; return the URLs it asked and what it returned."""
    asked, waiting = [], iter(answers)
    try:
        call = next(flow)
        while True:
            asked.append(call.url)
            answer = next(waiting)
            call = flow.throw(answer) if isinstance(answer, Exception) else flow.send(answer)
    except StopIteration as end:
        return asked, end.value


DOCUMENT = {"issuer": ISSUER, "jwks_uri": JWKS}
LOCATION = ISSUER + "/.well-known/openid-configuration"


def fresh(*kids, headers=()):
    """Return a source that has got these kids at START."""
    source = keysource.RemoteKeys(ISSUER)
    drive(source.current(START, None), reply(DOCUMENT), reply(published(*kids), headers=headers))
    return source


@pytest.mark.parametrize(
    "document",
    [
        {**DOCUMENT, "issuer": ISSUER + "/"},
        {**DOCUMENT, "issuer": ISSUER.upper()},
        {**DOCUMENT, "issuer": "https://evil.example"},
        {"jwks_uri": JWKS},
        {**DOCUMENT, "issuer": [ISSUER]},
    ],
)
def test_d5_49_document_of_another_issuer_is_refused(document):
    """Refuse a document that does not name, letter for letter, the issuer that was asked."""
    with pytest.raises(Unavailable) as caught:
        drive(discovery.fetch(ISSUER), reply(document))
    assert caught.value.code == "discovery-mismatch"


@pytest.mark.parametrize(
    "answer",
    [
        reply(DOCUMENT, 404),
        reply(DOCUMENT, 302),
        reply([DOCUMENT]),
        reply({"issuer": ISSUER}),
        reply({**DOCUMENT, "jwks_uri": 1}),
        Reply(200, (), b"<html>", LOCATION),
        Reply(200, (), b'{"issuer":"a","issuer":"b"}', LOCATION),
        Reply(200, (), b" " * 300_000, LOCATION),
    ],
    ids=["404", "redirect", "list", "no jwks_uri", "jwks_uri a number", "html", "duplicates", "too long"],
)
def test_other_answers_are_no_document(answer):
    """Refuse anything but a JSON object with 200 and within bounds."""
    with pytest.raises(Unavailable) as caught:
        drive(discovery.fetch(ISSUER), answer)
    assert caught.value.code == "bad-answer"


@pytest.mark.parametrize(
    "issuer", ["", "issuer", "ftp://x", "https://", "https://x?y=1", "https://x#y", "https://u@x", "https://x/ y"]
)
def test_issuer_that_cannot_be_asked_is_refused(issuer):
    """Refuse issuers that are no URL, or one with a query, a fragment or userinfo."""
    with pytest.raises(Misconfigured):
        discovery.location(issuer)


def test_slash_at_the_end_of_an_issuer_is_left_out_of_the_address_only():
    """Ask one address for an issuer with and without a slash, and tell the two apart all the same."""
    assert discovery.location(ISSUER + "/") == LOCATION
    asked, found = drive(discovery.fetch(ISSUER + "/"), reply({**DOCUMENT, "issuer": ISSUER + "/"}))
    assert (asked, found.issuer) == ([LOCATION], ISSUER + "/")


def test_keys_are_fetched_by_discovery_and_kept():
    """Ask twice at first and not again while the keys are fresh."""
    source = keysource.RemoteKeys(ISSUER)
    assert source.ready(START, "a") is None
    asked, keys = drive(source.current(START, "a"), reply(DOCUMENT), reply(published("a")))
    assert asked == [LOCATION, JWKS]
    assert keys.kids() == ("a",)
    assert source.ready(START + 299, "a") is keys
    assert drive(source.current(START + 299, "a")) == ([], keys)


def test_old_keys_are_fetched_again_without_discovery():
    """Ask for the keys alone after the soft lifetime; those that are gone drop out."""
    asked, keys = drive(fresh("a").current(START + 300, "b"), reply(published("b")))
    assert (asked, keys.kids()) == ([JWKS], ("b",))


@pytest.mark.parametrize(
    ("header", "lifetime"),
    [
        (None, 300),
        ("max-age=3600", 3600),
        ("public, max-age=7200, must-revalidate", 7200),
        ("MAX-AGE=120", 120),
        ("max-age=0", 60),
        ("max-age=99999999", 43200),
        ("no-store", 60),
        ("no-cache, max-age=3600", 60),
        ("s-maxage=5", 300),
        ("max-age=-5", 300),
        ("max-age=abc", 300),
        ("max-age=" + "9" * 5000, 300),
        ("", 300),
    ],
)
def test_cache_control_is_honoured_within_bounds(header, lifetime):
    """Keep keys for max-age, from a minute to half a day."""
    assert rotation.lifetime_of(header) == lifetime
    if header:
        source = fresh("a", headers=(("Cache-Control", header),))
        assert source.ready(START + lifetime - 1, "a") is not None
        assert source.ready(START + lifetime, "a") is None


def test_d3_26_unknown_kids_cost_one_call_in_thirty_seconds():
    """Ask again for an unknown kid, and for a flood of them once."""
    source = fresh("a")
    assert source.ready(START + 29, "new") is not None
    asked, keys = drive(source.current(START + 30, "new"), reply(published("a", "new")))
    assert (asked, keys.kids()) == ([JWKS], ("a", "new"))
    for second in range(30, 60):
        assert drive(source.current(START + second, f"invented-{second}"))[0] == []
    assert drive(source.current(START + 60, "invented"), reply(published("a")))[0] == [JWKS]


@pytest.mark.parametrize(
    "answer",
    [
        Unavailable("unreachable"),
        reply({}, 500),
        reply({}),
        reply({"keys": []}),
        reply({"keys": [{**MEMBERS, "d": "AAAA"}]}),
        reply({"keys": [MEMBERS] * 101}),
    ],
    ids=["unreachable", "500", "no set", "empty set", "private key", "101 keys"],
)
def test_last_good_keys_outlive_a_failure(answer):
    """Go on with the last good keys for a day when asking fails, and then no longer."""
    source = fresh("a")
    for at in (START + 300, START + 86_399):
        _, keys = drive(source.current(at, "a"), *([answer] if at == START + 300 else [reply(DOCUMENT), answer]))
        assert keys.kids() == ("a",)
    with pytest.raises(Unavailable) as caught:
        drive(source.current(START + 86_500, "a"), reply(DOCUMENT), answer)
    assert caught.value.code == "keys-unavailable"


def test_failures_are_remembered_for_a_moment():
    """Ask an issuer that does not answer once in five seconds, however many tokens wait."""
    source = keysource.RemoteKeys(ISSUER)
    for second, called in ((0, True), (1, False), (4, False), (5, True)):
        flow = source.current(START + second, "a")
        if called:
            assert next(flow).url == LOCATION
            with pytest.raises(Unavailable):
                flow.throw(Unavailable("unreachable"))
        else:
            with pytest.raises(Unavailable):
                next(flow)


def test_fixed_keys_ask_nobody():
    """Return the keys that were handed over."""
    keys = jwk.read_set(published("a"))
    source = keysource.FixedKeys(keys)
    assert source.ready(START, "b") is keys
    assert drive(source.current(START, "b")) == ([], keys)


class Rotating(RuleBasedStateMachine):
    """Keys that are asked for at any times and answered or not."""

    @initialize()
    def begin(self):
        """Start with nothing."""
        self.state, self.now, self.asked, self.good = rotation.RotatingKeys(), START, [], None

    @rule(
        seconds=st.integers(0, 40_000),
        kid=st.sampled_from([None, "a", "b", "c"]),
        answer=st.sampled_from(["a", "b", None]),
    )
    def ask(self, seconds, kid, answer):
        """Let time pass, and ask where it is time to."""
        self.now += seconds
        if self.state.must_ask(self.now, kid):
            self.asked.append((self.now, self.state.usable(self.now) is not None))
            self.state.asked(self.now)
            if answer is not None:
                self.good = (self.now, answer)
                self.state.received(jwk.read_set(published(answer)), self.now, "max-age=600")

    @invariant()
    def never_too_often(self):
        """Ask at most once in five seconds, and once in thirty where there are keys."""
        for (before, _), (after, had) in zip(self.asked, self.asked[1:], strict=False):
            assert after - before >= (30 if had else 5)

    @invariant()
    def never_too_old(self):
        """Hand out the last good keys for a day and not longer."""
        keys = self.state.usable(self.now)
        if self.good is None or self.now - self.good[0] >= 86_400:
            assert keys is None
        else:
            assert keys.kids() == (self.good[1],)


TestRotating = Rotating.TestCase
TestRotating.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
