"""Further defects: what is remembered too long or too little, what is ignored, what comes in a wrong envelope."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from intaglio import codec
from intaglio.wire.flow import Call
from tests.conformance.op import faulty
from tests.conformance.op.defects.variants import CODE, DYNAMIC, ID_TOKEN, JWT_AUTH, POSTED
from tests.conformance.op.faulty import Fault, OnAnswer, OnRequest
from tests.conformance.op.modules import beyond, claims, dynamic, flows, logout, requests
from tests.conformance.op.provider import RP, Provider
from tests.harness import Answer


def envelopes() -> Iterator[Fault]:
    """What can be wrong around tokens and on pages."""
    yield Fault("claim-twice", flows.server, CODE, "id-token-json", answer=faulty.whole(_claim_twice))
    yield Fault("encryption-bare", beyond.encrypted_id_token, DYNAMIC, "id-token-decryption", answer=_cut_in_half)
    for name, module in (("rs256-not-given", flows.idtoken_rs256), ("rs256-not-usual", flows.idtoken_signature)):
        yield Fault(name, module, DYNAMIC, "id-token-alg", answer=faulty.whole(lambda _, c: faulty.unsigned(c)))
    yield Fault("form-post-module", flows.server, POSTED, "form-post-module", answer=_scripted('<script type="module"'))
    yield Fault("form-post-500", flows.server, POSTED, "form-post-status", answer=_page_status)
    yield Fault(
        "form-post-modern",
        flows.server,
        POSTED,
        "script-too-modern",
        answer=lambda _, __, call, came: (
            _body(came, "document?.forms[0].submit()") if "form_post.js" in call.url else came
        ),
    )
    yield Fault(
        "acr-promised", requests.ensure_request_with_acr_values_succeeds, CODE, "acr-not-matched", answer=_promised
    )
    yield Fault("sub-by-sign-in", requests.prompt_none_logged_in, CODE, "sub-changed", answer=_sub_by_nonce)
    yield Fault(
        "signed-userinfo-of-nobody",
        claims.userinfo_rs256,
        JWT_AUTH,
        "userinfo-iss",
        answer=_at_userinfo(lambda _, held: held.update(iss="nobody")),
    )
    yield Fault(
        "error-page-elsewhere", requests.ensure_registered_redirect_uri, CODE, "error-page-missing", answer=_blank
    )


def _claim_twice(header: dict[str, Any], given: dict[str, Any]) -> str:
    body = codec.encode_json(given)[:-1] + b',"iss":"x"}'
    head = codec.encode_base64url(codec.encode_json(header))
    return f"{head}.{codec.encode_base64url(body)}.{'A' * 342}"


def _cut_in_half(_: Fault, op: Provider, call: Call, came: Answer) -> Answer:
    if not faulty.goes_to(op, call, "token_endpoint"):
        return came
    return faulty.with_json(came, lambda body: body.update(id_token=body["id_token"][:-4] + "AAAA"))


def _body(came: Answer, text: str) -> Answer:
    return msgspec.structs.replace(came, body=text.encode())


def _scripted(opening: str) -> OnAnswer:
    def answer(_: Fault, __: Provider, ___: Call, came: Answer) -> Answer:
        return _body(came, came.text.replace("<script", opening)) if 'id="form-post"' in came.text else came

    return answer


def _page_status(_: Fault, __: Provider, ___: Call, came: Answer) -> Answer:
    return msgspec.structs.replace(came, status=500) if 'id="form-post"' in came.text else came


def _promised(_: Fault, op: Provider, call: Call, came: Answer) -> Answer:
    came = faulty.metadata(lambda doc: doc.update(acr_values_supported=["gold"]))(_, op, call, came)
    return faulty.claim("acr", "silver")(_, op, call, came)


def _sub_by_nonce(_: Fault, op: Provider, __: Call, came: Answer) -> Answer:
    return faulty.with_tokens(op, came, lambda _, held: held.update(sub="s" + str(held.get("nonce"))))


def _at_userinfo(change: Any) -> OnAnswer:
    def answer(_: Fault, op: Provider, call: Call, came: Answer) -> Answer:
        return faulty.with_tokens(op, came, change) if faulty.goes_to(op, call, "userinfo_endpoint") else came

    return answer


def _blank(_: Fault, __: Provider, ___: Call, came: Answer) -> Answer:
    return _body(came, "<html></html>") if 'id="oauth-error"' in came.text else came


def ignored() -> Iterator[Fault]:
    """What a provider may leave out of its mind."""
    for name, module, variant, code, parameter in (
        ("request-ignored", dynamic.unsigned_request_object, CODE, "state", "request"),
        ("request-uri-ignored", dynamic.request_uri_unsigned_or_unsupported, DYNAMIC, "state", "request_uri"),
        ("signed-request-uri-ignored", dynamic.request_uri_signed_rs256, JWT_AUTH, "state", "request_uri"),
        ("registered-object-ignored", dynamic.unsigned_request_object_registered, DYNAMIC, "state", "request"),
        ("registered-uri-ignored", dynamic.request_uri_unsigned_registered, DYNAMIC, "state", "request_uri"),
    ):
        yield Fault(name, module, variant, code, request=faulty.drops(parameter))
    yield Fault("display-page-refused", requests.display_page, CODE, "callback-none", request=_no("display"))
    yield Fault(
        "query-for-tokens",
        requests.ensure_response_mode_query_fails_for_tokens,
        ID_TOKEN,
        "token-in-query",
        request=faulty.drops("response_mode"),
        answer=_into_query,
    )
    yield Fault("other-query-accepted", dynamic.redirect_uri_query_mismatch, DYNAMIC, "redirected", answer=_sent_anyway)
    yield Fault(
        "own-query-lost",
        dynamic.redirect_uri_query_ok,
        DYNAMIC,
        "redirect-query-lost",
        answer=lambda _, __, ___, came: faulty.with_fields(came, lambda f: [one for one in f if one[0] != "foo"]),
    )
    yield Fault(
        "browsers-mixed-up", flows.server_private_browser, CODE, "login-not-asked", request=_one_jar, answer=_kept
    )
    yield Fault(
        "keys-not-fetched-again",
        dynamic.refresh_token_rp_key_rotation,
        JWT_AUTH,
        "rotated-key-refused",
        request=_first_key_only,
    )
    yield Fault(
        "keys-never-fetched",
        dynamic.registration_jwks_uri,
        JWT_AUTH,
        "token-status",
        request=faulty.refuses("token_endpoint", lambda _: True, faulty.json_answer(401, {"error": "invalid_client"})),
    )
    yield Fault(
        "refresh-token-not-given",
        flows.refresh_token,
        CODE,
        "refresh-token-missing",
        answer=faulty.members("token_endpoint", lambda body: body.pop("refresh_token", None)),
    )
    yield Fault("access-token-given-again", flows.refresh_token, CODE, "access-token-again", answer=_first_access_token)
    yield Fault(
        "refreshed-token-useless",
        flows.refresh_token,
        CODE,
        "refreshed-token-dead",
        request=faulty.refuses("userinfo_endpoint", lambda _: True),
    )
    yield Fault(
        "initiate-login-told-once",
        dynamic.third_party_init_login,
        DYNAMIC,
        "initiate-login-not-kept",
        answer=lambda _, op, call, came: (
            faulty.with_json(came, lambda b: b.pop("initiate_login_uri"))
            if call.method == "GET" and "client_name" in came.text
            else came
        ),
    )
    yield Fault(
        "pairwise-for-everybody",
        dynamic.registration_sector_uri,
        DYNAMIC,
        "pairwise-public",
        answer=faulty.claim("sub", "the-one"),
    )
    yield Fault(
        "rotation-without-use", dynamic.server_rotate_keys, DYNAMIC, "key-not-used", answer=_signed_by_the_first
    )


def _no(parameter: str) -> OnRequest:
    return faulty.refuses("authorization_endpoint", lambda call: parameter in faulty.asked(call))


def _into_query(_: Fault, __: Provider, ___: Call, came: Answer) -> Answer:
    moved = came.location.startswith(RP)
    return faulty.with_header(came, "location", came.location.replace("#", "?")) if moved else came


def _sent_anyway(_: Fault, op: Provider, call: Call, came: Answer) -> Answer:
    mine = faulty.goes_to(op, call, "authorization_endpoint") and 'id="oauth-error"' in came.text
    return faulty.redirect(faulty.asked(call)["redirect_uri"]) if mine else came


def _one_jar(fault: Fault, op: Provider, call: Call) -> Call:
    if not fault.memory.get("cookie") or not faulty.goes_to(op, call, "authorization_endpoint"):
        return call
    kept = tuple((name, value) for name, value in call.headers if name != "cookie")
    return msgspec.structs.replace(call, headers=(*kept, ("cookie", fault.memory["cookie"])))


def _kept(fault: Fault, __: Provider, ___: Call, came: Answer) -> Answer:
    found = [line.partition(";")[0] for line in came.every("set-cookie") if "-session-" in line]
    fault.memory["cookie"] = found[0] if found else fault.memory.get("cookie")
    return came


def _first_key_only(_: Fault, op: Provider, call: Call) -> Call | Answer:
    mine = faulty.goes_to(op, call, "token_endpoint") and faulty.asked(call)["grant_type"] == "refresh_token"
    return faulty.json_answer(401, {"error": "invalid_client"}) if mine else call


def _first_access_token(fault: Fault, op: Provider, call: Call, came: Answer) -> Answer:
    if not faulty.goes_to(op, call, "token_endpoint") or came.status != 200:
        return came
    first = fault.memory.setdefault("access_token", came.json()["access_token"])
    return faulty.with_json(came, lambda body: body.update(access_token=first))


def _signed_by_the_first(fault: Fault, op: Provider, _: Call, came: Answer) -> Answer:
    def change(header: dict[str, Any], __: dict[str, Any]) -> None:
        header["kid"] = fault.memory.setdefault("kid", header["kid"])

    return faulty.with_tokens(op, came, change)


def goodbyes() -> Iterator[Fault]:
    """What can be left out or overdone at a logout."""
    plain, back = logout.rp_initiated_logout, logout.backchannel_rp_initiated_logout
    yield Fault(
        "logout-state-made-up", logout.rp_initiated_logout_no_state, CODE, "logout-state", answer=_state_made_up
    )
    yield Fault("logout-with-frames", plain, CODE, "logout-frames", answer=_framed_for_all)
    yield Fault(
        "logged-out-silently",
        logout.rp_initiated_logout_no_params,
        CODE,
        "logged-out-page-missing",
        answer=lambda _, __, ___, came: _body(came, came.text.replace('id="logged-out"', "")),
    )
    yield Fault(
        "logout-token-by-get",
        back,
        CODE,
        "backchannel-method",
        outgoing=lambda _, __, call: msgspec.structs.replace(call, method="GET"),
    )
    yield Fault(
        "logout-token-with-more",
        back,
        CODE,
        "backchannel-unexpected",
        outgoing=lambda _, __, call: msgspec.structs.replace(call, body=call.body + b"&debug=1"),
    )
    session = logout.session_management_rp_initiated_logout
    yield Fault(
        "session-iframe-gone", session, CODE, "session-iframe", answer=faulty.status("check_session_iframe", 404)
    )
    yield Fault(
        "session-iframe-without-script",
        session,
        CODE,
        "session-iframe-script",
        answer=faulty.at(
            "check_session_iframe", lambda came: _body(came, re.sub("<script.*?</script>", "", came.text))
        ),
    )


def _state_made_up(_: Fault, __: Provider, ___: Call, came: Answer) -> Answer:
    leaving = came.location.startswith(RP) and "/bye" in came.location
    return faulty.with_header(came, "location", came.location + "?state=x") if leaving else came


def _framed_for_all(_: Fault, __: Provider, call: Call, came: Answer) -> Answer:
    leaving = came.location.startswith(RP) and "/bye" in came.location
    if not leaving:
        return came
    text = f'<meta http-equiv="refresh" content="0; url={came.location}"><iframe src="{RP}/other"></iframe>'
    return Answer(200, (("content-type", "text/html"),), text.encode(), call.url)
