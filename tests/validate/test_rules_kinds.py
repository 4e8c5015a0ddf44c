"""What a validator says of texts that are no ID token, of both clocks, and whose tokens it takes."""

from __future__ import annotations

import base64
import json
import time
from email.utils import formatdate
from types import GeneratorType

import pytest

import intaglio
from intaglio import codec
from intaglio.errors import Misconfigured
from intaglio.tokens import encryptionkeys, jwe, peek
from intaglio.tokens.raw import RawToken
from intaglio.validate.keysource import RemoteKeys
from intaglio.validate.report import Clocks
from intaglio.wire.flow import Reply
from tests.capability import capability
from tests.validate import test_rules_tokens as vendors
from tests.validate.test_rules_tokens import NOW, SHAPES, only

SHAPE = SHAPES["standard"]
CLIENT = SHAPE.claims["aud"]
kinds = capability("validator-kinds", witness="values by hand")
clocks = capability("validator-clocks", witness="values by hand")
audience = capability("validator-audience", witness="values by hand")
report = capability("validator-report", witness="JSON")

HEADER, PAYLOAD, SIGNATURE = vendors.sign(SHAPE).split(".")
FLAT = {"protected": HEADER, "payload": PAYLOAD, "signature": SIGNATURE}
GENERAL = {"payload": PAYLOAD, "signatures": [{"protected": HEADER, "signature": SIGNATURE}]}
SEALED = {"protected": HEADER, "iv": "AA", "ciphertext": "AA", "tag": "AA"}
SAML = (
    '<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_1" Version="2">'
    "<saml:Subject><saml:NameID>abe</saml:NameID></saml:Subject>{}</saml:Assertion>"
)
SEEDED = "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIiwiY3R5IjoiSldUIn0..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA"


def _first(text):
    found = vendors.validator(SHAPE).explain(text)
    vendors.failures(vendors.validator(SHAPE), text)
    return found.failures()[0], found


# --- kinds


@kinds
@pytest.mark.parametrize("typ", ["at+jwt", "application/at+jwt", "AT+JWT", "Application/At+Jwt"])
def test_an_access_token_is_told(typ):
    """Refuse an access token though issuer, audience and signature are right, and say what it is (RFC 9068)."""
    check, found = _first(vendors.sign(SHAPE, {"client_id": CLIENT, "scope": "openid"}, header={"typ": typ}))
    assert (check.code, found.kind) == ("token-type-mismatch", "access-token")
    assert check.received == f"an access token ({typ})"
    assert found.only_failure() == "token-type-mismatch"


@kinds
@pytest.mark.parametrize("typ", ["logout+jwt", "application/logout+jwt", "JWT", None])
def test_a_logout_token_is_told(typ):
    """Refuse a logout token, typed or not (OpenID Connect Back-Channel Logout 2.4)."""
    header = {} if typ is None else {"typ": typ}
    shape = SHAPE._replace(typ=None)
    token = vendors.sign(shape, {"events": {peek.LOGOUT_EVENT: {}}, "jti": "j"}, without=("nonce",), header=header)
    check, found = _first(token)
    assert (check.code, found.kind) == ("token-type-mismatch", "logout-token")
    assert check.received == f"a logout token ({typ or 'no typ'})"


@kinds
@pytest.mark.parametrize("members", [FLAT, GENERAL, SEALED, {**FLAT, "header": {"kid": "k1"}}], ids=range(4))
@pytest.mark.parametrize("indent", [None, 2])
def test_json_serialization_is_told(members, indent):
    """Refuse a token in JSON serialization, flattened or general, as what it is (RFC 7515 7.2)."""
    for text in (json.dumps(members, indent=indent), json.dumps(members, indent=indent).encode()):
        check, found = _first(text)
        assert (check.code, found.kind) == ("token-json-serialized", "json-serialization")
        assert check.received == "a token in JSON serialization"


