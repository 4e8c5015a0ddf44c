"""What has gone wrong with claims elsewhere, each kind held off by a named test through the library's front door."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest

import intaglio
from intaglio import codec
from intaglio.clock import FixedClock
from intaglio.tokens import encryptionkeys, jwe, jwk, jws, peek
from tests.capability import capability

pytestmark = capability("security-d2", witness="tokens that an attacker would make")

ISSUER, CLIENT, NOW = "https://op.example", "client-1", 1_700_000_000
GOOD = {"iss": ISSUER, "sub": "u1", "aud": CLIENT, "iat": NOW - 10, "exp": NOW + 600}
SIGNING = {alg: jwk.generate(alg) for alg in ("RS256", "ES256", "ES384", "ES512", "Ed25519")}
OURS = encryptionkeys.generate("RSA", kid="e1")
RSA = SIGNING["RS256"]


def _public(alg):
    return {**jwk.public_members(SIGNING[alg].public()), "kid": alg, "alg": alg}


KEYS = jwk.read_set({"keys": [_public(alg) for alg in SIGNING]})


def _validator(**options):
    usual = {"issuer": ISSUER, "audience": CLIENT, "keys": KEYS, "clock": FixedClock(NOW)}
    return intaglio.Validator(**{**usual, **options})


def _sign(claims, alg="ES256", **header):
    payload = claims if isinstance(claims, bytes) else codec.encode_json(claims)
    return jws.sign(SIGNING[alg], {"kid": alg, **header}, payload)


def _token(changes=None, without=(), alg="ES256", **header):
    claims = {**GOOD, **(changes or {})}
    return _sign({name: value for name, value in claims.items() if name not in without}, alg, **header)


def _code(token, asked=None, **options):
    """Return the code of the refusal, which the report must show too."""
    checking = _validator(**options)
    with pytest.raises(intaglio.TokenRefused) as caught:
        checking.validate(token, **(asked or {}))
    assert checking.explain(token, **(asked or {})).failures()[0].code == caught.value.code
    return caught.value.code


def _seal(plaintext, to=OURS, **header):
    return jwe.encrypt(plaintext, to.public(), alg="RSA-OAEP-256", enc="A256GCM", header=header)


def _b64(value):
    return codec.encode_base64url(value if isinstance(value, bytes) else json.dumps(value).encode())


def test_d1_09_what_is_encrypted_to_the_signing_key_is_not_signed():
    """Refuse a token that anybody can make with the issuer's public signing key (jose-jwt #237, CVE-2023-51774)."""
    as_recipient = encryptionkeys.EncryptionKey(public=RSA.private.public_key(), kid="RS256")
    claims = codec.encode_json(GOOD)
    for plaintext in (claims, _token().encode()):
        for header in ({"cty": "JWT"}, {}):
            sealed = jwe.encrypt(plaintext, as_recipient, alg="RSA-OAEP-256", enc="A256GCM", header=header)
            assert _code(sealed) == "token-encrypted"
            keys = encryptionkeys.DecryptionKeys((OURS,))
            assert _code(sealed, decryption_keys=keys) == "decryption-key-unknown"


@pytest.mark.parametrize("cty", ["JWT", "jwt", None, "json"])
def test_d1_09_raw_claims_in_an_encrypted_token_are_not_signed(cty):
    """Refuse claims that were encrypted to us and signed by nobody, whatever the content is said to be."""
    keys = encryptionkeys.DecryptionKeys((OURS,))
    header = {} if cty is None else {"cty": cty}
    usual = f"{_b64({'alg': 'none'})}.{_b64(GOOD)}."
    expected = "token-malformed" if (cty or "").upper() == "JWT" else "header-unsupported"
    assert _code(_seal(codec.encode_json(GOOD), **header), decryption_keys=keys) == expected
    unsigned = _code(_seal(usual.encode(), **header), decryption_keys=keys)
    assert unsigned == ("forbidden-algorithm" if expected == "token-malformed" else expected)


