"""A sign-in that was kept, driven by hand: what it asks, and whose answer it takes."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

import pytest

from intaglio import codec
from intaglio.errors import Unavailable
from intaglio.ids import Secret
from intaglio.relying import kept
from intaglio.relying.answers import SignInFailed
from intaglio.wire.flow import Call, Flow, Reply

ISSUER = "https://op.example"
KEPT = kept.Kept(ISSUER, "cli", "u1", ISSUER + "/token", Secret("rt-1"), ISSUER + "/revoke")


def token(**changes: Any) -> str:
    """Return a text in the form of an ID token."""
    claims = {"iss": ISSUER, "sub": "u1", "aud": "cli"} | changes
    return f"h.{codec.encode_base64url(codec.encode_json(claims))}.s"


def answered(flow: Flow[Any], status: int = 200, **members: Any) -> tuple[Call, Any]:
    """Give the flow its one answer; return the call and what came of it."""
    call = next(flow)
    with pytest.raises(StopIteration) as end:
        flow.send(Reply(status, (), json.dumps(members).encode(), ISSUER))
    return call, end.value.value


def test_a_refresh_is_one_call() -> None:
    """The token and the client, and what came back; nothing of it prints."""
    call, renewed = answered(kept.refresh(KEPT), access_token="at", token_type="Bearer", id_token=token())
    assert parse_qs(call.body.decode()) == {
        "grant_type": ["refresh_token"],
        "refresh_token": ["rt-1"],
        "client_id": ["cli"],
    }
    assert (renewed.access_token.reveal(), renewed.id_token, renewed.refresh_token) == ("at", token(), None)
    _, renewed = answered(kept.refresh(KEPT), access_token="at", token_type="Bearer", refresh_token="rt-2")
    assert renewed.refresh_token.reveal() == "rt-2"
    assert renewed.id_token == ""
    assert "rt-1" not in repr(KEPT) + repr(renewed)


@pytest.mark.parametrize(
    "wrong",
    [
        token(sub="u2"),
        token(iss="https://evil.example"),
        token(aud="another"),
        token(aud=["another"]),
        token(sub=None),
        "nonsense",
        "a.%%.c",
        "a.W10.c",
    ],
)
def test_a_token_of_another_sign_in_is_refused(wrong: str) -> None:
    """Whoever answers with somebody else's token is not believed; no letter of it is told."""
    flow = kept.refresh(KEPT)
    next(flow)
    body = {"access_token": "at", "token_type": "Bearer", "id_token": wrong}
    with pytest.raises(SignInFailed) as caught:
        flow.send(Reply(200, (), json.dumps(body).encode(), ISSUER))
    assert caught.value.code in ("refresh-mismatch", "token-answer-malformed")
    assert wrong not in str(caught.value.detail)


def test_several_audiences_with_ours_are_ours() -> None:
    """A list that holds the client is for the client."""
    assert answered(kept.refresh(KEPT), access_token="a", token_type="Bearer", id_token=token(aud=["cli", "x"]))[1]


@pytest.mark.parametrize(("status", "ends"), [(200, True), (400, True), (401, False), (500, False), (302, False)])
def test_a_revocation_is_certain_or_an_error(status: int, *, ends: bool) -> None:
    """Revoked, or not known any more; everything else leaves a doubt."""
    flow = kept.revoke(KEPT)
    call = next(flow)
    assert call.url == ISSUER + "/revoke"
    with pytest.raises(StopIteration if ends else Unavailable):
        flow.send(Reply(status, (), b"", ISSUER))
