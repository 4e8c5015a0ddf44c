"""Bindings put together: nothing is lost, nothing stands twice."""

from __future__ import annotations

import base64

from hypothesis import given
from hypothesis import strategies as st

from intaglio.server.model.policies import Binding, Condition
from intaglio.server.registry import bindings, etags

_CONDITIONS = st.one_of(st.none(), st.builds(Condition, st.sampled_from("ab"), st.sampled_from(["true", "false"])))
_BINDINGS = st.lists(
    st.builds(
        Binding,
        st.sampled_from(["roles/a", "roles/b"]),
        st.lists(st.sampled_from(["m", "n", "o"]), max_size=4).map(tuple),
        _CONDITIONS,
    ),
    max_size=8,
)


def _facts(given_: tuple[Binding, ...] | list[Binding]) -> set[tuple[str, Condition | None, str]]:
    return {(one.role, one.condition, member) for one in given_ for member in one.members}


@given(_BINDINGS)
def test_merging_keeps_every_fact_once(made: list[Binding]) -> None:
    """Who has which role under which condition stays as it was; merging again changes nothing."""
    merged = bindings.merged(made)
    assert _facts(merged) == _facts(made)
    assert sum(len(one.members) for one in merged) == len(_facts(made))
    assert len({(one.role, one.condition) for one in merged}) == len(merged)
    assert bindings.merged(merged) == merged


def test_etags_are_base64() -> None:
    """Clients read them as octets and write them back; no two are alike."""
    made = {etags.new() for _ in range(1000)}
    assert len(made) == 1000
    assert all(base64.b64encode(base64.b64decode(one, validate=True)).decode() == one for one in {*made, etags.NONE})
