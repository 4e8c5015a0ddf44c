"""The part of iam.v1 that is about pools of external identities and their providers.

iam.v1 (discovery document): projects.locations.workloadIdentityPools. Every operation is complete when it is answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from intaglio import codec
from intaglio.dialects import coding
from intaglio.dialects.coding import Context
from intaglio.dialects.google import calling, errors, poolforms
from intaglio.dialects.routes import Reader, Route, Surface, Writer
from intaglio.protocol import faults
from intaglio.protocol.pools import PoolChanges, PoolQuery, ProviderChanges, ProviderQuery
from intaglio.wire.message import Request

_TOLD = ("name", "state", "expireTime")
"""Members that only answers have; in a request they mean nothing."""
_POOL = {"displayName": "display_name", "description": "description", "disabled": "disabled"}
_PROVIDER = _POOL | {
    "attributeMapping": "attribute_mapping",
    "attributeCondition": "attribute_condition",
    "oidc.issuerUri": "issuer",
    "oidc.allowedAudiences": "allowed_audiences",
    "oidc.jwksJson": "jwks",
    "oidc.discoveryUri": "discovery_uri",
    "x509.trustStore": "trust_anchors",
}
_TRUTHS = {"true": True, "false": False, "": False}
MAX_PAGE = 1000
USUAL_PAGE = 50


def _wrong(field: str, expected: str, received: object = "another value") -> Exception:
    public = f"Invalid value at '{field}'."
    return faults.invalid_request(public, expected=expected, received=str(received)[:100])


def _flat(body: Mapping[str, Any], known: Mapping[str, str]) -> dict[str, Any]:
    """Return a body's members by their dotted names; what is not known is refused, for it may mean something."""
    found: dict[str, Any] = {}
    for name, value in body.items():
        if name in _TOLD or value is None:
            continue
        inner = value if isinstance(value, dict) and name in ("oidc", "x509") else None
        pairs = {f"{name}.{key}": one for key, one in inner.items()} if inner is not None else {name: value}
        found |= {key: one for key, one in pairs.items() if one is not None}
    for name in found:
        if name not in known:
            raise _wrong(name, ", ".join(known), "an unknown field")
    return found


def _body(request: Request) -> dict[str, Any]:
    if request.media_type() not in ("", "application/json", "text/json"):
        raise _wrong("Content-Type", "application/json", request.media_type())
    try:
        return codec.decode_json_object(request.body) if request.body else {}
    except codec.CodecError as exc:
        raise faults.invalid_request("Invalid JSON payload received.", received=str(exc)) from exc


def _changes(request: Request, known: Mapping[str, str], verb: str) -> dict[str, Any]:
    """Return what is to change by our names; a field that the mask names and the body lacks becomes empty."""
    if verb not in ("create", "update"):
        return {}
    given = _flat(_body(request), known)
    mask = coding.query_params(request).get("updateMask")
    if verb == "update" and mask:
        # proto3's JSON mapping: names in either spelling; a message stands for all of its fields.
        asked = [_camel(one.strip()) for one in mask.split(",")]
        named = [name for name in known if any(name == one or name.startswith(f"{one}.") for one in asked)]
        if not all(any(name == one or name.startswith(f"{one}.") for name in known) for one in asked):
            raise _wrong("updateMask", ", ".join(known), mask)
        given = {name: given.get(name, _empty(name)) for name in named}
    return {known[name]: _value(name, value) for name, value in given.items()}


def _camel(text: str) -> str:
    first, *rest = text.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)


def _empty(name: str) -> Any:
    return {"disabled": False, "attributeMapping": {}, "oidc.allowedAudiences": [], "x509.trustStore": {}}.get(name, "")


