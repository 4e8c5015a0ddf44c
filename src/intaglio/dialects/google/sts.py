"""The security token service: another issuer's token for an access token of ours.

RFC 8693 (token exchange) and sts.v1: a form, or JSON whose members are written together (`grantType`). Wire facts were
checked with the official clients of five languages.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from intaglio import codec
from intaglio.dialects import coding
from intaglio.dialects.coding import Context
from intaglio.dialects.google.principals import HOST
from intaglio.dialects.routes import Route, Surface
from intaglio.dialects.standard import errors as standard_errors
from intaglio.errors import ProtocolFault
from intaglio.ids import Secret
from intaglio.protocol import faults, federation
from intaglio.protocol.federation import ExchangeAnswer, ProviderName, TokenExchange
from intaglio.wire import message
from intaglio.wire.message import Request, Response
from intaglio.wire.params import Params

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
TYPES = ("urn:ietf:params:oauth:token-type:jwt", "urn:ietf:params:oauth:token-type:id_token")
"""What a subject token may be called; both mean a signed JWT here."""
MAX_TOKEN = 16 * 1024
MAX_OPTIONS = 4096
MAX_SCOPES = 50
DECODINGS = 3
"""Times that `options` may be percent-encoded beyond the form's own encoding: one client does it once more."""

_ID = r"[a-z0-9-]{4,32}"
_PROVIDER = re.compile(
    rf"(?:https:)?//{re.escape(HOST)}/projects/([1-9][0-9]{{0,17}})/locations/global"
    rf"/workloadIdentityPools/({_ID})/providers/({_ID})"
)
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,256}")
_MEMBERS = {
    "grant_type": "grantType",
    "audience": "audience",
    "scope": "scope",
    "requested_token_type": "requestedTokenType",
    "subject_token": "subjectToken",
    "subject_token_type": "subjectTokenType",
    "actor_token": "actorToken",
    "options": "options",
}


def provider(audience: str) -> ProviderName | None:
    """Return the provider that an audience names, with or without the scheme; None for any other text."""
    found = _PROVIDER.fullmatch(audience)
    return ProviderName(int(found[1]), found[2], found[3]) if found is not None else None


def read_exchange(request: Request, ctx: Context) -> TokenExchange:
    """Read an exchange; raises `unsupported_grant_type`, `invalid_scope`, `invalid_request`."""
    asked = _asked(request)
    if asked["grant_type"] != GRANT:
        raise ProtocolFault("unsupported_grant_type", "The grant type is not supported.", detail={"expected": GRANT})
    _refuse_more(asked)
    named = provider(asked["audience"])
    if named is None:
        raise faults.invalid_request(
            # RFC 6749 5.2: a description holds no quotation mark.
            "Invalid value for 'audience'. This value should be the full resource name of the identity provider.",
            expected=f"//{HOST}/projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER",
            received=asked["audience"][:200],
        )
    token = asked["subject_token"]
    if not token or len(token) > MAX_TOKEN:
        public = "The subject_token is missing or too long."
        raise faults.invalid_request(public, expected=f"1 to {MAX_TOKEN} characters", received=f"{len(token)}")
    return TokenExchange(named, Secret(token), asked["subject_token_type"], _scope(asked["scope"]))


def _asked(request: Request) -> dict[str, str]:
    if request.media_type() in ("application/json", "text/json"):
        found = coding.json_params(request)
        return {name: found.get(member) for name, member in _MEMBERS.items()}
    form: Params = coding.single(coding.form_params(request))
    return {name: form.get(name) for name in _MEMBERS}


def _refuse_more(asked: dict[str, str]) -> None:
    """Refuse what asks for less, or for something else, than what would be given."""
    if asked["subject_token_type"] not in TYPES:
        public = "The subject_token_type is not supported."
        raise faults.invalid_request(public, expected=", ".join(TYPES), received=asked["subject_token_type"][:100])
    if asked["requested_token_type"] not in ("", federation.ACCESS_TOKEN):
        public = "The requested_token_type is not supported."
        received = asked["requested_token_type"][:100]
        raise faults.invalid_request(public, expected=federation.ACCESS_TOKEN, received=received)
    if asked["actor_token"]:
        raise faults.invalid_request("An actor_token is not supported.", expected="none", received="one")
    # SECURITY: a boundary or a binding that was asked for and left out would give a token that can do more than its
    # holder believes (test_an_option_that_narrows_is_refused_not_ignored).
    narrowing = sorted(set(_options(asked["options"])) - {"userProject"})
    if narrowing:
        public = "An option is not supported."
        raise faults.invalid_request(public, expected="no options, or userProject", received=narrowing[0][:80])


def _options(text: str) -> dict[str, Any]:
    if not text:
        return {}
    for _ in range(DECODINGS):
        try:
            return codec.decode_json_object(text[:MAX_OPTIONS].encode())
        except codec.CodecError:
            text = unquote(text)
    raise faults.invalid_request("The options cannot be read.", expected="a JSON object", received="another text")


def _scope(text: str) -> tuple[str, ...]:
    words = tuple(word for word in coding.scope_words(text) if word)
    if not 1 <= len(words) <= MAX_SCOPES or not all(_SCOPE.fullmatch(word) for word in words):
        detail = {"expected": f"1 to {MAX_SCOPES} scopes", "received": f"{len(words)} words"}
        raise ProtocolFault("invalid_scope", "The scope is missing or cannot be used.", detail=detail)
    return words


def write_exchange(answer: ExchangeAnswer, ctx: Context) -> Response:
    """Write the token; each of the members is demanded by one client or another."""
    body = {
        "access_token": answer.access_token,
        "issued_token_type": federation.ACCESS_TOKEN,
        "token_type": "Bearer",
        "expires_in": answer.expires_in,
    }
    return message.json_response(200, codec.encode_json(body))


SURFACE = Surface("sts", standard_errors.write)
ROUTES = (Route(("POST",), "/v1/token", read_exchange, write_exchange, SURFACE),)
