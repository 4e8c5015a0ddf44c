"""The five dialects side by side: each rule refuses alone, no vendor's token passes for another's, and others agree."""

from __future__ import annotations

import json
import time

import google.auth.exceptions
import google.oauth2.id_token
import joserfc.errors
import joserfc.jwk
import joserfc.jwt
import jwt
import pytest
from auth0.authentication import token_verifier
from auth0.authentication.exceptions import TokenValidationError

import intaglio
from intaglio.clock import FixedClock
from intaglio.dialects import believing
from intaglio.errors import Misconfigured
from intaglio.tokens import certificates, pem
from intaglio.validate import catalogue
from intaglio.validate.policy import UNSAFE_ANY_AUDIENCE
from tests.capability import capability
from tests.validate import test_rules_tokens as vendors
from tests.validate.test_rules_tokens import NOW, SHAPES, only

ALL = {
    "standard": "standard",
    "google": "google user",
    "microsoft v1.0": "microsoft v1.0",
    "microsoft v2.0": "microsoft v2.0",
    "auth0": "auth0 user",
    "cloudentity": "cloudentity",
}
"""One shape of each kind of vendor."""
standard_rules = capability("validator-rules-standard", witness="PyJWT, joserfc")

# --- each rule refuses alone

OTHER_ISSUERS = {
    "standard": "https://op.example/other",
    "google": "https://accounts.example.com",
    "microsoft v1.0": vendors.V1.format(vendors.OTHER_TENANT),
    "microsoft v2.0": vendors.V2.format(vendors.OTHER_TENANT),
    "auth0": "https://tenant-two.eu.auth0.com/",
    "cloudentity": "https://people.eu.authz.cloudentity.io/people/other",
}
USUAL = [
    ("type", "token-type-mismatch", {"header": {"typ": "at+jwt"}}),
    ("type", "token-type-malformed", {"header": {"typ": 1}}),
    ("subject", "subject-missing", {"without": ("sub",)}),
    ("subject", "subject-malformed", {"changes": {"sub": ""}}),
    ("subject", "subject-malformed", {"changes": {"sub": 5}}),
    ("subject", "subject-malformed", {"changes": {"sub": "a\nb"}}),
    ("subject", "subject-malformed", {"changes": {"sub": "a" * 256}}),
    ("audience", "audience-missing", {"without": ("aud",)}),
    ("audience", "audience-mismatch", {"changes": {"aud": "another"}}),
    ("audience", "audience-malformed", {"changes": {"aud": []}}),
    ("audience", "audience-malformed", {"changes": {"aud": 1}}),
    ("authorized party", "azp-malformed", {"changes": {"azp": 1}}),
    ("authorized party", "azp-malformed", {"changes": {"azp": None}}),
    ("authorized party", "azp-mismatch", {"changes": {"azp": "x"}, "authorized_parties": ("y",)}),
    ("expiry", "expiry-missing", {"without": ("exp",)}),
    ("expiry", "token-expired", {"changes": {"exp": NOW - 300}}),
    ("expiry", "expiry-malformed", {"changes": {"exp": str(NOW + 600)}}),
    ("expiry", "expiry-malformed", {"changes": {"exp": True}}),
    ("expiry", "expiry-malformed", {"changes": {"exp": -1}}),
    ("not before", "token-not-yet-valid", {"changes": {"nbf": NOW + 301}}),
    ("not before", "not-before-malformed", {"changes": {"nbf": None}}),
    ("issued at", "issued-at-missing", {"without": ("iat",)}),
    ("issued at", "issued-in-the-future", {"changes": {"iat": NOW + 301}}),
    ("issued at", "issued-at-malformed", {"changes": {"iat": [NOW]}}),
    ("nonce", "nonce-mismatch", {"asked": {"nonce": "another"}}),
    ("nonce", "nonce-missing", {"without": ("nonce",), "asked": {"nonce": "n"}}),
    ("nonce", "nonce-malformed", {"changes": {"nonce": 1}}),
    ("access token hash", "at-hash-mismatch", {"changes": {"at_hash": "x"}, "asked": {"access_token": "at"}}),
    ("access token hash", "at-hash-malformed", {"changes": {"at_hash": 1}}),
    ("code hash", "c-hash-missing", {"asked": {"code": "c"}}),
    ("code hash", "c-hash-mismatch", {"changes": {"c_hash": "x"}, "asked": {"code": "c"}}),
    ("state hash", "s-hash-missing", {"asked": {"state": "s"}}),
    ("state hash", "s-hash-mismatch", {"changes": {"s_hash": "x"}, "asked": {"state": "s"}}),
    ("time of sign-in", "auth-time-missing", {"without": ("auth_time",), "asked": {"max_age": 1}}),
    ("time of sign-in", "auth-time-too-old", {"changes": {"auth_time": NOW - 302}, "asked": {"max_age": 1}}),
    ("time of sign-in", "auth-time-malformed", {"changes": {"auth_time": "now"}}),
    ("other claims", "claim-malformed", {"changes": {"amr": "pwd"}}),
    ("other claims", "claim-malformed", {"changes": {"acr": 1}}),
    ("other claims", "claim-malformed", {"changes": {"sid": None}}),
    ("other claims", "claim-malformed", {"changes": {"jti": 1}}),
]


