"""What an authority of many tenants needs: domains, the personal tenant, whose people an application is for, roles."""

from __future__ import annotations

import json
import re

import pytest

from intaglio.cli.faults import Exit
from tests.capability import capability
from tests.cli.conftest import Run

PERSONAL = "9188040d-6c67-4c5b-b112-36a304b66dad"
OF = ("--tenant", "acme")


@pytest.fixture
def tenant(database: Run) -> Run:
    """Return `run` with a tenant called acme, two users and an application."""
    assert database("tenant", "create", "acme", "--domain", "acme.example").code == Exit.OK
    for name in ("ada", "bob"):
        assert database("user", "create", name, "--no-password", *OF).code == Exit.OK
    web = ("--redirect-uri", "https://web.example/cb")
    assert database("client", "create", "Web", "--client-id", "web", *web, *OF).code == Exit.OK
    return database


@capability("cli-tenant-domains", witness="exit code and JSON on stdout")
def test_domains_of_a_tenant(tenant: Run) -> None:
    """Set when it is created and changed later; one domain is one tenant's."""
    assert json.loads(tenant("tenant", "show", "acme").out)["domains"] == ["acme.example"]
    changed = tenant("tenant", "update", "acme", "--domain", "Acme.Example", "--domain", "acme.test")
    assert json.loads(changed.out)["domains"] == ["acme.example", "acme.test"]
    assert "(tenant-exists)" in tenant("tenant", "create", "other", "--domain", "acme.test").err
    assert tenant("tenant", "create", "other").code == Exit.OK
    assert "(domain-taken)" in tenant("tenant", "update", "other", "--domain", "acme.test").err
    assert json.loads(tenant("tenant", "update", "acme", "--domain", "").out)["domains"] == []
    assert json.loads(tenant("tenant", "update", "other", "--domain", "acme.test").out)["domains"] == ["acme.test"]


@pytest.mark.parametrize("domain", ["acme", "acme.", ".acme", "a..b", "*.acme.example", "acme.example:1", "1.2.3.4"])
def test_what_is_no_domain(tenant: Run, domain: str) -> None:
    """A domain has a dot, and no port and no star."""
    assert "(domain-invalid)" in tenant("tenant", "update", "acme", "--domain", domain).err


@capability("cli-tenant-personal", witness="exit code and JSON on stdout")
def test_the_personal_tenant(database: Run) -> None:
    """There is one, of a fixed UUID; its people have UUIDs that begin with zeros."""
    made = json.loads(database("tenant", "create", "people", "--personal").out)
    assert (made["tenant_id"], made["personal"]) == (PERSONAL, True)
    assert "(tenant-exists)" in database("tenant", "create", "more", "--personal").err
    person = json.loads(database("user", "create", "carol", "--no-password", "--tenant", "people", "-o", "json").out)
    assert re.fullmatch(r"00000000-0000-0000-[0-9a-f]{4}-[0-9a-f]{12}", person["user_id"])


@capability("cli-sign-in-audience", witness="exit code and JSON on stdout")
def test_whose_people_may_sign_in(tenant: Run) -> None:
    """The tenant's own without a word; changed by one."""
    assert json.loads(tenant("client", "show", "web", *OF).out)["sign_in_audience"] == "tenant"
    for audience in ("organizations", "personal", "everyone", "tenant"):
        changed = tenant("client", "update", "web", "--sign-in-audience", audience, *OF)
        assert json.loads(changed.out)["sign_in_audience"] == audience
    assert tenant("client", "update", "web", "--sign-in-audience", "anybody", *OF).code == Exit.USAGE


