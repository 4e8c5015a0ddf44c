"""What holds for every token, dialect and expectation: both ways decide alike, and nothing but the token passes."""

from __future__ import annotations

import functools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import intaglio
from intaglio.dialects import believing
from intaglio.validate import catalogue, validator
from intaglio.validate import report as reports
from intaglio.validate.policy import UNSAFE_ANY_AUDIENCE, Expectation, Occasion
from tests.capability import capability
from tests.validate import test_rules_tokens as vendors
from tests.validate.test_rules_tokens import NOW, SHAPES

pytestmark = capability("validator-report", witness="Hypothesis")

NAMES = sorted(SHAPES)
KINDS = ("id-token", "access-token", "logout-token", "jws", "jwe", "json-serialization", "saml", "opaque")
SECOND = "https://second.example/"
TEXTS = st.sampled_from(
    [
        *("", "x", "n", "1.0", "2.0", "true", "org_1", "acme", "ACME", "a@b.example", "a@b@c", "default", "people"),
        *(SECOND, "https://accounts.google.com", "accounts.google.com", vendors.TENANT, vendors.TENANT.upper()),
        *("{tenantid}", vendors.V1.format(vendors.TENANT), vendors.V2.format(vendors.OTHER_TENANT)),
        vendors.V2.format("{tenantid}"),
    ]
)
INSTANTS = st.sampled_from([0, -1, NOW - 301, NOW - 60, NOW, NOW + 59, NOW + 301, NOW + 10**6, 2**53, NOW + 0.5])
SCALARS = st.none() | st.booleans() | INSTANTS | TEXTS | st.text(max_size=4)
VALUES = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.text(max_size=3), SCALARS, max_size=2)
CLAIMS = st.sampled_from(
    "iss sub aud exp iat nbf nonce azp at_hash c_hash s_hash auth_time acr amr sid jti events tid aid ver uid utid"
    " email email_verified org_id org_name typ".split()
)
CHANGES = st.dictionaries(CLAIMS, VALUES, max_size=3)
HEADERS = st.dictionaries(
    st.sampled_from(["typ", "kid", "crit", "enc", "zip", "b64", "jwk", "cty"]), SCALARS | st.just("k1"), max_size=1
)
GIVEN = st.none() | st.sampled_from(["n", "x"])
OCCASIONS = st.builds(
    Occasion,
    nonce=GIVEN,
    access_token=GIVEN,
    code=GIVEN,
    state=GIVEN,
    max_age=st.none() | st.sampled_from([0, 5, 10**6]),
)
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "leeway": st.integers(0, 300),
        "also": st.sampled_from([(SECOND,), ("x", "n")]),
        "authorized_parties": st.sampled_from([("x",), (vendors.CLIENT, vendors.ROBOT_ID)]),
        "organization": st.sampled_from(["org_1", "ACME"]),
        "emails": st.sampled_from([("a@b.example",), (vendors.ROBOT,)]),
        "audience": st.sampled_from([UNSAFE_ANY_AUDIENCE, ("x", SECOND), "n"]),
        "issuer": st.sampled_from([vendors.V2.format("{tenantid}"), ("https://op.example/", "https://op.example")]),
        "algorithms": st.sampled_from([("ES256",), ("PS256", "RS256")]),
    },
)


def _expectation(shape, options):
    rules = believing.rules(shape.dialect)
    judged = {rule.judge for rule in rules.rules}
    kept = {
        name: value for name, value in {**shape.options, **options}.items() if name not in ("organization", "emails")
    }
    for name, judge in (("organization", "organization"), ("emails", "email")):
        if judge in judged and name in options:
            kept[name] = options[name]
    usual = {"issuer": shape.issuer, "audience": shape.claims["aud"], "rules": rules, "leeway": rules.leeway}
    return Expectation(**{**usual, "algorithms": rules.algorithms or ("RS256", "ES256"), **kept})


def _agree(token, expectation, keys, occasion=Occasion(), now=NOW):  # noqa: B008  (a frozen record)
    """Return whether a token is believed, by both ways, and look the report through."""
    report = validator.check(token, expectation, keys, now, occasion)
    assert json.loads(report.to_json()) == report.to_dict()
    assert report.to_text()
    for check in report.checks:
        assert (check.code == "") is (check.outcome != "fail")
        assert (check.expected + check.received + check.hint).isprintable()
    try:
        believed = validator.validate(token, expectation, keys, now, occasion)
    except reports.TokenRefused as refusal:
        assert refusal.code == report.failures()[0].code  # noqa: PT017  (either outcome is right)
        assert refusal.code != "internal"  # noqa: PT017
        assert report.to_dict()["believed"] is False
        return False
    assert report.believed() == believed
    assert report.to_dict()["believed"] is True
    return True


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(NAMES), CHANGES, st.sets(CLAIMS, max_size=1), HEADERS, OPTIONS, OCCASIONS)
def test_fast_path_and_report_agree_in_every_dialect(name, changes, without, header, options, occasion):
    """Believe by the fast path exactly what the report believes, whatever was changed and expected."""
    shape = SHAPES[name]
    token = vendors.sign(shape, changes, without=without, header=header)
    keys = vendors.keys(shape.owner, shape.alg)
    _agree(token, _expectation(shape, options), keys, occasion)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(NAMES), st.integers(-10_000, 400_000), st.integers(0, 300))
