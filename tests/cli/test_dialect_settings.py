"""`--set DIALECT.NAME=VALUE` and `user update`: changed one by one, kept as the dialect reads them, or refused."""

from __future__ import annotations

import json

import pytest

from intaglio.cli.faults import Exit
from tests.capability import capability
from tests.cli.conftest import Run


@pytest.fixture
def tenant(database: Run) -> Run:
    """Return `run` with a tenant called acme."""
    assert database("tenant", "create", "acme").code == Exit.OK
    return database


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("nowhere.setting=1", "(dialect-unknown)"),
        ("standard.setting=1", "setting-invalid"),
        ("auth0.no_such_setting=1", "setting-invalid"),
        ('auth0.allowed_logout_urls=["http://evil.example/"]', "setting-invalid"),
        ("auth0.allowed_logout_urls=5", "setting-invalid"),
        ("auth0.lifetime_in_seconds=600", "setting-invalid"),
        ("auth0.setting", "--set expects DIALECT.NAME=VALUE"),
        ("setting=1", "--set expects DIALECT.NAME=VALUE"),
    ],
)
def test_a_setting_that_nobody_understands_is_refused(tenant: Run, given: str, code: str) -> None:
    """A dialect that is not there, a setting that it does not know, a value that it cannot use."""
    ran = tenant("tenant", "update", "acme", "--set", given)
    assert ran.code in (Exit.USAGE, Exit.NOT_FOUND)
    assert code in ran.err
    assert json.loads(tenant("tenant", "show", "acme").out)["dialects"] == {}


@capability("cli-dialect-settings", witness="exit code and JSON on stdout")
def test_settings_of_a_tenant_are_changed_one_by_one(tenant: Run) -> None:
    """JSON is JSON, other text is text, and nothing takes a setting away; other dialects' stay as they are."""
    name, url, other = "auth0.allowed_logout_urls", "https://app.example/bye", "https://b.example/"
    first = json.loads(tenant("tenant", "update", "acme", "--set", f"{name}={url}").out)
    assert first["dialects"] == {"auth0": {"allowed_logout_urls": [url]}}
    both = ("--set", f'{name}=["{url}", "{other}"]', "--set", 'cloudentity.services={"a": {"scopes": ["x"]}}')
    second = json.loads(tenant("tenant", "update", "acme", *both).out)["dialects"]
    assert second["auth0"] == {"allowed_logout_urls": [url, other]}
    assert "cloudentity" in second
    third = json.loads(tenant("tenant", "update", "acme", "--set", f"{name}=").out)["dialects"]
    assert third == {"cloudentity": second["cloudentity"]}
    made = json.loads(tenant("tenant", "create", "other", "--set", f"{name}={url}").out)
    assert made["dialects"] == first["dialects"]


def test_settings_of_a_client_stay_when_others_change(tenant: Run) -> None:
    """What an update does not name stays, settings of its own and of dialects alike."""
    create = ("client", "create", "App", "--tenant", "acme", "--redirect-uri", "https://app.example/cb")
    made = json.loads(
        tenant(*create, "--set", "auth0.a=1", "--refresh-grace", "5", "--organizations", "allow", "-o", "json").out
    )
    assert made["dialects"] == {"auth0": {"a": 1}}
    update = ("client", "update", made["client_id"], "--tenant", "acme", "-o", "json")
    changed = json.loads(tenant(*update, "--name", "Other", "--set", 'auth0.b={"c": [1]}').out)
    assert changed["dialects"] == {"auth0": {"a": 1, "b": {"c": [1]}}}
    assert (changed["refresh_grace"], changed["organization_usage"]) == (5, "allow")
    assert "(value-unknown)" in tenant(*update, "--refresh-grace", "-1").err
    assert "It is --redirect-uri here." in tenant(*update, "--set", 'auth0.callbacks=["https://a.example/"]').err


@capability("cli-dialect-settings", witness="exit code and JSON on stdout")
def test_a_user_is_changed(tenant: Run) -> None:
    """Claims and notes change one by one; who is disabled is so from the first time on; the audit log tells of it."""
    of = ("--tenant", "acme")
    tenant("user", "create", "ada", "--no-password", "--claim", "name=Ada", "--claim", "nickname=a", *of)
    words = ("--claim", "email=ada@example.com", "--claim", "nickname=", "--metadata", "colour=blue")
    ran = tenant("user", "update", "ada", *words, "--app-metadata", 'plan={"seats": 3}', "--disable", *of)
    changed = json.loads(ran.out)
    assert changed["claims"] == {"name": "Ada", "email": "ada@example.com"}
    assert (changed["metadata"], changed["app_metadata"]) == ({"colour": "blue"}, {"plan": {"seats": 3}})
    assert changed["disabled_at"]
    again = json.loads(tenant("user", "update", "ada", "--enable", "--metadata", "colour=", *of).out)
    assert (again["disabled_at"], again["metadata"]) == (None, {})
    assert "user.update" in tenant("audit", "list", *of).out
    assert "(user-unknown)" in tenant("user", "update", "nobody", *of).err
    assert "(claim-invalid)" in tenant("user", "update", "ada", "--claim", "sub=root", *of).err
    assert "(metadata-invalid)" in tenant("user", "update", "ada", "--metadata", f"x={'y' * 17000}", *of).err
    assert "(setting-invalid)" in tenant("user", "update", "ada", "--set", "auth0.x=1", *of).err