def test_d1_09_a_seal_in_a_seal_is_no_signature():
    """Open one layer of encryption, and refuse another one in it."""
    keys = encryptionkeys.DecryptionKeys((OURS,))
    once = _seal(_token().encode(), cty="JWT")
    assert _validator(decryption_keys=keys).validate(once).sub == "u1"
    assert _code(_seal(once.encode(), cty="JWT"), decryption_keys=keys) == "token-malformed"


def test_d1_09_a_signed_token_does_not_pass_for_an_encrypted_one():
    """Refuse a signed token with the header of an encrypted one, and a merely signed one where sealing is demanded."""
    keys = encryptionkeys.DecryptionKeys((OURS,))
    for header in ({"enc": "A256GCM"}, {"zip": "DEF"}):
        assert _code(_token(**header)) == "header-unsupported"
    assert _code(_token(), decryption_keys=keys, require_encrypted=True) == "token-not-encrypted"
    assert _validator(decryption_keys=keys).validate(_token()).sub == "u1"


def test_d1_09_a_sealed_token_is_checked_as_an_open_one():
    """Check signature and claims of the token that was sealed, after opening it."""
    keys = encryptionkeys.DecryptionKeys((OURS,))
    assert _code(_seal(_token({"exp": 1}).encode(), cty="JWT"), decryption_keys=keys) == "token-expired"
    forged = jws.sign(jwk.generate("ES256"), {"kid": "ES256"}, codec.encode_json(GOOD))
    assert _code(_seal(forged.encode(), cty="JWT"), decryption_keys=keys) == "signature-invalid"


HASHES = {"RS256": "sha256", "ES256": "sha256", "ES384": "sha384", "ES512": "sha512", "Ed25519": "sha512"}


def _half(name, text):
    digest = hashlib.new(name, text.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).decode().rstrip("=")


@pytest.mark.parametrize("alg", HASHES)
@pytest.mark.parametrize(
    ("claim", "of", "base"),
    [("at_hash", "access_token", "at-hash"), ("c_hash", "code", "c-hash"), ("s_hash", "state", "s-hash")],
)
def test_d1_12_hashes_are_of_the_tokens_own_algorithm(alg, claim, of, base):
    """Demand the left half of the hash that belongs to the signature's algorithm, and no other (CVE-2026-28498)."""
    asked = {of: "what-came-along"}
    right = _half(HASHES[alg], "what-came-along")
    assert _validator().validate(_token({claim: right}, alg=alg), **asked).claims[claim] == right
    for name in {"sha256", "sha384", "sha512", "sha1", "md5"} - {HASHES[alg]}:
        assert _code(_token({claim: _half(name, "what-came-along")}, alg=alg), asked) == f"{base}-mismatch"
    for wrong in (_half(HASHES[alg], "other"), right + "=", right[:-1], right.swapcase(), "", right + right):
        assert _code(_token({claim: wrong}, alg=alg), asked) == f"{base}-mismatch"
    for malformed in (None, True, 1, [right], {right: 1}):
        assert _code(_token({claim: malformed}, alg=alg), asked) == f"{base}-malformed"


def test_d1_12_hashes_must_be_there_where_the_flow_returns_them():
    """Demand c_hash with a code, s_hash with a state, and at_hash where the token came through the browser."""
    assert _code(_token(), {"code": "c"}) == "c-hash-missing"
    assert _code(_token(), {"state": "s"}) == "s-hash-missing"
    assert _code(_token(), {"access_token": "a", "require_at_hash": True}) == "at-hash-missing"
    assert _validator().validate(_token(), access_token="a").sub == "u1"


@pytest.mark.parametrize(
    "iss",
    [
        *("https://op.example/", "https://op.example.evil", "https://op.exampl", "op.example", "https://OP.example"),
        *("https://evil@op.example", "https://op.example@evil.example", "https://op.example#x", "https://op.example?x"),
        *("http://op.example", "https://op.example:443", " https://op.example", "https://op.example\n", ".*", "", "*"),
    ],
)
def test_d2_13_issuer_is_one_exact_text(iss):
    """Refuse prefix, suffix, case, userinfo and pattern (CVE-2024-53861, CVE-2025-30144, CVE-2026-14336)."""
    assert _code(_token({"iss": iss})) == "issuer-mismatch"


