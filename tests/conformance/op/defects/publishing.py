"""What can be wrong with what is published, and when clients register themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from intaglio import codec
from intaglio.wire.flow import Call
from tests.conformance.op import faulty
from tests.conformance.op.defects.variants import (
    CODE,
    DYNAMIC,
    IMPLICIT,
    JWT_AUTH,
    POSTED,
)
from tests.conformance.op.faulty import Fault, OnAnswer
from tests.conformance.op.modules import beyond, config, dynamic, flows
from tests.conformance.op.provider import Provider
from tests.harness import Answer


def _told(change: Any) -> OnAnswer:
    return faulty.members("registration_endpoint", change)


def published() -> Iterator[Fault]:
    """What can be wrong with what the provider publishes."""
    look = config.discovery_endpoint_verification
    for name, code, change in (
        ("issuer-with-slash", "discovery-issuer", lambda d: d.update(issuer=d["issuer"] + "/")),
        (
            "endpoint-without-tls",
            "metadata-address",
            lambda d: d.update(token_endpoint=d["token_endpoint"].replace("https", "http")),
        ),
        (
            "rs256-not-listed",
            "id-token-rs256-missing",
            lambda d: d.update(id_token_signing_alg_values_supported=["ES256"]),
        ),
        ("list-as-text", "metadata-type", lambda d: d.update(scopes_supported="openid")),
        ("boolean-as-text", "metadata-type", lambda d: d.update(claims_parameter_supported="true")),
        ("member-of-our-own", "metadata-unknown-member", lambda d: d.update(x_intaglio=True)),
        ("claims-not-listed", "metadata-missing", lambda d: d.pop("claims_supported")),
        ("openid-not-listed", "scopes-openid-missing", lambda d: d["scopes_supported"].remove("openid")),
        ("subject-type-of-our-own", "subject-types", lambda d: d.update(subject_types_supported=["secret"])),
        ("response-types-not-listed", "response-types-none", lambda d: d.update(response_types_supported=["device"])),
        ("locale-misspelt", "locale-syntax", lambda d: d.update(ui_locales_supported=["EN_gb"])),
        ("subject-types-missing", "metadata-missing", lambda d: d.pop("subject_types_supported")),
    ):
        yield Fault(name, look, CODE, code, answer=faulty.metadata(change))
    for name, code, change in (
        ("implicit-not-listed", "response-types-dynamic", lambda d: d.update(response_types_supported=["code"])),
        ("implicit-grant-not-listed", "grant-types", lambda d: d.update(grant_types_supported=["authorization_code"])),
    ):
        yield Fault(name, look, DYNAMIC, code, answer=faulty.metadata(change))
    for name, code, change in (
        ("keys-none", "keys-none", lambda k: k.clear()),
        ("key-without-kid", "key-without-kid", lambda k: k[0].pop("kid")),
        ("keys-share-kid", "keys-share-kid", lambda k: k.append(dict(k[0]))),
        ("key-private", "key-private", lambda k: k[0].update(d="c2VjcmV0")),
        ("key-padded", "key-member", lambda k: k[0].update(e="AQAB==")),
        ("key-symmetric", "key-private", lambda k: k.append({"kty": "oct", "k": "c2VjcmV0", "kid": "s", "use": "sig"})),
        ("key-type-unknown", "key-type", lambda k: k.append({"kty": "AKP", "kid": "new", "use": "sig"})),
    ):
        yield Fault(name, look, CODE, code, answer=faulty.keys(change))
    yield Fault(
        "metadata-as-text",
        look,
        CODE,
        "document-media-type",
        answer=lambda _, __, call, came: (
            faulty.with_header(came, "content-type", "text/plain") if "well-known" in call.url else came
        ),
    )


def registration() -> Iterator[Fault]:
    """What can be wrong when clients register themselves."""
    for name, code, answer in (
        ("registration-with-200", "registration-status", faulty.status("registration_endpoint", 200)),
        ("registration-without-client-id", "registration-client-id", _told(lambda b: b.pop("client_id"))),
        ("registration-half-managed", "registration-management", _told(lambda b: b.pop("registration_access_token"))),
        (
            "registration-secret-for-ever",
            "registration-secret-expires-at",
            _told(lambda b: b.pop("client_secret_expires_at", None)),
        ),
        (
            "registration-other-uris",
            "registration-member",
            _told(lambda b: b.update(redirect_uris=["https://x.example/cb"])),
        ),
        ("registration-kept", "cache-control", faulty.header("registration_endpoint", "cache-control", "max-age=9")),
        ("unregistering-with-200", "unregister-status", _unregistered),
    ):
        yield Fault(name, flows.server, DYNAMIC, code, answer=answer)
    yes = faulty.at(
        "registration_endpoint",
        lambda came: faulty.json_answer(201, {"client_id": "x"}) if came.status == 400 else came,
    )
    for name, module in (
        ("fragment-registered", dynamic.redirect_uri_regfrag),
        ("sector-not-looked-at", dynamic.registration_sector_bad),
        ("initiate-login-without-tls", dynamic.third_party_init_login_nohttps),
    ):
        yield Fault(name, module, DYNAMIC, "registered", answer=yes)
    yield Fault(
        "initiate-login-forgotten",
        dynamic.third_party_init_login,
        DYNAMIC,
        "initiate-login-not-told",
        answer=_told(lambda b: b.pop("initiate_login_uri", None)),
    )
    for name, module, attribute in (
        ("logo-not-shown", dynamic.registration_logo_uri, "logo"),
        ("policy-not-shown", dynamic.registration_policy_uri, "policy.html"),
        ("terms-not-shown", dynamic.registration_tos_uri, "terms.html"),
    ):
        code = f"not-shown-{'tos' if 'terms' in name else name.split('-')[0]}_uri"
        yield Fault(name, module, DYNAMIC, code, answer=_hidden(attribute))
    yield Fault(
        "pairwise-by-client", dynamic.registration_sector_uri, DYNAMIC, "pairwise-sector", answer=_sub_by_client
    )
    yield Fault("new-key-not-published", dynamic.server_rotate_keys, DYNAMIC, "key-not-new", answer=_first_keys)
    yield Fault(
        "old-key-gone",
        dynamic.server_rotate_keys,
        DYNAMIC,
        "key-gone",
        answer=_new_keys,
    )
    yield Fault(
        "request-object-ignored",
        dynamic.ensure_request_object_with_redirect_uri,
        JWT_AUTH,
        "callback-none",
        request=faulty.drops("request"),
    )
    yield Fault(
        "request-object-of-anybody",
        dynamic.request_object_forged,
        CODE,
        "forged-object-used",
        request=_believes_objects,
    )

    yield Fault("encryption-forgotten", beyond.encrypted_id_token, DYNAMIC, "id-token-in-clear", request=_unencrypted)
    yield Fault(
        "algorithm-forgotten", beyond.id_token_algorithms, DYNAMIC, "id-token-alg", answer=faulty.head("x", "y")
    )
    yield Fault(
        "response-type-order-matters",
        beyond.response_type_in_another_order,
        IMPLICIT,
        "callback-none",
        request=faulty.refuses("authorization_endpoint", lambda call: "token+id_token" in call.url),
    )
    yield Fault(
        "state-escaped-twice",
        beyond.state_of_any_letters,
        POSTED,
        "state",
        answer=_escaped_twice,
    )


def _unencrypted(_: Fault, op: Provider, call: Call) -> Call:
    if not faulty.goes_to(op, call, "registration_endpoint"):
        return call
    body = {name: value for name, value in codec.decode_json_object(call.body).items() if "encrypted" not in name}
    return msgspec.structs.replace(call, body=codec.encode_json(body))


def _escaped_twice(_: Fault, __: Provider, ___: Call, came: Answer) -> Answer:
    if 'id="form-post"' not in came.text:
        return came
    return msgspec.structs.replace(came, body=came.text.replace("&", "&amp;").encode())


def _unregistered(_: Fault, __: Provider, call: Call, came: Answer) -> Answer:
    return msgspec.structs.replace(came, status=200) if call.method == "DELETE" else came


def _hidden(text: str) -> OnAnswer:
    def answer(_: Fault, __: Provider, ___: Call, came: Answer) -> Answer:
        return msgspec.structs.replace(came, body=came.text.replace(text, "x").encode()) if came.is_page else came

    return answer


def _sub_by_client(_: Fault, op: Provider, __: Call, came: Answer) -> Answer:
    return faulty.with_tokens(op, came, lambda _, given: given.update(sub=f"{given['sub']}-{given['aud']}"[-200:]))


def _first_keys(fault: Fault, op: Provider, call: Call, came: Answer) -> Answer:
    return fault.memory.setdefault("keys", came) if faulty.goes_to(op, call, "jwks_uri") else came


def _new_keys(fault: Fault, op: Provider, call: Call, came: Answer) -> Answer:
    if not faulty.goes_to(op, call, "jwks_uri"):
        return came
    old = fault.memory.setdefault("kids", {one["kid"] for one in came.json()["keys"]})
    fresh = [one for one in came.json()["keys"] if one["kid"] not in old]
    return faulty.with_json(came, lambda body: body.update(keys=fresh)) if fresh else came


def _believes_objects(_: Fault, op: Provider, call: Call) -> Call:
    def change(given: dict[str, str]) -> None:
        text = given.pop("request", "")
        if text:
            inner = codec.decode_json_object(codec.decode_base64url(text.split(".")[1]))
            given.update({k: str(v) for k, v in inner.items() if k not in ("iss", "aud", "iat", "nbf", "exp", "jti")})

    return faulty.asking(call, change) if faulty.goes_to(op, call, "authorization_endpoint") else call
