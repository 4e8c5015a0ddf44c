"""Consent of an administrator for everybody in a tenant: kept with the tenant's record of the application.

SECURITY: who may is the dialect's to say, of the person's groups; whoever may not is told so before any page, and
nothing is kept (test_nobody_else_consents_for_everybody).
"""

from __future__ import annotations

import msgspec

from intaglio.protocol.authorize import AuthorizeAnswer, AuthorizeQuery, Problem
from intaglio.server.model import clients
from intaglio.server.model.administrators import SCOPE as ADMINISTRATION
from intaglio.server.model.clients import Client
from intaglio.server.model.plan import Plan
from intaglio.server.model.sessions import Session
from intaglio.server.model.users import User
from intaglio.server.provider import applications, traces
from intaglio.server.provider.authorize import respond
from intaglio.server.provider.scene import House, Scene
from intaglio.server.registry import deeds
from intaglio.server.registry.deeds import Actor

REFUSED = Problem("access_denied", "Only an administrator of the tenant may do that.", reason="administrator-needed")


def may(user: User, scene: Scene) -> bool:
    """Tell whether a person may consent for everybody in the tenant."""
    return scene.dialect.administers is not None and scene.dialect.administers(user.groups)


async def answer(
    query: AuthorizeQuery,
    client: Client,
    present: tuple[Session, User],
    scope: frozenset[str],
    scene: Scene,
    house: House,
) -> AuthorizeAnswer:
    """Keep what an administrator consented to, and say so to the client; an error for anybody else."""
    if not may(present[1], scene):
        return respond.error(query, REFUSED, scene)
    actor = traces.actor(present[1], scene)
    await house.store.write(_keep, client, tuple(word for word in client.scope if word in scope), actor)
    house.forget_clients()
    return respond.plain(query, present, scene)


def _keep(client: Client, scope: tuple[str, ...], actor: Actor) -> Plan[None]:
    yield from applications.keep(client, actor.now)
    own = yield from clients.by_id(client.tenant_id, client.client_id)
    if own is None:
        return

    def consented(known: Client) -> Client:
        # SECURITY: an administrator of the installation is asked each by themselves
        # (test_nobody_consents_to_administration_for_everybody).
        every = tuple(dict.fromkeys(word for word in (*known.consented_scope, *scope) if word != ADMINISTRATION))
        return msgspec.structs.replace(known, consented_scope=every)

    changed = yield from clients.revise(client.tenant_id, client.client_id, consented)
    resource = f"clients/{client.client_id}"
    told = " ".join(scope)
    yield from deeds.note(client.tenant_id, actor, "client.consent", resource, before=own, after=changed, scope=told)