@kinds
@pytest.mark.parametrize("dots", range(7))
def test_dots_inside_do_not_hide_the_kind(dots):
    """Tell JSON and SAML as what they are, however many dots are in them; five parts make no JWE of those."""
    assert _first(json.dumps({**FLAT, "header": {"jku": "x" + ".x" * dots}}))[0].code == "token-json-serialized"
    assert _first(SAML.format("x" + ".x" * dots))[0].code == "token-saml"


@kinds
@pytest.mark.parametrize("write", [str, base64.b64encode, base64.urlsafe_b64encode, base64.encodebytes])
def test_saml_is_told(write):
    """Refuse a SAML assertion, as XML and in base64, with line breaks or without, as what it is."""
    text = SAML.format("")
    text = text if write is str else write(text.encode()).decode()
    for given in (text, text.encode(), f"  {text}\n"):
        check, found = _first(given)
        assert (check.code, found.kind, check.received) == ("token-saml", "saml", "a SAML message")


@kinds
@pytest.mark.parametrize(
    "text",
    ["ya29.a0AfH6SMBx", "v1.MRrtAbcdef", "2YotnFZFEjr1zCsicMWpAA", b"\xff\xfe\x00", b"\x00", "é", "\ud800", "{}"],
)
def test_an_opaque_text_is_told(text):
    """Refuse a text without a token's form, octets that are no text among them, as opaque."""
    check, found = _first(text)
    assert (check.code, found.kind) == ("token-opaque", "opaque")
    assert check.received == "a text that is no token in compact form"


@kinds
@pytest.mark.parametrize("text", ["", b"", None, 5, ["a"], {}, object()], ids=lambda value: type(value).__name__)
def test_nothing_is_malformed(text):
    """Refuse nothing at all, and what is neither text nor octets, without a traceback."""
    check, found = _first(text)
    assert (check.code, found.kind) == ("token-malformed", "opaque")


@kinds
@pytest.mark.parametrize("text", [" ", "\n\t ", b"   ", "\u2003"])
def test_space_is_no_token(text):
    """Refuse mere space like nothing at all: it is no access token either."""
    assert _first(text)[0].code == "token-malformed"


@kinds
@pytest.mark.parametrize("wrapped", ["Bearer {}", '"{}"', " {}", "{}\n", "\ufeff{}", "{}\0", "{}="])
def test_a_wrapped_token_is_not_unwrapped(wrapped):
    """Refuse a good token with anything around it, and still say that an ID token is in it."""
    check, found = _first(wrapped.format(vendors.sign(SHAPE)))
    assert check.code == "token-malformed"
    assert found.kind in ("id-token", "opaque")
    assert check.hint == "Pass the ID token alone, whole and unaltered."


@kinds
def test_an_encrypted_token_is_told():
    """Ask for the key where an encrypted token comes and none was given; open it where one was."""
    check, found = _first(SEEDED)
    assert (check.code, found.kind, check.received) == ("token-encrypted", "jwe", "an encrypted token (JWE)")
    ours = encryptionkeys.generate("P-256", kid="e1")
    sealed = jwe.encrypt(
        vendors.sign(SHAPE).encode(), ours.public(), alg="ECDH-ES", enc="A128GCM", header={"cty": "JWT"}
    )
    opening = vendors.validator(SHAPE, decryption_keys=encryptionkeys.DecryptionKeys((ours,)))
    assert vendors.failures(opening, sealed) == []
    assert vendors.failures(opening, vendors.sign(SHAPE)) == []
    assert _first(sealed)[0].code == "token-encrypted"
    assert opening.explain(sealed).kind == "id-token"


@kinds
@pytest.mark.parametrize("text", ["a.b.c.d.e", "....", b"\xff.\xfe.\x00..", "é.é.é.é.é", "e30.e30.e30.e30.e30"])
def test_five_parts_of_anything_are_no_encrypted_token(text):
    """Refuse five parts without a JWE's header as no token, rather than ask for a key that would not help."""
    assert _first(text)[0].code in ("token-malformed", "token-opaque")