@standard_rules
@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(("rule", "code", "how"), USUAL)
def test_each_usual_rule_refuses_alone(name, rule, code, how):
    """Refuse what one rule forbids by that rule and no other, in every dialect."""
    assert only(SHAPES[ALL[name]], **how) == (rule, code)


@standard_rules
@pytest.mark.parametrize("name", ALL)
def test_each_usual_rule_has_its_refusal(name):
    """Have an example for every rule of the standard in the table above, the issuer's apart."""
    told = {rule for rule, _, _ in USUAL} | {"issuer"}
    rules = believing.rules("standard").rules
    assert {rule.name for rule in rules} == told
    assert told <= {rule.name for rule in believing.rules(SHAPES[ALL[name]].dialect).rules}
    assert only(SHAPES[ALL[name]], issuer=OTHER_ISSUERS[name]) == ("issuer", "issuer-mismatch")


@pytest.mark.parametrize("dialect", believing.DIALECTS)
def test_rules_are_whole(dialect):
    """Give each rule a judge, a citation, words that can be filled in, and a name of its own."""
    rules = believing.rules(dialect)
    assert rules.name == dialect
    assert len({rule.name for rule in rules.rules}) == len(rules.rules)
    for rule in rules.rules:
        assert rule.judge in catalogue.JUDGES
        assert min(map(len, (rule.spec, rule.expected, rule.received))) > 0


IDLE = {
    ("audience", "unchecked"): {"audience": UNSAFE_ANY_AUDIENCE},
    ("not before", "absent nbf"): {"without": ("nbf",)},
    ("nonce", "unasked nonce"): {},
    ("access token hash", "unasked access_token"): {},
    ("access token hash", "absent at_hash"): {"without": ("at_hash",), "asked": {"access_token": "at"}},
    ("code hash", "unasked code"): {},
    ("state hash", "unasked state"): {},
    ("time of sign-in", "unasked max_age"): {},
}


@standard_rules
@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(("rule", "condition"), IDLE)
def test_each_usual_rule_says_why_it_was_idle(name, rule, condition):
    """Say in the rule's own words why it had nothing to check, on a token that is believed."""
    shape = SHAPES[ALL[name]]
    sentence = {r.name: dict(r.idle) for r in believing.rules(shape.dialect).rules}[rule][condition]
    assert vendors.skipped(shape, **IDLE[rule, condition])[rule] == sentence


