"""Claims with strict types, looking inside, hashes and raw texts."""

from __future__ import annotations

import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intaglio import codec
from intaglio.errors import Refused
from intaglio.tokens import claims, hashes, peek
from intaglio.tokens.raw import RawToken

GOOD = {"iss": "https://i.example", "sub": "u", "aud": "c", "exp": 2000, "iat": 1000}
BAD_INSTANTS = [float("nan"), float("inf"), -1, -0.5, True, False, "2000", None, [], {}, 2**53, 1e300, 10**400]


@pytest.mark.parametrize("name", ["exp", "iat", "nbf", "auth_time"])
@pytest.mark.parametrize("value", BAD_INSTANTS, ids=lambda value: repr(value)[:20])
def test_d2_19_other_than_numeric_dates_are_refused(name, value):
    """Refuse instants that are no finite number from 0 up to 2**53."""
    with pytest.raises(Refused) as caught:
        claims.read({**GOOD, name: value})
    assert (caught.value.code, caught.value.detail["claim"]) == ("claim-malformed", name)


@pytest.mark.parametrize("value", ["", "a" * 256, "é", "a\nb", "a\x00", "\x7f", 1, None, True, ["u"], {}])
def test_d2_19_other_subjects_are_refused(value):
    """Refuse a subject that is empty, too long, outside ASCII, with control characters, or no string."""
    with pytest.raises(Refused) as caught:
        claims.read({**GOOD, "sub": value})
    assert caught.value.detail["claim"] == "sub"


@pytest.mark.parametrize("value", ["", [], [""], ["a", "a"], ["a", 1], 1, None, {}, [["a"]], ["a"] * 101])
def test_d2_19_other_audiences_are_refused(value):
    """Refuse an audience that is empty, has duplicates, or is no string."""
    with pytest.raises(Refused) as caught:
        claims.read({**GOOD, "aud": value})
    assert caught.value.detail["claim"] == "aud"


@pytest.mark.parametrize("name", ["iss", "nonce", "acr", "azp", "at_hash", "c_hash", "s_hash", "sid", "jti", "amr"])
@pytest.mark.parametrize("value", [1, None, True, {}, [1]])
def test_d2_19_claims_of_another_type_are_refused(name, value):
    """Refuse texts that are no text."""
    with pytest.raises(Refused):
        claims.read({**GOOD, name: value})


@pytest.mark.parametrize("name", list(GOOD))
def test_required_claim_that_is_missing_is_refused(name):
    """Refuse claims without iss, sub, aud, exp or iat."""
    with pytest.raises(Refused) as caught:
        claims.read({key: value for key, value in GOOD.items() if key != name})
    assert (caught.value.code, caught.value.detail["claim"]) == ("claim-missing", name)


def test_claims_are_read_alike_on_both_ways():
    """Read the usual shape and the unusual one to the same claims."""
    usual = claims.read({**GOOD, "amr": ["pwd"], "nonce": "n", "email": "a@b.example"})
    unusual = claims.read({**GOOD, "aud": ["c"], "exp": 2000.9, "amr": ["pwd"], "nonce": "n", "email": "a@b.example"})
    fields = [name for name in claims.IDToken.__struct_fields__ if name != "claims"]
    assert [getattr(usual, name) for name in fields] == [getattr(unusual, name) for name in fields]
    assert usual.claims["email"] == "a@b.example"
    assert claims.read({**GOOD, "aud": ["a", "b"]}).aud == ("a", "b")


names = st.sampled_from([*GOOD, "nbf", "auth_time", "nonce", "amr", "azp", "acr"])
anything = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.text(max_size=2))


@given(st.dictionaries(names, anything))
def test_any_claims_are_read_or_refused(changes):
    """Raise nothing but a refusal, and give back whole numbers and texts."""
    try:
        token = claims.read({**GOOD, **changes})
    except Refused as refusal:
        assert refusal.detail["claim"] in {**GOOD, **changes}  # noqa: PT017  (either outcome is right)
    else:
        assert type(token.exp) is int
        assert all(type(entry) is str for entry in token.aud)


# --- looking inside


def text_of(header, payload, signature="c2ln"):
    """Return an unsigned text of three parts."""
    return ".".join([*(codec.encode_base64url(json.dumps(part).encode()) for part in (header, payload)), signature])