def _value(name: str, value: Any) -> Any:
    if name == "disabled":
        if not isinstance(value, bool):
            raise _wrong(name, "true or false")
        return value
    if name == "attributeMapping":
        if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
            raise _wrong(name, "an object of texts")
        return value
    if name == "oidc.allowedAudiences":
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise _wrong(name, "a list of texts")
        return tuple(value)
    if name == "x509.trustStore":
        return _anchors(value)
    if not isinstance(value, str):
        raise _wrong(name, "text")
    return value


def _anchors(store: Any) -> str:
    listed = store.get("trustAnchors", []) if isinstance(store, dict) and set(store) <= {"trustAnchors"} else None
    if not isinstance(listed, list):
        raise _wrong("x509.trustStore", "trustAnchors alone")
    pems = [one.get("pemCertificate") if isinstance(one, dict) else None for one in listed]
    if not all(isinstance(pem, str) for pem in pems):
        raise _wrong("x509.trustStore.trustAnchors", "objects with pemCertificate")
    return "\n".join(str(pem).strip() for pem in pems)


def _asked(request: Request, ctx: Context) -> dict[str, Any]:
    found = coding.query_params(request)
    size, deleted = found.get("pageSize") or "0", found.get("showDeleted").lower()
    if not (size.isascii() and size.isdecimal() and len(size) < 10) or deleted not in _TRUTHS:
        raise _wrong("pageSize or showDeleted", "a number, and true or false")
    return {
        "credential": calling.credential(request),
        "verb": ctx.fixed["verb"],
        "permission": ctx.fixed["permission"],
        "project": ctx.words["project"],
        "after": found.get("pageToken")[:64],
        "limit": min(int(size) or USUAL_PAGE, MAX_PAGE),
        "deleted": _TRUTHS[deleted],
    }


def _new(request: Request, ctx: Context, parameter: str) -> str:
    return coding.query_params(request).get(parameter) if ctx.fixed["verb"] == "create" else ""


def read_pool(request: Request, ctx: Context) -> PoolQuery:
    """Read a request about a pool; raises `invalid_request`."""
    verb = ctx.fixed["verb"]
    pool_id = ctx.words.get("pool", "") or _new(request, ctx, "workloadIdentityPoolId")
    changes = PoolChanges(**_changes(request, _POOL, verb))
    return PoolQuery(**_asked(request, ctx), pool_id=pool_id[:64], changes=changes)


def read_provider(request: Request, ctx: Context) -> ProviderQuery:
    """Read a request about a provider; raises `invalid_request`."""
    verb = ctx.fixed["verb"]
    provider_id = ctx.words.get("provider", "") or _new(request, ctx, "workloadIdentityPoolProviderId")
    changes = ProviderChanges(**_changes(request, _PROVIDER, verb))
    pool_id = ctx.words["pool"][:64]
    return ProviderQuery(**_asked(request, ctx), pool_id=pool_id, provider_id=provider_id[:64], changes=changes)


SURFACE = Surface("google-pools", errors.write_api)
_ALL = "/v1/projects/{project}/locations/global/workloadIdentityPools"
_ONE = _ALL + "/{pool}"
_PROVIDERS = _ONE + "/providers"


def _routes(every: str, one: str, kind: str, read: Reader, write: Writer) -> tuple[Route, ...]:
    rows = (
        ("POST", every, "create"),
        ("GET", every, "list"),
        # Before the plain name, of which it would be a part.
        ("POST", one + ":undelete", "undelete"),
        ("GET", one, "get"),
        ("PATCH", one, "update"),
        ("DELETE", one, "delete"),
    )
    return tuple(
        Route(
            (method,),
            path,
            read,
            write,
            SURFACE,
            fixed={"verb": verb, "permission": f"iam.{kind}.{verb}"},
            limit=256 * 1024,
        )
        for method, path, verb in rows
    )


ROUTES = (
    *_routes(_ALL, _ONE, "workloadIdentityPools", read_pool, poolforms.write_pool),
    *_routes(
        _PROVIDERS, _PROVIDERS + "/{provider}", "workloadIdentityPoolProviders", read_provider, poolforms.write_provider
    ),
)
