"""Who may sign in to an application that is for assigned people alone: those who have one of its roles."""

from __future__ import annotations

from intaglio.errors import ProtocolFault
from intaglio.protocol.authorize import Problem
from intaglio.server.model.clients import Client
from intaglio.server.model.users import User

PUBLIC = "The person is not assigned to this application."
REASON = "user-unassigned"


def admits(client: Client, user: User) -> bool:
    """Tell whether a user may sign in: everybody where no assignment is needed, else who has a role, by a group too.

    The role without a name is for those who are assigned and nothing more.
    """
    if not client.assignment_required:
        return True
    whose = {user.user_id, *user.groups}
    return any(not whose.isdisjoint(holders) for holders in client.roles.values())


def problem(client: Client, user: User) -> Problem | None:
    """Return what an authorization request of somebody who is not assigned is told, None for the others."""
    if admits(client, user):
        return None
    return Problem("access_denied", PUBLIC, reason=REASON, told={"client_id": client.client_id})


def demand(client: Client, user: User) -> None:
    """Raise `invalid_grant` (`user-unassigned`) for tokens of somebody who is not assigned any more."""
    if not admits(client, user):
        raise ProtocolFault("invalid_grant", PUBLIC).because(REASON, client_id=client.client_id)
