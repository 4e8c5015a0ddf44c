"""The rules for Microsoft's tokens, v1.0 and v2.0, one by one: the tenant is bound to issuer, token and key."""

from __future__ import annotations

import pytest

from intaglio.dialects import believing
from intaglio.dialects.microsoft.rules import RULES
from intaglio.tokens import jwk
from tests.capability import capability
from tests.validate import test_rules_tokens as vendors
from tests.validate.test_rules_tokens import CONSUMERS, NOW, OTHER_TENANT, SHAPES, TENANT, V1, V2, only

v1 = capability("validator-rules-microsoft-v1", witness="values by hand")
v2 = capability("validator-rules-microsoft-v2", witness="values by hand")
pytestmark = [v1, v2]

ONE, TWO = SHAPES["microsoft v1.0"], SHAPES["microsoft v2.0"]
ANY_ONE, ANY_TWO = SHAPES["microsoft v1.0, any tenant"], SHAPES["microsoft v2.0, any tenant"]
PERSONAL = SHAPES["microsoft personal"]
EXACT, OPEN = [ONE, TWO], [ANY_ONE, ANY_TWO]
BOTH = ["v1.0", "v2.0"]


def _issuer(shape, tenant):
    return (V1 if shape.claims["ver"] == "1.0" else V2).format(tenant)


def _codes(shape, changes=None, without=(), **options):
    return vendors.failures(vendors.validator(shape, **options), vendors.sign(shape, changes, without=without))


@pytest.mark.parametrize("shape", OPEN, ids=BOTH)
@pytest.mark.parametrize("tenant", [TENANT, OTHER_TENANT, CONSUMERS])
def test_any_tenant_is_believed_by_the_template(shape, tenant):
    """Believe each tenant's token by the issuer in which a placeholder stands for the tenant."""
    assert _codes(shape, {"iss": _issuer(shape, tenant), "tid": tenant}) == []


@pytest.mark.parametrize("shape", OPEN, ids=BOTH)
def test_d2_16_tenant_of_the_issuer_must_be_the_tokens(shape):
    """Refuse a token whose issuer names another tenant than its tid (CVE-2025-55241)."""
    found = _codes(shape, {"tid": OTHER_TENANT})
    assert ("issuer", "issuer-mismatch") in found
    assert ("tenant of the issuer", "tenant-mismatch") in found
    found = _codes(shape, {"iss": _issuer(shape, OTHER_TENANT)})
    assert found[0] == ("issuer", "issuer-mismatch")


@pytest.mark.parametrize("shape", EXACT, ids=BOTH)
def test_d2_16_tenant_is_the_one_of_the_issuer_that_is_expected(shape):
    """Refuse another tenant's tid under the issuer of one tenant."""
    found = _codes(shape, {"tid": OTHER_TENANT})
    assert ("tenant of the issuer", "tenant-mismatch") in found
    assert {code for _, code in found} <= {"tenant-mismatch", "key-issuer-mismatch"}


@pytest.mark.parametrize("shape", [ANY_ONE, TWO], ids=BOTH)
@pytest.mark.parametrize(
    "tenant",
    [
        *("common", "organizations", "contoso.onmicrosoft.com", "{tenantid}", TENANT + "0", TENANT[:-1], TENANT + "\n"),
        *("*", TENANT.replace("-", ""), "{" + TENANT + "}", "../" + TENANT, TENANT + "/v2.0", ""),
    ],
)
def test_d2_16_a_tenant_is_a_guid(shape, tenant):
    """Refuse names, placeholders and paths where the tenant's GUID belongs, though issuer and tid say the same."""
    found = _codes(shape._replace(issuer=V2.format("{tenantid}")), {"iss": V2.format(tenant), "tid": tenant})
    assert ("tenant", "tenant-malformed") in found


@pytest.mark.parametrize("shape", [ANY_ONE, ANY_TWO], ids=BOTH)
@pytest.mark.parametrize("value", [None, 1, True, [TENANT], {"tid": TENANT}], ids=repr)
def test_d2_16_a_tenant_is_a_text(shape, value):
    """Refuse a tid that is no text, and one that is missing."""
    assert ("tenant", "tenant-malformed") in _codes(shape, {"tid": value})
    assert ("tenant", "tenant-missing") in _codes(shape, without=("tid",))


@pytest.mark.parametrize("shape", EXACT, ids=BOTH)
def test_tenant_alone_fails_its_rule(shape):
    """Refuse a token without a tenant under one tenant's issuer, by the rule on the tenant and no other."""
    keys = vendors.keys(None, "RS256")
    assert only(shape, without=("tid",), keys=keys) == ("tenant", "tenant-missing")
    assert only(shape, {"tid": OTHER_TENANT}, keys=keys) == ("tenant of the issuer", "tenant-mismatch")