@pytest.mark.parametrize("iss", [[ISSUER], [ISSUER, "x"], {ISSUER: True}, {"0": ISSUER}, None, True, 0, 1.5])
def test_d2_13_issuer_is_no_list(iss):
    """Refuse a list that holds the issuer, in a token (GHSA-75c5-xw7c-p5pm: a text was searched for another)."""
    assert _code(_token({"iss": iss})) == "issuer-malformed"
    assert _code(_token(without=("iss",))) == "issuer-missing"


def test_d2_14_audience_is_demanded_and_matched():
    """Refuse tokens for others, for nobody, and for others beside us (CVE-2026-55669, CVE-2024-5798)."""
    with pytest.raises(TypeError):
        intaglio.Validator(issuer=ISSUER)
    assert _code(_token(without=("aud",))) == "audience-missing"
    for aud in ("client-2", "client", "client-11", "CLIENT-1", "client-1,client-2", "*", ["x"], ["client"]):
        assert _code(_token({"aud": aud})) == "audience-mismatch"
    for aud in ("", [], None, [CLIENT, CLIENT], [CLIENT, ""], [CLIENT, 1], [[CLIENT]], {CLIENT: 1}, True):
        assert _code(_token({"aud": aud})) == "audience-malformed"
    assert _code(_token({"aud": [CLIENT, "x"], "azp": CLIENT})) == "audience-foreign"


def test_d2_14_several_audiences_need_their_party():
    """Demand azp beside several audiences, and one that is trusted."""
    both, also = {"aud": [CLIENT, "x"]}, {"also": ("x",)}
    assert _code(_token(both), **also) == "azp-missing"
    assert _code(_token({**both, "azp": "y"}), **also) == "azp-mismatch"
    assert _code(_token({**both, "azp": [CLIENT]}), **also) == "azp-malformed"
    assert _validator(**also).validate(_token({**both, "azp": CLIENT})).azp == CLIENT
    assert _code(_token({"azp": "y"}), authorized_parties=(CLIENT,)) == "azp-mismatch"


def test_d2_15_nonce_is_the_one_of_this_sign_in():
    """Refuse a token of another sign-in, and one without the nonce that was sent."""
    assert _code(_token(), {"nonce": "n"}) == "nonce-missing"
    for nonce in ("m", "N", "n ", "", "nn"):
        assert _code(_token({"nonce": nonce}), {"nonce": "n"}) == "nonce-mismatch"
    for nonce in (None, 1, ["n"], {"n": 1}, True):
        assert _code(_token({"nonce": nonce}), {"nonce": "n"}) == "nonce-malformed"
        assert _code(_token({"nonce": nonce})) == "nonce-malformed"


def test_d2_15_nonce_that_cannot_be_checked_is_refused_at_the_call():
    """Refuse an empty nonce from the caller, which would look as if it was checked."""
    for wrong in ("", 1, b"n", ["n"]):
        with pytest.raises(intaglio.Misconfigured) as caught:
            _validator().validate(_token({"nonce": "n"}), nonce=wrong)
        assert caught.value.code == "expectation-unusable"


def test_d2_15_max_age_is_enforced_for_each_request():
    """Demand a sign-in no older than this request asked for, whatever earlier ones asked (nextjs-auth0 PR #2707)."""
    checking, token = _validator(), _token({"auth_time": NOW - 400})
    assert checking.validate(token).auth_time == NOW - 400
    assert checking.validate(token, max_age=340).auth_time == NOW - 400
    with pytest.raises(intaglio.Refused) as caught:
        checking.validate(token, max_age=339)
    assert caught.value.code == "auth-time-too-old"
    assert checking.validate(token).auth_time == NOW - 400
    assert _code(_token(), {"max_age": 0}) == "auth-time-missing"
    assert _code(_token({"auth_time": NOW - 61}), {"max_age": 0}) == "auth-time-too-old"
    for at in ("now", None, True, -1, 2**53):
        assert _code(_token({"auth_time": at}), {"max_age": 9}) == "auth-time-malformed"


