"""What can be wrong with authorization requests and their answers."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from intaglio.wire.flow import Call
from tests.conformance.op import faulty
from tests.conformance.op.defects.variants import (
    CODE,
    DYNAMIC,
    POSTED,
)
from tests.conformance.op.faulty import Fault, OnRequest
from tests.conformance.op.modules import claims, dynamic, flows, requests
from tests.conformance.op.provider import RP, Provider
from tests.harness import Answer


def _sets(when: str, value: str, **more: str) -> OnRequest:
    def change(given: dict[str, str]) -> None:
        if given.get(when) == value:
            given.pop(when)
            given.update(more)

    return faulty.asks("authorization_endpoint", change)


def _refuses(name: str) -> OnRequest:
    return faulty.refuses("authorization_endpoint", lambda call: name in faulty.asked(call))


def authorization() -> Iterator[Fault]:
    """What can be wrong with authorization requests and their answers."""
    silent = requests.prompt_none_not_logged_in
    for name, code, answer in (
        ("state-cut", "state", faulty.callbacks("state", lambda state: state[:64])),
        ("state-in-lower-case", "state", faulty.callbacks("state", str.lower)),
        ("error-without-state", "state", faulty.callbacks("state", None)),
        ("error-without-iss", "callback-iss", faulty.callbacks("iss", None)),
        ("error-with-a-code", "error-with-token", faulty.added("code", "0123456789012345678901")),
        ("error-not-of-the-list", "error-code", faulty.callbacks("error", "access_denied")),
        ("error-with-a-line-break", "error-description", faulty.callbacks("error_description", "one\ntwo")),
        ("error-with-more", "callback-unexpected", faulty.added("debug", "1")),
    ):
        yield Fault(name, silent, CODE, code, answer=answer)
    yield Fault("prompt-none-shows-a-page", silent, CODE, "page-shown", request=faulty.drops("prompt"))
    yield Fault("state-dropped", flows.server, CODE, "state", answer=faulty.callbacks("state", None))
    yield Fault(
        "iss-of-a-stranger", flows.server, CODE, "callback-iss", answer=faulty.callbacks("iss", "https://x.example")
    )
    yield Fault("field-twice", flows.server, CODE, "callback-duplicate", answer=faulty.added("state", "again"))
    yield Fault("code-short", flows.server, CODE, "code-guessable", answer=faulty.callbacks("code", "12345678"))
    yield Fault("code-of-one-letter", flows.server, CODE, "code-guessable", answer=faulty.callbacks("code", "a" * 40))
    yield Fault(
        "prompt-login-ignored", requests.prompt_login, CODE, "login-not-asked", request=_sets("prompt", "login")
    )
    yield Fault("max-age-ignored", requests.max_age_1, CODE, "login-not-asked", request=faulty.drops("max_age"))
    yield Fault(
        "auth-time-not-renewed",
        requests.prompt_login,
        CODE,
        "auth-time-not-later",
        answer=faulty.claim("auth_time", 1_799_999_000),
    )
    yield Fault(
        "auth-time-of-the-request", requests.prompt_none_logged_in, CODE, "auth-time-changed", answer=_auth_time_now
    )
    yield Fault(
        "session-forgotten", requests.max_age_10000, CODE, "page-shown", request=_sets("max_age", "10000", max_age="0")
    )
    yield Fault("prompt-none-never", requests.prompt_none_logged_in, CODE, "callback-error", request=_never_silent)
    yield Fault(
        "hint-not-believed",
        requests.id_token_hint,
        CODE,
        "callback-error",
        request=faulty.asks(
            "authorization_endpoint",
            lambda given: given.update(id_token_hint="x") if "id_token_hint" in given else None,
        ),
    )
    for name, module, parameter in (
        ("unknown-parameter-refused", requests.ensure_request_with_unknown_parameter_succeeds, "extra"),
        ("display-refused", requests.display_popup, "display"),
        ("ui-locales-refused", requests.ui_locales, "ui_locales"),
        ("claims-locales-refused", requests.claims_locales, "claims_locales"),
        ("login-hint-refused", requests.login_hint, "login_hint"),
        ("acr-values-refused", requests.ensure_request_with_acr_values_succeeds, "acr_values"),
        ("nonce-demanded", flows.ensure_request_without_nonce_succeeds_for_code_flow, ""),
    ):
        request = _refuses(parameter) if parameter else _refuses_without_nonce()
        yield Fault(name, module, CODE, "callback-none", request=request)
    yield Fault(
        "nonce-made-up",
        flows.ensure_request_without_nonce_succeeds_for_code_flow,
        CODE,
        "nonce-unasked",
        request=faulty.nonce_made_up,
    )
    yield Fault(
        "response-type-guessed",
        requests.response_type_missing,
        CODE,
        "error-code",
        request=faulty.asks("authorization_endpoint", lambda given: given.update(response_type="code")),
    )
    yield Fault("post-refused", flows.ensure_post_request_succeeds, CODE, "callback-none", request=_no_post)
    yield Fault("scope-order-matters", flows.alternate_happy_flow, CODE, "callback-none", request=_openid_first)
    yield Fault(
        "redirect-uri-by-prefix", requests.ensure_registered_redirect_uri, CODE, "redirected", answer=_open_redirect
    )
    yield Fault(
        "redirect-uri-query-ignored", dynamic.redirect_uri_query_added, DYNAMIC, "redirected", answer=_open_redirect
    )
    yield Fault(
        "redirect-uri-guessed",
        dynamic.ensure_redirect_uri_in_authorization_request,
        DYNAMIC,
        "redirected",
        answer=_open_redirect,
    )
    yield Fault(
        "last-parameter-wins", requests.ensure_duplicate_parameter_fails, CODE, "error-code", request=_last_wins
    )
    yield Fault("claims-ignored", claims.claims_essential, CODE, "claim-not-given", request=faulty.drops("claims"))
    yield Fault(
        "claims-for-id-token-ignored", claims.claims_id_token, CODE, "claim-not-given", request=faulty.drops("claims")
    )
    yield Fault("form-post-by-redirect", flows.server, POSTED, "callback-mode", request=faulty.drops("response_mode"))
    yield Fault("form-post-without-script", flows.server, POSTED, "form-post-script", answer=_without_script)
    yield Fault("form-post-kept", flows.server, POSTED, "cache-control", answer=_form_post_kept)
    yield Fault("form-post-state-lost", flows.server, POSTED, "state", answer=faulty.callbacks("state", None))


def _auth_time_now(_: Fault, op: Provider, __: Call, came: Answer) -> Answer:
    return faulty.claim("auth_time", op.now)(_, op, __, came)


def _never_silent(_: Fault, op: Provider, call: Call) -> Call | Answer:
    given = faulty.asked(call)
    if not faulty.goes_to(op, call, "authorization_endpoint") or given.get("prompt") != "none":
        return call
    return faulty.redirect(f"{given['redirect_uri']}?error=login_required&state={given['state']}&iss={op.issuer}")


def _refuses_without_nonce() -> OnRequest:
    return faulty.refuses("authorization_endpoint", lambda call: "nonce" not in faulty.asked(call))


def _no_post(_: Fault, op: Provider, call: Call) -> Call | Answer:
    mine = faulty.goes_to(op, call, "authorization_endpoint") and call.method == "POST"
    return faulty.page(405) if mine else call


def _openid_first(_: Fault, op: Provider, call: Call) -> Call | Answer:
    mine = faulty.goes_to(op, call, "authorization_endpoint")
    return faulty.page() if mine and not faulty.asked(call).get("scope", "").startswith("openid") else call


def _open_redirect(_: Fault, op: Provider, call: Call, came: Answer) -> Answer:
    given = faulty.asked(call)
    if not faulty.goes_to(op, call, "authorization_endpoint") or 'id="oauth-error"' not in came.text:
        return came
    return faulty.redirect(f"{given.get('redirect_uri', RP)}?error=invalid_request&state={given.get('state')}")


def _last_wins(_: Fault, op: Provider, call: Call) -> Call:
    return faulty.asking(call, lambda _: None) if faulty.goes_to(op, call, "authorization_endpoint") else call


def _without_script(_: Fault, __: Provider, ___: Call, came: Answer) -> Answer:
    if 'id="form-post"' not in came.text:
        return came
    return msgspec.structs.replace(came, body=re.sub("<script.*?</script>", "", came.text).encode())


def _form_post_kept(_: Fault, __: Provider, ___: Call, came: Answer) -> Answer:
    return faulty.with_header(came, "cache-control", "max-age=60") if 'id="form-post"' in came.text else came