@kinds
def test_an_id_token_and_a_mere_jws_are_told_apart():
    """Call a token with iss, sub and aud an ID token, and any other signed text a JWS."""
    assert vendors.validator(SHAPE).explain(vendors.sign(SHAPE)).kind == "id-token"
    assert vendors.validator(SHAPE).explain(vendors.sign(SHAPE, without=("sub",))).kind == "jws"


# --- both clocks


@clocks
@pytest.mark.parametrize(
    ("both", "sentence"),
    [
        (Clocks(NOW, NOW, 14), "yours is 14 s behind the issuer's"),
        (Clocks(NOW, None, 14), "yours is 14 s behind the issuer's"),
        (Clocks(NOW, NOW, -14), "yours is 14 s ahead of the issuer's"),
        (Clocks(NOW, NOW + 999, -14), "yours is 14 s ahead of the issuer's"),
        (Clocks(NOW, NOW, 0), "they agree"),
        (Clocks(NOW, NOW + 30), "yours is at least 30 s behind the issuer's"),
        (Clocks(NOW, NOW), "nothing says that they differ"),
        (Clocks(NOW, NOW - 30), "nothing says that they differ"),
        (Clocks(NOW), "nothing says that they differ"),
    ],
)
def test_both_clocks_are_told_in_words(both, sentence):
    """Say how far the clocks are apart, which is ahead, and when nothing is known."""
    assert both.sentence() == sentence
    assert both.to_dict() == {
        "yours": NOW,
        "issued_at": both.issued_at,
        "skew": both.skew,
        "sentence": sentence,
    }


@clocks
def test_a_token_from_the_future_tells_of_the_clock():
    """Derive from a token that was issued later than now that our clock is behind, and say so in the report."""
    found = vendors.validator(SHAPE).explain(vendors.sign(SHAPE, {"iat": NOW + 90}))
    assert found.only_failure() == "issued-in-the-future"
    assert found.clocks == Clocks(NOW, NOW + 90, None)
    assert found.to_text().endswith("clocks: yours is at least 90 s behind the issuer's\n")
    unread = vendors.validator(SHAPE).explain("x")
    assert (unread.clocks.yours, unread.clocks.issued_at) == (NOW, None)
    assert vendors.validator(SHAPE).explain(vendors.sign(SHAPE, {"iat": "x"})).clocks.issued_at is None


def _answer(flow: GeneratorType, date: int):
    """Answer a flow's questions as an issuer whose clock shows `date` would."""
    documents = [
        {"issuer": SHAPE.issuer, "jwks_uri": SHAPE.issuer + "/keys"},
        {"keys": [vendors.members()]},
    ]
    headers = (("date", formatdate(date, usegmt=True)), ("content-type", "application/json"))
    call = next(flow)
    try:
        for document in documents:
            call = flow.send(Reply(200, headers, codec.encode_json(document)))
    except StopIteration as done:
        return done.value
    raise AssertionError(call)


@clocks
@pytest.mark.parametrize(("ahead", "sentence"), [(14, "behind the issuer's"), (-14, "ahead of the issuer's")])
def test_the_issuers_answer_tells_of_its_clock(ahead, sentence):
    """Measure the issuer's clock by the date of its answer with the keys, and show it in the next report."""
    source = RemoteKeys(SHAPE.issuer)
    assert len(_answer(source.current(NOW, "k1"), NOW + ahead)) == 1
    found = vendors.validator(SHAPE, keys=source).explain(vendors.sign(SHAPE))
    assert found.clocks.skew == ahead
    assert found.clocks.sentence() == f"yours is 14 s {sentence}"


@clocks
def test_the_system_clock_is_the_default():
    """Look at the machine's clock where none is given."""
    checking = intaglio.Validator(issuer=SHAPE.issuer, audience=CLIENT, keys=vendors.keys(None, "RS256"))
    before = int(time.time())
    assert before <= checking.explain("x").clocks.yours <= int(time.time())


# --- whose tokens


