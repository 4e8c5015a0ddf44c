"""The life of signing keys, as a machine that turns every way: nothing signs unpublished, nothing is lost."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from intaglio.errors import IntaglioError
from intaglio.names import RingId
from intaglio.server.keyring import lifecycle, rotate
from intaglio.server.model.plan import Ask
from intaglio.server.model.signingkeys import SigningKeyRecord
from tests import harness

RING = RingId("ring")
NOW = harness.NOW
HOUR = 3600


def _key(key_id: str, now: int, alg: str = "RS256") -> SigningKeyRecord:
    return SigningKeyRecord(RING, key_id, alg, "sealed", b"certificate", now, now)


class Ring:
    """Rows of one ring, and the answers to what the plans ask."""

    def __init__(self) -> None:
        self.rows: dict[str, SigningKeyRecord] = {}

    def run(self, plan):
        """Run a plan to its end; nothing of it is kept if it raises."""
        before, answer = dict(self.rows), None
        try:
            while True:
                answer = self._answer(plan.send(answer))
        except StopIteration as stop:
            return stop.value
        except IntaglioError:
            self.rows = before
            raise

    def _answer(self, ask: Ask) -> list[tuple]:
        values = dict(ask.values)
        if ask.name == "signing_keys_of_ring":
            kept = sorted(self.rows.values(), key=lambda key: key.created_at)
            return [msgspec.structs.astuple(key) for key in kept]
        if ask.name == "signing_key_insert":
            self.rows[values["key_id"]] = SigningKeyRecord(**values)
        if ask.name == "signing_key_instants":
            instants = {name: values[name] for name in ("active_at", "retired_at", "gone_at", "revoked_at")}
            self.rows[values["key_id"]] = msgspec.structs.replace(self.rows[values["key_id"]], **instants)
        if ask.name == "signing_key_delete":
            del self.rows[values["key_id"]]
        return []


class Keys(RuleBasedStateMachine):
    """Time passes, keys are rotated and withdrawn, tokens are signed."""

    def __init__(self) -> None:
        super().__init__()
        self.ring, self.now, self.count = Ring(), NOW, 0
        self.first_seen: dict[str, int] = {}
        self.signed: dict[str, int] = {}
        self.emergencies: set[str] = set()
        self.ring.run(rotate.ensure(self._fresh(), self.now))

    def _fresh(self) -> SigningKeyRecord:
        self.count += 1
        return _key(f"key-{self.count:03}", self.now)

    @property
    def keys(self) -> list[SigningKeyRecord]:
        """The ring's records."""
        return list(self.ring.rows.values())

    @rule(seconds=st.sampled_from([1, 60, HOUR, 23 * HOUR, 24 * HOUR, 25 * HOUR, 47 * HOUR, 90 * 24 * HOUR]))
    def time_passes(self, seconds: int) -> None:
        """The clock moves; upkeep runs every hour on the way, as it does in a server."""
        for _ in range(seconds // HOUR):
            self.now += HOUR
            self._upkeep()
            self.kept_until_the_last_token_expired()
        self.now += seconds % HOUR
        self._upkeep()

    def _upkeep(self) -> None:
        if lifecycle.is_due(self.keys, "RS256", self.now):
            self.ring.run(rotate.rotate(self._fresh(), self.now))
        self.note()
        self.sign()

    @rule()
    def rotate_by_hand(self) -> None:
        """Rotating twice makes no two keys."""
        first = self.ring.run(rotate.rotate(self._fresh(), self.now))
        count = len(self.keys)
        again = self.ring.run(rotate.rotate(self._fresh(), self.now))
        assert (again.key_id, len(self.keys)) == (first.key_id, count)

    @rule()
    def sign(self) -> None:
        """A token is signed with the current key, which is made if there is none."""
        key = lifecycle.current(self.keys, "RS256", self.now)
        assert key is not None
        self.signed[key.key_id] = self.now

    @precondition(lambda self: len(self.keys) > 0)
    @rule(data=st.data())
    def revoke(self, data: st.DataObject) -> None:
        """A key is withdrawn at once, and another one signs at once."""
        key = data.draw(st.sampled_from(sorted(self.ring.rows)))
        was = lifecycle.state(self.ring.rows[key], self.now)
        self.ring.run(rotate.revoke(RING, key, self._fresh(), self.now))
        if was == "current":
            successor = lifecycle.current(self.keys, "RS256", self.now)
            assert successor is not None
            self.emergencies.add(successor.key_id)
        assert not lifecycle.is_published(self.ring.rows[key], self.now)
        self.signed.pop(key, None)

    @precondition(lambda self: lifecycle.upcoming(self.keys, "RS256", self.now) is not None)
    @rule(hours=st.sampled_from([1, 23, 25]))
    def withdraw_the_successor(self, hours: int) -> None:
        """The key that waits is withdrawn; whoever signs now goes on signing."""
        waiting = lifecycle.upcoming(self.keys, "RS256", self.now)
        assert waiting is not None
        self.ring.run(rotate.revoke(RING, waiting.key_id, self._fresh(), self.now))
        self.time_passes(hours * HOUR)

    @precondition(lambda self: lifecycle.upcoming(self.keys, "RS256", self.now) is not None)
    @rule(hours=st.sampled_from([0, 1, 24, 100, 4000]))
    def begin_at_another_time(self, hours: int) -> None:
        """The key that waits begins earlier or later, and the one before it signs until then."""
        waiting = lifecycle.upcoming(self.keys, "RS256", self.now)
        assert waiting is not None
        self.ring.run(rotate.begin(RING, waiting.key_id, self.now + hours * HOUR, self.now))
        if hours < 24:
            self.emergencies.add(waiting.key_id)

    @precondition(lambda self: len(self.keys) > 0)
    @rule(data=st.data())
    def forget(self, data: st.DataObject) -> None:
        """A key can be forgotten when nobody finds it any more, and not before."""
        key = data.draw(st.sampled_from(sorted(self.ring.rows)))
        if lifecycle.is_published(self.ring.rows[key], self.now):
            with pytest.raises(IntaglioError, match="key-published"):
                self.ring.run(rotate.delete(RING, key, self.now))
            return
        self.ring.run(rotate.delete(RING, key, self.now))
        self.signed.pop(key, None)
        assert key not in self.ring.rows

    @invariant()
    def note(self) -> None:
        """Remember when each key was first published."""
        for key in self.keys:
            if lifecycle.is_published(key, self.now):
                self.first_seen.setdefault(key.key_id, self.now)

    @invariant()
    def one_signs(self) -> None:
        """There is always a key that signs, and it is published."""
        key = lifecycle.current(self.keys, "RS256", self.now)
        assert key is not None
        assert lifecycle.is_published(key, self.now)

    @invariant()
    def published_a_day_before(self) -> None:
        """Nobody's cache of the key set is older than the key that signs, save in an emergency and at the beginning."""
        key = lifecycle.current(self.keys, "RS256", self.now)
        assert key is not None
        if key.key_id != "key-001" and key.key_id not in self.emergencies:
            assert self.now - self.first_seen[key.key_id] >= lifecycle.PUBLISH_AHEAD

    @invariant()
    def kept_until_the_last_token_expired(self) -> None:
        """A key stays published for as long as a token that it signed can live (a day)."""
        for key_id, at in self.signed.items():
            if self.now < at + 24 * HOUR:
                assert lifecycle.is_published(self.ring.rows[key_id], self.now), key_id

    @invariant()
    def one_waits_at_most(self) -> None:
        """There are never two successors."""
        assert sum(lifecycle.state(key, self.now) == "next" for key in self.keys) <= 1


TestKeys = Keys.TestCase
TestKeys.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)


