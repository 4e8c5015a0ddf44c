"""`intaglio token inspect`: everything that a token says, with nothing believed.

RFC 7515 and RFC 7516 section 7.1 (parts), RFC 7519 section 4 (claims).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from intaglio.cli import faults, output, token_input, token_output
from intaglio.cli.faults import Exit

if TYPE_CHECKING:
    from intaglio.tokens.peek import Unverified

SHORT = 72
STANDARD = "standard"
COLUMNS = ("part", "name", "value", "time", "distance")
KINDS = {
    "id-token": "an ID token",
    "access-token": "an access token (RFC 9068), not an ID token",
    "logout-token": "a logout token (back-channel logout), not an ID token",
    "jws": "a signed token (JWS) without the claims of an ID token",
    "jwe": "an encrypted token (JWE); what is inside cannot be seen without the key",
    "json-serialization": "a token in JSON serialization, which an ID token never has",
    "saml": "a SAML message, not an OpenID Connect token",
    "opaque": "no token in compact form",
}
SIGNED = ("header", "payload", "signature")
ENCRYPTED = ("header", "encrypted key", "initialization vector", "ciphertext", "tag")
HEADER = {
    "alg": "With which algorithm it was signed, or how its key was encrypted.",
    "enc": "With which algorithm the content was encrypted.",
    "kid": "Which of the issuer's keys it was made with.",
    "typ": "Which kind of token it says it is.",
    "cty": "What is inside; JWT for a token.",
    "x5t": "The thumbprint of the key's certificate; it chooses nothing here.",
}
EXAMPLES = """\b
Examples:
  intaglio token inspect < token.txt
  intaglio token inspect @token.txt -o json
  intaglio token inspect @token.txt -o value | jq -r .sub
