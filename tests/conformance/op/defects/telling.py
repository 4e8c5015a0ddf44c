"""What can be wrong at UserInfo."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from intaglio.wire.flow import Call
from tests.conformance.op import faulty
from tests.conformance.op.defects.variants import (
    CODE,
    JWT_AUTH,
)
from tests.conformance.op.faulty import Fault, OnAnswer
from tests.conformance.op.modules import beyond, claims
from tests.conformance.op.provider import Provider
from tests.harness import Answer


def _user(change: Any) -> OnAnswer:
    return faulty.members("userinfo_endpoint", change)


def userinfo() -> Iterator[Fault]:
    """What can be wrong at UserInfo."""
    for name, module, code, answer in (
        ("userinfo-of-another", claims.userinfo_get, "userinfo-sub", _user(lambda b: b.update(sub="x"))),
        ("userinfo-without-sub", claims.userinfo_get, "userinfo-sub", _user(lambda b: b.pop("sub"))),
        (
            "userinfo-as-page",
            claims.userinfo_get,
            "document-media-type",
            faulty.header("userinfo_endpoint", "content-type", "text/html"),
        ),
        ("userinfo-without-name", claims.scope_profile, "scope-claim-missing", _user(lambda b: b.pop("name"))),
        ("userinfo-without-address", claims.scope_address, "scope-claim-missing", _user(lambda b: b.pop("address"))),
        (
            "userinfo-without-phone",
            claims.scope_phone,
            "scope-claim-missing",
            _user(lambda b: b.pop("phone_number_verified")),
        ),
        (
            "userinfo-verified-as-text",
            claims.scope_email,
            "claim-type",
            _user(lambda b: b.update(email_verified="true")),
        ),
        (
            "userinfo-birthdate-dotted",
            claims.scope_profile,
            "claim-type",
            _user(lambda b: b.update(birthdate="1.4.1990")),
        ),
        ("userinfo-address-as-text", claims.scope_address, "claim-type", _user(lambda b: b.update(address="Ring 1"))),
        ("userinfo-empty-claim", claims.scope_all, "claim-type", _user(lambda b: b.update(nickname=""))),
        ("userinfo-null-claim", claims.scope_all, "claim-null", _user(lambda b: b.update(gender=None))),
        (
            "userinfo-updated-in-milliseconds",
            claims.scope_profile,
            "updated-at",
            _user(lambda b: b.update(updated_at=b["updated_at"] * 1000)),
        ),
        (
            "scope-claims-in-id-token",
            claims.scope_email,
            "claim-unrequested",
            faulty.claim("email", "alice@example.com"),
        ),
    ):
        yield Fault(name, module, CODE, code, answer=answer)
    for name, module, when in (
        ("userinfo-not-by-post", claims.userinfo_post_header, lambda call: call.method == "POST"),
        ("userinfo-not-by-form", claims.userinfo_post_body, lambda call: "access_token" in faulty.asked(call)),
    ):
        yield Fault(name, module, CODE, "userinfo-status", request=faulty.refuses("userinfo_endpoint", when))
    yield Fault(
        "userinfo-without-challenge",
        beyond.userinfo_without_token_fails,
        CODE,
        "www-authenticate",
        answer=faulty.header("userinfo_endpoint", "www-authenticate", None),
    )
    for name, code, answer in (
        ("signed-userinfo-of-another", "userinfo-sub", _signed_userinfo(sub="x")),
        ("signed-userinfo-with-nonce", "userinfo-nonce", _signed_userinfo(nonce="x")),
        ("signed-userinfo-for-nobody", "userinfo-aud", _signed_userinfo(aud="x")),
        (
            "signed-userinfo-as-json",
            "userinfo-media-type",
            faulty.header("userinfo_endpoint", "content-type", "application/json"),
        ),
    ):
        yield Fault(name, claims.userinfo_rs256, JWT_AUTH, code, answer=answer)


def _signed_userinfo(**given: str) -> OnAnswer:
    def answer(_: Fault, op: Provider, call: Call, came: Answer) -> Answer:
        if not faulty.goes_to(op, call, "userinfo_endpoint"):
            return came
        return faulty.with_tokens(op, came, lambda _, held: held.update(given))

    return answer
