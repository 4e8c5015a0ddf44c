"""What is known of a user, as one document: all of it, and nothing that opens anything."""

from __future__ import annotations

import json
from collections.abc import Iterator

import msgspec
import pytest

from intaglio import codec
from intaglio.errors import Misconfigured
from intaglio.server.admin import auditlog, exports, groups, leaving, organizations
from intaglio.server.admin.exports import UserExport
from intaglio.server.devmode import seeds
from intaglio.server.model import administrators, connections, identities, tenants
from intaglio.server.model.administrators import Administrator
from intaglio.server.model.connections import Connection
from intaglio.server.model.identities import Identity
from intaglio.server.registry.deeds import Actor
from tests import harness
from tests.capability import capability
from tests.harness import App, Browser, Site

ACTOR = Actor("operator:root", harness.NOW + 5)
OP = "https://op.example"


@pytest.fixture
def site() -> Iterator[Site]:
    """A server with everything that development mode seeds."""
    with harness.site() as opened:
        yield opened


def export(site: Site, name: str = "alice") -> UserExport:
    """Return what is known of a user."""
    tenant = site.read(tenants.by_id, seeds.TENANT_ID)
    return site.run(exports.user(site.store, ACTOR, tenant, name))


@capability("leaving-export", witness="JSON, and the secrets of the run looked for in it")
def test_everything_about_a_user_is_told_and_no_secret(site: Site) -> None:
    """Record, groups, organizations, identities, consents, roles, rights, sessions, grants, log; no hash, no token."""
    browser, app = Browser(site), App(site)
    tokens, code = app.tokens(browser), app.code(browser)
    tenant_id, user = seeds.TENANT_ID, site.user("alice")
    group = site.run(groups.create(site.store, ACTOR, tenant_id, "Staff"))
    site.run(groups.set_member(site.store, ACTOR, tenant_id, group.group_id, user, belongs=True))
    made = site.run(organizations.create(site.store, ACTOR, tenant_id, "acme"))
    site.run(organizations.add(site.store, ACTOR, tenant_id, "acme", user))
    site.write(connections.insert, Connection(tenant_id, "con_op", "op", 1, OP, "here", sealed_secret="sealed-secret"))
    site.write(
        identities.insert, Identity(tenant_id, OP, "s-1", user.user_id, "con_op", 1, 2, {"email": "a@op.example"})
    )
    site.write(administrators.put, Administrator(tenant_id, administrators.user(user.user_id), "viewer", 3))
    site.change_client("web", roles={"Reader": (user.user_id,), "Writer": (group.group_id,), "Nobody": ("x",)})
    site.run(leaving.sign_out(site.store, ACTOR, tenant_id, "alice"))
    told = export(site)
    assert told.exported_at == ACTOR.now
    assert told.tenant == {"tenant_id": tenant_id, "slug": "default", "name": told.tenant["name"]}
    assert (told.user["user_id"], told.user["has_password"]) == (user.user_id, True)
    assert told.user["claims"] == user.claims
    assert [one["group_id"] for one in told.groups] == [group.group_id]
    assert told.organizations == ({"organization_id": made.organization_id, "name": "acme"},)
    (elsewhere,) = told.identities
    assert (elsewhere["connection"], elsewhere["subject"], elsewhere["claims"]) == (
        "op",
        "s-1",
        {"email": "a@op.example"},
    )
    (agreed,) = told.consents
    assert (agreed["client_id"], set(agreed["scope"].split())) == (
        "web",
        {"openid", "profile", "email", "offline_access"},
    )
    assert told.roles == ({"client_id": "web", "roles": ["Reader", "Writer"]},)
    assert [(one["role"], one["scope"]) for one in told.administers] == [("viewer", "")]
    (session,) = told.sessions
    assert (session["ended_at"], session["circumstances"]["peer"]) == (ACTOR.now, "192.0.2.1")
    assert [(one["client_id"], one["revoked_at"]) for one in told.grants] == [("web", None)]
    assert "user.sign-out" in {one["action"] for one in told.audit}
    text = codec.encode_json(msgspec.to_builtins(told)).decode()
    assert json.loads(text)["user"]["username"] == "alice"
    opens = (*tokens.values(), code, *browser.jar.values(), user.password_hash, "alice-password", "sealed-secret")
    assert [secret for secret in map(str, opens) if len(secret) > 12 and secret in text and " " not in secret] == []
    entries = site.run(auditlog.page(site.store, tenant_id, action="user.export"))
    assert [(one.principal, one.resource) for one in entries] == [(ACTOR.principal, f"users/{user.user_id}")]


def test_nobody_else_is_in_it(site: Site) -> None:
    """Of bob nothing is told but what is bob's, and of somebody unknown nothing at all."""
    alice, bob = App(site), App(site)
    alice.tokens()
    bob.tokens(username="bob")
    told = export(site, "bob")
    assert [one["client_id"] for one in told.grants] == ["web"]
    assert len(told.sessions) == 1
    assert site.user("alice").user_id not in repr(msgspec.to_builtins(told))
    with pytest.raises(Misconfigured) as caught:
        export(site, "nobody")
    assert caught.value.code == "user-unknown"