def test_the_five_states() -> None:
    """next, current, previous, gone, and revoked from anywhere."""
    key = msgspec.structs.replace(_key("k", NOW), active_at=NOW + 10, retired_at=NOW + 20, gone_at=NOW + 30)
    assert [lifecycle.state(key, NOW + n) for n in (9, 10, 19, 20, 29, 30)] == [
        "next",
        "current",
        "current",
        "previous",
        "previous",
        "gone",
    ]
    withdrawn = msgspec.structs.replace(key, revoked_at=NOW + 15)
    assert [lifecycle.state(withdrawn, NOW + n) for n in (14, 15, 25)] == ["current", "revoked", "revoked"]


def test_a_withdrawn_successor_leaves_the_current_key_in_office() -> None:
    """Otherwise it would retire with nobody behind it, and the next key would sign unpublished."""
    ring = Ring()
    ring.run(rotate.ensure(_key("a", NOW), NOW))
    ring.run(rotate.rotate(_key("b", NOW), NOW))
    ring.run(rotate.revoke(RING, "b", None, NOW + 60))
    assert lifecycle.state(ring.rows["a"], NOW + lifecycle.PUBLISH_AHEAD + 1) == "current"


def test_what_cannot_be_revoked() -> None:
    """An unknown key, and the only key without one in its place; then nothing has changed."""
    ring = Ring()
    ring.run(rotate.ensure(_key("a", NOW), NOW))
    with pytest.raises(IntaglioError, match="key-not-found"):
        ring.run(rotate.revoke(RING, "x", None, NOW))
    with pytest.raises(IntaglioError, match="key-not-replaceable"):
        ring.run(rotate.revoke(RING, "a", None, NOW))
    assert lifecycle.state(ring.rows["a"], NOW) == "current"


def test_algorithms_do_not_meet() -> None:
    """A key of another algorithm is neither current nor waiting for this one."""
    keys = [_key("a", NOW), _key("b", NOW + 10, "ES256")]
    current = lifecycle.current(keys, "RS256", NOW)
    assert current is not None
    assert current.key_id == "a"
    assert lifecycle.upcoming(keys, "RS256", NOW) is None
    assert lifecycle.current(keys, "EdDSA", NOW) is None


def test_caches_follow_the_keys() -> None:
    """The set may be kept an hour, and less when a key is about to leave it."""
    leaving = msgspec.structs.replace(_key("a", NOW), retired_at=NOW, gone_at=NOW + 600)
    assert lifecycle.max_age([_key("b", NOW)], NOW) == 3600
    assert lifecycle.max_age([leaving], NOW) == 600
    assert lifecycle.max_age([leaving], NOW + 590) == 60


def test_only_a_key_that_waits_begins_at_another_time() -> None:
    """The key that signs, and one that nobody has, are refused; nothing changes."""
    ring = Ring()
    ring.run(rotate.ensure(_key("a", NOW), NOW))
    before = dict(ring.rows)
    for key_id, code in (("a", "key-not-waiting"), ("x", "key-not-found")):
        with pytest.raises(IntaglioError, match=code):
            ring.run(rotate.begin(RING, key_id, NOW + HOUR, NOW))
    assert ring.rows == before


def test_a_key_that_begins_later_leaves_no_gap() -> None:
    """The key before it signs until then, and stays published for as long as its tokens live."""
    ring = Ring()
    ring.run(rotate.ensure(_key("a", NOW), NOW))
    ring.run(rotate.rotate(_key("b", NOW), NOW))
    ring.run(rotate.begin(RING, "b", NOW + 100 * HOUR, NOW))
    assert ring.rows["a"].retired_at == ring.rows["b"].active_at == NOW + 100 * HOUR
    assert ring.rows["a"].gone_at == NOW + 100 * HOUR + lifecycle.KEEP_BEHIND
