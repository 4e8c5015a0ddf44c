"""What a program that uses the library may write; only type-checked, never run."""

from __future__ import annotations

import intaglio
from intaglio import IDToken, IntaglioError, Refused, TokenRefused, Unavailable, Validator


def believe(token: str) -> str:
    """Use the front door as the documents show it."""
    validator = Validator(issuer="https://id.example.com/default", audience="web")
    try:
        claims: IDToken = validator.validate(token, nonce="n")
    except TokenRefused as refusal:
        return refusal.report.to_text()
    except Refused as refused:
        return str(refused.report.to_text())
    except Unavailable as error:
        return error.hint
    except IntaglioError as error:
        return error.code
    audiences: tuple[str, ...] = claims.aud
    return audiences[0] + intaglio.__version__


def misuse(validator: Validator) -> None:
    """Mistakes that the types catch; mypy reports each ignore that is not needed."""
    validator.validate(1)  # type: ignore[arg-type]
    validator.validate("token", "nonce")  # type: ignore[call-arg]
    Validator(issuer="https://id.example.com")  # type: ignore[call-arg]