TENANT, OTHER = "fa15d692-e9c7-4460-a743-29f2956fd429", "72f988bf-86f1-41af-91ab-2d7cd011db47"
CONSUMERS = "9188040d-6c67-4c5b-b112-36a304b66dad"
MICROSOFT = "https://login.microsoftonline.com/{}/v2.0"
ANY_TENANT = MICROSOFT.format("{tenantid}")


def _tenant_code(claims, owner, issuer=ANY_TENANT):
    keys = jwk.read_set({"keys": [{**_public("RS256"), "issuer": owner}]})
    token = _token({"ver": "2.0", **claims}, alg="RS256")
    return _code(token, dialect="microsoft", issuer=issuer, keys=keys)


def test_d2_16_tenant_is_bound_to_issuer_and_key():
    """Refuse a tenant that is not its issuer's (CVE-2025-55241) and a key that is not the tenant's (Storm-0558)."""
    any_tenant = MICROSOFT.format("{tenantid}")
    assert _tenant_code({"iss": MICROSOFT.format(TENANT), "tid": OTHER}, any_tenant) == "issuer-mismatch"
    own = {"iss": MICROSOFT.format(TENANT), "tid": TENANT}
    assert _tenant_code(own, MICROSOFT.format(CONSUMERS)) == "key-issuer-mismatch"
    assert _tenant_code(own, MICROSOFT.format(OTHER)) == "key-issuer-mismatch"
    assert _tenant_code({**own, "tid": OTHER}, any_tenant, MICROSOFT.format(TENANT)) == "tenant-mismatch"
    assert _tenant_code({"iss": MICROSOFT.format("common"), "tid": "common"}, any_tenant) == "tenant-malformed"
    assert _tenant_code({"iss": MICROSOFT.format(TENANT)}, any_tenant) == "issuer-mismatch"


@pytest.mark.parametrize("email", ["a@b.example@evil.example", "a@b.example\n", "a", "", ["a@b.example"], None])
def test_d2_17_an_address_is_no_identity_and_one_address(email):
    """Refuse what is no single address where the dialect vouches for addresses (GHSA-c5c4-8r6x-56w3)."""
    claims = {"azp": CLIENT, "email": email, "email_verified": True}
    options = {"dialect": "google"}
    assert _code(_token(claims, alg="RS256"), **options) == "email-malformed"
    for mark in ("true", 1, None):
        marked = {**claims, "email": "a@b.example", "email_verified": mark}
        assert _code(_token(marked, alg="RS256"), **options) == "email-malformed"
    # Core 5.7: only iss and sub together name a person; the typed result offers no address to confuse with it.
    assert not hasattr(_validator().validate(_token({"email": "a@b.example"})), "email")


def test_d2_17_an_unconfirmed_address_does_not_count():
    """Refuse an address that the issuer has not confirmed where an address is what is expected (nOAuth)."""
    options = {"dialect": "google", "emails": ("a@b.example",)}
    claims = {"azp": CLIENT, "email": "a@b.example", "email_verified": False}
    assert _code(_token(claims, alg="RS256"), **options) == "email-unverified"
    assert _code(_token({"azp": CLIENT}, alg="RS256"), **options) == "email-missing"
    assert _code(_token({**claims, "email_verified": True, "email": "A@b.example"}, alg="RS256"), **options) == (
        "email-mismatch"
    )


@pytest.mark.parametrize(
    "typ",
    [
        "at+jwt",
        "application/at+jwt",
        "logout+jwt",
        "secevent+jwt",
        "dpop+jwt",
        "oauth-authz-req+jwt",
        "JWS",
        "",
        " JWT",
    ],
)
def test_d2_18_another_kind_of_token_is_refused(typ):
    """Refuse a well-signed token of another kind (RFC 8725 3.11, 3.12)."""
    assert _code(_token(typ=typ)) == "token-type-mismatch"


