"""The IAM credentials API: tokens and signatures of a service account for whoever may act as it.

iamcredentials.v1 (discovery document), and what the official clients of five languages send: JSON under two media
types, forms, booleans as text, accounts by address, number or whole name. The older iam.v1 has the two signing methods
as well.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from intaglio import codec
from intaglio.dialects import coding
from intaglio.dialects.coding import Context
from intaglio.dialects.google import calling, errors
from intaglio.dialects.routes import Reader, Route, Writer
from intaglio.protocol import faults
from intaglio.protocol.identity import Minted
from intaglio.protocol.impersonation import (
    AccessTokenAs,
    AccessTokenGiven,
    AccountName,
    AllowedLocations,
    BlobAs,
    BlobSigned,
    IdTokenAs,
    JwtAs,
    JwtSigned,
)
from intaglio.wire.message import NO_STORE, Request, Response

JSON = ("", "application/json", "text/json")
FORM = "application/x-www-form-urlencoded"
MAX_AUDIENCE = 2048
MAX_NAME = 255
MAX_SCOPES = 50
MAX_BLOB = 48 * 1024
"""Characters of what is signed."""
LONGEST = 3600
"""Seconds that an access token may live."""
LONGEST_JWT = 12 * 3600
"""Seconds by which `exp` of a signed JWT may lie ahead."""
OLD_FORM = "bytesToSign"
"""The field of the older API's signBlob, whose answer has another name too."""

EXTENSION = "constraints/iam.allowServiceAccountCredentialLifetimeExtension"

_NAME = re.compile(r"projects/([^/]{1,63})/serviceAccounts/([^/]+)")
_DURATION = re.compile(r"(-?[0-9]{1,12})(?:\.0{1,9})?s")
_SNAKE = re.compile(r"_([a-z])")
_TRUTH = {True: True, False: False, None: False, "true": True, "false": False, "": False}


def _wrong(field: str, expected: str, received: object = "another value") -> Exception:
    public = f"Invalid value at '{field}'."
    return faults.invalid_request(public, expected=expected, received=str(received)[:100])


def _body(request: Request) -> dict[str, Any]:
    """Return the members of a body; what is null is absent, and names of the older spelling count too."""
    if request.media_type() == FORM:
        # VENDOR: one client sends a form where it holds a key of another universe.
        return dict(coding.single(coding.form_params(request)).items())
    if request.media_type() not in JSON:
        raise _wrong("Content-Type", "application/json", request.media_type())
    try:
        members = codec.decode_json_object(request.body)
    except codec.CodecError as exc:
        raise faults.invalid_request("Invalid JSON payload received.", received=str(exc)) from exc
    # proto3's JSON mapping: parsers accept both spellings of a field's name.
    return {_camel(name): value for name, value in members.items() if value is not None}


def _camel(name: str) -> str:
    return _SNAKE.sub(lambda found: found[1].upper(), name) if "_" in name else name


def _text(body: Mapping[str, Any], field: str, limit: int) -> str:
    value = body.get(field, "")
    if not isinstance(value, str) or not value or len(value) > limit:
        raise _wrong(field, f"text of 1 to {limit} characters", type(value).__name__)
    return value


def _truth(body: Mapping[str, Any], field: str) -> bool:
    value = body.get(field)
    found = _TRUTH.get(value.lower() if isinstance(value, str) else value) if isinstance(value, bool | str) else None
    if found is None and value is not None:
        raise _wrong(field, "true or false", type(value).__name__)
    return bool(found)


def account(text: object, field: str) -> AccountName:
    """Return the account that a text names: an address, a number, or `projects/-/serviceAccounts/` and one of these."""
    if not isinstance(text, str) or not text or len(text) > 2 * MAX_NAME:
        raise _wrong(field, "the name of a service account")
    # VENDOR: the sign of an address comes percent-encoded too.
    whole = unquote(text) if "%" in text else text
    found = _NAME.fullmatch(whole) if "/" in whole else None
    project, name = (found[1], found[2]) if found is not None else ("-", whole)
    if "/" in name or len(name) > MAX_NAME or not name.isprintable():
        raise _wrong(field, "the name of a service account")
    return AccountName(name, project)


def _acting(request: Request, ctx: Context, body: Mapping[str, Any]) -> dict[str, Any]:
    delegates = body.get("delegates", [])
    if not isinstance(delegates, list):
        raise _wrong("delegates", "a list", type(delegates).__name__)
    target = account(ctx.words["account"], "name")
    project = ctx.words.get("project", "-")
    return {
        "credential": calling.credential(request),
        "target": AccountName(target.name, project),
        "delegates": tuple([account(one, "delegates") for one in delegates]),
    }


def read_id_token(request: Request, ctx: Context) -> IdTokenAs:
    """Read a request for an ID token of an account."""
    body = _body(request)
    audience = _text(body, "audience", MAX_AUDIENCE)
    if not audience.isprintable():
        raise _wrong("audience", "printable text")
    return IdTokenAs(
        **_acting(request, ctx, body),
        audience=audience,
        email=_truth(body, "includeEmail"),
        email_as_party=_truth(body, "useEmailAzp"),
        organization=_truth(body, "organizationNumberIncluded"),
    )


def read_access_token(request: Request, ctx: Context) -> AccessTokenAs:
    """Read a request for an access token of an account."""
    body = _body(request)
    return AccessTokenAs(**_acting(request, ctx, body), scope=_scope(body), lifetime=_lifetime(body))


