"""PKCE at the endpoints: who must use it, and that what was sent is answered."""

from __future__ import annotations

import pytest

from intaglio.protocol import pkce
from tests import harness
from tests.capability import capability

PLAIN: dict[str, str | None] = {"code_challenge": None, "code_challenge_method": None}


def _app(site: harness.Site, kind: str) -> harness.App:
    if kind.startswith("public"):
        site.change_client("spa", require_pkce=kind == "public")
        return harness.spa(site)
    site.change_client("web", require_pkce=kind == "required")
    return harness.App(site)


@capability("pkce-s256", witness="the matrix of clients, challenges and verifiers")
@pytest.mark.parametrize("kind", ["public", "public, not required", "required", "optional"])
@pytest.mark.parametrize("sent", [True, False])
@pytest.mark.parametrize("answered", ["right", "wrong", "missing", "malformed", "challenge"])
def test_the_matrix(site: harness.Site, kind: str, sent: bool, answered: str) -> None:
    """A required challenge is demanded; one once sent must be answered; one never sent must not be (RFC 9700 2.1.1)."""
    app = _app(site, kind)
    answer = app.callback(**({} if sent else PLAIN))
    if not sent and kind != "optional":
        assert answer.params["error"] == "invalid_request"
        return
    verifier = {
        "right": harness.VERIFIER,
        "wrong": "a" * 43,
        "missing": None,
        "malformed": "short",
        "challenge": pkce.challenge(harness.VERIFIER),
    }[answered]
    redeemed = app.redeem(answer.params["code"], code_verifier=verifier)
    fine = answered == "right" if sent else answered == "missing"
    assert (redeemed.status, redeemed.error) == ((200, "") if fine else (400, "invalid_grant"))


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge_method": "plain", "code_challenge": harness.VERIFIER},
        {"code_challenge_method": None, "code_challenge": harness.VERIFIER},
        {"code_challenge_method": "S512"},
        {"code_challenge_method": "s256"},
        {"code_challenge": None},
        {"code_challenge": ""},
    ],
)
def test_plain_and_halves_are_refused(site: harness.Site, changes: dict[str, str | None]) -> None:
    """RFC 9700 2.1.1: S256 alone, even where PKCE is optional."""
    site.change_client("web", require_pkce=False)
    assert harness.App(site).authorize(harness.Browser(site), **changes).params["error"] == "invalid_request"


def test_a_wrong_verifier_uses_the_code_up(site: harness.Site) -> None:
    """Whoever guesses has one guess."""
    app = harness.App(site)
    code = app.code()
    assert app.redeem(code, code_verifier="a" * 43).error == "invalid_grant"
    assert app.redeem(code).error == "invalid_grant"


def test_a_longest_verifier_with_every_character(site: harness.Site) -> None:
    """RFC 7636 4.1: 128 characters, `.` and `~` among them."""
    app, verifier = harness.App(site), "-._~" + "aZ9" * 41 + "x"
    code = app.code(code_challenge=pkce.challenge(verifier))
    assert app.redeem(code, code_verifier=verifier).status == 200
