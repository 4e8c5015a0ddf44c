"""How pools and providers of external identities are written (iam.v1, discovery document)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from intaglio import codec
from intaglio.dialects.coding import Context
from intaglio.protocol.pools import Done, PoolList, PoolShown, ProviderList, ProviderShown
from intaglio.wire.message import NO_STORE, Response

_TYPE = "type.googleapis.com/google.iam.v1."
_FAR = 253402300799


def _json(body: object) -> Response:
    return Response(200, (("content-type", "application/json; charset=UTF-8"), *NO_STORE), codec.encode_json(body))


def _pool_name(project_number: int, pool_id: str) -> str:
    return f"projects/{project_number}/locations/global/workloadIdentityPools/{pool_id}"


def _state(gone_at: int | None) -> dict[str, Any]:
    if gone_at is None:
        return {"state": "ACTIVE"}
    expires = dt.datetime.fromtimestamp(min(gone_at, _FAR), dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"state": "DELETED", "expireTime": expires}


def _pool(one: PoolShown) -> dict[str, Any]:
    told: dict[str, Any] = {
        "name": _pool_name(one.project_number, one.pool_id),
        "displayName": one.display_name,
        "description": one.description,
        "disabled": one.disabled,
        "mode": "FEDERATION_ONLY",
        **_state(one.gone_at),
    }
    return {name: value for name, value in told.items() if value not in ("", False)}


def _provider(one: ProviderShown) -> dict[str, Any]:
    fields = one.fields
    told: dict[str, Any] = {
        "name": f"{_pool_name(one.project_number, one.pool_id)}/providers/{one.provider_id}",
        "displayName": fields.display_name,
        "description": fields.description,
        "disabled": fields.disabled,
        "attributeMapping": fields.attribute_mapping,
        "attributeCondition": fields.attribute_condition,
        **_state(one.gone_at),
    }
    if fields.trust_anchors:
        end = "-----END CERTIFICATE-----"
        pems = [f"{part.strip()}\n{end}\n" for part in fields.trust_anchors.split(end) if part.strip()]
        told["x509"] = {"trustStore": {"trustAnchors": [{"pemCertificate": pem} for pem in pems]}}
    else:
        oidc = {
            "issuerUri": fields.issuer,
            "allowedAudiences": list(fields.allowed_audiences or ()),
            "jwksJson": fields.jwks,
            "discoveryUri": fields.discovery_uri,
        }
        told["oidc"] = {name: value for name, value in oidc.items() if value}
    return {name: value for name, value in told.items() if value not in ("", False, None)}


def write_pool(answer: PoolShown | PoolList | Done, ctx: Context) -> Response:
    """Write a pool, a page of them, or the operation that changed one."""
    if isinstance(answer, PoolList):
        listed = {"workloadIdentityPools": [_pool(one) for one in answer.pools], "nextPageToken": answer.after}
        return _json({name: value for name, value in listed.items() if value})
    return _json(_operation(answer) if isinstance(answer, Done) else _pool(answer))


def write_provider(answer: ProviderShown | ProviderList | Done, ctx: Context) -> Response:
    """Write a provider, a page of them, or the operation that changed one."""
    if isinstance(answer, ProviderList):
        members = [_provider(one) for one in answer.providers]
        listed = {"workloadIdentityPoolProviders": members, "nextPageToken": answer.after}
        return _json({name: value for name, value in listed.items() if value})
    return _json(_operation(answer) if isinstance(answer, Done) else _provider(answer))


def _operation(done: Done) -> dict[str, Any]:
    result = done.result
    if isinstance(result, PoolShown):
        told, kind = _pool(result), "WorkloadIdentityPool"
    else:
        told, kind = _provider(result), "WorkloadIdentityPoolProvider"
    name = f"{told['name']}/operations/{done.operation_id}"
    return {"name": name, "done": True, "response": {"@type": _TYPE + kind, **told}}
