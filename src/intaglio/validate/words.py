"""The wording of reports: values shown safely, the places in a rule's templates, and when a rule had nothing to do."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

from intaglio import codec
from intaglio.errors import Refused
from intaglio.tokens import hashes, peek
from intaglio.validate import bindings, judges
from intaglio.validate.facts import Facts
from intaglio.validate.ruleset import Rule

SHOWN_CHARACTERS = 200
NOTHING = "nothing"
_PLACE = re.compile(r"\{([a-z_]+)(?:\.([A-Za-z_]+))?\}")


def shown(value: object) -> str:
    """Return a value as text for operators, bounded and on one line; as JSON what is no string, or an empty one."""
    text = value if isinstance(value, str) and value else codec.encode_json(value).decode("utf-8", "replace")
    line = "".join(character if character.isprintable() else "\ufffd" for character in text[:SHOWN_CHARACTERS])
    return line + ("…" if len(text) > SHOWN_CHARACTERS else "")


def instant(at: object) -> str:
    """Return an instant as its number and its date in UTC."""
    try:
        return f"{shown(at)} ({datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ})"  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError, OSError):
        return shown(at)


def any_of(names: frozenset[str] | tuple[str, ...]) -> str:
    """Return names as alternatives, in order."""
    return shown(" or ".join(sorted(names)))


def _issuers(facts: Facts) -> str:
    return any_of(facts.expectation.issuers | frozenset(facts.expectation.templates))


def _audiences(facts: Facts) -> str:
    return "any (not checked)" if facts.expectation.any_audience else any_of(facts.expectation.audiences)


def _parties(facts: Facts, otherwise: frozenset[str]) -> str:
    wanted = facts.expectation.authorized_parties
    if wanted is not None:
        return any_of(wanted)
    return "any" if facts.expectation.any_audience else any_of(otherwise)


def _half_hash(facts: Facts, text: str | None, what: str) -> str:
    if text is None:
        return f"a hash of the {what}"
    try:
        return hashes.half_hash(str(facts.header.get("alg")), text)
    except Refused:
        return "a hash by a supported algorithm"


def kind(facts: Facts) -> str:
    """Return in words which kind of token it says it is."""
    known = {"access-token": "an access token", "logout-token": "a logout token"}
    typ = shown(facts.header.get("typ", "no typ"))
    found = known.get(peek.kind(facts.header, facts.claims))
    return f"{found} ({typ})" if found else typ


def _shapes(facts: Facts) -> str:
    return "as expected" if judges.claim_shapes(facts, {}) is None else "another type"


_VALUES: dict[str, Callable[[Facts], str]] = {
    "issuers": _issuers,
    "audiences": _audiences,
    "parties": lambda facts: _parties(facts, facts.expectation.trusted_audiences),
    "own_parties": lambda facts: _parties(facts, facts.expectation.audiences),
    "now": lambda facts: instant(facts.now),
    "leeway": lambda facts: str(facts.expectation.leeway),
    "max_age": lambda facts: "any" if facts.occasion.max_age is None else str(facts.occasion.max_age),
    "nonce": lambda facts: shown(facts.occasion.nonce or "a string"),
    "access_token_hash": lambda facts: _half_hash(facts, facts.occasion.access_token, "access token"),
    "code_hash": lambda facts: _half_hash(facts, facts.occasion.code, "code"),
    "state_hash": lambda facts: _half_hash(facts, facts.occasion.state, "state"),
    "organization": lambda facts: shown(facts.expectation.organization or "any"),
    "emails": lambda facts: any_of(facts.expectation.emails or ("any",)),
    "kind": kind,
    "shapes": _shapes,
    "key_issuer": lambda facts: shown(facts.key.issuer) if facts.key and facts.key.issuer else NOTHING,
    "path": lambda facts: shown("/" + "/".join(bindings.segments(facts))),
}


def render(template: str, facts: Facts, rule: Rule) -> str:
    """Return a template with its places filled: `{claim.X}`, `{instant.X}`, `{setting.X}` and the names above."""

    def fill(place: re.Match[str]) -> str:
        name, of = place[1], place[2]
        if of is None:
            return _VALUES[name](facts)
        if name == "setting":
            return shown(rule.settings[of])
        if of not in facts.claims:
            return NOTHING
        return instant(facts.claims[of]) if name == "instant" else shown(facts.claims[of])

    return _PLACE.sub(fill, template)


def holds(condition: str, facts: Facts, rule: Rule) -> bool:
    """Return whether a condition of a rule's `idle` holds.

    `absent X`: the claim X is not there. `unasked X`: the occasion's X was not given. `unset X`: the expectation's X
    was not given. `unchecked`: any audience counts. `ownerless`: no key, or one whose issuer is not said. `short`: the
    issuer's path ends before the segment that the rule looks for.
    """
    word, _, of = condition.partition(" ")
    if word == "absent":
        return of not in facts.claims
    if word == "unasked":
        return getattr(facts.occasion, of) is None
    if word == "unset":
        return getattr(facts.expectation, of) is None
    if word == "unchecked":
        return facts.expectation.any_audience
    if word == "ownerless":
        return facts.key is None or facts.key.issuer is None
    return bindings.segment(facts, rule.settings) is None
