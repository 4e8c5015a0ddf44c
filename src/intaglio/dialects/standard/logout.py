"""RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0 section 2), and what else there is about a session."""

from __future__ import annotations

from intaglio.dialects import coding
from intaglio.dialects.coding import Context
from intaglio.protocol.account import AccountPageQuery
from intaglio.protocol.logout import LogoutQuery
from intaglio.protocol.sessionframe import SessionFrameQuery
from intaglio.wire.message import Request
from intaglio.wire.params import Params

MAX_HINT = 16 * 1024


def read(request: Request, ctx: Context) -> LogoutQuery:
    """Read a logout request by GET or POST."""
    found = coding.form_params(request) if request.method == "POST" else coding.query_params(request)
    return query(found, "post_logout_redirect_uri")


def query(found: Params, target: str) -> LogoutQuery:
    """Return the query of the request's parameters; `target` names the parameter with the address to go to."""
    hint = found.get("id_token_hint")
    problem = f"The parameter {coding.shown(found.duplicates[0])} came more than once." if found.duplicates else ""
    if len(hint) > MAX_HINT or len(found.get("state")) > 2048:
        problem = "A parameter is too long."
    return LogoutQuery(hint, found.get("client_id"), found.get(target), found.get("state"), problem)


def read_frame(request: Request, ctx: Context) -> SessionFrameQuery:
    """Read a request for the frame by which clients watch a session (Session Management 1.0 section 3.2)."""
    return SessionFrameQuery()


def read_account(request: Request, ctx: Context) -> AccountPageQuery:
    """Read a request for the page `sessions and apps`."""
    return AccountPageQuery()
