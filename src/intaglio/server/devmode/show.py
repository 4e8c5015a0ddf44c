"""A signed-in person's ID token, told apart for the demo page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from intaglio import codec
from intaglio.protocol import meanings
from intaglio.protocol.pages import CheckRow, ClaimRow, DemoTokenPage, TokenPart
from intaglio.relying.records import SignedIn

LABELS = ("header", "payload", "signature")
STEPS = (
    ("Discovery", "The demo asked the issuer for its metadata and keys."),
    ("Authorization", "Your browser carried the request, with state, nonce and a PKCE challenge, to the issuer."),
    ("Sign-in and consent", "You proved who you are, and agreed to what the demo may know."),
    ("Code", "Your browser carried a code back; it works once, within a minute, and only with the demo's verifier."),
    ("Tokens", "The demo exchanged the code, checked the ID token, and asked UserInfo for the rest."),
)


def _parts(text: str) -> tuple[TokenPart, ...]:
    segments = text.split(".")
    decoded = [_pretty(segment) for segment in segments[:2]] + [""]
    return tuple(TokenPart(*row) for row in zip(LABELS, segments, decoded, strict=True))


def _pretty(segment: str) -> str:
    value = codec.decode_json_object(codec.decode_base64url(segment))
    lines = [f"  {_json(name)}: {_json(held)}" for name, held in value.items()]
    return "{\n" + ",\n".join(lines) + "\n}"


def _json(value: object) -> str:
    return codec.encode_json(value).decode()


def moment(claim: str, value: Any, now: int) -> str:
    """Return an instant in words, with its distance from now; empty for a claim that is none."""
    if claim not in meanings.INSTANTS or not isinstance(value, int):
        return ""
    told = datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"{told} ({_distance(value - now)})"


def _distance(seconds: int) -> str:
    size = abs(seconds)
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if size >= length:
            text = f"{size // length} {unit}"
            break
    else:
        text = f"{size} s"
    return f"in {text}" if seconds > 0 else f"{text} ago"


def _rows(claims: dict[str, Any], now: int) -> tuple[ClaimRow, ...]:
    return tuple(
        ClaimRow(
            name, value if isinstance(value, str) else _json(value), meanings.meaning(name), moment(name, value, now)
        )
        for name, value in claims.items()
    )


def token_page(
    home: str, issuer: str, held: SignedIn, person: dict[str, Any], refreshed: int, csrf: str
) -> DemoTokenPage:
    """Return the page: the token's parts, its claims, what UserInfo adds, and every check."""
    token, report = held.token, held.report
    now = int(token.iat)
    extra = {name: value for name, value in person.items() if name not in token.claims}
    checks = report.checks if report is not None else ()
    return DemoTokenPage(
        issuer=issuer,
        subject=token.sub,
        user_name=str(person.get("name") or token.sub),
        parts=_parts(held.raw.reveal()) if held.raw is not None else (),
        claims=_rows(token.claims, now),
        userinfo=_rows(extra, now),
        checks=tuple(CheckRow(c.name, c.outcome, c.expected, c.received, c.hint, c.spec) for c in checks),
        believed=True,
        refreshed=refreshed,
        refresh_action=home + "/refresh",
        logout_action=home + "/logout",
        csrf=csrf,
        steps=STEPS,
    )