"""


@click.command("inspect", epilog=EXAMPLES)
@click.argument("token", required=False)
@token_output.option("the payload")
def command(token: str | None, form: str | None) -> int:
    """Show what is inside a token, without checking anything.

    TOKEN is the token itself, @FILE for a file, or - for stdin, which is what happens without it. No key is needed and
    nothing is asked of anybody. A leading Bearer, quotation marks, line breaks and padding are left out, and said.

    Exit code 0 if there was something to show, 3 if it is no token at all.
    """
    from intaglio.clock import SystemClock
    from intaglio.tokens import peek

    text = token_input.token_octets(token).decode("utf-8", "replace")
    # The end of a line belongs to the file, and is nothing to remark upon.
    seen = peek.peek(text.removesuffix("\n").removesuffix("\r"))
    record = describe(seen, SystemClock().now())
    faults.insist("UNVERIFIED. Nothing was checked: anybody may have written this.")
    for problem in seen.problems:
        faults.say(f"note: {token_output.safe(problem)}")
    if not is_token(seen):
        _tell_no_token(seen)
    _write(record, token_output.chosen(form))
    if seen.kind == "jwe" and is_token(seen):
        faults.say("next step: intaglio token decrypt --key FILE, with the private key that it was encrypted to")
    return Exit.OK if is_token(seen) else Exit.TOKEN_INVALID


def is_token(seen: Unverified) -> bool:
    """Return whether there is anything of a token to show."""
    return seen.header is not None or seen.payload is not None or seen.kind == "json-serialization"


def _words(seen: Unverified) -> str:
    # Five parts of nothing look encrypted, and are not.
    return KINDS.get(seen.kind, seen.kind) if is_token(seen) or seen.kind == "saml" else KINDS["opaque"]


def describe(seen: Unverified, now: int) -> dict[str, Any]:
    """Return all that can be said of a token as JSON-able members; `now` is what distances in time count from."""
    from intaglio.dialects import believing
    from intaglio.protocol import meanings

    payload = seen.payload or {}
    looks_like = believing.guess(payload)
    told = {**meanings.MEANINGS, **believing.meanings(looks_like)}
    return {
        "verified": False,
        "kind": seen.kind,
        "words": _words(seen),
        "dialect": looks_like,
        "header": seen.header,
        "payload": seen.payload,
        "parts": _parts(seen.parts),
        "times": _times(payload, meanings.INSTANTS | believing.instants(looks_like), now),
        "meanings": {name: told[name] for name in payload if name in told},
        "problems": list(seen.problems),
    }


def _parts(parts: list[str]) -> list[dict[str, Any]]:
    names = {3: SIGNED, 5: ENCRYPTED}.get(len(parts), tuple(f"part {number + 1}" for number in range(len(parts))))
    return [
        {"name": name, "characters": len(part), "octets": len(part.rstrip("=")) * 3 // 4}
        for name, part in zip(names, parts, strict=True)
    ]


def _times(payload: Mapping[str, Any], instants: frozenset[str], now: int) -> dict[str, Any]:
    from intaglio.cli import token_times

    found = {}
    for name, value in payload.items():
        # NumericDate may have a fraction; true and false are numbers to Python only.
        if name not in instants or type(value) not in (int, float) or not 0 <= value <= token_times.LAST:
            continue
        at = int(value)
        found[name] = {"at": at, "time": output.instant(at), "distance": token_times.relative(at, now)}
    return found


def _tell_no_token(seen: Unverified) -> None:
    faults.insist(f"error: This is {_words(seen)} ({'token-saml' if seen.kind == 'saml' else 'token-opaque'})")
    faults.insist("  expected: three parts (signed) or five (encrypted) of base64url with dots between them")
    faults.insist(
        f"  received: {len(seen.parts)} parts of which none can be read" if seen.parts else "  received: other text"
    )
    faults.insist("  next step: pass the member id_token of the issuer's answer, whole and alone")


def _write(record: dict[str, Any], form: str) -> None:
    if form == "text":
        click.echo(token_output.safe(lines(record)))
    elif form == "table":
        output.write_list(_rows(record), form, columns=COLUMNS, value="name")
    else:
        output.write_one(record, form, value="payload")


def _rows(record: dict[str, Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [{"part": "", "name": "kind", "value": record["kind"]}]
    for part in ("header", "payload"):
        for name, value in (record[part] or {}).items():
            times = record["times"].get(name, {}) if part == "payload" else {}
            row = {"part": part, "name": name, "value": _short(output.plain(value))}
            rows.append(row | {"time": times.get("time"), "distance": times.get("distance")})
    return rows


def _short(value: str) -> str:
    # One long value would push the times out of sight; text and JSON have it whole.
    return value if len(value) <= SHORT else value[: SHORT - 1] + "…"


def lines(record: dict[str, Any]) -> str:
    """Return what `describe` found as lines for a person."""
    told = [
        "UNVERIFIED: "
        + record["words"]
        + ("" if record["dialect"] == STANDARD else f"; its claims look like {record['dialect']}'s")
    ]
    if record["parts"]:
        sizes = ", ".join(f"{part['name']} {part['octets']}" for part in record["parts"])
        told.append(f"{len(record['parts'])} parts, in octets: {sizes}")
    for part, meanings in (("header", HEADER), ("payload", record["meanings"])):
        if record[part] is not None:
            told += ["", part, *_members(record[part], meanings, record["times"] if part == "payload" else {})]
    return "\n".join(told)


def _members(members: dict[str, Any], meanings: Mapping[str, str], times: Mapping[str, Any]) -> list[str]:
    # One long name must not push everything else to the right.
    width = min(max((len(name) for name in members), default=0), 24)
    lines = []
    for name, value in members.items():
        shown = token_output.one_line(output.plain(value))
        if name in times:
            shown += f"  {times[name]['time']}, {times[name]['distance']}"
        lines.append(f"  {token_output.one_line(name):<{width}}  {shown}")
        if name in meanings:
            lines.append(f"  {'':<{width}}    {meanings[name]}")
    return lines
