"""Faults: told to whoever asked in the dialect's form, and to the operator in full, tied by one reference."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping

import msgspec

from intaglio.errors import IntaglioError, ProtocolFault, Unavailable
from intaglio.protocol.authorize import Problem
from intaglio.server.limits.rates import TooMany
from intaglio.wire.message import Request, Response

LOG = logging.getLogger("intaglio.http")
SECRET_PATHS = (
    "/_intaglio/login/",
    "/_intaglio/signup/",
    "/_intaglio/consent/",
    "/_intaglio/organization/",
    "/_intaglio/device/",
    "/_intaglio/upstream/go/",
    "/_intaglio/admin/welcome/",
)
USUAL = frozenset({"authorization_pending"})
"""Refusals that belong to a flow which goes well: told in full, but not as a warning."""


def log(fault: IntaglioError, ref: str, request: Request, issuer: str) -> None:
    """Write one line about a refused request: what was expected and received, never a token, a secret or a query."""
    if request.noted is not None:
        request.noted.code = fault.code
        request.noted.reason = fault.reason if isinstance(fault, ProtocolFault) else ""
    line = {
        "ref": ref,
        "code": fault.code,
        "public": fault.public,
        "method": request.method,
        "path": _path(request.path),
        "peer": request.peer,
        "issuer": issuer,
        "detail": {name: _without_links(one) for name, one in fault.detail.items()},
    }
    _write(logging.DEBUG if fault.code in USUAL else logging.WARNING, line)


def log_redirected(wrong: Problem, ref: str, request: Request, issuer: str) -> None:
    """Write one line about an authorization request whose fault the client learns by redirect."""
    detail = {"expected": wrong.expected, "received": wrong.received}
    log(ProtocolFault(wrong.error, wrong.description, detail=detail), ref, request, issuer)


def log_sign_in(ref: str, peer: str, issuer: str) -> None:
    """Write one line about a sign-in that failed; not the name that was typed, for it may be a password."""
    _write(logging.WARNING, {"ref": ref, "code": "sign-in-failed", "peer": peer, "issuer": issuer})


def log_device_code(ref: str, peer: str, issuer: str) -> None:
    """Write one line about a user code under which no device waits; not what was typed."""
    _write(logging.WARNING, {"ref": ref, "code": "user-code-unknown", "peer": peer, "issuer": issuer})


def _write(level: int, line: Mapping[str, object]) -> None:
    """Write a line: as text, or by who writes lines of JSON from what it tells."""
    if LOG.isEnabledFor(level):
        LOG.log(level, "refused %s", json.dumps(line, default=str), extra={"told": dict(line)})


def _path(path: str) -> str:
    return str(_without_links(path[:300]))


def _without_links(told: object) -> object:
    """Return what is told, cut off where the address of one of our own pages names what opens it."""
    # SECURITY: the address of a waiting sign-in is half of what opens it, that of the first administrator's page all of
    # it; asked for at the wrong place it is still good at the right one
    # (test_a_link_that_was_opened_at_the_wrong_place_is_not_in_the_log).
    if not isinstance(told, str) or "/_intaglio/" not in told:
        return told
    found = next((one for one in SECRET_PATHS if one in told), "")
    return told.partition(found)[0] + found + "…" if found else told


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


def slowed(response: Response, refusal: TooMany) -> Response:
    """Return a page as the answer to somebody who asked too often: status 429, and when to come back."""
    return msgspec.structs.replace(response, status=429, headers=(*response.headers, *refusal.fields))