@pytest.mark.parametrize("dialect", believing.DIALECTS)
@pytest.mark.parametrize("option", [{"organization": "org_1"}, {"emails": ("abe@people.example",)}])
def test_expectations_that_no_rule_checks_are_refused(dialect, option):
    """Refuse an organization or an address that is expected where the dialect has no rule that would look at it."""
    name = next(iter(option))
    checked = {"organization": ("auth0",), "emails": ("google",)}[name]
    options = {"issuer": "https://op.example/", "audience": "c", "dialect": dialect, **option}
    if dialect in checked:
        intaglio.Validator(**options)
        return
    with pytest.raises(Misconfigured) as caught:
        intaglio.Validator(**options)
    assert caught.value.code == "expectation-unusable"


# --- no vendor's token passes for another's

NO_TENANT = {"tenant-missing", "version-missing"}
NO_WORKSPACE = {"workspace-missing", "tenant-missing"}
FORM, NO_PARTY = {"issuer-form-malformed"}, {"azp-missing"}
CROSS = {
    "google": {"microsoft": NO_TENANT, "auth0": FORM, "cloudentity": NO_WORKSPACE},
    "microsoft": {"google": FORM | NO_PARTY, "auth0": FORM, "cloudentity": {"workspace-missing"}},
    "auth0": {"google": FORM | NO_PARTY, "microsoft": NO_TENANT, "cloudentity": NO_WORKSPACE},
    "cloudentity": {
        # Cloudentity writes an empty text where there is no address.
        "google": FORM | NO_PARTY | {"email-malformed"},
        "microsoft": {"tenant-malformed", "version-missing"},
        "auth0": FORM,
    },
    "standard": {
        "google": FORM | NO_PARTY,
        "microsoft": NO_TENANT,
        "auth0": FORM,
        "cloudentity": NO_WORKSPACE,
    },
}
EXCEPTIONS = {
    # At a host of its own a workspace's issuer looks like Google's; the authorized party tells them apart.
    ("cloudentity, workspace's host", "google"): NO_PARTY | {"email-malformed"},
    ("standard, bare host", "google"): NO_PARTY,
    # The tenant is the first segment of the path for Microsoft; at a tenant's own host that is the workspace.
    ("cloudentity, tenant's host", "microsoft"): {"tenant-malformed", "tenant-mismatch", "version-missing"},
    # Only Microsoft's dialect knows the placeholder, and only Google's the bare spelling.
    ("microsoft v1.0, any tenant", "google"): FORM | NO_PARTY | {"issuer-mismatch"},
    ("microsoft v1.0, any tenant", "auth0"): FORM | {"issuer-mismatch"},
    ("microsoft v1.0, any tenant", "cloudentity"): {"issuer-mismatch", "workspace-missing"},
    ("microsoft v2.0, any tenant", "google"): FORM | NO_PARTY | {"issuer-mismatch"},
    ("microsoft v2.0, any tenant", "auth0"): FORM | {"issuer-mismatch"},
    ("microsoft v2.0, any tenant", "cloudentity"): {"issuer-mismatch", "workspace-missing"},
    ("google user, bare issuer", "microsoft"): NO_TENANT | {"issuer-mismatch"},
    ("google user, bare issuer", "auth0"): FORM | {"issuer-mismatch"},
    ("google user, bare issuer", "cloudentity"): NO_WORKSPACE | {"issuer-mismatch"},
}
STRANGERS = [
    (name, dialect)
    for name, shape in SHAPES.items()
    for dialect in believing.DIALECTS
    if dialect not in ("standard", shape.dialect)
]


@capability("dialects-cross", witness="the shapes of the vendors' tokens")
@pytest.mark.parametrize(("name", "dialect"), STRANGERS)
def test_a_vendors_token_fails_the_other_vendors_rules(name, dialect):
    """Refuse each token by every other vendor's rules, with its own issuer, audience and keys configured."""
    shape = SHAPES[name]
    token = vendors.sign(shape)
    # All algorithms are allowed and nothing is asked, so that the rules alone refuse.
    checking = vendors.validator(shape._replace(dialect=dialect, options={}), algorithms=(shape.alg,))
    codes = {code for _, code in vendors.failures(checking, token)}
    assert codes == EXCEPTIONS.get((name, dialect), CROSS[shape.dialect][dialect])


