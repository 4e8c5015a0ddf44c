"""What a token says, withdrawing one, and the public keys of service accounts.

Google's pages "OpenID Connect" (tokeninfo) and "Using OAuth 2.0 for Web Server Applications" (revoking a token); the
addresses at which the keys of key files and signed blobs are found.
"""

from __future__ import annotations

import msgspec

from intaglio import codec
from intaglio.dialects import coding
from intaglio.dialects.coding import Context
from intaglio.dialects.google import errors
from intaglio.dialects.routes import Route, Surface
from intaglio.dialects.standard import discovery
from intaglio.dialects.standard import errors as standard
from intaglio.errors import IntaglioError
from intaglio.ids import Secret
from intaglio.protocol import faults
from intaglio.protocol.exchange import Revoked
from intaglio.protocol.impersonation import (
    AccountKeysAnswer,
    AccountKeysQuery,
    RevokeHeld,
    ShowToken,
    TokenShown,
)
from intaglio.wire import message
from intaglio.wire.message import Request, Response
from intaglio.wire.params import Params

MAX_TOKEN = 16 * 1024
FORM = "application/x-www-form-urlencoded"


def write_fault(fault: IntaglioError, ctx: Context) -> Response:
    """Write a fault in OAuth's form; an invalid token is a bad request here, and no missing one."""
    written = standard.write(fault, ctx)
    return msgspec.structs.replace(written, status=400) if fault.code == "invalid_token" else written


def _given(request: Request) -> Params:
    """Return the parameters of the query and of a form together; raises `invalid_request` if one came twice."""
    pairs = list(coding.single(coding.query_params(request)).items())
    if request.method == "POST" and request.body and request.media_type() == FORM:
        pairs += coding.single(coding.form_params(request)).items()
    return coding.single(Params(pairs))


def _secret(text: str) -> Secret | None:
    if len(text) > MAX_TOKEN:
        raise faults.invalid_request("The token is too long.", received=f"{len(text)} characters")
    return Secret(text) if text else None


def read_info(request: Request, ctx: Context) -> ShowToken:
    """Read which token is shown: a parameter of the query or of a form, or the one that the request is sent with."""
    given = _given(request)
    id_token, access_token = _secret(given.get("id_token")), _secret(given.get("access_token"))
    if id_token is None and access_token is None:
        # VENDOR: one client sends the token as the request's own.
        access_token, faulty = coding.bearer(request)
        if faulty:
            raise faults.invalid_request("The Authorization header cannot be read.", received=faulty)
    if (id_token is None) == (access_token is None):
        raise faults.invalid_request("Either access_token or id_token is required.", expected="one of the two")
    return ShowToken(id_token, access_token)


def write_info(told: TokenShown, ctx: Context) -> Response:
    """Write what a token says: every value is text, but for the seconds of the older form."""
    if told.claims:
        shown = {name: text(value) for name, value in {**told.claims, **told.header}.items()}
        return message.json_response(200, codec.encode_json(shown))
    written = _older(told, ctx.now) if ctx.fixed.get("form") == "v2" else _access(told, ctx.now)
    kept = {name: value for name, value in written.items() if value != ""}
    return message.json_response(200, codec.encode_json(kept))


def _access(told: TokenShown, now: int) -> dict[str, object]:
    return {
        "azp": told.party,
        "aud": told.party,
        "sub": told.subject,
        "scope": " ".join(told.scope),
        "exp": str(told.expires_at),
        "expires_in": str(told.expires_at - now),
        "email": told.email,
        "email_verified": "true" if told.email else "",
        "access_type": "offline" if told.offline else "online",
    }


def _older(told: TokenShown, now: int) -> dict[str, object]:
    return {
        "issued_to": told.party,
        "audience": told.party,
        "user_id": told.subject,
        "scope": " ".join(told.scope),
        "expires_in": told.expires_at - now,
        "email": told.email,
        "verified_email": True if told.email else "",
        "access_type": "offline" if told.offline else "online",
    }


def text(value: object) -> str:
    """Return a claim's value as text: numbers and truths as JSON writes them, everything that has parts as JSON."""
    return value if isinstance(value, str) else codec.encode_json(value).decode()


def read_revoke(request: Request, ctx: Context) -> RevokeHeld:
    """Read which token is withdrawn; raises `invalid_request` without one."""
    token = _secret(_given(request).get("token"))
    if token is None:
        raise faults.invalid_request("The parameter 'token' is missing.", expected="token", received="nothing")
    return RevokeHeld(token)


def write_revoked(answer: Revoked, ctx: Context) -> Response:
    """Say that the token is not good any more."""
    return message.json_response(200, b"{}")


def read_keys(request: Request, ctx: Context) -> AccountKeysQuery:
    """Read whose keys are wanted, and in which form."""
    return AccountKeysQuery(ctx.words["email"], ctx.fixed["form"])


def write_keys(answer: AccountKeysAnswer, ctx: Context) -> Response:
    """Write public keys: `x509` maps names to certificates, `raw` to bare keys, `jwk` is a JWK Set."""
    if answer.form == "jwk":
        keys = [{"kid": key.key_id, "alg": key.alg, "use": "sig", **key.members} for key in answer.keys]
        return discovery.document({"keys": keys}, answer.max_age)
    shown = {key.key_id: key.certificate if answer.form == "x509" else key.public for key in answer.keys}
    return discovery.document(shown, answer.max_age)


SURFACE = Surface("oauth-400", write_fault)


def _info(path: str, form: str) -> Route:
    return Route(("GET", "POST"), path, read_info, write_info, SURFACE, fixed={"form": form}, cors="public")


def _account_keys(where: str, form: str) -> Route:
    path = f"/{where}/metadata/{form}/{{email}}"
    return Route(("GET",), path, read_keys, write_keys, errors.GOOGLE_API, fixed={"form": form}, safe=True)


ROUTES = (
    _info("/tokeninfo", "v3"),
    _info("/oauth2/v3/tokeninfo", "v3"),
    _info("/oauth2/v2/tokeninfo", "v2"),
    _info("/oauth2/v1/tokeninfo", "v2"),
    *(
        Route(("POST",), path, read_revoke, write_revoked, SURFACE, cors="public")
        for path in ("/revoke", "/o/oauth2/revoke")
    ),
    *(_account_keys(where, form) for where in ("service_accounts/v1", "robot/v1") for form in ("x509", "raw", "jwk")),
)
"""What may be asked of tokens and keys by anybody who has one."""
