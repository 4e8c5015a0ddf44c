"""Looking inside what people paste: the token is taken out of what stands around it, and each step is said."""

from __future__ import annotations

import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intaglio import codec
from intaglio.tokens import peek

PARTS = ({"alg": "RS256", "typ": "JWT"}, {"iss": "https://issuer.example", "sub": "u1", "aud": "c1"})
TOKEN = ".".join([*(codec.encode_base64url(codec.encode_json(part)) for part in PARTS), "QUJD"])
NESTED = urllib.parse.quote(f"https://a.example/#id_token={TOKEN}", safe="")
ADDRESS, ESCAPES = peek.PROBLEMS["address"], peek.PROBLEMS["escapes"]


@pytest.mark.parametrize(
    ("pasted", "problems"),
    [
        (TOKEN, []),
        (f"id_token={TOKEN}", [ADDRESS]),
        (f"#id_token={TOKEN}", [ADDRESS]),
        (f"#access_token=a.b.c&id_token={TOKEN}&state=s", [ADDRESS]),
        (f"https://app.example/cb?code=1#id_token={TOKEN}&state=s", [ADDRESS]),
        (f"https://op.example/logout?id_token_hint={TOKEN}&x=1", [ADDRESS]),
        (f"state=s&id_token={TOKEN}", [ADDRESS]),
        (TOKEN.replace(".", "%2E"), [ESCAPES]),
        (TOKEN.replace(".", "%2e"), [ESCAPES]),
        (TOKEN.replace(".", "%252E"), [ESCAPES]),
        (f"https://app.example/cb#id_token={TOKEN.replace('.', '%2E')}", [ADDRESS, ESCAPES]),
        (f"https://viewer.example/?u={NESTED}", [ESCAPES, ADDRESS]),
        (f'"#id_token={TOKEN}"', [peek.PROBLEMS["quotes"], ADDRESS]),
        (f" #id_token={TOKEN}\n", [peek.PROBLEMS["around"], ADDRESS]),
        (f"Bearer {TOKEN}", [peek.PROBLEMS["prefix"].format(prefix="Bearer")]),
    ],
)  # fmt: skip
def test_token_is_taken_out_of_what_holds_it(pasted: str, problems: list[str]) -> None:
    """Find the same token in addresses, forms and encodings, and say what was left out, in order."""
    seen = peek.peek(pasted)
    assert (seen.text, seen.kind, seen.payload) == (TOKEN, "id-token", PARTS[1])
    assert seen.problems == problems


@pytest.mark.parametrize(
    ("pasted", "left"),
    [
        ("xid_token=a.b.c", "xid_token=a.b.c"),
        ("#id_token=", ""),
        ("#id_tokens=a.b.c", "#id_tokens=a.b.c"),
        ("a%zzb", "a%zzb"),
        ("a%C3%A9b", "a%C3%A9b"),
        ('{"a":"%41"}', '{"a":"%41"}'),
    ],
)
def test_what_is_no_wrapping_stays(pasted: str, left: str) -> None:
    """Leave alone what only resembles an address, an escape of more than ASCII, and JSON."""
    assert peek.peek(pasted).text == left


def test_wrappings_end() -> None:
    """Undo a bounded number of encodings; what is encoded more often is no token."""
    seen = peek.peek("%" + "25" * 50 + "2E")
    assert seen.kind == "opaque"
    assert seen.problems.count(ESCAPES) == 1


@given(st.text(max_size=60), st.text(alphabet="&#?=%id_token. \"'`\n", max_size=40))
def test_looking_never_raises_and_a_second_look_finds_less(around: str, signs: str) -> None:
    """Look inside whatever is pasted; what is left of it needs no more than what was left out already."""
    seen = peek.peek(around + signs + around)
    assert len(seen.text) <= len(around + signs + around)


def test_text_is_not_printed() -> None:
    """Keep the token out of the representation."""
    assert TOKEN not in repr(peek.peek(TOKEN))
