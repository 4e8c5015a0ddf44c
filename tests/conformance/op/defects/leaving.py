"""What can be wrong at the ends of sessions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from intaglio import codec
from intaglio.wire.flow import Call
from tests.conformance.op import faulty
from tests.conformance.op.checks.idtokens import LOGOUT_EVENT
from tests.conformance.op.defects.variants import (
    CODE,
)
from tests.conformance.op.faulty import Fault, OnAnswer
from tests.conformance.op.modules import config, logout
from tests.conformance.op.provider import RP, Provider
from tests.harness import Answer


def logouts() -> Iterator[Fault]:
    """What can be wrong at the ends of sessions."""
    plain = logout.rp_initiated_logout
    for name, module, code, answer in (
        ("logout-state-lost", plain, "logout-state", _leaving("state", None)),
        ("logout-state-cut", plain, "logout-state", _leaving("state", lambda state: state[:64])),
        ("logout-with-more", plain, "logout-unexpected", _leaving_more),
        ("logout-anywhere", logout.rp_initiated_logout_bad_post_logout_redirect_uri, "logout-redirected", _open_logout),
        ("logout-query-ignored", logout.rp_initiated_logout_query_added, "logout-redirected", _open_logout),
        ("logout-unsigned-hint", logout.rp_initiated_logout_modified_id_token_hint, "logout-redirected", _open_logout),
        ("logout-hint-of-a-stranger", logout.rp_initiated_logout_bad_id_token_hint, "logout-redirected", _open_logout),
        ("logout-without-hint", logout.rp_initiated_logout_no_id_token_hint, "logout-redirected", _open_logout),
    ):
        yield Fault(name, module, CODE, code, answer=answer)
    for name, module, code in (
        ("logout-of-nobody", plain, "error-code"),
        ("logout-without-parameters-of-nobody", logout.rp_initiated_logout_no_params, "error-code"),
        ("logout-with-hint-of-nobody", logout.rp_initiated_logout_no_post_logout_redirect_uri, "error-code"),
        ("logout-with-state-of-nobody", logout.rp_initiated_logout_only_state, "error-code"),
    ):
        yield Fault(name, module, CODE, code, request=_stays, answer=_stays_too)
    yield Fault(
        "logout-expired-hint-refused",
        logout.rp_initiated_logout_expired_hint,
        CODE,
        "logout-no-redirect",
        request=_fresh_hints,
    )
    yield Fault(
        "logout-not-advertised",
        config.backchannel_discovery,
        CODE,
        "metadata-missing",
        answer=faulty.metadata(lambda d: d.pop("backchannel_logout_session_supported", None)),
    )


def _leaving(name: str, value: Any) -> OnAnswer:
    def answer(_: Fault, op: Provider, call: Call, came: Answer) -> Answer:
        if not came.location.startswith(RP) or "/bye" not in came.location:
            return came
        held = faulty.reached(came).get(name, "")
        return faulty.with_field(came, name, value(held) if callable(value) else value)

    return answer


def _leaving_more(_: Fault, __: Provider, ___: Call, came: Answer) -> Answer:
    bye = came.location.startswith(RP) and "/bye" in came.location
    return faulty.with_fields(came, lambda fields: [*fields, ("sid", "1")]) if bye else came


def _open_logout(_: Fault, op: Provider, call: Call, came: Answer) -> Answer:
    target = faulty.asked(call).get("post_logout_redirect_uri")
    mine = faulty.goes_to(op, call, "end_session_endpoint") and target
    return faulty.redirect(f"{target}#state") if mine else came


def _stays(_: Fault, __: Provider, call: Call) -> Call:
    """Nothing is changed on the way in; the cookies of the session are given back on the way out."""
    return call


def _stays_too(fault: Fault, op: Provider, call: Call, came: Answer) -> Answer:
    given = faulty.asked(call)
    if faulty.goes_to(op, call, "authorization_endpoint") and given.get("prompt") == "none":
        return faulty.redirect(f"{given['redirect_uri']}?code={'c' * 22}&state={given['state']}&iss={op.issuer}")
    return came


def _fresh_hints(_: Fault, op: Provider, call: Call) -> Call | Answer:
    hint = faulty.asked(call).get("id_token_hint", "")
    if not hint or not faulty.goes_to(op, call, "end_session_endpoint"):
        return call
    expires = codec.decode_json_object(codec.decode_base64url(hint.split(".")[1]))["exp"]
    return faulty.page() if expires < op.now else call


def back_channel() -> Iterator[Fault]:
    """What can be wrong with logout tokens."""
    module = logout.backchannel_rp_initiated_logout
    for name, code, change in (
        ("logout-token-with-nonce", "logout-nonce", {"nonce": "n"}),
        ("logout-token-of-another-issuer", "iss", {"iss": "https://x.example"}),
        ("logout-token-for-another", "aud", {"aud": "x"}),
        ("logout-token-without-events", "logout-events", {"events": None}),
        ("logout-token-event-true", "logout-events", {"events": {LOGOUT_EVENT: True}}),
        ("logout-token-two-events", "logout-events", {"events": {LOGOUT_EVENT: {}, "other": {}}}),
        ("logout-token-of-another-person", "logout-sub", {"sub": "x"}),
        ("logout-token-of-another-session", "logout-sid", {"sid": "x"}),
        ("logout-token-of-nobody", "logout-subject", {"sub": None, "sid": None}),
        ("logout-token-without-jti", "logout-jti", {"jti": None}),
        ("logout-token-old", "logout-iat", {"iat": 1_700_000_000}),
        ("logout-token-without-exp", "logout-exp", {"exp": None}),
    ):
        yield Fault(name, module, CODE, code, outgoing=_logout_token(change))
    yield Fault("logout-token-unsigned", module, CODE, "signature-alg", outgoing=_unsigned_logout)
    yield Fault(
        "logout-token-as-json",
        module,
        CODE,
        "backchannel-media-type",
        outgoing=lambda _, __, call: msgspec.structs.replace(call, headers=(("content-type", "application/json"),)),
    )


def _logout_token(change: dict[str, Any]) -> Any:
    def outgoing(_: Fault, op: Provider, call: Call) -> Call:
        def set_all(_: dict[str, Any], given: dict[str, Any]) -> str:
            given.update(change)
            return faulty.signed(op, _, {name: value for name, value in given.items() if value is not None})

        text = faulty._altered(op, call.body.decode(), set_all)
        return msgspec.structs.replace(call, body=text.encode())

    return outgoing


def _unsigned_logout(_: Fault, op: Provider, call: Call) -> Call:
    text = faulty._altered(op, call.body.decode(), lambda _, given: faulty.unsigned(given))
    return msgspec.structs.replace(call, body=text.encode())


def front_channel() -> Iterator[Fault]:
    """What can be wrong with the frames of a front-channel logout, and with the session iframe."""
    module = logout.frontchannel_rp_initiated_logout
    for name, code, old, new in (
        ("frame-missing", "frontchannel-no-frame", "<iframe", "<span"),
        ("frame-without-iss", "frontchannel-iss", "iss=", "x="),
        ("frame-without-sid", "frontchannel-sid", "sid=", "x="),
    ):
        yield Fault(name, module, CODE, code, answer=_framed(old, new))
    session = logout.session_management_rp_initiated_logout
    yield Fault("session-state-missing", session, CODE, "session-state", answer=faulty.callbacks("session_state", None))
    yield Fault(
        "session-state-constant",
        session,
        CODE,
        "session-state-unchanged",
        answer=faulty.callbacks("session_state", "a.b"),
    )
    yield Fault(
        "session-iframe-unframable",
        session,
        CODE,
        "session-iframe-unframable",
        answer=faulty.header("check_session_iframe", "x-frame-options", "DENY"),
    )


def _framed(old: str, new: str) -> OnAnswer:
    def answer(_: Fault, __: Provider, ___: Call, came: Answer) -> Answer:
        if "<iframe" not in came.text or not came.is_page:
            return came
        text = (
            came.text.replace(old, new).replace("</iframe", "</span")
            if old == "<iframe"
            else came.text.replace(old, new)
        )
        return msgspec.structs.replace(came, body=text.encode())

    return answer
