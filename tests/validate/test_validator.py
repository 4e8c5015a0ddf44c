"""Deciding whether to believe a token: each rule, the report, and that the fast path and the report agree."""

from __future__ import annotations

import functools
import json

import joserfc.errors
import joserfc.jwk
import joserfc.jwt
import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intaglio import codec
from intaglio.errors import Misconfigured, Refused
from intaglio.tokens import hashes, jwk, jws, peek
from intaglio.tokens.raw import RawToken
from intaglio.validate import catalogue, standard, validator
from intaglio.validate import report as reports
from intaglio.validate.policy import NO_OCCASION, Expectation, Occasion
from tests.capability import capability

ISSUER, CLIENT, NOW = "https://issuer.example", "client-1", 1_000_000
GOOD = {"iss": ISSUER, "sub": "u1", "aud": CLIENT, "exp": NOW + 600, "iat": NOW - 10}
EXPECTED = Expectation(ISSUER, CLIENT)


@functools.cache
def key():
    """Return the issuer's key, the same one throughout the run."""
    return jwk.generate("ES256")


@functools.cache
def keys():
    """Return the issuer's key set."""
    return jwk.read_set({"keys": [{**jwk.public_members(key().public()), "kid": "k1", "alg": "ES256"}]})


def token(changes=None, header=None, without=()):
    """Return a token with some claims changed and some left out."""
    claims = {name: value for name, value in {**GOOD, **(changes or {})}.items() if name not in without}
    return jws.sign(key(), {"kid": "k1", "typ": "JWT"} if header is None else header, codec.encode_json(claims))


def code(text, expectation=EXPECTED, now=NOW, occasion=NO_OCCASION):
    """Return the code of the only failure; the fast path must refuse with the same."""
    report = validator.check(text, expectation, keys(), now, occasion)
    with pytest.raises(reports.TokenRefused) as caught:
        validator.validate(text, expectation, keys(), now, occasion)
    assert caught.value.code == report.failures()[0].code
    assert caught.value.report.to_dict() == report.to_dict()
    return report.only_failure()


def test_good_token_is_believed():
    """Return the claims of a token that every check believes, by both ways, from text, octets and raw tokens."""
    text = token({"nonce": "n", "email": "a@b.example"})
    for given_text in (text, text.encode(), RawToken(text)):
        believed = validator.validate(given_text, EXPECTED, keys(), NOW)
        assert (believed.sub, believed.aud, believed.claims["email"]) == ("u1", (CLIENT,), "a@b.example")
        assert validator.check(given_text, EXPECTED, keys(), NOW).believed() == believed


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"iss": ISSUER + "/"}, "issuer-mismatch", id="a slash more"),
        pytest.param({"iss": ISSUER[:-1]}, "issuer-mismatch", id="a prefix"),
        pytest.param({"iss": ISSUER.upper()}, "issuer-mismatch", id="another case"),
        pytest.param({"iss": ISSUER + ".evil.example"}, "issuer-mismatch", id="a longer host"),
        pytest.param({"iss": "https://ıssuer.example"}, "issuer-mismatch", id="a letter that looks alike"),
        pytest.param({"iss": [ISSUER]}, "issuer-malformed", id="a list"),
        pytest.param({"iss": {ISSUER: 1}}, "issuer-malformed", id="an object"),
        pytest.param({"iss": None}, "issuer-malformed", id="null"),
        pytest.param({"iss": ""}, "issuer-mismatch", id="empty"),
    ],
)
def test_d2_13_issuer_is_compared_exactly(changes, expected):
    """Refuse every issuer but the very text that is expected."""
    assert code(token(changes)) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"aud": "client-2"}, "audience-mismatch", id="another client"),
        pytest.param({"aud": "client"}, "audience-mismatch", id="a prefix"),
        pytest.param({"aud": "CLIENT-1"}, "audience-mismatch", id="another case"),
        pytest.param({"aud": "client-1 client-2"}, "audience-mismatch", id="two in one text"),
        pytest.param({"aud": [CLIENT, "x"], "azp": CLIENT}, "audience-foreign", id="a foreign one beside ours"),
        pytest.param({"aud": []}, "audience-malformed", id="nobody"),
        pytest.param({"aud": [CLIENT, CLIENT], "azp": CLIENT}, "audience-malformed", id="twice"),
        pytest.param({"aud": {CLIENT: 1}}, "audience-malformed", id="an object"),
        pytest.param({"aud": None}, "audience-malformed", id="null"),
    ],
)
def test_d2_14_audience_must_be_ours_alone(changes, expected):
    """Refuse tokens for others, and for others beside us."""
    assert code(token(changes)) == expected