ID = text_of({"alg": "RS256", "typ": "JWT"}, GOOD)
LOGOUT = {**GOOD, "events": {peek.LOGOUT_EVENT: {}}}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        pytest.param(ID, "id-token", id="ID token"),
        pytest.param(text_of({"alg": "RS256", "typ": "at+jwt"}, GOOD), "access-token", id="access token"),
        pytest.param(text_of({"alg": "RS256", "typ": "application/AT+JWT"}, GOOD), "access-token", id="its long type"),
        pytest.param(text_of({"alg": "RS256", "typ": "logout+jwt"}, GOOD), "logout-token", id="logout token"),
        pytest.param(text_of({"alg": "RS256"}, LOGOUT), "logout-token", id="logout token without type"),
        pytest.param(text_of({"alg": "RS256"}, {"a": 1}), "jws", id="another signed object"),
        pytest.param("eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..aWl2.Y3Q.dGFn", "jwe", id="encrypted"),
        pytest.param('{"payload":"a","signatures":[]}', "json-serialization", id="JSON serialization"),
        pytest.param("<samlp:Response xmlns:samlp='urn:oasis:names:tc:SAML:2.0:protocol'/>", "saml", id="SAML"),
        pytest.param("ya29.a0AfH6SMB", "opaque", id="opaque"),
        pytest.param("", "opaque", id="nothing"),
        pytest.param("{", "opaque", id="half of JSON"),
        pytest.param("a.b.c", "opaque", id="three parts of nothing"),
    ],
)
def test_peek_tells_the_kind(text, kind):
    """Tell what a text looks like."""
    assert peek.peek(text).kind == kind


@pytest.mark.parametrize(
    ("wrapped", "word"),
    [
        (f"Bearer {ID}", "Bearer"),
        (f"Authorization: Bearer {ID}", "Bearer"),
        (f'"{ID}"', "Quotation"),
        (f" {ID}\n", "Whitespace"),
        (ID.replace(".", ".\n"), "Whitespace"),
        (ID + "==", "padding"),
    ],
)
def test_peek_notes_what_it_left_out(wrapped, word):
    """Look through wrappings and say so."""
    seen = peek.peek(wrapped)
    assert (seen.kind, seen.payload) == ("id-token", GOOD)
    assert any(word in problem for problem in seen.problems)


def test_peek_finds_nothing_wrong_with_a_clean_token():
    """Note nothing where there is nothing to note, and hand out the parts."""
    seen = peek.peek(ID)
    assert (seen.problems, seen.parts) == ([], ID.split("."))
    assert peek.peek(text_of({"alg": "None"}, GOOD, "")).problems


@given(
    st.text(max_size=200) | st.sampled_from([ID, LOGOUT]).map(str).flatmap(lambda t: st.text(max_size=3).map(t.__add__))
)
def test_peek_never_raises(text):
    """Look at any text without raising."""
    assert peek.peek(text).kind


@pytest.mark.parametrize("text", ["." * 300_000, "a." * 100_000, '"' * 1000, "Bearer " * 1000, "{" * 100_000])
def test_peek_is_bounded(text):
    """Look at hostile texts without raising and without end."""
    assert peek.peek(text).kind == "opaque"


# --- hashes and raw texts


@pytest.mark.parametrize("alg", ["none", "HS512", "RS1", "", "ed25519"])
def test_d1_12_half_hash_of_unknown_algorithm_fails_closed(alg):
    """Refuse to hash for an algorithm that is not in the table."""
    with pytest.raises(Refused):
        hashes.half_hash(alg, "token")


@pytest.mark.parametrize(
    ("alg", "characters"),
    [("RS256", 22), ("PS384", 32), ("ES512", 43), ("EdDSA", 43), ("Ed25519", 43)],
)
def test_d1_12_half_hash_uses_the_hash_of_the_algorithm(alg, characters):
    """Take half of SHA-256, SHA-384 or SHA-512 by the algorithm."""
    assert len(hashes.half_hash(alg, "token")) == characters


def test_raw_token_prints_and_pickles_nothing():
    """Keep a token out of texts and pickles, but let two be told apart."""
    raw = RawToken("eyJ.secret.part")
    assert "secret" not in f"{raw!r} {raw} {[raw]}"
    assert raw.reveal() == "eyJ.secret.part"
    assert raw.fingerprint() != RawToken("eyJ.secret.other").fingerprint()
    with pytest.raises(TypeError):
        pickle.dumps(raw)
