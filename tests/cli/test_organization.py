"""`intaglio organization`: made, listed, deleted, and whose people belong to one."""

from __future__ import annotations

import json

import pytest

from intaglio.cli.faults import Exit
from tests.capability import capability
from tests.cli.conftest import Run

OF = ("--tenant", "acme")


@pytest.fixture
def tenant(database: Run) -> Run:
    """Return `run` with a tenant called acme and two users."""
    assert database("tenant", "create", "acme").code == Exit.OK
    for name in ("ada", "bob"):
        assert database("user", "create", name, "--no-password", *OF).code == Exit.OK
    return database


@capability("cli-organization", witness="exit code and JSON on stdout")
def test_an_organization_and_its_members(tenant: Run) -> None:
    """Found by name and by identifier; members come and go; the audit log tells of each."""
    made = json.loads(tenant("organization", "create", "hay", "--display-name", "Hay Ltd", *OF, "-o", "json").out)
    assert made["organization_id"].startswith("org_")
    assert len(made["organization_id"]) == 20
    assert json.loads(tenant("organization", "show", made["organization_id"], *OF, "-o", "json").out) == made
    for name in ("hay", made["organization_id"]):
        assert tenant("organization", "member", "add", name, "ada", *OF).code == Exit.OK
    listed = json.loads(tenant("organization", "member", "list", "hay", *OF, "-o", "json").out)
    assert [one["username"] for one in listed] == ["ada"]
    assert "(member-unknown)" in tenant("organization", "member", "remove", "hay", "bob", *OF).err
    assert tenant("organization", "member", "remove", "hay", "ada", *OF).code == Exit.OK
    assert json.loads(tenant("organization", "member", "list", "hay", *OF, "-o", "json").out) == []
    assert json.loads(tenant("organization", "list", *OF, "-o", "json").out) == [made]
    assert tenant("organization", "delete", "hay", *OF, "--yes").code == Exit.OK
    assert "(organization-unknown)" in tenant("organization", "show", "hay", *OF).err
    logged = tenant("audit", "list", *OF).out
    for action in ("create", "add", "remove", "delete"):
        assert f"organization.{action}" in logged


@pytest.mark.parametrize("name", ["", "Hay", "org_hay", "hay ltd", "-hay", "x" * 51, "h\u0430y"])
def test_a_name_that_cannot_be(tenant: Run, name: str) -> None:
    """Lower case, and never like an identifier."""
    assert "(organization-name-invalid)" in tenant("organization", "create", *OF, "--", name).err
    assert json.loads(tenant("organization", "list", *OF, "-o", "json").out) == []


def test_a_name_is_its_tenants(tenant: Run) -> None:
    """Taken there, free elsewhere."""
    assert tenant("organization", "create", "hay", *OF).code == Exit.OK
    assert "(organization-exists)" in tenant("organization", "create", "hay", *OF).err
    tenant("tenant", "create", "other")
    assert tenant("organization", "create", "hay", "--tenant", "other").code == Exit.OK
