"""Auth0's verifiers in four languages over our tokens and over spoiled ones, and our own beside them.

The kit for pages is asked in a browser, see `test_auth0_spa.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from auth0.authentication.exceptions import TokenValidationError
from auth0.authentication.token_verifier import AsymmetricSignatureVerifier, TokenVerifier

import intaglio
from tests.capability import capability
from tests.sdk import secure as secures
from tests.sdk import variants
from tests.sdk.variants import Case, Forge

pytestmark = pytest.mark.sdk
secure = secures.secure
NAMES = {
    "algorithm": "alg",
    "signature": "signature",
    "key": "signature",
    "issuer": "iss",
    "subject": "sub",
    "audience": "aud",
    "expiry": "exp",
    "issued at": "iat",
    "not before": "nbf",
    "nonce": "nonce",
    "organization": "org",
    "authorized party": "azp",
    "time of sign-in": "auth_time",
}
"""The checks of our validator's report, as Auth0's table has them."""
ORDER = ("alg", "signature", "iss", "sub", "aud", "azp", "exp", "iat", "nonce", "auth_time", "org")
"""In which order our rules stand."""


@pytest.fixture(scope="module")
def forge(secure: secures.Secure) -> Forge:
    """Makes spoiled tokens for the client `web`."""
    return Forge(secure, "web", int(time.time()))


def hold(forge: Forge, kit: str, verify: Callable[[Iterable[Case]], list[str | None]]) -> None:
    """Have a kit believe the good token, refuse each fault in its words, and check in its order."""
    cases = variants.cases(forge, kit)
    said = verify(case for _, case in cases)
    told = zip(cases, said, strict=True)
    wrong = [(name, found) for (name, _), found in told if not forge.agrees(kit, name, found)]
    assert wrong == []


def talked(secure: secures.Secure, words: list[str]) -> Callable[[Iterable[Case]], list[str | None]]:
    """Return what asks a client in a process of its own."""

    def verify(cases: Iterable[Case]) -> list[str | None]:
        with secure.talk(words) as talk:
            talk.say("open", domain=secure.place("auth0"), clientId="web", secret="web-secret")
            said: list[str | None] = talk.say("verify", cases=[case.told() for case in cases])["said"]
            return said

    return verify


@capability("official-auth0-verifiers", witness="auth0-python")
def test_python(secure: secures.Secure, forge: Forge, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kit for Python believes our token, and of a spoiled one names the fault that the table has first."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", secure.ca)
    keys = AsymmetricSignatureVerifier(forge.issuer + ".well-known/jwks.json")
    verifier = TokenVerifier(keys, issuer=forge.issuer, audience=forge.client)

    def said(case: Case) -> str | None:
        asked = case.asked
        try:
            verifier.verify(case.token, nonce=asked.nonce, max_age=asked.max_age, organization=asked.organization)
        except TokenValidationError as refused:
            return str(refused)
        return None

    hold(forge, "python", lambda cases: [said(case) for case in cases])


@capability("official-auth0-verifiers", witness="node-auth0")
def test_node(secure: secures.Secure, forge: Forge) -> None:
    """So does the one for Node, which looks at the signature last and at no organization's value."""
    hold(forge, "node", talked(secure, secures.node("auth0.mjs")))


@capability("official-auth0-verifiers", witness="go-auth0")
def test_go(secure: secures.Secure, forge: Forge) -> None:
    """So does the one for Go."""
    hold(forge, "go", talked(secure, secures.go("auth0")))


@capability("official-auth0-verifiers", witness="auth0-java")
def test_java(secure: secures.Secure, forge: Forge) -> None:
    """So does the one for Java."""
    hold(forge, "java", talked(secure, secures.java("Auth0Witness")))


def _failures(forge: Forge, case: Case) -> list[tuple[str, str]]:
    told: dict[str, Any] = {"organization": case.asked.organization, "also": ("api",)}
    checking = intaglio.Validator(issuer=forge.issuer, audience="web", dialect="auth0", keys=forge.keys, **told)
    report = checking.explain(case.token, nonce=case.asked.nonce, max_age=case.asked.max_age)
    return [(check.name, check.code) for check in report.failures()]


def test_ours_refuses_by_the_same_rule(forge: Forge) -> None:
    """Our own validator refuses each spoiled token by the rule that Auth0's kits name, one rule after the other."""
    assert _failures(forge, forge.spoiled()) == []
    first = {name: _failures(forge, forge.spoiled(name))[0] for name in variants.FAULTS}
    wanted = {name: (fault.rule, fault.code) for name, fault in variants.FAULTS.items()}
    assert {name: (NAMES[check], code) for name, (check, code) in first.items()} == wanted
    peeled = zip(ORDER, forge.peeled(ORDER), strict=True)
    assert [NAMES[_failures(forge, case)[0][0]] for _, case in peeled] == list(ORDER)