@audience
def test_audience_cannot_be_left_out():
    """Demand an audience; nothing empty or of another type stands for one."""
    with pytest.raises(TypeError):
        intaglio.Validator(issuer=SHAPE.issuer)
    for wrong in (None, "", (), [], ("",), ["a", ""], 1, True, b"x", " c", "c ", "c\n", ("c", None), [b"c"], object()):
        with pytest.raises(Misconfigured) as caught:
            intaglio.Validator(issuer=SHAPE.issuer, audience=wrong)
        assert caught.value.code == "expectation-unusable"


@audience
def test_any_audience_must_be_said_out_loud():
    """Accept anybody's token only with the sentinel of that name, and mark it in every report."""
    unsafe = vendors.validator(SHAPE, audience=intaglio.UNSAFE_ANY_AUDIENCE)
    assert repr(intaglio.UNSAFE_ANY_AUDIENCE) == "UNSAFE_ANY_AUDIENCE"
    for aud in ("anybody", ["anybody"]):
        assert vendors.failures(unsafe, vendors.sign(SHAPE, {"aud": aud})) == []
    both = {"aud": ["a", "b"]}
    assert vendors.failures(unsafe, vendors.sign(SHAPE, both)) == [("authorized party", "azp-missing")]
    assert vendors.failures(unsafe, vendors.sign(SHAPE, {**both, "azp": "c"})) == []
    for aud in ([], "", None, 1, ["a", "a"], ["a", ""], {"a": 1}):
        assert vendors.failures(unsafe, vendors.sign(SHAPE, {"aud": aud}))[0] == ("audience", "audience-malformed")
    check = next(c for c in unsafe.explain(vendors.sign(SHAPE)).checks if c.name == "audience")
    assert (check.outcome, check.hint) == ("skipped", "any audience is accepted: anybody's token passes")


@audience
def test_several_audiences_of_our_own_count_as_us():
    """Believe a token for any of our own client ids, and for two of them with an authorized party."""
    ours = {"audience": ("web", "android")}
    checking = vendors.validator(SHAPE, **ours)
    for aud in ("web", "android", ["web"], ["android"]):
        assert vendors.failures(checking, vendors.sign(SHAPE, {"aud": aud})) == []
    both = {"aud": ["web", "android"]}
    assert vendors.failures(checking, vendors.sign(SHAPE, {**both, "azp": "web"})) == []
    assert only(SHAPE, both, **ours) == ("authorized party", "azp-missing")
    assert only(SHAPE, {**both, "azp": "ios"}, **ours) == ("authorized party", "azp-mismatch")
    for aud in ("ios", "we", "web android", "web,android", "WEB", ["ios"]):
        assert only(SHAPE, {"aud": aud}, **ours) == ("audience", "audience-mismatch")
    assert only(SHAPE, {"aud": ["web", "ios"], "azp": "web"}, **ours) == ("audience", "audience-foreign")


@audience
def test_also_lets_others_stand_beside_us_and_not_instead():
    """Believe a token with an audience of `also` beside ours, and none that names that one alone."""
    beside = {"also": ("https://api.example/",)}
    both = {"aud": [CLIENT, "https://api.example/"], "azp": CLIENT}
    assert vendors.failures(vendors.validator(SHAPE, **beside), vendors.sign(SHAPE, both)) == []
    assert only(SHAPE, both) == ("audience", "audience-foreign")
    for aud in ("https://api.example/", ["https://api.example/"]):
        assert only(SHAPE, {"aud": aud}, audience=CLIENT, **beside) == ("audience", "audience-mismatch")
    third = {"aud": [*both["aud"], "x"], "azp": CLIENT}
    assert only(SHAPE, third, **beside) == ("audience", "audience-foreign")
    assert only(SHAPE, {"aud": both["aud"]}, audience=CLIENT, **beside) == ("authorized party", "azp-missing")


