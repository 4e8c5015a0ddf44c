"""What readers and writers are given, and the pieces that every dialect's readers share.

RFC 6749 section 2.3.1 and RFC 7521 section 4.2 (client authentication), RFC 6750 section 2 (bearer tokens).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import msgspec

from intaglio import codec
from intaglio.ids import Secret
from intaglio.protocol import faults
from intaglio.protocol.exchange import Presented
from intaglio.wire import authorization, params
from intaglio.wire.message import Request
from intaglio.wire.params import Params

_NAME = re.compile(r"[A-Za-z0-9_.\-]{1,40}")
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
"""What a JWT that proves a client is called (RFC 7523 section 2.2)."""
MAX_ASSERTION = 16 * 1024
MAX_SECRET = 4096
"""Characters of any code, token or secret that a request may carry."""


PASSED_ON = frozenset({"x-forwarded-for", "x-forwarded-host", "x-real-ip", "forwarded", "via", "origin"})
"""By which a proxy says that it is one (RFC 7239 section 4, RFC 9110 section 7.6.3), and a browser that a page asks."""
MAX_HOST = 300
_HOST = re.compile(r"(?:[A-Za-z0-9.\-]+|\[[0-9A-Fa-f:.]+(?:%[A-Za-z0-9._~%\-]+)?\])(?::[0-9]{1,5})?")


class Context(msgspec.Struct, frozen=True):
    """What a reader or writer may know beside the message.

    `base` is where the issuer's endpoints live; `words` are the path's decoded variables, `fixed` the facts that the
    route states; `ref` is the reference of this request and `now` its instant. `variant` is the dialect's name for the
    version of its endpoints; `asked` is the query, once it was read.
    """

    now: int
    ref: str
    issuer: str = ""
    base: str = ""
    tenant_id: str = ""
    words: Mapping[str, str] = {}
    fixed: Mapping[str, str] = {}
    variant: str = ""
    asked: Any = None


@functools.lru_cache(maxsize=64)
def is_own_host(given: str, base: str, names: frozenset[str]) -> bool:
    """Tell whether a Host is one by which a machine's own address is asked: its base's, a name, or a bare address."""
    # RFC 9110 7.2: a host and perhaps a port; what else is there is read by nobody in the same way.
    if len(given) > MAX_HOST or not _HOST.fullmatch(given):
        return False
    try:
        host = (urlsplit("//" + given).hostname or "").rstrip(".")
        if host in names or host == urlsplit(base).hostname:
            return True
        ip_address(host)
    except ValueError:
        return False
    return True


def query_params(request: Request) -> Params:
    """Return the query's parameters; raises the fault `invalid_request` if they cannot be read."""
    try:
        return params.read(request.query)
    except params.ParamsError as exc:
        raise faults.invalid_request("The query cannot be read.", received=str(exc)) from exc


def form_params(request: Request) -> Params:
    """Return a form body's parameters; raises `invalid_request` for another media type or an unreadable form."""
    if request.media_type() != "application/x-www-form-urlencoded":
        raise faults.invalid_request(
            "The body must be application/x-www-form-urlencoded.",
            expected="application/x-www-form-urlencoded",
            received=request.media_type() or "no Content-Type",
        )
    try:
        return params.read_body(request.body)
    except params.ParamsError as exc:
        raise faults.invalid_request("The form cannot be read.", received=str(exc)) from exc


def json_params(request: Request) -> Params:
    """Return the members of a JSON body as parameters: null is absent, anything but text and numbers is refused."""
    try:
        members = codec.decode_json_object(request.body)
    except codec.CodecError as exc:
        raise faults.invalid_request("The JSON body cannot be read.", received=str(exc)) from exc
    found = [(name, _text(name, value)) for name, value in members.items() if value is not None]
    try:
        return Params((params.checked(name), params.checked(value)) for name, value in found)
    except params.ParamsError as exc:
        raise faults.invalid_request("The JSON body cannot be read.", received=str(exc)) from exc


def shown(name: str) -> str:
    """Return a parameter's name as an error may quote it (RFC 6749 section 5.2 allows few characters there)."""
    return f"'{name}'" if _NAME.fullmatch(name) else "of an unusual name"