def test_d2_14_several_audiences_need_a_trusted_party():
    """Demand azp beside several audiences, and believe it only if it is one of those that are trusted."""
    both = Expectation(ISSUER, CLIENT, also=("x",))
    assert code(token({"aud": [CLIENT, "x"]}), both) == "azp-missing"
    assert code(token({"aud": [CLIENT, "x"], "azp": "y"}), both) == "azp-mismatch"
    assert code(token({"aud": [CLIENT, "x"], "azp": 1}), both) == "azp-malformed"
    assert validator.validate(token({"aud": [CLIENT, "x"], "azp": CLIENT}), both, keys(), NOW).azp == CLIENT


def test_d2_14_authorized_party_is_bound_where_it_is_expected():
    """Refuse a token that was issued to another client, where a client asks for its own."""
    own = Expectation(ISSUER, CLIENT, authorized_parties=(CLIENT,))
    assert code(token({"azp": "client-2"}), own) == "azp-mismatch"
    assert validator.validate(token({"azp": CLIENT}), own, keys(), NOW)
    assert validator.validate(token({"azp": "client-2"}), EXPECTED, keys(), NOW)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "nonce-missing"),
        ({"nonce": "m"}, "nonce-mismatch"),
        ({"nonce": "N"}, "nonce-mismatch"),
        ({"nonce": 1}, "nonce-malformed"),
        ({"nonce": ""}, "nonce-mismatch"),
    ],
)
def test_d2_15_nonce_must_be_the_one_that_was_sent(changes, expected):
    """Refuse a token without the nonce of this sign-in."""
    assert code(token(changes), occasion=Occasion(nonce="n")) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "auth-time-missing"),
        ({"auth_time": NOW - 361}, "auth-time-too-old"),
        ({"auth_time": "1"}, "auth-time-malformed"),
    ],
)
def test_d2_15_sign_in_must_be_recent_where_asked(changes, expected):
    """Refuse a sign-in that is older than max_age and the leeway, or of unknown time."""
    asked = Occasion(max_age=300)
    assert code(token(changes), occasion=asked) == expected
    assert validator.validate(token({"auth_time": NOW - 360}), EXPECTED, keys(), NOW, asked)


@pytest.mark.parametrize(
    ("header", "changes"),
    [
        ({"typ": "at+jwt"}, {}),
        ({"typ": "application/at+jwt"}, {}),
        ({"typ": "AT+JWT"}, {}),
        ({"typ": "logout+jwt"}, {}),
        ({"typ": "secevent+jwt"}, {}),
        ({"typ": "dpop+jwt"}, {}),
        ({"typ": "oauth-authz-req+jwt"}, {}),
        ({"typ": ""}, {}),
        ({}, {"events": {peek.LOGOUT_EVENT: {}}}),
        ({}, {"events": "x"}),
    ],
)
def test_d2_18_other_kinds_of_token_are_refused(header, changes):
    """Refuse access tokens, logout tokens, security events and proofs, well signed or not."""
    assert code(token(changes, {"kid": "k1", **header})) == "token-type-mismatch"


@pytest.mark.parametrize("header", [{}, {"typ": "JWT"}, {"typ": "jwt"}, {"typ": "application/jwt"}])
def test_d2_18_usual_types_are_believed(header):
    """Believe a token with the usual type or none."""
    assert validator.validate(token(header={"kid": "k1", **header}), EXPECTED, keys(), NOW)


