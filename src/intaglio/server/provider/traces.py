"""What the audit log is told of people: that they signed in, or could not, and what they agreed to and took back.

SECURITY: a user name that nobody has is not told: people type passwords there (test_what_was_typed_is_not_in_the_log).
"""

from __future__ import annotations

from intaglio import ids
from intaglio.server.model import audit, users
from intaglio.server.model.audit import Entry
from intaglio.server.model.clients import Client
from intaglio.server.model.plan import Plan
from intaglio.server.model.sessions import Session
from intaglio.server.model.users import User
from intaglio.server.provider.scene import Scene
from intaglio.server.registry.deeds import Actor

SIGN_IN, SIGN_OUT = "user.sign-in", "user.sign-out"
CONSENT, WITHDRAW = "user.consent", "user.withdraw-consent"
NOBODY = "-"


def actor(user: User, scene: Scene) -> Actor:
    """Return a person who is signed in as the log knows them."""
    return Actor(f"user:{user.username}", scene.now, scene.ref, peer=scene.peer)


def entry(user: User | None, action: str, scene: Scene, outcome: str = "allowed", **detail: str) -> Entry:
    """Return the entry of what somebody did about themselves; None is somebody who is not known."""
    return Entry(
        scene.tenant.tenant_id,
        ids.ordered(scene.now),
        scene.now,
        action,
        f"user:{user.username if user is not None else NOBODY}",
        f"users/{user.user_id if user is not None else NOBODY}",
        outcome,
        scene.ref,
        detail={name: text for name, text in {**detail, "dialect": scene.dialect.name}.items() if text},
        peer=scene.peer,
    )


def signed_in(user: User, session: Session, connection: str, scene: Scene) -> Entry:
    """Return the entry of a sign-in; `connection` is the name of the one at which it was, empty for one here."""
    told = {"amr": " ".join(session.amr), "connection": connection, "session_id": session.session_id}
    return entry(user, SIGN_IN, scene, **told)


def signed_out(session: Session, scene: Scene) -> Plan[None]:
    """Write down that a person's session was ended; part of the plan that ends it."""
    user = yield from users.by_id(session.tenant_id, session.user_id)
    yield from audit.insert_one(entry(user, SIGN_OUT, scene, session_id=session.session_id))


def consented(user: User, client: Client, scopes: frozenset[str], scene: Scene) -> Entry:
    """Return the entry of what a person lets an application have."""
    return entry(user, CONSENT, scene, client=client.client_id, scope=" ".join(sorted(scopes)))