def _text(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise faults.invalid_request(f"The member {shown(name)} must be text.", expected="text", received="another type")


def single(found: Params) -> Params:
    """Return the parameters if none came twice; raises `invalid_request` otherwise (RFC 6749 section 3.2)."""
    if found.duplicates:
        name = shown(found.duplicates[0])
        raise faults.invalid_request(
            f"The parameter {name} came more than once.", received=f"{name} repeated", reason="parameter-repeated"
        )
    return found


def single_but(found: Params, repeatable: str) -> Params:
    """Return a form's fields if none but the repeatable one came twice; raises `invalid_request` otherwise."""
    others = [name for name in found.duplicates if name != repeatable]
    return single(Params([(name, "") for name in others] * 2)) if others else found


def presented(request: Request, body: Params) -> Presented:
    """Return how the client named itself.

    RFC 6749 section 2.3: a client must not use more than one method in a request; then `faulty` says so.
    """
    header = request.header("authorization")
    client_id, secret = body.get("client_id"), body.get("client_secret")
    if body.get("client_assertion") or body.get("client_assertion_type"):
        return _asserted(body, twice=header is not None or bool(secret))
    if header is None:
        method = "client_secret_post" if secret else "none"
        return Presented(method, client_id, Secret(secret) if secret else None)
    pair = authorization.basic(header)
    if pair is None or len(request.header_values("authorization")) > 1:
        return Presented("client_secret_basic", client_id, None, "the Authorization header cannot be read")
    if secret:
        return Presented("client_secret_basic", pair[0], None, "two ways of authentication at once")
    if client_id and client_id != pair[0]:
        return Presented("client_secret_basic", pair[0], None, "client_id differs from the Authorization header")
    return Presented("client_secret_basic", pair[0], Secret(pair[1]))


def _asserted(body: Params, *, twice: bool) -> Presented:
    text, client_id = body.get("client_assertion"), body.get("client_id")
    if twice:
        return Presented("assertion", client_id, None, "two ways of authentication at once")
    if body.get("client_assertion_type") != ASSERTION_TYPE:
        return Presented("assertion", client_id, None, "another client_assertion_type than jwt-bearer")
    if not text or len(text) > MAX_ASSERTION:
        return Presented("assertion", client_id, None, "no client_assertion, or one that is too long")
    return Presented("assertion", client_id or _claimed_subject(text), assertion=Secret(text))


def _claimed_subject(assertion: str) -> str:
    """Return whom an assertion claims to be of, believed in nothing: only to look the client up (RFC 7521 4.2)."""
    try:
        claims = codec.decode_json_object(codec.decode_base64url(assertion.split(".", 2)[1]))
    except (codec.CodecError, IndexError):
        return ""
    subject = claims.get("sub")
    return subject if isinstance(subject, str) else ""


def demanded(found: Params, name: str) -> str:
    """Return a parameter that has to be there; raises `invalid_request` if it is absent or too long."""
    value = found.get(name)
    if not value:
        raise faults.invalid_request(
            f"The parameter '{name}' is missing.",
            expected=name,
            received="nothing",
            reason="parameter-missing",
            name=name,
        )
    if len(value) > MAX_SECRET:
        raise faults.invalid_request(f"The parameter '{name}' is too long.", received=f"{len(value)} characters")
    return value


def scope_words(text: str) -> tuple[str, ...]:
    """Return scope values in order, each once (RFC 6749 section 3.3)."""
    return tuple(dict.fromkeys(text.split(" "))) if text.strip(" ") else ()


def optional_scope(found: Params) -> tuple[str, ...] | None:
    """Return the requested scope, or None if none was."""
    return tuple(w for w in scope_words(found.get("scope")) if w) or None


def bearer(request: Request, form: Params | None = None) -> tuple[Secret | None, str]:
    """Return the presented access token and what is wrong with how it came (RFC 6750 section 2).

    A token in the query is never accepted (RFC 9700 section 4.3.2).
    """
    headers = request.header_values("authorization")
    posted = form.get("access_token") if form is not None else ""
    if len(headers) + bool(posted) > 1:
        return None, "more than one access token"
    if posted:
        return Secret(posted), ""
    if not headers:
        return None, ""
    token = authorization.bearer(headers[0])
    return (Secret(token), "") if token else (None, "the Authorization header is not one Bearer token")