@capability("dialects-cross", witness="the shapes of the vendors' tokens")
@standard_rules
@pytest.mark.parametrize("name", SHAPES)
def test_the_standard_believes_every_vendor_by_its_own_three(name):
    """Believe any vendor's token by the standard's rules, and refuse it once issuer, audience or keys are another's."""
    shape = SHAPES[name]
    issuer, audience = shape.claims["iss"], shape.claims["aud"]
    if "://" not in issuer:
        with pytest.raises(Misconfigured):
            vendors.validator(shape, dialect="standard", issuer=issuer)
        assert only(shape, dialect="standard") == ("issuer", "issuer-mismatch")
        return
    plain = shape._replace(dialect="standard", issuer=issuer, options={})
    assert vendors.failures(vendors.validator(plain), vendors.sign(plain)) == []
    for wrong in (issuer + "x", issuer.removesuffix("/") if issuer.endswith("/") else issuer + "/", issuer.upper()):
        if wrong.startswith("https"):
            assert only(plain, issuer=wrong) == ("issuer", "issuer-mismatch")
    for wrong in (audience + "x", audience[:-1], (audience.upper() + "x", "another")):
        assert only(plain, audience=wrong) == ("audience", "audience-mismatch")
    found = vendors.failures(vendors.validator(plain), vendors.sign(plain, by=vendors.stranger(shape.alg)))
    assert found == [("signature", "signature-invalid")]
    assert only(plain, header={"kid": "k2"}) == ("key", "key-unknown")


@pytest.mark.parametrize("name", SHAPES)
def test_own_rules_believe_by_own_three_only(name):
    """Refuse a vendor's token by its own rules too, once audience or keys are another's."""
    shape = SHAPES[name]
    assert only(shape, audience="another") == ("audience", "audience-mismatch")
    found = vendors.failures(vendors.validator(shape), vendors.sign(shape, by=vendors.stranger(shape.alg)))
    assert ("signature", "signature-invalid") in found


# --- the vendors' own libraries, and the usual ones, decide the same

AGREED, WE_REFUSE, WE_BELIEVE = "agreed", "ours alone refuses", "ours alone believes"


def _since(shape):
    """Return a shape whose times are of now, for libraries that look at the wall clock."""
    shift = int(time.time()) - NOW
    times = {name: value + shift for name, value in shape.claims.items() if name in ("iat", "exp", "nbf", "auth_time")}
    return shape._replace(claims={**shape.claims, **times})


def _decided(shape, how, theirs):
    """Return how our decision on a changed token and theirs compare; both must refuse if both do."""
    at = int(time.time())
    changes = {name: value(at) if callable(value) else value for name, value in how.get("changes", {}).items()}
    token = vendors.sign(shape, changes, without=how.get("without", ()), header=how.get("header"), by=how.get("by"))
    token = how.get("text", lambda text: text)(token)
    options = {"clock": FixedClock(at), **how.get("options", {})}
    ours = vendors.failures(vendors.validator(shape, **options), token, **how.get("asked", {})) == []
    believed = theirs(token, how)
    assert ours is not how.get("bad", True), how
    if ours == believed:
        return AGREED
    return WE_BELIEVE if ours else WE_REFUSE


def _padded(token):
    header, payload, signature = token.split(".")
    return f"{header}.{payload}.{signature}=="


def _ago(seconds):
    return lambda at: at - seconds


def _ahead(seconds):
    return lambda at: at + seconds


