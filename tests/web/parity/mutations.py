"""Tokens changed in every way, the same ones in every run."""

# ruff: noqa: E501  (tables of cases, which are read by column)

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from intaglio import codec
from intaglio.tokens import algorithms, hashes, jwk, peek
from tests.web.parity.library import Case
from tests.web.parity.tokens import GOOD, GUEST, NOW, TENANT, Raw, case, published, signing, token

VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, NOW, NOW + 61, NOW - 61, NOW + 10_000_000, 2**53, 2**53 - 1, 2**64, 10**30, -(10**30),
    1.5, -1.5, NOW + 0.5, 1e300, 5e-324, 0.1, 1e-7, "", " ", "x", "client-1", "client-2", "client-3", "n", "N",
    "é", "\u2028", "\u200b", "\x7f", "a\tb", "😀" * 120, "x" * 199, "x" * 200, "x" * 201, "x" * 255, "x" * 256, "a|b",
    "a@b", "a@b@c", "1.0", "2.0", "https://issuer.example/", "https://ACCOUNTS.google.com", "accounts.google.com",
    "http://h/a?b/c", "http://h/a/b#c", "://a/b/c", "h/a/b", "https://host.example//tenant//workspace/", TENANT, GUEST,
    TENANT.upper(), "\u0131ssuer", [], ["client-1"], ["client-1", "client-1"], ["client-1", "client-2"], ["a", 1], [[]],
    ["client-1", "client-3"], list("abcdefgh"), {}, {"a": 1}, {"2": 1, "1": {"b": [True, None, 1.0]}}, {peek.LOGOUT_EVENT: {}},
    [str(number) for number in range(101)], {"__proto__": 1}, "constructor", "org_abc", "ACME", "acme", "alice@example.com",
    Raw("1.0"), Raw("1e3"), Raw("-0"), Raw("-0.0"), Raw(f"{NOW}.0"), Raw(f"{NOW}.9999999"), Raw("1e16"), Raw("1e15"),
    Raw("-62135596800"), Raw("-62135596801"), Raw("253402300799"), Raw("253402300800"), Raw("123456789012345680000.0"),
    Raw("1E400"), Raw("01"), Raw("NaN"), Raw("9007199254740993"), Raw('"\\u0065\\ud83d\\ude00"'), Raw('"\\ud800"'),
    Raw("0.000001"), Raw("0.00001234"), Raw("1e21"), Raw("-1.0000005"), Raw("1.0000005"), Raw("-30000000000"),
    Raw('{"a":1,"a":2}'), Raw("[" * 63 + "]" * 63), Raw("[" * 64 + "]" * 64), Raw("[" * 300 + "]" * 300), Raw("tru"),
)  # fmt: skip
CLAIMS = (
    "iss sub aud azp exp iat nbf auth_time nonce at_hash c_hash s_hash acr amr sid jti events email email_verified tid aid"
    " ver org_id org_name uid utid __proto__ constructor 1"
).split()
HEADERS: tuple[Case, ...] = (
    *[{}] * 30, {"kid": "other"}, {"kid": 1}, {"kid": ""}, {"typ": "at+jwt"}, {"typ": 5}, {"typ": "application/JWT"},
    {"typ": "logout+jwt"}, {"typ": "x" * 300}, {"typ": None}, {"crit": ["a"]}, {"b64": False}, {"enc": "A"}, {"zip": "DEF"},
    {"jwk": {"kty": "oct"}}, {"jku": "https://evil.example"}, {"kid": "RS256"}, {"kid": "é" * 200}, {"x": {"y": [1.0]}},
)  # fmt: skip


def changed(rng: random.Random, claims: Case) -> Case:
    """Return claims of which some are missing, malformed or others."""
    found = dict(claims)
    for _ in range(rng.choice((0, 0, 1, 1, 1, 2, 3))):
        name = rng.choice(CLAIMS if rng.random() < 0.5 else list(claims))
        if rng.random() < 0.2:
            found.pop(name, None)
        else:
            found[name] = rng.choice(VALUES)
    return found


