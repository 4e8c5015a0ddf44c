"""What an issuer looks like from outside: each fault is found, with its next step."""

from __future__ import annotations

import email.utils
import json
from typing import Any

import pytest

from intaglio.cli import doctor
from intaglio.cli.doctor import Check
from intaglio.cli.faults import Exit
from intaglio.errors import Misconfigured
from intaglio.wire.flow import Call, Reply
from tests.cli.conftest import Run

ISSUER = "https://id.example.com/acme"
NOW = 1_800_000_000
KEY = {"kty": "EC", "crv": "P-256", "kid": "a", "x": "x", "y": "y"}


class Here:
    """A clock that stands still."""

    def now(self) -> int:
        """Return the time."""
        return NOW


def metadata(**changes: Any) -> dict[str, Any]:
    """Return a document in which nothing is wrong."""
    return {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/jwks", "token_endpoint": f"{ISSUER}/token"} | changes


def answers(
    document: dict[str, Any] | None = None,
    keys: list[dict[str, Any]] | None = None,
    *,
    apart: int = 0,
    named: str = ISSUER,
    **headers: str | None,
) -> list[Reply]:
    """Return what an issuer answers, one after the other."""
    told: dict[str, str | None] = {
        "content-type": "application/json",
        "date": email.utils.formatdate(NOW + apart, usegmt=True),
        "strict-transport-security": "max-age=1",
    }
    told |= {name.replace("_", "-"): value for name, value in headers.items()}
    kept = tuple((name, value) for name, value in told.items() if value is not None)
    body = json.dumps(document or metadata()).encode()
    other = json.dumps(metadata(issuer=named)).encode()
    key_set = json.dumps({"keys": [KEY] if keys is None else keys}).encode()
    return [Reply(200, kept, body), Reply(200, (), key_set), Reply(200, (), other), Reply(421, (), b"")]


def examined(replies: list[Reply], issuer: str = ISSUER) -> tuple[dict[str, Check], list[Call]]:
    """Return what is found by check, and what was asked."""
    flow, calls, left = doctor.examined(issuer, Here()), [], iter(replies)
    call = next(flow)
    try:
        while True:
            calls.append(call)
            call = flow.send(next(left))
    except StopIteration as end:
        return {one.check: one for one in end.value}, calls


def test_nothing_is_wrong() -> None:
    """Every check passes, and four calls are enough; two of them come under another name."""
    found, calls = examined(answers())
    assert {one.outcome for one in found.values()} == {"pass"}
    assert not any(one.hint for one in found.values())
    assert len(calls) == 4
    assert dict(calls[2].headers)["host"] == dict(calls[3].headers)["x-forwarded-host"] == doctor.STRANGER


@pytest.mark.parametrize(
    ("check", "outcome", "replies"),
    [
        pytest.param("issuer", "fail", answers(metadata(issuer=ISSUER + "/")), id="another name"),
        pytest.param("endpoints", "fail", answers(metadata(token_endpoint="http://id.example.com/t")), id="no TLS"),
        pytest.param("content-type", "fail", answers(content_type="text/html"), id="content type"),
        pytest.param("hsts", "warn", answers(strict_transport_security=None), id="no HSTS"),
        pytest.param("clock", "warn", answers(apart=-20), id="a slow clock"),
        pytest.param("clock", "fail", answers(apart=3600), id="a wrong clock"),
        pytest.param("clock", "warn", answers(date=None), id="no clock"),
        pytest.param("keys", "fail", answers(keys=[]), id="no keys"),
        pytest.param("keys", "fail", answers(keys=[{**KEY, "kid": ""}]), id="a key without a name"),
    ],
)
def test_each_fault_is_found(check: str, outcome: str, replies: list[Reply]) -> None:
    """What is wrong is told by its check, with the next step; the others pass."""
    found, _ = examined(replies)
    assert found[check].outcome == outcome
    assert found[check].hint
    assert {one.outcome for name, one in found.items() if name != check} == {"pass"}


def test_a_private_key_in_the_set_is_found() -> None:
    """A private member is named, and its value is not repeated."""
    found, _ = examined(answers(keys=[{**KEY, "d": "canary"}]))
    assert (found["public"].outcome, found["public"].received) == ("fail", "d")
    assert "canary" not in repr(found)


def test_an_issuer_that_believes_a_header_is_found() -> None:
    """An issuer that takes the name of a request for its own is told by the header that it believed."""
    found, _ = examined(answers(named=f"https://{doctor.STRANGER}/acme"))
    assert (found["host"].outcome, found["forwarded"].outcome) == ("fail", "pass")
    led = answers()
    led[3] = Reply(302, (("location", f"https://{doctor.STRANGER}/"),))
    found, _ = examined(led)
    assert (found["host"].outcome, found["forwarded"].outcome) == ("pass", "fail")


def test_without_tls() -> None:
    """On this machine that is a warning, and elsewhere a fault."""
    for issuer, outcome in (("http://localhost:8080/a", "warn"), ("http://id.example.com/a", "fail")):
        assert doctor.scheme(issuer).outcome == outcome


@pytest.mark.parametrize("reply", [Reply(404, (), b"{}"), Reply(200, (), b"<p>"), Reply(200, (), b"[]")])
def test_where_there_is_no_issuer(reply: Reply) -> None:
    """Without metadata there is nothing to look at."""
    with pytest.raises(Misconfigured) as told:
        examined([reply])
    assert told.value.code == "issuer-silent"


def test_an_issuer_without_keys_is_asked_no_further() -> None:
    """Where the metadata has no jwks_uri, that is the fault."""
    document = {name: value for name, value in metadata().items() if name != "jwks_uri"}
    replies = answers(document)
    found, _ = examined([replies[0], *replies[2:]])
    assert found["keys"].outcome == "fail"


def test_an_issuer_that_cannot_be_reached(run: Run) -> None:
    """Nobody answers: 9."""
    ran = run("doctor", "--issuer", "http://127.0.0.1:9")
    assert (ran.code, ran.out) == (Exit.UNREACHABLE, "")