GOOGLE = [
    ("as it is", {"bad": False}, AGREED),
    ("bare issuer", {"changes": {"iss": "accounts.google.com"}, "bad": False}, AGREED),
    ("within the leeway", {"changes": {"exp": _ago(30)}, "bad": False}, AGREED),
    ("expired", {"changes": {"exp": _ago(120)}}, AGREED),
    ("issued in the future", {"changes": {"iat": _ahead(120)}}, AGREED),
    ("no exp", {"without": ("exp",)}, AGREED),
    ("no iat", {"without": ("iat",)}, AGREED),
    ("another audience", {"changes": {"aud": "another"}}, AGREED),
    ("no audience", {"without": ("aud",)}, AGREED),
    ("another issuer", {"changes": {"iss": "https://accounts.google.com.evil"}}, AGREED),
    ("issuer with a slash", {"changes": {"iss": "https://accounts.google.com/"}}, AGREED),
    ("unknown key", {"header": {"kid": "k2"}}, AGREED),
    ("another key", {"forged": True}, AGREED),
    ("empty", {"text": lambda text: ""}, AGREED),
    ("no signature", {"text": lambda text: text.rpartition(".")[0] + "."}, AGREED),
    ("no sub", {"without": ("sub",)}, WE_REFUSE),  # Google's kit leaves the claims to the caller
    ("no azp", {"without": ("azp",)}, WE_REFUSE),  # as above
    ("email_verified as text", {"changes": {"email_verified": "true"}}, WE_REFUSE),  # as above
    ("a week long", {"changes": {"exp": _ahead(7 * 86400)}}, WE_REFUSE),  # its kit for Node refuses as well
    ("an access token", {"header": {"typ": "at+jwt"}}, WE_REFUSE),  # RFC 8725 3.11 is newer than the kit
    ("padding", {"text": _padded}, WE_REFUSE),  # RFC 7515 2: without padding
    # RFC 7519 4.1.3 lets one audience stand in a list; the kit compares the whole value.
    ("audience in a list", {"changes": {"aud": [vendors.CLIENT]}, "bad": False}, WE_BELIEVE),
]


class _Certificates:
    """Answers Google's kit with the tests' own certificate."""

    def __init__(self) -> None:
        der = certificates.self_signed(vendors.key("RS256"), common_name="tests", not_before=NOW, lifetime=10**9)
        self.status, self.data = 200, json.dumps({"k1": pem.certificate_to_pem(der)}).encode()

    def __call__(self, url, method="GET", **_):
        return self


@capability("validator-rules-google", witness="google-auth")
@pytest.mark.parametrize(("name", "how", "expected"), GOOGLE)
def test_googles_own_kit_decides_the_same(name, how, expected):
    """Decide as google-auth does on a table of tokens; where ours differs, the table says why."""
    shape, answers = _since(SHAPES["google user"]), _Certificates()

    def theirs(token, how):
        try:
            google.oauth2.id_token.verify_oauth2_token(token, answers, vendors.CLIENT, clock_skew_in_seconds=60)
        except (ValueError, google.auth.exceptions.GoogleAuthError):
            return False
        return True

    assert _decided(shape, _forged(how), theirs) == expected


def _forged(how):
    return {**how, "by": vendors.stranger("RS256")} if how.get("forged") else how


