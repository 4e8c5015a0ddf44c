"""Faults: told to whoever asked in the dialect's form, and to the operator in full, tied by one reference."""

from __future__ import annotations

import json
import logging

from intaglio.errors import IntaglioError, ProtocolFault, Unavailable
from intaglio.protocol.authorize import Problem
from intaglio.wire.message import Request

LOG = logging.getLogger("intaglio.http")
SECRET_PATHS = (
    "/_intaglio/login/",
    "/_intaglio/signup/",
    "/_intaglio/consent/",
    "/_intaglio/organization/",
    "/_intaglio/device/",
    "/_intaglio/upstream/go/",
)
USUAL = frozenset({"authorization_pending"})
"""Refusals that belong to a flow which goes well: told in full, but not as a warning."""


def log(fault: IntaglioError, ref: str, request: Request, issuer: str) -> None:
    """Write one line about a refused request: what was expected and received, never a token, a secret or a query."""
    line = {
        "ref": ref,
        "code": fault.code,
        "public": fault.public,
        "method": request.method,
        "path": _path(request.path),
        "peer": request.peer,
        "issuer": issuer,
        "detail": fault.detail,
    }
    LOG.log(logging.DEBUG if fault.code in USUAL else logging.WARNING, "refused %s", json.dumps(line, default=str))


def log_redirected(wrong: Problem, ref: str, request: Request, issuer: str) -> None:
    """Write one line about an authorization request whose fault the client learns by redirect."""
    detail = {"expected": wrong.expected, "received": wrong.received}
    log(ProtocolFault(wrong.error, wrong.description, detail=detail), ref, request, issuer)


def log_sign_in(ref: str, peer: str, issuer: str) -> None:
    """Write one line about a sign-in that failed; not the name that was typed, for it may be a password."""
    LOG.warning("refused %s", json.dumps({"ref": ref, "code": "sign-in-failed", "peer": peer, "issuer": issuer}))


def log_device_code(ref: str, peer: str, issuer: str) -> None:
    """Write one line about a user code under which no device waits; not what was typed."""
    LOG.warning("refused %s", json.dumps({"ref": ref, "code": "user-code-unknown", "peer": peer, "issuer": issuer}))


def _path(path: str) -> str:
    # The address of a waiting sign-in is half of what opens it.
    return next((prefix + "…" for prefix in SECRET_PATHS if path.startswith(prefix)), path[:300])


def unexpected(error: Exception, ref: str, request: Request) -> ProtocolFault:
    """Return the fault for an error that nobody foresaw, and log its trace."""
    LOG.error("unexpected error %s %s %s", ref, request.method, _path(request.path), exc_info=error)
    return ProtocolFault("server_error", "Something went wrong here.")


def public_form(error: IntaglioError) -> IntaglioError:
    """Return the fault that the requester sees in place of an internal one."""
    if isinstance(error, Unavailable):
        return ProtocolFault("temporarily_unavailable", "A part that is needed does not answer. Try again.")
    if isinstance(error, ProtocolFault):
        return error
    return ProtocolFault(error.code if error.code == "too_many_requests" else "server_error", error.public)