def test_d2_18_a_logout_token_is_no_id_token():
    """Refuse a logout token without a type of its own, with and without a nonce, and any odd event."""
    events = {peek.LOGOUT_EVENT: {}}
    for claims in ({"events": events}, {"events": events, "nonce": "n"}, {"events": [peek.LOGOUT_EVENT]}):
        assert _code(_token(claims)) == "token-type-mismatch"


@pytest.mark.parametrize("typ", [None, 1, True, ["JWT"], {"JWT": 1}], ids=repr)
def test_d2_18_a_type_is_a_text(typ):
    """Refuse a type that is there and no text, null among them: it is not the same as none."""
    assert _code(_token(typ=typ)) == "token-type-malformed"


@pytest.mark.parametrize("events", [None, 1, "x", [], [peek.LOGOUT_EVENT]], ids=repr)
def test_d2_18_events_are_an_object(events):
    """Refuse a token whose events are no object, null among them."""
    assert _code(_token({"events": events})) == "token-type-mismatch"


@pytest.mark.parametrize("claim", ["exp", "iat", "nbf", "auth_time"])
@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999", "-1", "9007199254740992", "1e300", '"1"'])
def test_d2_19_no_number_is_no_time(claim, value):
    """Refuse NaN, infinities, negative and huge numbers and texts in place of a time, well signed."""
    text = json.dumps({name: member for name, member in GOOD.items() if name != claim})[:-1]
    code = _code(_sign(f'{text},"{claim}":{value}}}'.encode()))
    assert code == "token-malformed" or code.endswith("-malformed")


def test_d2_19_integers_beyond_all_machines_are_refused():
    """Refuse whole numbers beyond 64 bits, and of thousands of digits, without a slow conversion."""
    for digits in ("9" * 17, "9" * 20, "9" * 5000, "-" + "9" * 5000):
        text = json.dumps({**GOOD, "exp": 0}).replace('"exp": 0', f'"exp": {digits}')
        assert _code(_sign(text.encode())).endswith("-malformed")


def test_d2_19_duplicate_members_are_refused():
    """Refuse a claim that is there twice, in the payload, in the header, and deep inside."""
    text = json.dumps(GOOD)[:-1]
    for extra in ('"sub":"u2"', '"aud":"client-1"', '"x":{"a":1,"a":2}', '"x":[{"a":1,"a":1}]', '"s\\u0075b":"u2"'):
        assert _code(_sign(f"{text},{extra}}}".encode())) == "token-malformed"
    good = _token().split(".")
    for header in ('{"alg":"ES256","alg":"none","kid":"ES256"}', '{"kid":"x","alg":"ES256","kid":"ES256"}'):
        assert _code(".".join([_b64(header.encode()), *good[1:]])) == "token-malformed"


@pytest.mark.parametrize(
    "sub", ["", 1, 1.5, None, True, ["u"], {"u": 1}, "a\nb", "a\x00", "\x7f", "é", "a" * 256, "\u202e", "\ud800"]
)
def test_d2_19_a_subject_is_visible_ascii(sub):
    """Refuse a subject that is no text, too long, or holds control or other characters."""
    payload = json.dumps({**GOOD, "sub": sub}).encode()
    assert _code(_sign(payload)) in ("subject-malformed", "token-malformed")
    assert _code(_token(without=("sub",))) == "subject-missing"


def test_d2_19_a_payload_is_one_json_object():
    """Refuse a well-signed payload that is no JSON object in UTF-8."""
    for payload in (
        b"",
        b"[]",
        b'"x"',
        b"null",
        b"1",
        b"{",
        b"{}{}",
        b"{} x",
        "{}".encode("utf-16"),
        b"\xef\xbb\xbf{}",
    ):
        assert _code(_sign(payload)) == "token-malformed"
    assert _code(_sign(json.dumps(GOOD).encode()[:-1] + b',"x":"\xff"}')) == "token-malformed"
