"""An application as Auth0's Management API writes it, and the fields that it is kept by.

What has no meaning here is kept as it came and told again. Auth0's page "Management API v2: Clients".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from intaglio.errors import ProtocolFault
from intaglio.protocol.clientadmin import ClientFields, ClientTold
from intaglio.protocol.device import GRANT

GRANTS = ("authorization_code", "implicit", "refresh_token", "client_credentials", GRANT)
ISSUED = ("client_id", "client_secret", "tenant", "global", "signing_keys")
"""Members that nobody sets."""
INERT: dict[str, Any] = {
    "global": False,
    "is_token_endpoint_ip_header_trusted": False,
    "oidc_conformant": True,
    "sso_disabled": False,
    "cross_origin_authentication": False,
    "custom_login_page_on": True,
    "allowed_clients": [],
    "client_aliases": [],
}
"""Members that are told as they usually are."""
ROTATIONS = {"rotating": "rotate", "non-rotating": "keep"}
USAGES = ("deny", "allow", "require")
TYPES = ("native", "spa", "regular_web", "non_interactive")

Members = Mapping[str, Any]


def refuse(name: str, expected: str) -> ProtocolFault:
    """Return the fault `invalid_client_metadata` for a member, in the words of this API."""
    public = f"Payload validation error: '{expected}' on property {ascii(name)[1:-1][:60]}"
    return ProtocolFault("invalid_client_metadata", public, detail={"expected": expected, "received": name[:60]})


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise refuse(name, "Expected type string")
    return value


def _texts(name: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise refuse(name, "Expected type array of string")
    return tuple(value)


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise refuse(name, "Expected type boolean")
    return value


def _seconds(name: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise refuse(name, "Expected type integer")
    return value


def _object(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise refuse(name, "Expected type object")
    return value


def _choice(*allowed: str) -> Callable[[str, Any], str]:
    def read(name: str, value: Any) -> str:
        if value not in allowed or not isinstance(value, str):
            raise refuse(name, f"No enum match for: {ascii(value)[:40]}")
        return value

    return read


PLAIN: dict[str, tuple[str, Callable[[str, Any], Any]]] = {
    "name": ("client_name", _text),
    "token_endpoint_auth_method": (
        "token_endpoint_auth_method",
        _choice("none", "client_secret_post", "client_secret_basic"),
    ),
    "callbacks": ("redirect_uris", _texts),
    "allowed_logout_urls": ("post_logout_redirect_uris", _texts),
    "web_origins": ("allowed_origins", _texts),
    "organization_usage": ("organization_usage", _choice(*USAGES)),
    "initiate_login_uri": ("initiate_login_uri", _text),
    "logo_uri": ("logo_uri", _text),
    "require_pushed_authorization_requests": ("require_pushed_authorization_requests", _flag),
}
"""Members that are fields of the same kind."""


def fields(members: Members) -> ClientFields:
    """Return what a body says of an application; raises `invalid_client_metadata`.

    Null takes away what is kept as it came, and is nothing elsewhere.
    """
    for name in ISSUED:
        if name in members:
            raise refuse(name, "Additional properties not allowed")
    found: dict[str, Any] = {}
    own: dict[str, Any] = {}
    for name, value in members.items():
        if name in PLAIN:
            field, read = PLAIN[name]
            found |= {} if value is None else {field: read(name, value)}
        elif name in NESTED and value is not None:
            taken, rest = NESTED[name](name, value)
            found |= taken
            own |= {name: rest}
        else:
            own[name] = value
    return ClientFields(**found, own=own)


def created(members: Members) -> ClientFields:
    """Return what a body says of a new application, with what is usual where it says nothing."""
    if not members.get("name"):
        raise refuse("name", "Missing required property")
    kind = members.get("app_type") or "regular_web"
    public = kind in ("native", "spa")
    grants = ["authorization_code", "refresh_token"] + ["client_credentials"] * (not public)
    usual = {
        "app_type": kind,
        "is_first_party": True,
        "token_endpoint_auth_method": "none" if public else "client_secret_post",
        "grant_types": ["client_credentials"] if kind == "non_interactive" else grants,
    }
    return fields({**usual, **{name: value for name, value in members.items() if value is not None}})


def _app_type(name: str, value: Any) -> tuple[dict[str, Any], Any]:
    kind = _choice(*TYPES)(name, value)
    return {"application_type": "native" if kind == "native" else "web"}, kind


def _first_party(name: str, value: Any) -> tuple[dict[str, Any], Any]:
    # VENDOR: people are not asked about what their own company registered.
    return {"consent": "implicit" if _flag(name, value) else "ask"}, None


def _grant_types(name: str, value: Any) -> tuple[dict[str, Any], Any]:
    given = _texts(name, value)
    others = [one for one in given if one not in GRANTS]
    return {"grant_types": tuple(one for one in given if one in GRANTS)}, others or None


def _jwt(name: str, value: Any) -> tuple[dict[str, Any], Any]:
    given = dict(_object(name, value))
    taken: dict[str, Any] = {}
    if (seconds := given.pop("lifetime_in_seconds", None)) is not None:
        taken["id_token_lifetime"] = _seconds(f"{name}.lifetime_in_seconds", seconds)
    if (alg := given.pop("alg", None)) is not None:
        taken["id_token_signed_response_alg"] = _choice("RS256", "PS256")(f"{name}.alg", alg)
    return taken, given or None


def _refresh(name: str, value: Any) -> tuple[dict[str, Any], Any]:
    given = dict(_object(name, value))
    taken: dict[str, Any] = {}
    if (rotation := given.pop("rotation_type", None)) is not None:
        taken["refresh_policy"] = ROTATIONS[_choice(*ROTATIONS)(f"{name}.rotation_type", rotation)]
    if (leeway := given.pop("leeway", None)) is not None:
        taken["refresh_grace"] = _seconds(f"{name}.leeway", leeway)
    if given.get("expiration_type") == "expiring" and (seconds := given.pop("token_lifetime", None)) is not None:
        taken["refresh_token_lifetime"] = _seconds(f"{name}.token_lifetime", seconds)
    return taken, given or None


def _logout(name: str, value: Any) -> tuple[dict[str, Any], Any]:
    given = dict(_object(name, value))
    urls = given.pop("backchannel_logout_urls", None)
    if urls is None:
        return {}, given or None
    if len(_texts(f"{name}.backchannel_logout_urls", urls)) > 1:
        raise refuse(f"{name}.backchannel_logout_urls", "Array is too long (2), maximum 1")
    return {"backchannel_logout_uri": urls[0] if urls else ""}, given or None


def _not_demanded(harmless: tuple[Any, ...]) -> Callable[[str, Any], tuple[dict[str, Any], Any]]:
    def read(name: str, value: Any) -> tuple[dict[str, Any], Any]:
        # SECURITY: told again as if it were in force, what nobody looks at is worse than a refusal
        # (test_a_protection_that_is_not_there_is_not_told).
        if not any(value == one and type(value) is type(one) for one in harmless):
            raise refuse(name, "Nothing here enforces that")
        return {}, value

    return read


NESTED: dict[str, Callable[[str, Any], tuple[dict[str, Any], Any]]] = {
    "app_type": _app_type,
    "is_first_party": _first_party,
    "grant_types": _grant_types,
    "jwt_configuration": _jwt,
    "refresh_token": _refresh,
    "oidc_logout": _logout,
    "require_proof_of_possession": _not_demanded((False,)),
    "compliance_level": _not_demanded(("none",)),
    "client_authentication_methods": _not_demanded(({},)),
    "signed_request_object": _not_demanded(({}, {"required": False})),
}
"""Members that are partly fields: what they say of those, and what is kept beside them."""


def told(answer: ClientTold) -> dict[str, Any]:
    """Return an application as this API writes it."""
    known, own = answer.fields, dict(answer.fields.own)
    jwt = {
        "lifetime_in_seconds": known.id_token_lifetime,
        "secret_encoded": False,
        "alg": known.id_token_signed_response_alg,
    }
    refresh = {
        "rotation_type": "rotating" if known.refresh_policy == "rotate" else "non-rotating",
        "leeway": known.refresh_grace,
        "expiration_type": "expiring",
        "token_lifetime": known.refresh_token_lifetime,
    }
    body = {
        "tenant": answer.tenant_slug,
        **INERT,
        **{member: _listed(getattr(known, field)) for member, (field, _) in PLAIN.items()},
        "is_first_party": known.consent == "implicit",
        "app_type": "native" if known.application_type == "native" else "regular_web",
        **own,
        "grant_types": [*(known.grant_types or ()), *own.get("grant_types", ())],
        "jwt_configuration": own.get("jwt_configuration", {}) | jwt,
        "refresh_token": own.get("refresh_token", {}) | refresh,
        "client_id": answer.client_id,
    }
    if known.backchannel_logout_uri:
        logout = {"backchannel_logout_urls": [known.backchannel_logout_uri]}
        body["oidc_logout"] = own.get("oidc_logout", {}) | logout
    if answer.client_secret is not None:
        body["client_secret"] = answer.client_secret.reveal()
    return {name: value for name, value in body.items() if value != "" and value is not None}


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