@pytest.mark.parametrize(
    ("claim", "missing", "malformed"),
    [
        ("iss", "issuer-missing", None),
        ("sub", "subject-missing", "subject-malformed"),
        ("aud", "audience-missing", "audience-malformed"),
        ("exp", "expiry-missing", "expiry-malformed"),
        ("iat", "issued-at-missing", "issued-at-malformed"),
        ("nbf", None, "not-before-malformed"),
    ],
)
def test_d2_19_missing_and_malformed_claims_are_refused(claim, missing, malformed):
    """Refuse a required claim that is missing, and any that is not of its type."""
    if missing:
        assert code(token(without=(claim,))) == missing
    for value in [[], {}, True, None] if malformed else []:
        assert code(token({claim: value})) == malformed


def test_d2_19_numbers_that_are_no_numbers_are_refused():
    """Refuse NaN, infinities and duplicate members in a well-signed payload."""
    for extra in ('"exp":NaN', '"exp":1e999', '"sub":"u1","sub":"u2"', '"exp":Infinity'):
        text = json.dumps({**GOOD})[:-1] + "," + extra + "}"
        assert code(jws.sign(key(), {"kid": "k1"}, text.encode())) == "token-malformed"
    assert code(token({"exp": 2**53})) == "expiry-malformed"
    assert code(token({"amr": "pwd"})) == "claim-malformed"


@pytest.mark.parametrize("leeway", [0, 60, 300])
def test_time_window_is_exact(leeway):
    """Believe until the last second of the leeway and not at the next one."""
    expectation = Expectation(ISSUER, CLIENT, leeway=leeway)
    text = token({"exp": NOW, "nbf": NOW - 100, "iat": NOW - 100})
    assert validator.validate(text, expectation, keys(), NOW + leeway - 1)
    assert code(text, expectation, NOW + leeway) == "token-expired"
    assert validator.validate(text, expectation, keys(), NOW - 100 - leeway)
    early = validator.check(text, expectation, keys(), NOW - 101 - leeway)
    assert [check.code for check in early.failures()] == ["token-not-yet-valid", "issued-in-the-future"]


def test_d1_12_access_token_is_bound():
    """Refuse another access token than the one that came along, and a hash by another algorithm's hash."""
    right = hashes.half_hash("ES256", "at")
    bound = Occasion(access_token="at")
    assert validator.validate(token({"at_hash": right}), EXPECTED, keys(), NOW, bound)
    for value in (hashes.half_hash("ES256", "other"), hashes.half_hash("ES384", "at"), right + "A", right.lower(), ""):
        assert code(token({"at_hash": value}), occasion=bound) == "at-hash-mismatch"
    assert code(token({"at_hash": 1}), occasion=bound) == "at-hash-malformed"
    assert validator.validate(token(), EXPECTED, keys(), NOW, bound)
    assert code(token(), occasion=Occasion(access_token="at", require_at_hash=True)) == "at-hash-missing"


@pytest.mark.parametrize(("claim", "of", "base"), [("c_hash", "code", "c-hash"), ("s_hash", "state", "s-hash")])
def test_d1_12_code_and_state_are_bound(claim, of, base):
    """Demand the hash of the code or the state that came along with the token, and that it is right."""
    bound, right = Occasion(**{of: "value"}), hashes.half_hash("ES256", "value")
    assert validator.validate(token({claim: right}), EXPECTED, keys(), NOW, bound)
    assert code(token(), occasion=bound) == f"{base}-missing"
    assert code(token({claim: hashes.half_hash("ES256", "other")}), occasion=bound) == f"{base}-mismatch"
    assert code(token({claim: hashes.half_hash("ES512", "value")}), occasion=bound) == f"{base}-mismatch"
    assert code(token({claim: [right]}), occasion=bound) == f"{base}-malformed"


# --- the report