def test_fast_path_and_report_agree_at_any_time(name, shift, leeway):
    """Believe at the same instants by both ways, and only between the token's own with the leeway."""
    shape = SHAPES[name]
    now = NOW + shift
    keys = vendors.keys(shape.owner, shape.alg)
    believed = _agree(_signed(name), _expectation(shape, {"leeway": leeway}), keys, now=now)
    begins = max(shape.claims["iat"], shape.claims.get("nbf", 0))
    plain = not shape.options
    if plain:
        assert believed is (begins - leeway <= now < shape.claims["exp"] + leeway)


@functools.cache
def _signed(name):
    return vendors.sign(SHAPES[name])


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(NAMES), st.binary(max_size=200) | st.text(max_size=200) | st.text("AQe.=-_{}\"'", max_size=60))
def test_explain_never_raises(name, text):
    """Report on any octets and any text, and refuse them by the other way too."""
    checking = vendors.validator(SHAPES[name])
    report = checking.explain(text)
    assert report.failures()
    assert json.loads(report.to_json()) == report.to_dict()
    with pytest.raises(intaglio.Refused) as caught:
        checking.validate(text)
    assert caught.value.code == report.failures()[0].code
    assert report.kind in KINDS


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(NAMES), st.integers(0, 2000), st.integers(0, 255))
def test_every_changed_octet_is_refused(name, place, octet):
    """Refuse a token in which one octet is another, wherever and whichever."""
    whole = _signed(name).encode()
    place %= len(whole)
    changed = whole[:place] + bytes([octet]) + whole[place + 1 :]
    if changed != whole:
        with pytest.raises(intaglio.Refused):
            vendors.validator(SHAPES[name]).validate(changed)


@pytest.mark.parametrize("name", ["cloudentity ES256", "google workload"])
def test_every_place_of_a_token_counts(name):
    """Refuse a token after any change at each single place, and after any one octet is gone or doubled."""
    whole, checking = _signed(name).encode(), vendors.validator(SHAPES[name])
    assert checking.validate(whole)
    for place, octet in enumerate(whole):
        others = {octet ^ 1, octet ^ 32, octet ^ 128, ord("A"), ord("."), ord("=")} - {octet}
        altered = [whole[:place] + bytes([other]) + whole[place + 1 :] for other in sorted(others)[:4]]
        altered += [whole[:place] + whole[place + 1 :], whole[: place + 1] + whole[place:]]
        for text in altered:
            with pytest.raises(intaglio.Refused):
                checking.validate(text)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(NAMES), st.binary(min_size=1, max_size=40), st.booleans())
def test_nothing_stands_before_or_behind_a_token(name, more, before):
    """Refuse a token with anything added at either end."""
    whole = _signed(name).encode()
    with pytest.raises(intaglio.Refused):
        vendors.validator(SHAPES[name]).validate(more + whole if before else whole + more)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(NAMES), CHANGES, OPTIONS)
def test_every_refusal_has_a_known_code(name, changes, options):
    """Refuse with codes that sort under one of the closed reasons, and whose check is a rule or a step."""
    shape = SHAPES[name]
    expectation = _expectation(shape, options)
    report = validator.check(vendors.sign(shape, changes), expectation, vendors.keys(shape.owner, shape.alg), NOW)
    known = {rule.name for rule in expectation.rules.rules} | {"form", "encryption", "algorithm", "key", "signature"}
    assert {check.name for check in report.checks} == known
    for check in report.failures():
        assert reports.reason(check.code) in reports.Reason.__args__
        assert check.code in catalogue.HINTS or check.code.endswith(("-missing", "-malformed"))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(NAMES), CHANGES)
def test_another_key_believes_nothing(name, changes):
    """Refuse whatever a key signed that is not in the set, with all claims right or wrong."""
    shape = SHAPES[name]
    token = vendors.sign(shape, changes, by=vendors.stranger(shape.alg))
    with pytest.raises(intaglio.Refused):
        vendors.validator(shape).validate(token)
    report = vendors.validator(shape).explain(token)
    assert next(check for check in report.checks if check.name == "signature").outcome != "pass"