@audience
def test_authorized_parties_bound_the_party():
    """Refuse every authorized party that is not among those that were named."""
    named = {"authorized_parties": ("cli", "web")}
    assert vendors.failures(vendors.validator(SHAPE, **named), vendors.sign(SHAPE, {"azp": "cli"})) == []
    for azp in ("other", "CLI", "cl", CLIENT):
        assert only(SHAPE, {"azp": azp}, **named) == ("authorized party", "azp-mismatch")
    both = {"aud": [CLIENT, "x"], "azp": CLIENT}
    assert only(SHAPE, both, also=("x",), **named) == ("authorized party", "azp-mismatch")


@audience
def test_a_long_list_of_audiences_is_bounded():
    """Refuse more than a hundred audiences, though each may stand beside us."""
    names = tuple(f"a{n}" for n in range(101))
    assert only(SHAPE, {"aud": list(names), "azp": "a0"}, audience=names) == ("audience", "audience-malformed")
    assert (
        vendors.failures(
            vendors.validator(SHAPE, audience=names), vendors.sign(SHAPE, {"aud": list(names[:100]), "azp": "a0"})
        )
        == []
    )


# --- the report


@report
@pytest.mark.parametrize("name", SHAPES)
def test_report_is_the_same_as_json_and_text(name):
    """Write every check in order, for good and bad tokens, as JSON that reads back and as text."""
    checking = vendors.validator(SHAPES[name])
    good, bad = vendors.sign(SHAPES[name]), vendors.sign(SHAPES[name], {"sub": 5, "exp": 1, "iss": "x"})
    listed = []
    for text in (good, bad, "x", RawToken(good)):
        found = checking.explain(text)
        assert json.loads(found.to_json()) == found.to_dict()
        assert found.to_dict()["believed"] is (text == good or isinstance(text, RawToken))
        assert found.to_dict()["dialect"] == SHAPES[name].dialect
        names = [check.name for check in found.checks]
        assert len(set(names)) == len(names)
        listed.append(names)
        for check in found.checks:
            assert (check.code != "") is (check.outcome == "fail")
            assert check.spec
            assert check.name in found.to_text()
            assert check.hint or check.outcome != "skipped"
            assert check.outcome != "fail" or (check.expected and check.received)
    assert listed.count(listed[0]) == len(listed)


@report
@pytest.mark.parametrize(
    ("claim", "rule"), [("iss", "issuer"), ("sub", "subject"), ("aud", "audience"), ("azp", "authorized party")]
)
def test_an_empty_value_is_shown_as_one(claim, rule):
    """Say of an empty text that it was received, rather than leave the line out."""
    found = vendors.validator(SHAPE).explain(vendors.sign(SHAPE, {claim: ""}))
    assert [check.name for check in found.failures()] == [rule]
    assert found.failures()[0].received
    assert "received" in found.to_text()


@report
def test_refusal_carries_the_report_and_no_token():
    """Raise with the report, and keep the token and the nonce that came out of every text of it."""
    token = vendors.sign(SHAPE, {"exp": 1})
    with pytest.raises(intaglio.Refused) as caught:
        vendors.validator(SHAPE).validate(token, nonce="what-was-sent")
    assert isinstance(caught.value, intaglio.TokenRefused)
    assert isinstance(caught.value.report, intaglio.ValidationReport)
    told = f"{caught.value!r} {caught.value} {caught.value.report!r} {caught.value.report.to_json()}"
    assert not [part for part in token.split(".") if part in told]


@report
@pytest.mark.parametrize("name", ["microsoft v2.0", "google user", "standard", "cloudentity"])
def test_values_are_shown_on_one_bounded_line(name):
    """Show hostile values without control characters, in one line, cut where they are long."""
    shape = SHAPES[name]
    for value in ("x\x1b[31m\r\nFAIL", "\u202e\u2028", "a" * 9000, [["x" * 9000]], {"\x00": "\x9b2J"}):
        for claim in ("iss", "sub", "aud", "azp", "nonce", "at_hash"):
            found = vendors.validator(shape).explain(vendors.sign(shape, {claim: value}), nonce="n", access_token="a")
            for check in found.checks:
                assert max(map(len, (check.expected, check.received, check.hint))) < 700
                assert (check.expected + check.received).isprintable()
