"""The rules for Google's tokens, one by one: what each refuses and when it has nothing to do."""

from __future__ import annotations

import pytest

from intaglio.dialects import believing
from intaglio.dialects.google.rules import RULES
from tests.capability import capability
from tests.validate import test_rules_tokens as vendors
from tests.validate.test_rules_tokens import CLIENT, NOW, SHAPES, only

pytestmark = capability("validator-rules-google", witness="google-auth")

USER, BARE = SHAPES["google user"], SHAPES["google user, bare issuer"]
WORKLOAD, ROBOT = SHAPES["google workload"], SHAPES["google workload with e-mail"]


@pytest.mark.parametrize("shape", [USER, BARE], ids=["with scheme", "bare"])
@pytest.mark.parametrize("also", ["https://accounts.google.com", "accounts.google.com"])
def test_both_spellings_of_the_issuer_are_believed(shape, also):
    """Believe both spellings that Google writes, whichever of them a client names to the expectation."""
    assert vendors.failures(vendors.validator(shape), vendors.sign(shape, {"iss": also})) == []


@pytest.mark.parametrize(
    "iss",
    [
        "https://accounts.google.com/",
        "accounts.google.com/",
        "http://accounts.google.com",
        "HTTPS://accounts.google.com",
        "https://Accounts.google.com",
        "ACCOUNTS.GOOGLE.COM",
        "//accounts.google.com",
        "https://https://accounts.google.com",
        "accounts.google.com.evil",
        "https://accounts.google.com.evil",
        "https://accounts.google.com@evil.example",
        "https://evil.example/accounts.google.com",
        "evil.example/accounts.google.com",
        "accounts.google.co",
        "ccounts.google.com",
        "https://accounts.google.com:443",
        "accounts.google.com:443",
        " accounts.google.com",
        "accounts.google.com\n",
        "accounts.google.com\x00",
        "accounts.google.com,https://accounts.google.com",
        "https://аccounts.google.com",
        "https://",
        "",
    ],
)
def test_d2_13_other_spellings_of_the_issuer_are_refused(iss):
    """Refuse every prefix, suffix, case and look-alike of Google's issuer."""
    for name in ("google user", "google user, bare issuer"):
        found = vendors.failures(vendors.validator(SHAPES[name]), vendors.sign(SHAPES[name], {"iss": iss}))
        assert found[0] == ("issuer", "issuer-mismatch")
        assert {check for check, _ in found} <= {"issuer", "issuer form"}


@pytest.mark.parametrize(
    "iss", [["https://accounts.google.com"], ["accounts.google.com", "x"], {"accounts.google.com": 1}, None, True, 0]
)
def test_d2_13_an_issuer_is_one_text(iss):
    """Refuse a list, an object and anything else that holds the right text but is not it."""
    found = vendors.failures(vendors.validator(USER), vendors.sign(USER, {"iss": iss}))
    assert found == [("issuer", "issuer-malformed"), ("issuer form", "issuer-form-malformed")]


def test_http_has_no_bare_spelling():
    """Accept the spelling without a scheme for https alone: http is another issuer."""
    shape = USER._replace(issuer="http://localhost:8082", claims={**USER.claims, "iss": "http://localhost:8082"})
    assert vendors.failures(vendors.validator(shape), vendors.sign(shape)) == []
    assert only(shape, {"iss": "localhost:8082"}) == ("issuer", "issuer-mismatch")


@pytest.mark.parametrize(
    ("issuer", "iss"),
    [
        ("https://op.example/default", None),
        ("https://op.example/", None),
        ("https://op.example/default", "op.example/default"),
    ],
)
def test_issuers_with_a_path_are_no_issuers_of_this_dialect(issuer, iss):
    """Refuse an issuer with a path or a slash at the end, though it is the one that was configured."""
    shape = USER._replace(issuer=issuer)
    assert only(shape, {"iss": iss or issuer}) == ("issuer form", "issuer-form-malformed")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"azp": 1}, "azp-malformed"),
        ({"azp": ""}, "azp-malformed"),
        ({"azp": None}, "azp-malformed"),
        ({"azp": [CLIENT]}, "azp-malformed"),
    ],
)
def test_authorized_party_must_be_there_and_be_one(changes, code):
    """Refuse a token whose authorized party is missing or is no text."""
    for shape in (USER, WORKLOAD, ROBOT):
        assert only(shape, without=("azp",)) == ("authorized party", "azp-missing")
        assert only(shape, changes) == ("authorized party", code)


def test_authorized_party_is_bound_where_it_is_expected():
    """Refuse another account's or client's token where the caller names whose it wants."""
    robots = vendors.validator(WORKLOAD, authorized_parties=(vendors.ROBOT_ID, vendors.ROBOT))
    for name in ("google workload", "google workload by its key"):
        assert vendors.failures(robots, vendors.sign(SHAPES[name])) == []
    assert only(WORKLOAD, {"azp": "1" * 21}, authorized_parties=(vendors.ROBOT_ID,)) == (
        "authorized party",
        "azp-mismatch",
    )
    assert only(USER, authorized_parties=("other.apps.googleusercontent.com",))[1] == "azp-mismatch"


