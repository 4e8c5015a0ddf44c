"""The authorization endpoint in Microsoft's words: what is read besides the standard's, and what the answer adds.

Microsoft's pages "OpenID Connect", "Authorization code flow" and "Implicit grant flow"; OpenID Connect Core 3.
"""

from __future__ import annotations

import msgspec

from intaglio import codec
from intaglio.dialects import coding
from intaglio.dialects.coding import Context
from intaglio.dialects.microsoft import authority, errors, own
from intaglio.dialects.standard import authorize
from intaglio.protocol.authorize import AuthorizeAnswer, AuthorizeQuery, Problem
from intaglio.protocol.circumstances import Holder
from intaglio.protocol.claimsrequest import ClaimRequest, ClaimsRequest
from intaglio.protocol.pages import FormPostPage
from intaglio.wire.message import Request, Response
from intaglio.wire.params import Params

OWN = ("client_info", "resource", errors.CORRELATION)
"""What a request may say besides the standard's parameters."""
ALWAYS = ("openid", "profile", "offline_access")
"""What comes with every code, for SDKs ask for it only when they redeem the code."""
PROFILE = ("profile",)
"""What comes with every answer of v1.0."""
PROMPTS = {"admin_consent": "consent"}
VERSION = "version"
"""Under which name the version of the endpoint is kept with a waiting request."""
FOR_EVERYBODY = "for_everybody"
"""Under which name it is kept that an administrator is asked for all of the tenant."""


def read(request: Request, ctx: Context) -> AuthorizeQuery:
    """Read an authorization request by GET or by POST."""
    found = coding.form_params(request) if request.method == "POST" else coding.query_params(request)
    return read_parameters(found, ctx.variant)


def query(found: Params) -> AuthorizeQuery:
    """Return the query of a request that has waited for its person."""
    return read_parameters(found, found.get(VERSION), for_everybody=bool(found.get(FOR_EVERYBODY)))


def read_parameters(found: Params, version: str, *, for_everybody: bool = False) -> AuthorizeQuery:
    """Return the query of the request's parameters: the standard's, and those that this dialect has besides."""
    read = authorize.query(_tolerated(found))
    told = own.of_parameters(found, OWN)
    is_code, is_v1 = read.response_type == "code", version == authority.V1
    return msgspec.structs.replace(
        read,
        # v1.0 names the API in a parameter of its own, where v2.0 has it in the scopes.
        audience=dict(told).get("resource", "") if is_v1 else "",
        implied=ALWAYS if is_code and (is_v1 or "openid" not in read.scope) else (PROFILE if is_v1 else ()),
        claims=_with_time(read) if read.max_age is not None else read.claims,
        own=told,
        parameters=(*read.parameters, *told, (VERSION, version), *(((FOR_EVERYBODY, "1"),) * for_everybody)),
        problem=read.problem or (None if is_v1 or for_everybody else _of_v2(read, told)),
        for_everybody=for_everybody,
    )


def _with_time(read: AuthorizeQuery) -> ClaimsRequest:
    """Return the claims that are wanted, the time of the sign-in among them: SDKs that say `max_age` demand it."""
    wanted = {**read.claims.id_token, "auth_time": ClaimRequest(essential=True)}
    return ClaimsRequest(wanted, read.claims.userinfo)


def _of_v2(read: AuthorizeQuery, told: own.Own) -> Problem | None:
    if "resource" in dict(told):
        return Problem("invalid_request", "The parameter 'resource' is of v1.0.", reason="resource-unsupported")
    if not read.scope and not read.request and not read.request_uri:
        missing = "The parameter 'scope' is missing."
        return Problem("invalid_request", missing, reason="parameter-missing", told={"name": "scope"})
    return None


def _tolerated(found: Params) -> Params:
    """Return the parameters in the standard's words."""
    prompt = found.get("prompt")
    if prompt not in PROMPTS:
        return found
    return Params((name, PROMPTS[value] if name == "prompt" else value) for name, value in found.items())


def client_info(holder: Holder) -> str:
    """Return where an account is at home, as SDKs keep accounts: user and tenant, base64url of JSON."""
    told = holder.circumstances.told
    uid, utid = told.get("oid"), told.get("tid")
    # SECURITY: SDKs tell accounts apart by this. Another kind of provider could name anybody's, and no guest is at home
    # in the very tenant that they visit (test_a_guest_is_at_home_where_their_provider_may_say_so).
    known = holder.circumstances.dialect == "microsoft" and isinstance(uid, str) and isinstance(utid, str)
    home = {"uid": uid, "utid": utid} if known and utid != holder.tenant_id else None
    return codec.encode_base64url(codec.encode_json(home or {"uid": holder.user_id, "utid": holder.tenant_id}))


def write(answer: AuthorizeAnswer, ctx: Context) -> Response | FormPostPage:
    """Send the fields to the client, with the session's state and, where it was asked for, the account's home."""
    return authorize.write(msgspec.structs.replace(answer, fields=_fields(answer, ctx)), ctx)


def _fields(answer: AuthorizeAnswer, ctx: Context) -> tuple[tuple[str, str], ...]:
    if answer.problem is not None or answer.holder is None:
        return errors.fields(answer, ctx)
    if ctx.asked.for_everybody:
        return (("admin_consent", "True"), ("tenant", answer.holder.tenant_id), *answer.fields)
    more = []
    if not any(name == "session_state" for name, _ in answer.fields):
        more.append(("session_state", authority.session_guid(answer.holder.session_id)))
    if dict(ctx.asked.own).get("client_info") == "1":
        more.append(("client_info", client_info(answer.holder)))
    return (*answer.fields, *more)
