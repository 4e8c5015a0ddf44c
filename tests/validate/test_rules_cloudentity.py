"""The rules for Cloudentity's tokens, one by one: workspace and tenant are the issuer's last segments."""

from __future__ import annotations

import pytest

from intaglio.dialects.cloudentity.rules import RULES
from intaglio.validate import validator as checking
from intaglio.validate.policy import Expectation
from tests.capability import capability
from tests.validate import test_rules_tokens as vendors
from tests.validate.test_rules_tokens import SHAPES, only

pytestmark = capability("validator-rules-cloudentity", witness="values by hand")

WORKSPACE, TENANT_HOST, OWN_HOST = (
    SHAPES[f"cloudentity{name}"] for name in ("", ", tenant's host", ", workspace's host")
)


@pytest.mark.parametrize(("claim", "base"), [("aid", "workspace"), ("tid", "tenant")])
def test_d2_16_workspace_and_tenant_are_the_issuers(claim, base):
    """Refuse a token of another workspace or tenant than its issuer names."""
    for value in ("other", "Default", "PEOPLE", "people/default", " default", "peopl"):
        assert only(WORKSPACE, {claim: value}) == (base, f"{base}-mismatch")
    for value in ("", None, 1, ["default"], {"default": 1}):
        assert only(WORKSPACE, {claim: value}) == (base, f"{base}-malformed")
    assert only(WORKSPACE, without=(claim,)) == (base, f"{base}-missing")


def test_d2_16_workspace_and_tenant_are_not_exchanged():
    """Refuse a token that names the tenant as the workspace and the reverse."""
    found = vendors.failures(vendors.validator(WORKSPACE), vendors.sign(WORKSPACE, {"aid": "people", "tid": "default"}))
    assert found == [("workspace", "workspace-mismatch"), ("tenant", "tenant-mismatch")]


def test_hosts_of_their_own_have_shorter_paths():
    """Demand what the path still names: at a tenant's own host the workspace, at a workspace's own host neither."""
    assert only(TENANT_HOST, {"aid": "other"}) == ("workspace", "workspace-mismatch")
    assert vendors.failures(vendors.validator(TENANT_HOST), vendors.sign(TENANT_HOST, {"tid": "other"})) == []
    assert vendors.failures(vendors.validator(OWN_HOST), vendors.sign(OWN_HOST, {"aid": "other"})) == []
    for shape in (TENANT_HOST, OWN_HOST):
        assert only(shape, without=("tid",)) == ("tenant", "tenant-missing")
        assert only(shape, without=("aid",)) == ("workspace", "workspace-missing")
        assert only(shape, {"aid": 1}) == ("workspace", "workspace-malformed")


def test_a_path_before_the_tenant_is_legal():
    """Count the segments from the end, as Cloudentity's own client does."""
    issuer = "https://acp.local:8443/some/prefix/people/default"
    shape = WORKSPACE._replace(issuer=issuer, claims={**WORKSPACE.claims, "iss": issuer})
    assert vendors.failures(vendors.validator(shape), vendors.sign(shape)) == []
    assert only(shape, {"tid": "prefix"}) == ("tenant", "tenant-mismatch")


@pytest.mark.parametrize(
    "issuer", ["https://op.example/people/default?x", "https://op.example/people/default#x", "people/default"]
)
def test_what_is_no_issuer_has_no_segments(issuer):
    """Take no segment out of a text that is no issuer's address, however it came to be expected."""
    shape = WORKSPACE._replace(claims={**WORKSPACE.claims, "iss": issuer})
    expectation = Expectation(issuer, shape.claims["aud"], rules=RULES)
    report = checking.check(vendors.sign(shape), expectation, vendors.keys(None, "RS256"), vendors.NOW)
    idle = {check.name: check.hint for check in report.checks if check.outcome == "skipped"}
    assert report.failures() == ()
    assert (idle["workspace"], idle["tenant"]) == (
        "the issuer's path names no workspace",
        "the issuer's path names no tenant",
    )


def test_d2_13_a_slash_at_the_end_is_another_issuer():
    """Refuse the issuer with a slash at its end."""
    assert only(WORKSPACE, {"iss": WORKSPACE.issuer + "/"}) == ("issuer", "issuer-mismatch")


def test_idle_rules_say_why():
    """Say in the report which segment the issuer's path does not have."""
    said = vendors.skipped(OWN_HOST)
    assert said["workspace"] == "the issuer's path names no workspace"
    assert said["tenant"] == "the issuer's path names no tenant"
    assert "workspace" not in vendors.skipped(TENANT_HOST)
    assert vendors.skipped(TENANT_HOST)["tenant"] == "the issuer's path names no tenant"
    assert not {"workspace", "tenant"} & vendors.skipped(WORKSPACE).keys()


def test_leeway_is_a_minute_and_any_asymmetric_algorithm_will_do():
    """Believe 59 s after the end and not 60 s after it; the workspace's default algorithm is ES256."""
    assert (RULES.leeway, RULES.algorithms) == (60, None)
    shape = SHAPES["cloudentity ES256"]
    token, end = vendors.sign(shape), shape.claims["exp"]
    assert vendors.failures(vendors.validator(shape, now=end + 59), token) == []
    assert vendors.failures(vendors.validator(shape, now=end + 60), token) == [("expiry", "token-expired")]


def test_the_pages_sample_is_believed_in_its_time():
    """Believe the claims of the sample on Cloudentity's page, its issuer filled in, at the time of its making."""
    sample = {
        "acr": "1",
        "aid": "default",
        "amr": ["pwd"],
        "aud": "default-demo",
        "auth_time": 1631696786,
        "email": "",
        "email_verified": False,
        "exp": 1631700395,
        "iat": 1631696795,
        "idp": "default",
        "iss": "https://cloudentity-user.authz.cloudentity.io/cloudentity-user/default",
        "jti": "261e658f-b40a-42f5-9e98-3eb022dfccac",
        "name": "John Doe",
        "nbf": 1631696795,
        "nonce": "c50rf23o825ulrjk38qg",
        "rat": 1631696795,
        "scp": ["email", "openid", "profile"],
        "st": "public",
        "sub": "user",
        "tid": "cloudentity-user",
    }
    shape = WORKSPACE._replace(claims=sample, issuer=sample["iss"])
    then = vendors.validator(shape, now=1631696800)
    assert vendors.failures(then, vendors.sign(shape), max_age=60, nonce=sample["nonce"]) == []
