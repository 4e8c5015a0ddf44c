"""The rules for Auth0's tokens, one by one: the slash at the issuer's end, azp, organizations."""

from __future__ import annotations

import pytest

from intaglio.dialects.auth0.rules import RULES
from tests.capability import capability
from tests.validate import test_rules_tokens as vendors
from tests.validate.test_rules_tokens import SHAPES, only

pytestmark = capability("validator-rules-auth0", witness="auth0-python")

USER, BY_ID, BY_NAME = (SHAPES[f"auth0 {name}"] for name in ("user", "organization", "organization by name"))
CLIENT = USER.claims["aud"]
API = "https://api.example/"


@pytest.mark.parametrize(
    "iss",
    [
        "https://tenant-one.eu.auth0.com",
        "https://tenant-one.eu.auth0.com//",
        "https://tenant-one.eu.auth0.com/x/",
        "https://tenant-two.eu.auth0.com/",
        "https://TENANT-one.eu.auth0.com/",
        "http://tenant-one.eu.auth0.com/",
        "https://tenant-one.eu.auth0.com.evil.example/",
    ],
)
def test_d2_13_issuer_has_its_slash(iss):
    """Refuse every other spelling of the tenant's issuer, the one without the slash among them."""
    found = vendors.failures(vendors.validator(USER), vendors.sign(USER, {"iss": iss}))
    assert found[0] == ("issuer", "issuer-mismatch")
    assert {name for name, _ in found} <= {"issuer", "issuer form"}


@pytest.mark.parametrize(
    "issuer", ["https://tenant-one.eu.auth0.com", "https://op.example/default", "https://op.example/default/"]
)
def test_issuers_with_a_path_or_without_the_slash_are_of_another_dialect(issuer):
    """Refuse an issuer of another form, though it is the one that was configured."""
    assert only(USER._replace(issuer=issuer), {"iss": issuer}) == ("issuer form", "issuer-form-malformed")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, "azp-missing"),
        ({"azp": API}, "azp-mismatch"),
        ({"azp": "another"}, "azp-mismatch"),
        ({"azp": CLIENT.lower()}, "azp-mismatch"),
        ({"azp": [CLIENT]}, "azp-malformed"),
        ({"azp": ""}, "azp-malformed"),
    ],
)
def test_d2_14_of_several_audiences_we_are_the_authorized_party(changes, code):
    """Demand our own client as the authorized party beside several audiences; one of `also` is none."""
    both = {"aud": [CLIENT, API]}
    assert only(USER, {**both, **changes}, audience=CLIENT, also=(API,)) == ("authorized party", code)
    checking = vendors.validator(USER, also=(API,))
    assert vendors.failures(checking, vendors.sign(USER, {**both, "azp": CLIENT})) == []
    assert only(USER, {**both, "azp": CLIENT}, audience=CLIENT) == ("audience", "audience-foreign")


def test_report_names_the_parties_that_would_do():
    """Show as expected only the parties that are accepted: ours, not those that may stand beside us."""
    checking = vendors.validator(USER, also=(API,))
    report = checking.explain(vendors.sign(USER, {"aud": [CLIENT, API], "azp": API}))
    check = report.failures()[0]
    assert (check.name, check.expected, check.received) == ("authorized party", CLIENT, API)


def test_one_audience_needs_no_party():
    """Believe another authorized party beside one audience, as Auth0's kits do, unless the caller names its own."""
    assert vendors.failures(vendors.validator(USER), vendors.sign(USER, {"azp": "another"})) == []
    assert only(USER, {"azp": "another"}, authorized_parties=(CLIENT,)) == ("authorized party", "azp-mismatch")


@pytest.mark.parametrize(
    ("organization", "changes", "without", "code"),
    [
        ("org_9ybsU1dN2dKfDkBi", {"org_id": "org_other"}, (), "organization-mismatch"),
        ("org_9ybsU1dN2dKfDkBi", {"org_id": "ORG_9YBSU1DN2DKFDKBI"}, (), "organization-mismatch"),
        ("org_9ybsu1dn2dkfdkbi", {}, (), "organization-mismatch"),
        ("org_9ybsU1dN2dKfDkBi", {}, ("org_id",), "organization-missing"),
        ("org_9ybsU1dN2dKfDkBi", {"org_id": ["org_9ybsU1dN2dKfDkBi"]}, (), "organization-malformed"),
        ("org_9ybsU1dN2dKfDkBi", {"org_id": None}, (), "organization-malformed"),
        ("org_9ybsU1dN2dKfDkBi", {"org_name": "org_9ybsU1dN2dKfDkBi"}, ("org_id",), "organization-missing"),
        ("acme", {"org_name": "other"}, (), "organization-mismatch"),
        ("acme", {"org_name": "ACME"}, (), "organization-mismatch"),
        ("acme", {"org_id": "acme"}, ("org_name",), "organization-missing"),
        ("acme", {"org_name": 1}, (), "organization-malformed"),
    ],
)
def test_organization_is_the_one_that_is_expected(organization, changes, without, code):
    """Demand the identifier exactly, and the name in lower case, each in its own claim."""
    options = {"organization": organization}
    assert only(BY_ID, changes, without=without, **options) == ("organization", code)


@pytest.mark.parametrize("name", ["acme", "ACME", "Acme"])
def test_a_name_is_expected_in_any_case(name):
    """Put the expected name into lower case, as Auth0's kits do."""
    assert vendors.failures(vendors.validator(BY_NAME, organization=name), vendors.sign(BY_NAME)) == []


def test_idle_rules_say_why():
    """Say in the report that no organization was expected and no party named."""
    said = vendors.skipped(USER)
    assert said["organization"] == "no organization was expected"
    assert said["authorized party"] == "the token names one audience and no authorized party"
    assert "organization" not in vendors.skipped(BY_ID)


def test_a_member_is_a_member_of_the_expected_organization_alone():
    """Believe a member's token where nobody asks, and refuse one without an organization where one is asked for."""
    assert vendors.failures(vendors.validator(USER), vendors.sign(BY_ID)) == []
    assert only(USER, organization="acme") == ("organization", "organization-missing")


def test_leeway_is_a_minute_and_the_algorithm_rs256():
    """Believe 59 s after the end and not 60 s after it, under RS256."""
    assert (RULES.leeway, RULES.algorithms) == (60, ("RS256",))
    token, end = vendors.sign(USER), USER.claims["exp"]
    assert vendors.failures(vendors.validator(USER, now=end + 59), token) == []
    assert vendors.failures(vendors.validator(USER, now=end + 60), token) == [("expiry", "token-expired")]