def test_report_goes_on_after_a_failure():
    """Tell every failure at once, with what was expected and received."""
    stranger = jws.sign(jwk.generate("ES256"), {"kid": "k1"}, codec.encode_json({**GOOD, "iss": "x", "exp": 1}))
    report = validator.check(stranger, EXPECTED, keys(), NOW)
    assert [check.code for check in report.failures()] == ["signature-invalid", "issuer-mismatch", "token-expired"]
    issuer = next(check for check in report.checks if check.name == "issuer")
    assert (issuer.expected, issuer.received) == (ISSUER, "x")
    assert report.only_failure() is None
    with pytest.raises(Refused):
        report.believed()


def test_report_has_the_same_checks_for_every_token():
    """List the same checks in the same order for a good, a bad and an unreadable token."""
    stranger = jws.sign(key(), {"kid": "k2"}, b"{}")
    forbidden = "eyJhbGciOiJub25lIn0.e30."
    texts = (token(), token({"iss": 1}), "x", stranger, forbidden, "", "a.b.c")
    lists = [[check.name for check in validator.check(text, EXPECTED, keys(), NOW).checks] for text in texts]
    assert all(names == lists[0] for names in lists)
    assert len(lists[0]) == 5 + len(standard.STANDARD.rules)


def test_unknown_key_skips_the_signature_and_believes_nothing():
    """Refuse a token whose key is unknown or could not be had, though no other check fails."""
    report = validator.check(token(header={"kid": "k2"}), EXPECTED, keys(), NOW)
    assert report.only_failure() == "key-unknown"
    assert validator.check(token(), EXPECTED, None, NOW).only_failure() == "keys-unavailable"
    assert validator.check(token(), EXPECTED, jwk.KeySet(()), NOW).only_failure() == "key-unknown"


def test_verdict_has_no_truth_value():
    """Refuse to be mistaken for a yes."""
    with pytest.raises(TypeError):
        bool(validator.check(token(), EXPECTED, keys(), NOW))


def test_report_is_json_and_text():
    """Write the report for programs and for people."""
    report = validator.check(token({"iss": "x\x1b[31m"}), EXPECTED, keys(), NOW)
    members = codec.decode_json(codec.encode_json(report.to_dict()))
    assert members["believed"] is False
    assert validator.check(token(), EXPECTED, keys(), NOW).to_dict()["believed"] is True
    assert "FAIL issuer [issuer-mismatch]" in report.to_text()
    assert "\x1b" not in report.to_text()


def test_refusal_shows_the_same_face_and_keeps_the_token_out():
    """Give strangers one public text for every refusal, and the token to nobody."""
    faces = set()
    for text in (token({"iss": "x"}), token({"exp": 1}), token()[:-4] + "AAAA", "x.y.z"):
        with pytest.raises(reports.TokenRefused) as caught:
            validator.validate(text, EXPECTED, keys(), NOW)
        faces.add(caught.value.public)
        told = f"{caught.value!r} {caught.value.detail} {caught.value.report.to_text()}"
        assert text.split(".")[1] not in told or text == "x.y.z"
    assert len(faces) == 1


REASONS = set(reports.Reason.__args__)


@pytest.mark.parametrize("known", sorted({*catalogue.HINTS, "issuer-missing", "expiry-malformed", "internal"}))
def test_every_code_has_one_of_the_closed_reasons(known):
    """Sort every code under one of the eight reasons."""
    assert reports.reason(known) in REASONS


values = (
    st.none()
    | st.booleans()
    | st.integers(-1, 2 * NOW)
    | st.floats(-1, 2.0**60)
    | st.sampled_from(["", CLIENT, ISSUER, "n"])
)
claim_names = st.sampled_from([*GOOD, "nbf", "nonce", "azp", "at_hash", "auth_time", "amr", "acr", "events", "sid"])


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(claim_names, values | st.lists(st.sampled_from([CLIENT, "x", ""]), max_size=3), max_size=4))
def test_fast_path_and_report_agree(changes):
    """Believe by the fast path exactly what the report believes, whatever the claims are."""
    text = token(changes)
    report = validator.check(text, Expectation(ISSUER, CLIENT, also=("x",)), keys(), NOW)
    try:
        believed = validator.validate(text, Expectation(ISSUER, CLIENT, also=("x",)), keys(), NOW)
    except reports.TokenRefused as refusal:
        assert refusal.code != "internal"  # noqa: PT017  (either outcome is right; this one must have a cause)
        assert report.failures()
    else:
        assert report.believed() == believed


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300) | st.binary(max_size=300))
def test_report_never_raises(text):
    """Report on any text and any octets."""
    assert validator.check(text, EXPECTED, keys(), NOW).failures()