@pytest.mark.parametrize("shape", OPEN, ids=BOTH)
def test_d2_16_case_of_a_tenant_is_the_same_everywhere(shape):
    """Refuse a tenant that is written in another case in the issuer than in tid."""
    upper = TENANT.upper()
    assert ("issuer", "issuer-mismatch") in _codes(shape, {"tid": upper})
    assert ("issuer", "issuer-mismatch") in _codes(shape, {"iss": _issuer(shape, upper)})
    assert _codes(shape, {"tid": upper, "iss": _issuer(shape, upper)}) == []


def test_d2_16_upper_case_is_another_issuer_for_one_tenant():
    """Refuse the upper-case spelling of the tenant that is expected: issuers compare letter for letter."""
    upper = TENANT.upper()
    assert _codes(TWO, {"tid": upper, "iss": V2.format(upper)}) == [("issuer", "issuer-mismatch")]


@pytest.mark.parametrize(
    "iss",
    [
        "https://login.microsoftonline.com.evil.example/{}/v2.0",
        "https://evil.example/{}/v2.0",
        "https://login.microsoftonline.com/{}/v2.0/",
        "https://login.microsoftonline.com/{}",
        "http://login.microsoftonline.com/{}/v2.0",
        "https://login.microsoftonline.com/x/{}/v2.0",
        "https://LOGIN.microsoftonline.com/{}/v2.0",
        "https://sts.windows.net/{}/",
    ],
)
def test_d2_13_template_is_compared_whole(iss):
    """Refuse every issuer that only resembles the template with the tenant in it."""
    assert ("issuer", "issuer-mismatch") in _codes(ANY_TWO, {"iss": iss.format(TENANT)})


def test_d2_13_the_placeholder_itself_is_no_issuer():
    """Refuse a token that carries the placeholder where a tenant belongs."""
    for tenant in ("{tenantid}", TENANT):
        found = _codes(ANY_TWO, {"iss": V2.format("{tenantid}"), "tid": tenant})
        assert found
        assert found[0][0] in ("issuer", "tenant")


def test_d2_16_a_key_signs_for_its_owner_only():
    """Refuse an enterprise tenant's token that the key for personal accounts signed, and the reverse (Storm-0558)."""
    consumer = vendors.keys(V2.format(CONSUMERS), "RS256")
    assert only(TWO, keys=consumer) == ("issuer of the key", "key-issuer-mismatch")
    assert only(ANY_TWO, keys=consumer) == ("issuer of the key", "key-issuer-mismatch")
    enterprise = vendors.keys(V2.format(TENANT), "RS256")
    assert only(PERSONAL, keys=enterprise) == ("issuer of the key", "key-issuer-mismatch")
    other = vendors.keys(V2.format(OTHER_TENANT), "RS256")
    assert only(TWO, keys=other) == ("issuer of the key", "key-issuer-mismatch")
    assert vendors.failures(vendors.validator(TWO, keys=enterprise), vendors.sign(TWO)) == []


def test_d2_16_a_key_of_one_version_does_not_sign_the_other():
    """Refuse a v1.0 token by the keys of v2.0, which say that they are for v2.0."""
    keys = vendors.keys(V2.format("{tenantid}"), "RS256")
    assert only(ONE, keys=keys) == ("issuer of the key", "key-issuer-mismatch")
    assert only(ANY_ONE, keys=keys) == ("issuer of the key", "key-issuer-mismatch")


@pytest.mark.parametrize("owner", ["", "https://login.microsoftonline.com/", "{tenantid}", TENANT, "*"])
def test_d2_16_an_owner_is_an_issuer(owner):
    """Refuse a key whose owner is anything but the token's issuer."""
    assert only(TWO, keys=vendors.keys(owner, "RS256")) == ("issuer of the key", "key-issuer-mismatch")


def test_d2_16_a_malformed_owner_makes_no_free_key():
    """Leave a key out of the set whose owner is no text, rather than take it for a key without an owner."""
    found = jwk.read_set({"keys": [{**vendors.members(), "issuer": None}, {**vendors.members(), "issuer": ["x"]}]})
    assert len(found) == 0
    assert only(TWO, keys=found) == ("key", "key-unknown")


@pytest.mark.parametrize(
    ("shape", "ver"), [(ONE, "2.0"), (TWO, "1.0"), (ANY_ONE, "2.0"), (ANY_TWO, "1.0"), (ONE, "1"), (TWO, "2")]
)
def test_version_must_fit_the_issuer(shape, ver):
    """Refuse a v1.0 token at a v2.0 issuer and the reverse."""
    assert only(shape, {"ver": ver}) == ("version", "version-mismatch")


