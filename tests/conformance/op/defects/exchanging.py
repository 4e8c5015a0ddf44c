"""What can be wrong at the token endpoint."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import msgspec

from intaglio import codec
from intaglio.wire.flow import Call
from tests.conformance.op import faulty
from tests.conformance.op.defects.variants import (
    CODE,
    JWT_AUTH,
    SECRET_POST,
)
from tests.conformance.op.faulty import Fault, OnAnswer
from tests.conformance.op.modules import beyond, dynamic, flows
from tests.conformance.op.provider import SECRET, Provider
from tests.harness import Answer


def _token(change: Any) -> OnAnswer:
    return faulty.members("token_endpoint", change)


def exchanges() -> Iterator[Fault]:
    """What can be wrong at the token endpoint."""
    for name, code, answer in (
        ("tokens-kept", "cache-control", faulty.header("token_endpoint", "cache-control", "max-age=9")),
        ("token-type-missing", "token-type", _token(lambda b: b.pop("token_type"))),
        ("expires-in-missing", "expires-in-missing", _token(lambda b: b.pop("expires_in"))),
        ("expires-in-a-word", "expires-in", _token(lambda b: b.update(expires_in="soon"))),
        ("id-token-missing", "id-token-syntax", _token(lambda b: b.pop("id_token"))),
        ("id-token-padded", "id-token-syntax", _token(lambda b: b.update(id_token=b["id_token"] + "="))),
        ("access-token-short", "access-token-guessable", _token(lambda b: b.update(access_token="abc"))),
        ("tokens-as-text", "document-media-type", faulty.header("token_endpoint", "content-type", "text/plain")),
        ("tokens-with-201", "token-status", faulty.status("token_endpoint", 201)),
    ):
        yield Fault(name, flows.server, CODE, code, answer=answer)
    yield Fault("code-works-twice", flows.codereuse, CODE, "code-reused", request=_again, answer=_remembered)
    yield Fault("code-works-later", flows.codereuse_30seconds, CODE, "code-reused", request=_again, answer=_remembered)
    yield Fault("reuse-other-error", flows.codereuse, CODE, "error-code", answer=_error(error="invalid_request"))
    yield Fault(
        "reuse-error-kept", flows.codereuse, CODE, "cache-control", answer=_error_header("cache-control", "max-age=9")
    )
    yield Fault(
        "reuse-error-as-page",
        flows.codereuse,
        CODE,
        "error-media-type",
        answer=_error_header("content-type", "text/html"),
    )
    yield Fault("reuse-error-422", flows.codereuse, CODE, "error-status", answer=_error_status(422))
    yield Fault("reuse-error-401", flows.codereuse, CODE, "error-status", answer=_error_status(401))
    yield Fault(
        "tokens-outlive-reuse",
        flows.codereuse_30seconds,
        CODE,
        "token-alive-after-reuse",
        answer=faulty.at("userinfo_endpoint", lambda _: faulty.json_answer(200, {"sub": "x"})),
    )
    yield Fault(
        "secret-by-form-refused", flows.server_client_secret_post, SECRET_POST, "token-status", request=_no_secret_post
    )
    yield Fault(
        "pkce-refused", flows.ensure_request_with_valid_pkce_succeeds, CODE, "token-status", request=_verifier_letters
    )
    for name, module in (
        ("pkce-ignored", beyond.pkce_wrong_verifier_fails),
        ("pkce-optional-after-all", beyond.pkce_missing_verifier_fails),
    ):
        yield Fault(name, module, CODE, "error-status", request=_no_pkce)
    yield Fault("pkce-plain", beyond.pkce_plain_fails, CODE, "error-code", request=_no_pkce)
    yield Fault("code-for-anybody", beyond.code_of_another_client_fails, CODE, "error-status", request=_as_the_first)
    yield Fault(
        "code-anywhere", beyond.code_with_another_redirect_uri_fails, CODE, "error-status", request=_right_redirect_uri
    )
    yield Fault("secret-not-looked-at", beyond.wrong_secret_fails, CODE, "error-status", request=_any_secret)
    yield Fault(
        "unknown-grant-other-error",
        beyond.unknown_grant_type_fails,
        CODE,
        "error-code",
        answer=_error(error="invalid_grant"),
    )
    for name, change in (
        ("refresh-iat", lambda first, _: {"iat": first["iat"]}),
        ("refresh-auth_time", lambda _, now: {"auth_time": now["iat"]}),
        ("refresh-sub", lambda _, __: {"sub": "another"}),
        ("refresh-aud", lambda first, _: {"aud": [first["aud"]]}),
        ("refresh-azp", lambda first, _: {"azp": first["aud"]}),
        ("refresh-nonce", lambda _, __: {"nonce": "another"}),
    ):
        yield Fault(name + "-changed", flows.refresh_token, CODE, name, answer=_refreshed(change))
    yield Fault("refresh-for-anybody", flows.refresh_token, CODE, "refresh-token-unbound", request=_as_the_first)
    yield Fault(
        "assertion-for-issuer-refused",
        dynamic.ensure_client_assertion_with_iss_aud_succeeds,
        JWT_AUTH,
        "assertion-issuer-refused",
        request=_assertion_for_endpoint,
    )


def _again(fault: Fault, op: Provider, call: Call) -> Call | Answer:
    if not faulty.goes_to(op, call, "token_endpoint"):
        return call
    return fault.memory.get(faulty.asked(call).get("code", ""), call)


def _remembered(fault: Fault, op: Provider, call: Call, came: Answer) -> Answer:
    if faulty.goes_to(op, call, "token_endpoint") and came.status == 200:
        fault.memory[faulty.asked(call).get("code", "")] = came
    return came


def _error(**body: str) -> OnAnswer:
    def change(came: Answer) -> Answer:
        return faulty.with_json(came, lambda given: given.update(body)) if came.status >= 400 else came

    return faulty.at("token_endpoint", change)


def _error_header(name: str, value: str) -> OnAnswer:
    return faulty.at(
        "token_endpoint", lambda came: faulty.with_header(came, name, value) if came.status >= 400 else came
    )


def _error_status(status: int) -> OnAnswer:
    return faulty.at(
        "token_endpoint", lambda came: msgspec.structs.replace(came, status=status) if came.status >= 400 else came
    )


def _no_secret_post(_: Fault, op: Provider, call: Call) -> Call | Answer:
    mine = faulty.goes_to(op, call, "token_endpoint") and "client_secret" in faulty.asked(call)
    return faulty.json_answer(401, {"error": "invalid_client"}) if mine else call


def _verifier_letters(_: Fault, op: Provider, call: Call) -> Call | Answer:
    mine = faulty.goes_to(op, call, "token_endpoint") and "~" in faulty.asked(call).get("code_verifier", "")
    return faulty.json_answer(400, {"error": "invalid_grant"}) if mine else call


def _no_pkce(_: Fault, __: Provider, call: Call) -> Call:
    def change(given: dict[str, str]) -> None:
        for name in ("code_challenge", "code_challenge_method", "code_verifier"):
            given.pop(name, None)

    return faulty.asking(call, change) if "code_" in call.url + call.body.decode("latin-1") else call


def _as_the_first(fault: Fault, op: Provider, call: Call) -> Call:
    """Take every request at the token endpoint for one of the client that came to the authorization endpoint."""
    if faulty.goes_to(op, call, "authorization_endpoint"):
        fault.memory["client_id"] = faulty.asked(call)["client_id"]
    return _with_basic(call, fault.memory["client_id"]) if faulty.goes_to(op, call, "token_endpoint") else call


def _with_basic(call: Call, client_id: str) -> Call:
    text = "Basic " + base64.b64encode(f"{client_id}:{SECRET}".encode()).decode()
    kept = tuple((name, value) for name, value in call.headers if name != "authorization")
    return msgspec.structs.replace(call, headers=(*kept, ("authorization", text)))


def _any_secret(_: Fault, op: Provider, call: Call) -> Call:
    if not faulty.goes_to(op, call, "token_endpoint"):
        return call
    given = base64.b64decode(dict(call.headers)["authorization"].removeprefix("Basic ")).decode()
    return _with_basic(call, given.partition(":")[0])


def _right_redirect_uri(fault: Fault, op: Provider, call: Call) -> Call:
    if faulty.goes_to(op, call, "authorization_endpoint"):
        fault.memory["redirect_uri"] = faulty.asked(call)["redirect_uri"]
    if not faulty.goes_to(op, call, "token_endpoint"):
        return call
    return faulty.asking(call, lambda given: given.update(redirect_uri=fault.memory["redirect_uri"]))


def _refreshed(make: Any) -> OnAnswer:
    def answer(fault: Fault, op: Provider, call: Call, came: Answer) -> Answer:
        def change(_: dict[str, Any], given: dict[str, Any]) -> None:
            if faulty.asked(call).get("grant_type") == "refresh_token":
                given.update(make(fault.memory, given))
            else:
                fault.memory = dict(given)

        return faulty.with_tokens(op, came, change) if faulty.goes_to(op, call, "token_endpoint") else came

    return answer


def _assertion_for_endpoint(_: Fault, op: Provider, call: Call) -> Call | Answer:
    text = faulty.asked(call).get("client_assertion", "")
    if not text:
        return call
    audience = codec.decode_json_object(codec.decode_base64url(text.split(".")[1]))["aud"]
    return call if audience != op.issuer else faulty.json_answer(401, {"error": "invalid_client"})
