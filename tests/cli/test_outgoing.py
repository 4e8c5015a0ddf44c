"""Errors of a sign-in as the commands tell them."""

from __future__ import annotations

import pytest

from intaglio.cli import outgoing
from intaglio.cli.faults import NotAuthenticated
from intaglio.errors import IntaglioError, Unavailable
from intaglio.relying.answers import SignInFailed


@pytest.mark.parametrize(
    ("status", "kind", "hint"),
    [
        (400, NotAuthenticated, "sign in"),
        (401, NotAuthenticated, "sign in"),
        (429, Unavailable, outgoing.WAIT),
        (503, Unavailable, outgoing.WAIT),
    ],
)
def test_a_sign_in_that_is_turned_away_for_now_is_not_lost(status: int, kind: type[IntaglioError], hint: str) -> None:
    """Whoever asked too often is told to wait, not to sign in again."""
    with pytest.raises(kind) as caught, outgoing.told("sign in"):
        raise SignInFailed("token-endpoint-error", detail={"status": status})
    assert (caught.value.code, caught.value.hint) == ("token-endpoint-error", hint)