@pytest.mark.parametrize("shape", EXACT, ids=BOTH)
@pytest.mark.parametrize("ver", [2.0, 1, None, ["2.0"], True], ids=repr)
def test_version_is_a_text(shape, ver):
    """Refuse a version that is missing or no text."""
    assert only(shape, {"ver": ver}) == ("version", "version-malformed")
    assert only(shape, without=("ver",)) == ("version", "version-missing")


def test_versions_have_different_issuers():
    """Refuse each version's token where the other version's issuer is expected."""
    for shape, other in ((ONE, V2), (TWO, V1)):
        assert only(shape, issuer=other.format(TENANT)) == ("issuer", "issuer-mismatch")
        assert only(shape, issuer=other.format("{tenantid}")) == ("issuer", "issuer-mismatch")


@pytest.mark.parametrize("shape", EXACT, ids=BOTH)
@pytest.mark.parametrize("changes", [{"uid": "x"}, {"utid": "x"}, {"uid": None}, {"uid": "", "utid": ""}])
def test_account_claims_are_refused(shape, changes):
    """Refuse a token that holds what an application keeps beside it, as Microsoft.Identity.Web does (IDW10305)."""
    assert only(shape, changes) == ("no account claims", "token-of-session")


@pytest.mark.parametrize("shape", EXACT, ids=BOTH)
def test_leeway_is_five_minutes(shape):
    """Believe 299 s after the end and refuse at 300 s; allow no more than that."""
    assert (RULES.leeway, RULES.algorithms) == (300, ("RS256",))
    token, end, begin = vendors.sign(shape), shape.claims["exp"], shape.claims["nbf"]
    assert vendors.failures(vendors.validator(shape, now=end + 299), token) == []
    assert vendors.failures(vendors.validator(shape, now=end + 300), token) == [("expiry", "token-expired")]
    assert vendors.failures(vendors.validator(shape, now=begin - 300), token) == []
    early = vendors.failures(vendors.validator(shape, now=begin - 301), token)
    assert early == [("not before", "token-not-yet-valid"), ("issued at", "issued-in-the-future")]
    assert vendors.failures(vendors.validator(shape, now=end + 59, leeway=59), token) == [("expiry", "token-expired")]


def test_idle_rules_say_why():
    """Say in the report which bindings had nothing to look at."""
    assert vendors.skipped(ONE)["issuer of the key"] == "the key does not say whose it is"
    assert "issuer of the key" not in vendors.skipped(TWO)
    report = vendors.validator(TWO).explain(vendors.sign(TWO, without=("tid",)))
    sentences = {check.name: (check.outcome, check.hint) for check in report.checks}
    assert sentences["tenant of the issuer"] == ("skipped", "the token names no tenant")
    short = TWO._replace(issuer="https://login.example", owner=None)
    report = vendors.validator(short).explain(vendors.sign(short, {"iss": "https://login.example"}))
    sentences = {check.name: (check.outcome, check.hint) for check in report.checks}
    assert sentences["tenant of the issuer"] == ("skipped", "the issuer's path names no tenant")
    assert [check.name for check in report.failures()] == ["version"]


@pytest.mark.parametrize(
    ("issuer", "asked"),
    [
        (V2.format(TENANT), V2.format(TENANT)),
        (V2.format("{tenantid}"), V2.format("common")),
        (V1.format(TENANT), f"https://login.microsoftonline.com/{TENANT}"),
        (V1.format("{tenantid}"), "https://login.microsoftonline.com/common"),
        ("https://login.example:8443/{tenantid}/v2.0", "https://login.example:8443/common/v2.0"),
    ],
)
def test_metadata_of_the_same_version_is_asked(issuer, asked):
    """Ask for the document of the issuer's own version, at the host that has it."""
    assert believing.discovery_uri(issuer, RULES) == asked + "/.well-known/openid-configuration"


def test_d2_17_an_address_is_no_identity():
    """Believe a token of another account with the same address as what it is: another subject (nOAuth)."""
    mine, theirs = ({"email": "ceo@people.example", "sub": sub} for sub in ("a" * 43, "b" * 43))
    checking = vendors.validator(ANY_TWO)
    assert checking.validate(vendors.sign(ANY_TWO, mine)).sub != checking.validate(vendors.sign(ANY_TWO, theirs)).sub
    assert not hasattr(checking.validate(vendors.sign(ANY_TWO, mine)), "email")
    assert ANY_TWO.claims["exp"] > NOW