@capability("cli-group", witness="exit code and JSON on stdout")
def test_groups_and_their_members(tenant: Run) -> None:
    """Made with a UUID of their own or a known one, listed, deleted; users come and go; the audit log tells of it."""
    role = "62e90394-69f5-4237-9190-012177145e10"
    made = json.loads(tenant("group", "create", "Writers", *OF, "-o", "json").out)
    assert made["kind"] == "security"
    known = ("--kind", "directory_role", "--group-id", role)
    assert json.loads(tenant("group", "create", "Administrators", *known, *OF, "-o", "json").out)["group_id"] == role
    assert "(group-exists)" in tenant("group", "create", "Again", *known, *OF).err
    assert "(group-invalid)" in tenant("group", "create", "x", "--group-id", "1", *OF).err
    listed = json.loads(tenant("group", "list", *OF, "-o", "json").out)
    assert {one["group_id"] for one in listed} == {made["group_id"], role}
    added = tenant("group", "member", "add", made["group_id"], "ada", *OF, "-o", "json")
    assert json.loads(added.out)["groups"] == [made["group_id"]]
    removed = tenant("group", "member", "remove", made["group_id"], "ada", *OF, "-o", "json")
    assert json.loads(removed.out)["groups"] == []
    assert "(group-unknown)" in tenant("group", "member", "add", "nothing", "ada", *OF).err
    assert tenant("group", "delete", role, *OF, "--yes").code == Exit.OK
    assert "(group-unknown)" in tenant("group", "delete", role, *OF, "--yes").err
    logged = tenant("audit", "list", *OF).out
    for action in ("create", "add", "remove", "delete"):
        assert f"group.{action}" in logged


@capability("cli-client-role", witness="exit code and JSON on stdout")
def test_roles_in_an_application(tenant: Run) -> None:
    """Given to users and groups, taken from them, removed; only those that there are."""
    group = json.loads(tenant("group", "create", "Writers", *OF, "-o", "json").out)["group_id"]
    ada = json.loads(tenant("user", "show", "ada", *OF, "-o", "json").out)["user_id"]
    assign = ("client", "role", "assign", "web", "Writer", "--user", "ada", "--group", group)
    assert json.loads(tenant(*assign, *OF, "-o", "json").out) == [{"role": "Writer", "holders": [ada, group]}]
    less = tenant("client", "role", "unassign", "web", "Writer", "--user", "ada", *OF, "-o", "json")
    assert json.loads(less.out) == [{"role": "Writer", "holders": [group]}]
    assert json.loads(tenant("client", "role", "list", "web", *OF, "-o", "json").out) == json.loads(less.out)
    assert json.loads(tenant("client", "role", "unassign", "web", "Writer", *OF, "-o", "json").out) == []
    assert "(role-unknown)" in tenant("client", "role", "unassign", "web", "Writer", *OF).err
    assert "(role-invalid)" in tenant("client", "role", "assign", "web", "two words", *OF).err
    assert "(group-unknown)" in tenant("client", "role", "assign", "web", "x", "--group", ada, *OF).err
    changed = tenant("client", "update", "web", "--assignment", *OF)
    assert json.loads(changed.out)["assignment_required"] is True
    assert "client.roles" in tenant("audit", "list", *OF).out


@capability("cli-client-disable", witness="exit code and JSON on stdout")
def test_a_client_is_disabled_and_enabled(tenant: Run) -> None:
    """The instant at which it was disabled stays the first one."""
    off = json.loads(tenant("client", "update", "web", "--disable", *OF).out)["disabled_at"]
    assert isinstance(off, int)
    assert json.loads(tenant("client", "update", "web", "--name", "Other", *OF).out)["disabled_at"] == off
    assert json.loads(tenant("client", "update", "web", "--enable", *OF).out)["disabled_at"] is None


@capability("cli-key-authority", witness="exit code and JSON on stdout")
def test_keys_of_an_authority(tenant: Run) -> None:
    """Listed, rotated and revoked by its address, whatever path is behind it; they are no tenant's own."""
    at = ("--authority", "https://login.example/common/v2.0")
    made = json.loads(tenant("key", "rotate", *at).out)
    assert made["ring_id"] == "authority:https://login.example"
    assert [one["key_id"] for one in json.loads(tenant("key", "list", *at, "-o", "json").out)] == [made["key_id"]]
    assert json.loads(tenant("key", "list", *OF, "-o", "json").out) == []
    assert json.loads(tenant("key", "revoke", made["key_id"], "--yes", *at).out)["state"] == "revoked"
    assert "(authority-invalid)" in tenant("key", "list", "--authority", "login.example").err
