"""UserInfo, the claims of the scopes, and the `claims` parameter (OpenID Connect Core 5)."""

from __future__ import annotations

import json

from tests.conformance.op.checks import answers, claimtypes, idtokens
from tests.conformance.op.provider import Call
from tests.conformance.op.running import ALL_SCOPES, Run
from tests.harness import Answer


def userinfo_get(run: Run) -> None:
    """UserInfo by GET."""
    run.start()
    run.userinfo(run.sign_in())


def userinfo_post_header(run: Run) -> None:
    """UserInfo by POST with the token in the header."""
    run.start()
    done = run.sign_in()
    header = (("authorization", f"Bearer {done.access_token}"),)
    _posted(run, run.op.send(Call("POST", run.op.endpoint("userinfo_endpoint"), header)), done.claims["sub"])


def userinfo_post_body(run: Run) -> None:
    """UserInfo by POST with the token in the form."""
    run.start()
    done = run.sign_in()
    _posted(
        run,
        run.op.form(run.op.endpoint("userinfo_endpoint"), {"access_token": done.access_token}),
        done.claims["sub"],
    )


def _posted(run: Run, answer: Answer, sub: str) -> None:
    run.add(answers.userinfo(answer, sub)[1])


def scope_profile(run: Run) -> None:
    """The scope profile."""
    _scope(run, "profile")


def scope_email(run: Run) -> None:
    """The scope email."""
    _scope(run, "email")


def scope_address(run: Run) -> None:
    """The scope address."""
    _scope(run, "address")


def scope_phone(run: Run) -> None:
    """The scope phone."""
    _scope(run, "phone")


def scope_all(run: Run) -> None:
    """All scopes together."""
    _scope(run, *ALL_SCOPES[1:])


def _scope(run: Run, *scope: str) -> None:
    run.look()
    run.offers("scopes_supported", scope[0])
    run.start()
    done = run.sign_in(scope=" ".join(("openid", *scope)))
    if done.access_token:
        run.add(answers.scope_claims(run.userinfo(done), scope))
        for claims in (done.front, done.back):
            run.add(claimtypes.unrequested(claims, scope, access_token=True))
    else:
        # Core 5.4: without an access token the claims have to be in the ID token.
        run.add(answers.scope_claims(done.claims, scope))
        run.add(claimtypes.unrequested(done.claims, scope, access_token=False))


def claims_essential(run: Run) -> None:
    """The `claims` parameter asks for one claim by name (Core 5.5)."""
    run.start()
    run.offers("claims_parameter_supported")
    place = "id_token" if run.variant.response_type == "id_token" else "userinfo"
    done = run.sign_in(claims=json.dumps({place: {"name": {"essential": True}}}))
    found = done.claims if place == "id_token" else run.userinfo(done)
    run.wish("name" in found, "claim-not-given", "name")
    if place == "userinfo":
        run.add(claimtypes.unrequested(done.claims, ["openid"], access_token=True))


def claims_id_token(run: Run) -> None:
    """The `claims` parameter asks for a claim in the ID token although UserInfo would give it."""
    run.start()
    run.offers("claims_parameter_supported")
    done = run.sign_in(claims=json.dumps({"id_token": {"email": None, "auth_time": {"essential": True}}}))
    run.wish("email" in done.claims, "claim-not-given", "email")
    run.expect("auth_time" in done.claims, "claim-not-given", "auth_time")


def userinfo_rs256(run: Run) -> None:
    """UserInfo signed, for a client that asks for it (Core 5.3.2)."""
    run.look()
    run.offers("userinfo_signing_alg_values_supported", "RS256")
    run.start(userinfo_signed_response_alg="RS256")
    done = run.sign_in()
    answer = run.op.userinfo(done.access_token)
    run.demand(answer.status == 200, "userinfo-status", answer.status)
    kind = (answer.header("content-type") or "").partition(";")[0]
    run.demand(kind == "application/jwt", "userinfo-media-type", kind)
    read, found = idtokens.opened(answer.text, run.expected(done.asked))
    run.need(found)
    run.expect(read.claims.get("sub") == done.claims["sub"], "userinfo-sub", read.claims.get("sub"))
    run.expect("nonce" not in read.claims, "userinfo-nonce")
    run.wish(read.claims.get("iss") == run.op.metadata["issuer"], "userinfo-iss", read.claims.get("iss"))
    run.wish(run.party.client_id in str(read.claims.get("aud")), "userinfo-aud", read.claims.get("aud"))