def _scope(body: Mapping[str, Any]) -> tuple[str, ...]:
    listed = body.get("scope")
    if not isinstance(listed, list) or not listed or len(listed) > MAX_SCOPES:
        raise _wrong("scope", f"a list of 1 to {MAX_SCOPES} scopes")
    if listed == [""]:
        return (calling.CLOUD,)
    for word in listed:
        if not isinstance(word, str) or not calling.knows_scope(word):
            raise _wrong("scope", "scopes", word)
    return tuple(dict.fromkeys(listed))


def _lifetime(body: Mapping[str, Any]) -> int:
    text = body.get("lifetime", f"{LONGEST}s")
    found = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise _wrong("lifetime", "whole seconds, as 3600s", text)
    seconds = int(found[1])
    if seconds <= 0:
        raise faults.invalid_request("Lifetime of access token must be larger then zero.", received=found[1])
    if seconds > LONGEST:
        public = f"Lifetimes over {LONGEST}s need the organization policy {EXTENSION}, which is not set here."
        raise faults.invalid_request(public, expected=f"at most {LONGEST}s", received=found[1])
    return seconds


def read_blob(request: Request, ctx: Context) -> BlobAs:
    """Read a request for a signature of octets, in the form of either API."""
    body = _body(request)
    form = OLD_FORM if OLD_FORM in body and "payload" not in body else "payload"
    text = _text(body, form, MAX_BLOB)
    try:
        # proto3's JSON mapping: standard or URL-safe base64, with or without padding.
        canonical = text.replace("-", "+").replace("_", "/").rstrip("=")
        payload = base64.b64decode(canonical + "=" * (-len(canonical) % 4), validate=True)
    except (binascii.Error, ValueError) as exc:
        raise _wrong(form, "base64") from exc
    if not payload:
        raise _wrong(form, "one octet or more", "none")
    claims = _claims_inside(payload)
    if claims is not None:
        _check_end(claims, ctx.now)
    return BlobAs(**_acting(request, ctx, body), payload=payload, form=form)


def _claims_inside(payload: bytes) -> dict[str, Any] | None:
    """Return the claims where octets are what a JWT's signature covers; None for anything else."""
    header, _, claims = payload.partition(b".")
    try:
        codec.decode_json_object(codec.decode_base64url(header))
        return codec.decode_json_object(codec.decode_base64url(claims))
    except codec.CodecError:
        return None


def _check_end(claims: Mapping[str, Any], now: int) -> None:
    # SECURITY: what is signed today for next month would outlive the permission to have it signed
    # (test_d6_53_nothing_is_signed_ahead).
    ends = claims.get("exp")
    if ends is None:
        return
    if isinstance(ends, bool) or not isinstance(ends, int | float):
        raise _wrong("payload", "exp as a number")
    if not now < ends <= now + LONGEST_JWT:
        public = "The exp of the payload must be in the future, and at most 12 hours ahead."
        raise faults.invalid_request(public, expected=f"{now} to {now + LONGEST_JWT}", received=str(ends)[:40])


def read_jwt(request: Request, ctx: Context) -> JwtAs:
    """Read a request for a signed JWT; its claims are a JSON object in a text."""
    body = _body(request)
    try:
        claims = codec.decode_json_object(_text(body, "payload", MAX_BLOB).encode("utf-8"))
    except (codec.CodecError, UnicodeEncodeError) as exc:
        raise _wrong("payload", "a JSON object") from exc
    _check_end(claims, ctx.now)
    return JwtAs(**_acting(request, ctx, body), payload=codec.encode_json(claims))


def read_locations(request: Request, ctx: Context) -> AllowedLocations:
    """Read the question where an account's tokens may be used from; whoever asks is told the same."""
    return AllowedLocations()


def answer(body: Mapping[str, Any]) -> Response:
    """Return an answer of an API."""
    return Response(200, (("content-type", "application/json; charset=UTF-8"), *NO_STORE), codec.encode_json(body))


def instant(at: int) -> str:
    """Return an instant in UTC, without fractions: one client reads no other form (RFC 3339)."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def write_id_token(given: Minted, ctx: Context) -> Response:
    """Write an ID token."""
    return answer({"token": given.id_token})


def write_access_token(given: AccessTokenGiven, ctx: Context) -> Response:
    """Write an access token with the instant of its end."""
    return answer({"accessToken": given.access_token, "expireTime": instant(given.expires_at)})


def write_blob(given: BlobSigned, ctx: Context) -> Response:
    """Write a signature under the name of the API that was asked."""
    name = "signature" if given.form == OLD_FORM else "signedBlob"
    return answer({"keyId": given.key_id, name: given.signature})


def write_jwt(given: JwtSigned, ctx: Context) -> Response:
    """Write a signed JWT."""
    return answer({"keyId": given.key_id, "signedJwt": given.jwt})


def write_locations(given: AllowedLocations, ctx: Context) -> Response:
    """Write that there is no boundary."""
    return answer({"locations": [], "encodedLocations": "0x0"})


_ACCOUNT = "/v1/projects/{project}/serviceAccounts/{account}"


def _method(verb: str, read: Reader, write: Writer) -> Route:
    return Route(("POST",), f"{_ACCOUNT}:{verb}", read, write, errors.GOOGLE_API)


def _locations(path: str) -> Route:
    return Route(("GET",), path + "/allowedLocations", read_locations, write_locations, errors.GOOGLE_API, safe=True)


ROUTES = (
    _method("generateIdToken", read_id_token, write_id_token),
    _method("generateAccessToken", read_access_token, write_access_token),
    _method("signBlob", read_blob, write_blob),
    _method("signJwt", read_jwt, write_jwt),
    _locations(_ACCOUNT),
    _locations("/v1/projects/{project}/locations/global/workloadIdentityPools/{pool}"),
    _locations("/v1/locations/global/workforcePools/{pool}"),
)
"""The methods; one path serves the old and the new API, in development from one port."""