_BOTH = ["Xq3vJ0aT5mYd2kLwP9sRzB1cN7hG4fU8", "https://api.example/"]
_MEMBER = {"org_id": "org_1", "org_name": "acme"}
_ALSO = {"also": ("https://api.example/",)}
AUTH0 = [
    ("as it is", {"bad": False}, AGREED),
    ("nonce", {"asked": {"nonce": "n-0S6_WzA2Mj"}, "bad": False}, AGREED),
    ("within the leeway", {"changes": {"exp": _ago(30)}, "bad": False}, AGREED),
    ("expired", {"changes": {"exp": _ago(120)}}, AGREED),
    ("issuer without its slash", {"changes": {"iss": "https://tenant-one.eu.auth0.com"}}, AGREED),
    ("another issuer", {"changes": {"iss": "https://tenant-two.eu.auth0.com/"}}, AGREED),
    ("no issuer", {"without": ("iss",)}, AGREED),
    ("no sub", {"without": ("sub",)}, AGREED),
    ("sub is a number", {"changes": {"sub": 1}}, AGREED),
    ("no exp", {"without": ("exp",)}, AGREED),
    ("no iat", {"without": ("iat",)}, AGREED),
    ("another audience", {"changes": {"aud": "another"}}, AGREED),
    ("other audiences", {"changes": {"aud": ["a", "b"], "azp": "a"}}, AGREED),
    ("another nonce", {"asked": {"nonce": "another"}}, AGREED),
    ("no nonce", {"without": ("nonce",), "asked": {"nonce": "n"}}, AGREED),
    ("two audiences", {"changes": {"aud": _BOTH, "azp": _BOTH[0]}, "options": _ALSO, "bad": False}, AGREED),
    ("two audiences, no azp", {"changes": {"aud": _BOTH}, "options": _ALSO}, AGREED),
    ("two audiences, the other's azp", {"changes": {"aud": _BOTH, "azp": _BOTH[1]}, "options": _ALSO}, AGREED),
    ("organization", {"changes": _MEMBER, "organization": "org_1", "bad": False}, AGREED),
    ("organization by name", {"changes": _MEMBER, "organization": "Acme", "bad": False}, AGREED),
    ("another organization", {"changes": _MEMBER, "organization": "org_2"}, AGREED),
    ("another name", {"changes": _MEMBER, "organization": "other"}, AGREED),
    ("a name in upper case", {"changes": {"org_name": "ACME"}, "organization": "acme"}, AGREED),
    ("no organization", {"organization": "org_1"}, AGREED),
    ("fresh enough", {"changes": {"auth_time": _ago(60)}, "asked": {"max_age": 30}, "bad": False}, AGREED),
    ("too old", {"changes": {"auth_time": _ago(120)}, "asked": {"max_age": 30}}, AGREED),
    ("time of sign-in unknown", {"asked": {"max_age": 30}}, AGREED),
    ("unknown key", {"header": {"kid": "k2"}}, AGREED),
    ("another key", {"forged": True}, AGREED),
    ("no signature", {"text": lambda text: text.rpartition(".")[0] + "."}, AGREED),
    ("empty", {"text": lambda text: ""}, AGREED),
    # Core 3.1.3.7 step 3: an audience that is not trusted; the kit looks only for its own.
    ("a foreign audience", {"changes": {"aud": _BOTH, "azp": _BOTH[0]}}, WE_REFUSE),
    ("issued in the future", {"changes": {"iat": _ahead(120)}}, WE_REFUSE),  # the kit looks only whether it is there
    ("not before", {"changes": {"nbf": _ahead(120)}}, WE_REFUSE),  # the kit does not look
    ("empty sub", {"changes": {"sub": ""}}, WE_REFUSE),  # Core 2
    ("an access token", {"header": {"typ": "at+jwt"}}, WE_REFUSE),  # RFC 8725 3.11
    # RFC 7519 2: a NumericDate may have a fraction; the kit wants an int.
    ("a fraction of a second", {"changes": {"exp": lambda at: at + 600.5}, "bad": False}, WE_BELIEVE),
]


class _Keys(token_verifier.SignatureVerifier):
    """Auth0's kit with the tests' own key in place of the fetched set."""

    def _fetch_key(self, key_id):
        if key_id != "k1":
            raise TokenValidationError("no such key")
        return vendors.key("RS256").private.public_key()