def damaged(rng: random.Random, text: str) -> str:
    """Return a token's text with a fault in its form."""
    parts, at = text.split("."), rng.randrange(len(text))
    return rng.choice(
        [
            text + "=",
            ".".join([parts[0], parts[1] + "=", *parts[2:]]),
            ".".join([parts[0] + "==", *parts[1:]]),
            text[:at] + rng.choice("+/=. \n\u00e9AZ_-") + text[at + 1 :],
            text[:at] + text[at + 1 :],
            text[:at],
            text[:-1] + rng.choice("ABCDEFGHIJ"),
            text + "." + parts[0],
            ".".join(parts[:2]),
            ".".join(parts[:2]) + ".",
            "." + text,
            text + ".a.b",
            f" {text}",
            f"Bearer {text}",
            parts[0] + "." + codec.encode_base64url(rng.choice((b"", b"{}", b"[]", b'"a"', b"{", b"\xff", b"\xef\xbb\xbf{}"))) + "." + parts[2],
            codec.encode_base64url(rng.choice((b"{}", b"[]", b'{"alg":1}', b'{"alg":"none"}', b'{"alg":"RS256","alg":"none"}')))
            + "." + ".".join(parts[1:]),
        ]
    )  # fmt: skip


def _expected(rng: random.Random, expectation: Case) -> Case:
    found, dialect = dict(expectation), expectation["dialect"]
    for name, values in (
        ("leeway", (0, 1, 60, 300)),
        ("algorithms", (["ES256"], ["RS256", "ES256"], list(algorithms.ALGORITHMS))),
        ("also", (["client-2"], ["client-3", "é"])),
        ("audience", (None, ["client-1", "client-2"], "client-9")),
        ("authorized_parties", (["client-1"], ["client-3", "client-1"])),
        ("issuer", (["https://other.example", expectation["issuer"]], "https://issuer.example")),
        ("require_encrypted", (False,)),
        ("organization", ("org_abc", "ACME", "org_x") if dialect == "auth0" else (None,)),
        ("emails", (["alice@example.com"], ["b@c.example"]) if dialect == "google" else (None,)),
    ):
        if rng.random() < 0.06:
            found[name] = rng.choice(values)
    return found


def _occasion(rng: random.Random, alg: str, claims: Case) -> Case:
    found: Case = {}
    for name, claim in (("access_token", "at_hash"), ("code", "c_hash"), ("state", "s_hash")):
        if rng.random() < 0.15:
            found[name] = "some text, é"
            if rng.random() < 0.6:
                claims[claim] = hashes.half_hash(alg, found[name])
    if rng.random() < 0.15:
        found["nonce"] = rng.choice("nm")
    if rng.random() < 0.15:
        found["max_age"] = rng.choice((0, 60, 10_000))
        claims.setdefault("auth_time", NOW - rng.choice((0, 59, 61, 121, 20_000)))
    if "access_token" in found and rng.random() < 0.3:
        found["require_at_hash"] = True
    return found


def _key_sets() -> list[Case | None]:
    tenants = [f"https://login.microsoftonline.com/{tenant}/v2.0" for tenant in ("{tenantid}", TENANT, GUEST)]
    both = published("ES256", "RS256")["keys"]
    nameless = [{name: value for name, value in key.items() if name not in ("kid", "alg")} for key in both]
    return [
        None,
        {"keys": []},
        {"keys": nameless},
        {"keys": [*both, *both]},
        {"keys": [{**both[0], "kid": "RS256"}, both[1]]},
        {"keys": [{**jwk.public_members(signing("ES256", 1).public()), "kid": "ES256"}, *both]},
        {"keys": [{**jwk.public_members(signing("ES256", 1).public()), "kid": "ES256"}]},
        {"keys": [{**key, "use": "enc"} for key in both]},
        {"keys": [{**key, "key_ops": ["verify"]} for key in both]},
        {"keys": [{**key, "kid": f"k{number}"} for number in range(30) for key in both]},
        *({"keys": [{**key, "issuer": issuer} for key in both]} for issuer in tenants),
    ]


def mutations(count: int, seed: int) -> Iterator[Case]:
    """Make checks of good tokens of every dialect with changes of all kinds, the same ones in every run."""
    rng, sets, names = random.Random(seed), _key_sets(), list(GOOD)
    for number in range(count):
        alg, claims, expectation = GOOD[names[number % len(names)]]
        if rng.random() < 0.15:
            expectation = GOOD[rng.choice(names)][2]
        found = changed(rng, claims)
        occasion = _occasion(rng, alg, found)
        text = token(alg, found, **rng.choice(HEADERS))
        if rng.random() < 0.12:
            text = damaged(rng, text)
        yield case(
            text,
            _expected(rng, expectation),
            keys=rng.choice(sets) if rng.random() < 0.2 else published("ES256", "RS256"),
            now=NOW + (rng.choice((599, 660, 661, -70, -75, 1000)) if rng.random() < 0.2 else 0),
            occasion=occasion,
            skew=rng.choice((None, None, 0, 14, -3)),
        )
