"""Reading the OpenAPI document of an API gateway: whose tokens each route takes.

OpenAPI 2.0 (Swagger) and 3.0/3.1; Google's pages on OpenAPI extensions: x-google-issuer, x-google-jwks_uri,
x-google-audiences, and x-google-auth.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn
from urllib.parse import urlsplit

from intaglio.errors import Misconfigured
from intaglio.protocol.gate import Operation, Scheme

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_SEGMENT = re.compile(r"[^{}]*|\{[^{}]+\}")
_UNSUPPORTED = ("x-google-jwt-locations", "x-google-api-key")

REFUSALS = {
    "": (401, "Jwt is missing"),
    "token-expired": (401, "Jwt is expired"),
    "token-not-yet-valid": (401, "Jwt not yet valid"),
    "issuer-mismatch": (401, "Jwt issuer is not configured"),
    "audience-mismatch": (403, "Audiences in Jwt are not allowed"),
    "audience-missing": (403, "Audiences in Jwt are not allowed"),
    "audience-foreign": (403, "Audiences in Jwt are not allowed"),
    "keys-unavailable": (401, "Jwks remote fetch is failed"),
    "key-unknown": (401, "Jwt verification fails"),
    "signature-invalid": (401, "Jwt verification fails"),
    "path-unknown": (404, "The current request is not defined by this API."),
    "method-unknown": (405, "The current request is matched to the defined url template but its method is not."),
    "path-ambiguous": (400, "The path of the request can be read in more than one way."),
}


def refusal(code: str) -> tuple[int, str]:
    """Return the status and the words of a refusal; of what has no words of its own, those of any bad token."""
    return REFUSALS.get(code, (401, "Jwt verification fails"))


def _refuse(where: str, expected: str, received: object = "") -> NoReturn:
    raise Misconfigured(
        "openapi-unusable",
        "The API's description cannot be used.",
        detail={"where": where, "expected": expected, "received": str(received)[:200]},
        hint="Correct the OpenAPI document.",
    )


def _table(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        _refuse(where, "an object", type(value).__name__)
    return value


def _listed(value: object, where: str) -> Sequence[Any]:
    if not isinstance(value, list):
        _refuse(where, "a list", type(value).__name__)
    return value


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or not value:
        _refuse(where, "a text", type(value).__name__)
    return value


def read(document: Mapping[str, Any]) -> tuple[Operation, ...]:
    """Return the operations of an OpenAPI document.

    Raises `Misconfigured` (`openapi-unusable`) for anything that would otherwise be left unchecked: a scheme that is
    not an issuer's tokens, two schemes at once, a scheme that is not defined, an unknown version.
    """
    base, fallback = _place(document)
    schemes = _schemes(document, fallback)
    usual = document.get("security", [])
    found: list[Operation] = []
    for path, item in _table(document.get("paths"), "paths").items():
        if not path.startswith("/"):
            if path.startswith("x-"):
                continue
            _refuse(f"paths.{path}", "a path that begins with /")
        # SECURITY: a segment that is a variable in part would match what another route guards
        # (test_d6_41_half_a_variable_is_refused).
        if not all(map(_SEGMENT.fullmatch, (base + path).split("/"))):
            _refuse(f"paths.{path}", "variables that are whole segments")
        for method, operation in _table(item, f"paths.{path}").items():
            if method in METHODS:
                where = f"paths.{path}.{method}"
                wanted = _listed(_table(operation, where).get("security", usual), f"{where}.security")
                found.append(Operation(method.upper(), base + path, _wanted(wanted, schemes, where)))
    if not found:
        _refuse("paths", "at least one operation")
    return tuple(found)


def _place(document: Mapping[str, Any]) -> tuple[str, str]:
    """Return what stands before each path, and the audience of schemes that name none."""
    if document.get("swagger") == "2.0":
        base, host = document.get("basePath", ""), document.get("host", "")
        return str(base).rstrip("/"), f"https://{host}" if host else ""
    if str(document.get("openapi", "")).startswith(("3.0.", "3.1.")):
        servers = document.get("servers") or [{}]
        parts = urlsplit(str(_table(_listed(servers, "servers")[0], "servers[0]").get("url", "")))
        return parts.path.rstrip("/"), f"https://{parts.netloc}" if parts.netloc else ""
    return _refuse("swagger, openapi", "2.0, 3.0.x or 3.1.x", document.get("openapi", document.get("swagger")))


def _schemes(document: Mapping[str, Any], fallback: str) -> dict[str, Scheme | None]:
    """Return the schemes by name; None for one that cannot be checked here."""
    if "swagger" in document:
        defined = document.get("securityDefinitions", {})
    else:
        defined = _table(document.get("components", {}), "components").get("securitySchemes", {})
    named = _table(defined, "security schemes")
    return {name: _scheme(name, _table(one, name), fallback) for name, one in named.items()}


def _scheme(name: str, defined: Mapping[str, Any], fallback: str) -> Scheme | None:
    for word in _UNSUPPORTED:
        if word in defined:
            _refuse(f"{name}.{word}", "nothing: this gate takes tokens from Authorization alone")
    told = defined
    if "x-google-auth" in defined:
        auth = _table(defined["x-google-auth"], f"{name}.x-google-auth")
        told = {
            "x-google-issuer": auth.get("issuer"),
            "x-google-jwks_uri": auth.get("jwksUri", ""),
            "x-google-audiences": auth.get("audiences", ""),
        }
    if "x-google-issuer" not in told:
        return None
    issuer = _text(told["x-google-issuer"], f"{name}.x-google-issuer")
    audiences = _audiences(told.get("x-google-audiences", ""), name) or ((fallback,) if fallback else ())
    # RFC 8725 3.9: a token for nobody in particular is a token for anybody.
    if not audiences:
        _refuse(f"{name}.x-google-audiences", "at least one audience, or the host of the API")
    return Scheme(name, issuer, str(told.get("x-google-jwks_uri") or ""), audiences)


def _audiences(value: object, name: str) -> tuple[str, ...]:
    listed = value.split(",") if isinstance(value, str) else _listed(value, f"{name}.x-google-audiences")
    return tuple(text.strip() for text in map(str, listed) if text.strip())


def _wanted(alternatives: Sequence[Any], schemes: Mapping[str, Scheme | None], where: str) -> tuple[Scheme, ...]:
    found: list[Scheme] = []
    for number, one in enumerate(alternatives):
        names = list(_table(one, f"{where}.security[{number}]"))
        if not names:
            # OpenAPI 3.1, 4.8.2: an empty requirement makes the others optional.
            return ()
        if len(names) > 1:
            _refuse(f"{where}.security[{number}]", "one scheme: a request carries one token", ", ".join(names))
        scheme = schemes.get(names[0])
        # SECURITY: what cannot be checked here must not look as if it were (test_a_scheme_that_cannot_be_checked).
        if scheme is None:
            _refuse(f"{where}.security[{number}]", "a scheme that is defined, with x-google-issuer", names[0])
        found.append(scheme)
    return tuple(found)