@capability("validator-rules-auth0", witness="auth0-python")
@pytest.mark.parametrize(("name", "how", "expected"), AUTH0)
def test_auth0s_own_kit_decides_the_same(name, how, expected):
    """Decide as auth0-python does on a table of tokens; where ours differs, the table says why."""
    shape = _since(SHAPES["auth0 user"])
    verifier = token_verifier.TokenVerifier(_Keys("RS256"), shape.issuer, shape.claims["aud"], leeway=60)

    def theirs(token, how):
        try:
            verifier.verify(token, organization=how.get("organization"), **how.get("asked", {}))
        except (TokenValidationError, jwt.PyJWTError):
            return False
        return True

    if "organization" in how:
        how = {**how, "options": {"organization": how["organization"]}}
    assert _decided(shape, _forged(how), theirs) == expected


USUAL_LIBRARIES = [
    ("as it is", {"bad": False}, AGREED, AGREED),
    ("within the leeway", {"changes": {"exp": _ago(30)}, "bad": False}, AGREED, AGREED),
    ("audience in a list", {"changes": {"aud": ["s6BhdRkqt3"]}, "bad": False}, AGREED, AGREED),
    ("expired", {"changes": {"exp": _ago(120)}}, AGREED, AGREED),
    ("issued in the future", {"changes": {"iat": _ahead(120)}}, AGREED, AGREED),
    ("not before", {"changes": {"nbf": _ahead(120)}}, AGREED, AGREED),
    ("another audience", {"changes": {"aud": "another"}}, AGREED, AGREED),
    ("another issuer", {"changes": {"iss": "https://op.example"}}, AGREED, AGREED),
    *((f"no {name}", {"without": (name,)}, AGREED, AGREED) for name in ("iss", "sub", "aud", "exp", "iat")),
    ("exp as text", {"changes": {"exp": "later"}}, AGREED, AGREED),
    ("another key", {"forged": True}, AGREED, AGREED),
    ("no signature", {"text": lambda text: text.rpartition(".")[0] + "."}, AGREED, AGREED),
    ("padding", {"text": _padded}, WE_REFUSE, AGREED),  # RFC 7515 2
    # Core 3.1.3.7 step 3 is of OpenID Connect; these two read JWTs.
    ("a foreign audience", {"changes": {"aud": ["s6BhdRkqt3", "x"], "azp": "s6BhdRkqt3"}}, WE_REFUSE, WE_REFUSE),
    ("an access token", {"header": {"typ": "at+jwt"}}, WE_REFUSE, WE_REFUSE),  # the caller's to look at
    ("sub is a number", {"changes": {"sub": 1}}, AGREED, AGREED),
    ("empty sub", {"changes": {"sub": ""}}, WE_REFUSE, AGREED),  # Core 2
]


@standard_rules
@pytest.mark.parametrize(("name", "how", "by_pyjwt", "by_joserfc"), USUAL_LIBRARIES)
def test_usual_libraries_decide_the_same(name, how, by_pyjwt, by_joserfc):
    """Decide as PyJWT and joserfc do on a table of tokens; where ours differs, the table says why."""
    shape = _since(SHAPES["standard"])
    client, public = shape.claims["aud"], vendors.key("RS256").private.public_key()
    known = joserfc.jwk.import_key(vendors.members())

    def pyjwt(token, how):
        required = {"require": ["iss", "sub", "aud", "exp", "iat"]}
        try:
            jwt.decode(
                token, public, algorithms=["RS256"], audience=client, issuer=shape.issuer, leeway=60, options=required
            )
        except jwt.PyJWTError:
            return False
        return True

    def theirs(token, how):
        registry = joserfc.jwt.JWTClaimsRegistry(
            leeway=60,
            iss={"essential": True, "value": shape.issuer},
            aud={"essential": True, "value": client},
            **{name: {"essential": True} for name in ("sub", "exp", "iat")},
        )
        try:
            registry.validate(joserfc.jwt.decode(token, known, algorithms=["RS256"]).claims)
        except (joserfc.errors.JoseError, ValueError):
            return False
        return True

    assert _decided(shape, _forged(how), pyjwt) == by_pyjwt
    assert _decided(shape, _forged(how), theirs) == by_joserfc