def test_hybrid_applications_have_an_audience_of_another_client():
    """Believe a token that an Android client got for its project's server, and several audiences with a trusted azp."""
    android = {"azp": "android.apps.googleusercontent.com"}
    assert vendors.failures(vendors.validator(USER), vendors.sign(USER, android)) == []
    both = {"aud": [CLIENT, "other"]}
    assert vendors.failures(vendors.validator(USER, also=("other",)), vendors.sign(USER, both)) == []
    assert only(USER, both) == ("audience", "audience-foreign")
    assert only(USER, {**both, **android}, also=("other",)) == ("authorized party", "azp-mismatch")


@pytest.mark.parametrize(
    ("lifetime", "refused"), [(3600, False), (86400, False), (86401, True), (10 * 365 * 86400, True)]
)
def test_a_token_lives_a_day_at_most(lifetime, refused):
    """Refuse a token that says it lives longer than Google's libraries accept."""
    changes = {"iat": NOW - 20, "exp": NOW - 20 + lifetime}
    found = vendors.failures(vendors.validator(USER), vendors.sign(USER, changes))
    assert found == ([("lifetime", "lifetime-too-long")] if refused else [])


@pytest.mark.parametrize(
    "email",
    [
        "abe@people.example@evil.example",
        "@people.example",
        "abe@",
        "abe",
        "",
        "abe@people.example ",
        " abe@people.example",
        "abe @people.example",
        "abe@people.example\n",
        "abe@people.example\x00@x",
        "abé@people.example",
        "a" * 65 + "@people.example",
        None,
        1,
        ["abe@people.example"],
    ],
    ids=repr,
)
def test_d2_17_an_address_is_one_address(email):
    """Refuse what is no single e-mail address (GHSA-c5c4-8r6x-56w3: a second @ hid another domain)."""
    assert only(ROBOT, {"email": email}) == ("e-mail", "email-malformed")


@pytest.mark.parametrize("mark", ["true", "false", 1, 0, "", None, [True]], ids=repr)
def test_d2_17_confirmed_is_a_boolean(mark):
    """Refuse a text or a number where a true boolean belongs, whether an address is expected or not."""
    assert only(ROBOT, {"email_verified": mark}) == ("e-mail", "email-malformed")
    assert only(ROBOT, {"email_verified": mark}, emails=(vendors.ROBOT,)) == ("e-mail", "email-malformed")


def test_d2_17_an_address_counts_only_if_it_is_confirmed_and_expected():
    """Refuse an unconfirmed, a missing and another address where the caller binds it; addresses compare exactly."""
    bound = {"emails": (vendors.ROBOT, "second@project-one.iam.gserviceaccount.com")}
    assert vendors.failures(vendors.validator(ROBOT, **bound), vendors.sign(ROBOT)) == []
    assert only(ROBOT, {"email_verified": False}, **bound) == ("e-mail", "email-unverified")
    assert only(ROBOT, {"email": "deploy@project-two.iam.gserviceaccount.com"}, **bound)[1] == "email-mismatch"
    assert only(ROBOT, {"email": vendors.ROBOT.upper()}, **bound)[1] == "email-mismatch"
    assert only(ROBOT, without=("email_verified",), **bound)[1] == "email-malformed"
    assert only(WORKLOAD, **bound) == ("e-mail", "email-missing")
    assert vendors.failures(vendors.validator(ROBOT), vendors.sign(ROBOT, {"email_verified": False})) == []


def test_idle_rules_say_why():
    """Say in the report that there was no address to look at."""
    assert vendors.skipped(WORKLOAD)["e-mail"] == "the token carries no e-mail address, which it need not"
    assert "e-mail" not in vendors.skipped(ROBOT)
    assert "authorized party" not in vendors.skipped(WORKLOAD)


def test_leeway_is_a_minute():
    """Believe 59 s after the end and not 60 s after it."""
    assert (RULES.leeway, RULES.algorithms) == (60, ("RS256",))
    token = vendors.sign(USER)
    end = USER.claims["exp"]
    assert vendors.failures(vendors.validator(USER, now=end + 59), token) == []
    assert vendors.failures(vendors.validator(USER, now=end + 60), token) == [("expiry", "token-expired")]


def test_other_algorithms_must_be_asked_for():
    """Refuse Google's claims under ES256 unless the caller allows it."""
    shape = USER._replace(alg="ES256")
    found = vendors.failures(vendors.validator(shape), vendors.sign(shape))
    assert found == [("algorithm", "forbidden-algorithm")]
    assert vendors.failures(vendors.validator(shape, algorithms=("ES256",)), vendors.sign(shape)) == []
    assert believing.discovery_uri(_ISSUER, RULES) == _ISSUER + "/.well-known/openid-configuration"


_ISSUER = "https://accounts.google.com"
