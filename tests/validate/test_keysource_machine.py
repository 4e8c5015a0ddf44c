"""An issuer that rotates, fails and lies at any times, against a model of what may be asked and believed."""

from __future__ import annotations

import itertools
import json

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from intaglio.errors import Unavailable
from intaglio.tokens import jwk
from intaglio.validate import keysource, rotation
from intaglio.wire.flow import Reply

ISSUER = "https://issuer.example/t"
DOCUMENT = ISSUER + "/.well-known/openid-configuration"
PLACES = ("https://issuer.example/keys", "https://keys.example/keys")
START = 1_000_000
MEMBERS = jwk.public_members(jwk.generate("ES256").public())
KIDS = ("a", "b", "c")

FAILURES = {
    "unreachable": Unavailable("unreachable"),
    "too long": Unavailable("answer-too-long"),
    "500": Reply(500, (("Cache-Control", "max-age=99999"),), b"{}"),
    "garbage": Reply(200, (), b"\xff\x00{"),
    "empty": Reply(200, (), b'{"keys":[]}'),
    "101 keys": Reply(200, (), json.dumps({"keys": [MEMBERS] * 101}).encode()),
    "private": Reply(200, (), json.dumps({"keys": [{**MEMBERS, "d": "AA"}]}).encode()),
    "downgrade": Reply(302, (("Location", "http://127.0.0.1/"),)),
    "loop": Reply(302, (("Location", PLACES[0]),)),
}
LIES = {
    "unreachable": Unavailable("unreachable"),
    "500": Reply(500),
    "garbage": Reply(200, (), b"<html>"),
    "other issuer": Reply(200, (), json.dumps({"issuer": "https://evil.example", "jwks_uri": PLACES[1]}).encode()),
    "no keys": Reply(200, (), json.dumps({"issuer": ISSUER}).encode()),
}


class Remote(RuleBasedStateMachine):
    """A source of keys, the issuer it asks, and what a reader of the rules would expect of it."""

    @initialize()
    def begin(self):
        """Start with an issuer that is well and a source that is empty."""
        self.source, self.now = keysource.RemoteKeys(ISSUER), START
        self.kids, self.place, self.fault, self.lie = {"a"}, PLACES[0], None, None
        self.asked, self.good, self.outcome = {}, None, None

    @rule(kids=st.sets(st.sampled_from(KIDS), min_size=1), place=st.sampled_from(PLACES))
    def rotate(self, kids, place):
        """Publish other keys, at another place perhaps."""
        self.kids, self.place = kids, place

    @rule(fault=st.sampled_from([None, None, *FAILURES]), lie=st.sampled_from([None, None, *LIES]))
    def change(self, fault, lie):
        """Fall ill or recover."""
        self.fault, self.lie = fault, lie

    def answer(self, url):
        """Return what the issuer answers."""
        if url == DOCUMENT:
            return LIES.get(self.lie) or Reply(200, (), json.dumps({"issuer": ISSUER, "jwks_uri": self.place}).encode())
        if url != self.place:
            return Reply(404)
        keys = [{**MEMBERS, "kid": kid} for kid in sorted(self.kids)]
        found = FAILURES.get(self.fault) or Reply(
            200, (("Cache-Control", "max-age=600"),), json.dumps({"keys": keys}).encode()
        )
        if self.fault is None:
            self.good = (self.now, tuple(sorted(self.kids)))
        return found

    def run(self, flow):
        """Run a flow against the issuer."""
        try:
            call = next(flow)
            while True:
                self.asked.setdefault(call.url, []).append((self.now, self.had))
                answer = self.answer(call.url)
                call = flow.throw(answer) if isinstance(answer, Exception) else flow.send(answer)
        except StopIteration as end:
            return end.value

    @rule(
        seconds=st.one_of(
            st.sampled_from([0, 1, 4, 5, 29, 30, 299, 300, 570, 600, 3600, 86_399, 86_400]), st.integers(0, 90_000)
        ),
        kid=st.sampled_from([None, *KIDS, "invented"]),
    )
    def token(self, seconds, kid):
        """Let time pass and a token come."""
        self.now += seconds
        self.had = self.good is not None and self.now - self.good[0] < rotation.HARD_LIFETIME
        before = self.last_asked()
        unknown = self.had and kid is not None and kid not in self.good[1]
        stale = self.had and self.now - self.good[0] >= 600
        try:
            self.outcome = self.source.obtain(self.now, kid, self.run).kids()
        except Unavailable as fault:
            self.outcome = fault.code
        if (unknown or stale) and self.now - before >= rotation.COOLDOWN_SECONDS:
            assert self.last_asked() == self.now
        if not self.had and self.now - before >= rotation.EMPTY_COOLDOWN_SECONDS:
            assert self.last_asked() == self.now

    def last_asked(self):
        """Return when anything was asked last."""
        return max((at for asked in self.asked.values() for at, _ in asked), default=0)

    @invariant()
    def last_good_and_no_older(self):
        """Hand out exactly what was published at the last good answer, for a day, and then nothing."""
        if self.outcome is None:
            return
        if self.good is None or self.now - self.good[0] >= rotation.HARD_LIFETIME:
            assert self.outcome == "keys-unavailable"
        else:
            assert self.outcome == self.good[1]

    @invariant()
    def no_address_too_often(self):
        """Ask no URL twice in thirty seconds while there are keys, nor in five while there are none."""
        for asked in self.asked.values():
            for (before, _), (after, had) in itertools.pairwise(asked):
                assert after - before >= (rotation.COOLDOWN_SECONDS if had else rotation.EMPTY_COOLDOWN_SECONDS)

    @invariant()
    def nobody_else_is_asked(self):
        """Ask the issuer's own document and the places that it named, and no address of a liar."""
        assert set(self.asked) <= {DOCUMENT, *PLACES}


TestRemote = Remote.TestCase
TestRemote.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
