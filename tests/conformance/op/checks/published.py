"""What must be true of provider metadata and keys (OpenID Connect Discovery 3 and 4, RFC 8414, RFC 7517)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tests.conformance.op.checks.findings import Finding, fail, warn
from tests.harness import Answer

MEMBERS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
SECRET_MEMBERS = frozenset("d p q dp dq qi oth k".split())
_SCOPE_WORD = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")
_LOCALE = re.compile(r"[a-z]{2,3}(?:-[A-Z][a-z]{3})?(?:-(?:[A-Z]{2}|\d{3}))?")
BOOLEANS = frozenset(
    """claims_parameter_supported request_parameter_supported request_uri_parameter_supported
    require_request_uri_registration require_signed_request_object require_pushed_authorization_requests
    authorization_response_iss_parameter_supported frontchannel_logout_supported frontchannel_logout_session_supported
    backchannel_logout_supported backchannel_logout_session_supported tls_client_certificate_bound_access_tokens
    backchannel_user_code_parameter_supported""".split()
)
ARRAYS = frozenset(
    """scopes_supported response_types_supported response_modes_supported grant_types_supported acr_values_supported
    subject_types_supported id_token_signing_alg_values_supported id_token_encryption_alg_values_supported
    id_token_encryption_enc_values_supported userinfo_signing_alg_values_supported
    userinfo_encryption_alg_values_supported userinfo_encryption_enc_values_supported
    request_object_signing_alg_values_supported request_object_encryption_alg_values_supported
    request_object_encryption_enc_values_supported token_endpoint_auth_methods_supported
    token_endpoint_auth_signing_alg_values_supported display_values_supported claim_types_supported claims_supported
    claims_locales_supported ui_locales_supported code_challenge_methods_supported prompt_values_supported
    revocation_endpoint_auth_methods_supported revocation_endpoint_auth_signing_alg_values_supported
    introspection_endpoint_auth_methods_supported introspection_endpoint_auth_signing_alg_values_supported
    authorization_signing_alg_values_supported authorization_encryption_alg_values_supported
    authorization_encryption_enc_values_supported dpop_signing_alg_values_supported
    introspection_signing_alg_values_supported introspection_encryption_alg_values_supported
    introspection_encryption_enc_values_supported backchannel_token_delivery_modes_supported
    backchannel_authentication_request_signing_alg_values_supported authorization_details_types_supported
    protected_resources""".split()
)
ADDRESSES = frozenset(
    """issuer authorization_endpoint token_endpoint userinfo_endpoint jwks_uri registration_endpoint
    revocation_endpoint introspection_endpoint end_session_endpoint check_session_iframe device_authorization_endpoint
    pushed_authorization_request_endpoint backchannel_authentication_endpoint service_documentation op_policy_uri
    op_tos_uri""".split()
)
RESPONSE_TYPES = [
    frozenset(words.split())
    for words in ("code", "id_token", "id_token token", "code id_token", "code token", "code idtokens.id_token token")
]
DISCOVERY_TAIL = "/.well-known/openid-configuration"


def _member(name: str, value: Any) -> Finding | None:
    if name in BOOLEANS:
        return None if isinstance(value, bool) else fail("metadata-type", name)
    if name in ARRAYS:
        right = isinstance(value, list) and all(isinstance(one, str) for one in value)
        return None if right else fail("metadata-type", name)
    if name in ADDRESSES:
        right = isinstance(value, str) and value.startswith("https://") and "#" not in value
        return None if right else fail("metadata-address", f"{name}: {value}")
    return None if name in ("mtls_endpoint_aliases", "signed_metadata") else warn("metadata-unknown-member", name)


def document(answer: Answer) -> tuple[dict[str, Any], list[Finding]]:
    """Return a JSON document that an answer must hold."""
    if answer.status != 200:
        return {}, [fail("document-status", answer.status)]
    if (answer.header("content-type") or "").partition(";")[0].strip() != "application/json":
        return {}, [fail("document-media-type", answer.header("content-type"))]
    try:
        found = answer.json()
    except ValueError:
        return {}, [fail("document-json")]
    return (found, []) if isinstance(found, dict) else ({}, [fail("document-json", type(found).__name__)])


def discovery(doc: Mapping[str, Any], url: str, *, dynamic: bool) -> list[Finding]:
    """Check provider metadata (Discovery 3 and 4.3)."""
    found = [one for name, value in doc.items() if (one := _member(name, value))]
    if not url.startswith("https://") or not url.endswith(DISCOVERY_TAIL):
        found.append(fail("discovery-location", url))
    if doc.get("issuer") != url.removesuffix(DISCOVERY_TAIL):
        found.append(fail("discovery-issuer", doc.get("issuer")))
    needed = ["issuer", "authorization_endpoint", "jwks_uri", "response_types_supported", "subject_types_supported"]
    needed += ["id_token_signing_alg_values_supported", "token_endpoint"] + (
        ["registration_endpoint"] if dynamic else []
    )
    found += [fail("metadata-missing", name) for name in needed if not doc.get(name)]
    wished = ("userinfo_endpoint", "claims_supported", "scopes_supported")
    found += [warn("metadata-missing", name) for name in wished if not doc.get(name)]
    return found + _response_types(doc, dynamic=dynamic) + _values(doc, dynamic=dynamic)


def _response_types(doc: Mapping[str, Any], *, dynamic: bool) -> list[Finding]:
    given = [frozenset(str(words).split()) for words in doc.get("response_types_supported") or ()]
    if not any(one in RESPONSE_TYPES for one in given):
        return [fail("response-types-none")]
    if not dynamic:
        return []
    # Discovery 3: dynamic providers must support these three.
    return [fail("response-types-dynamic", sorted(one)) for one in RESPONSE_TYPES[:3] if one not in given]


def _values(doc: Mapping[str, Any], *, dynamic: bool) -> list[Finding]:
    found = []
    if "RS256" not in (doc.get("id_token_signing_alg_values_supported") or ()):
        found.append(fail("id-token-rs256-missing"))
    if not set(doc.get("subject_types_supported") or ()) <= {"public", "pairwise"}:
        found.append(fail("subject-types"))
    objects = doc.get("request_object_signing_alg_values_supported")
    if objects is not None and "RS256" not in objects:
        found.append(warn("request-objects-rs256-missing"))
    scopes = [str(word) for word in doc.get("scopes_supported") or ()]
    if "openid" not in scopes:
        found.append(warn("scopes-openid-missing"))
    found += [fail("scope-syntax", word) for word in scopes if not _SCOPE_WORD.fullmatch(word)]
    grants = doc.get("grant_types_supported", ["authorization_code", "implicit"])
    wanted = {"authorization_code", "implicit"} if dynamic else {"authorization_code"}
    found += [fail("grant-types", sorted(wanted - set(grants)))] if not wanted <= set(grants) else []
    for name in ("ui_locales_supported", "claims_locales_supported"):
        found += [warn("locale-syntax", tag) for tag in doc.get(name) or () if not _LOCALE.fullmatch(tag)]
    return found


def keys(doc: Mapping[str, Any]) -> list[Finding]:
    """Check a published key set (RFC 7517 4 and 5, RFC 7518 6)."""
    listed = doc.get("keys")
    if not isinstance(listed, list) or not listed:
        return [fail("keys-none")]
    found = []
    kids = [one.get("kid") for one in listed]
    if not all(isinstance(kid, str) and kid for kid in kids):
        found.append(fail("key-without-kid"))
    if len(set(kids)) != len(kids):
        found.append(fail("keys-share-kid"))
    for one in listed:
        found += _key(one)
    return found


def _key(one: Mapping[str, Any]) -> list[Finding]:
    found = []
    if SECRET_MEMBERS & set(one) or one.get("kty") == "oct":
        found.append(fail("key-private", one.get("kid")))
    for name in MEMBERS.get(str(one.get("kty")), ()):
        if not re.fullmatch(r"[A-Za-z0-9_-]+", str(one.get(name, ""))):
            found.append(fail("key-member", name))
    if one.get("kty") not in (*MEMBERS, "oct"):
        found.append(warn("key-type", one.get("kty")))
    if one.get("use") not in ("sig", "enc"):
        found.append(warn("key-use", one.get("use")))
    return found