@given(st.integers(0, 300), st.integers(0, 300), st.integers(-1000, 1000))
def test_rules_are_monotone_in_leeway(one, two, shift):
    """Believe with more leeway whatever is believed with less."""
    text = token({"nbf": NOW - 10})
    less, more = sorted((one, two))
    few, many = (
        validator.check(text, Expectation(ISSUER, CLIENT, leeway=leeway), keys(), NOW + shift).failures()
        for leeway in (less, more)
    )
    assert {check.code for check in many} <= {check.code for check in few}


# --- the policy


@pytest.mark.parametrize(
    "options",
    [
        {"issuer": ""},
        {"issuer": ()},
        {"issuer": None},
        {"issuer": " x"},
        {"audience": ""},
        {"audience": ()},
        {"audience": ("a", "")},
        {"audience": ["a"]},
        {"audience": None},
        {"leeway": -1},
        {"leeway": 301},
        {"leeway": True},
        {"leeway": 1.5},
        {"algorithms": ()},
        {"algorithms": ("none",)},
        {"algorithms": ("HS256",)},
        {"algorithms": "RS256"},
        {"organization": ""},
        {"emails": ()},
        {"require_encrypted": True},
        {"authorized_parties": ()},
    ],
    ids=str,
)
def test_nonsense_is_no_expectation(options):
    """Refuse expectations that would check nothing or cannot hold."""
    with pytest.raises(Misconfigured) as caught:
        Expectation(**{"issuer": ISSUER, "audience": CLIENT, **options})
    assert caught.value.code == "expectation-unusable"


@pytest.mark.parametrize(
    "given_values",
    [
        {"nonce": ""},
        {"nonce": 1},
        {"access_token": ""},
        {"code": ""},
        {"state": b"x"},
        {"max_age": -1},
        {"require_at_hash": True},
    ],
)
def test_nonsense_is_no_occasion(given_values):
    """Refuse values that would look as if they were checked."""
    with pytest.raises(Misconfigured) as caught:
        Occasion(**given_values)
    assert caught.value.code == "expectation-unusable"


def test_expectation_does_not_print_secrets():
    """Keep nonce and access token out of texts."""
    assert "s3cret" not in repr(Occasion("s3cret-n", "s3cret-a", "s3cret-c", "s3cret-s"))


# --- beside others


@capability("validator", witness="PyJWT and joserfc")
def test_pyjwt_and_joserfc_agree():
    """Decide as PyJWT and joserfc do where all three check the same claims."""
    public = key().private.public_key()
    known = joserfc.jwk.import_key(jwk.public_members(key().public()))
    import time

    now = int(time.time())
    for changes, good in (({}, True), ({"exp": now - 100}, False), ({"aud": "x"}, False), ({"iss": "x"}, False)):
        text = token({"iat": now - 10, "exp": now + 600, **changes})
        ours = not validator.check(text, EXPECTED, keys(), now).failures()
        try:
            jwt.decode(text, public, algorithms=["ES256"], audience=CLIENT, issuer=ISSUER)
            pyjwt = True
        except jwt.PyJWTError:
            pyjwt = False
        registry = joserfc.jwt.JWTClaimsRegistry(
            now=now, iss={"essential": True, "value": ISSUER}, aud={"essential": True, "value": CLIENT}
        )
        try:
            registry.validate(joserfc.jwt.decode(text, known, algorithms=["ES256"]).claims)
            theirs = True
        except joserfc.errors.JoseError:
            theirs = False
        assert (ours, pyjwt, theirs) == (good, good, good)
