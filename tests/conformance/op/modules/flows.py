"""Whole sign-ins: the happy ones, codes used twice, refresh tokens, PKCE."""

from __future__ import annotations

from intaglio.protocol import pkce
from tests.conformance.op.checks import answers, claimtypes, idtokens
from tests.conformance.op.provider import Agent
from tests.conformance.op.running import ALL_SCOPES, NotThere, Run

VERIFIER = "a.verifier~with_every-kind.of~letter_0123456789"


def server(run: Run) -> None:
    """A whole sign-in; the ID token says only what was asked for."""
    run.start()
    done = run.sign_in()
    token = bool(done.access_token)
    for claims in (done.front, done.back):
        run.add(claimtypes.unrequested(claims, ["openid"], access_token=token))
    if token:
        run.userinfo(done)


def server_client_secret_post(run: Run) -> None:
    """The same with the secret in the form; the variant says so."""
    server(run)


def idtoken_signature(run: Run) -> None:
    """A client that names no algorithm gets RS256, and the key is named."""
    run.start(id_token_signed_response_alg=None)
    done = run.sign_in()
    run.expect(done.header.get("alg") == "RS256", "id-token-alg", done.header.get("alg"))
    run.expect(done.header.get("kid"), "id-token-kid")


def idtoken_rs256(run: Run) -> None:
    """A client that asks for RS256 gets it, and the key is named."""
    run.start(id_token_signed_response_alg="RS256")
    done = run.sign_in()
    run.expect(done.header.get("alg") == "RS256", "id-token-alg", done.header.get("alg"))


def idtoken_unsigned(run: Run) -> None:
    """A client that asks for no signature gets none, where the provider offers that at all."""
    run.look()
    run.offers("id_token_signing_alg_values_supported", "none")
    run.start(id_token_signed_response_alg="none")
    done = run.sign_in()
    run.expect(done.header.get("alg") == "none", "id-token-alg", done.header.get("alg"))


def alternate_happy_flow(run: Run) -> None:
    """The order of scopes and of parameters does not matter."""
    run.start()
    asked = dict(reversed(list(run.request(scope=" ".join(reversed(ALL_SCOPES))).items())))
    done = run.complete(run.visit(asked), asked)
    if done.access_token:
        run.add(answers.scope_claims(run.userinfo(done), ALL_SCOPES))


def ensure_request_without_nonce_succeeds_for_code_flow(run: Run) -> None:
    """The code flow needs no nonce, and then the ID token has none."""
    run.start()
    done = run.sign_in(nonce=None)
    run.expect("nonce" not in done.claims, "nonce-unasked")


def ensure_request_without_nonce_fails(run: Run) -> None:
    """A flow with an ID token in the front channel needs a nonce (Core 3.2.2.1)."""
    run.start()
    asked = run.request(nonce=None)
    landing = run.visit(asked)
    if landing.is_error_page:
        return
    run.add(answers.callback(landing, run.mode, run.op.metadata["issuer"], asked["state"]))
    run.add(answers.error_callback(landing, "invalid_request"))


def codereuse(run: Run) -> None:
    """A code works once (RFC 6749 4.1.2)."""
    _reuse(run, 0)


def codereuse_30seconds(run: Run) -> None:
    """A code works once, and what it gave dies with the second use."""
    _reuse(run, 31)


def _reuse(run: Run, seconds: int) -> None:
    run.start()
    done = run.sign_in()
    run.op.wait(seconds)
    again = run.redeem(done.landing)
    run.demand(again.status != 200, "code-reused")
    run.add(answers.token_error(again, "invalid_grant"))
    answer = run.op.userinfo(str(done.answer["access_token"]))
    run.wish(answer.status in (400, 401), "token-alive-after-reuse", answer.status)


def refresh_token(run: Run) -> None:
    """A refresh gives tokens that continue the first ones, to the client itself only (Core 12, RFC 6749 6)."""
    grants = [*run.usual()["grant_types"], "refresh_token"]
    run.start(grant_types=grants)
    other = run.register("-other", grant_types=grants)
    scopes = run.op.metadata.get("scopes_supported", ())
    scope = "openid offline_access" if "offline_access" in scopes else "openid"
    done = run.sign_in(scope=scope, prompt="consent")
    token = done.answer.get("refresh_token")
    if not token:
        run.wish("offline_access" not in scopes, "refresh-token-missing")
        raise NotThere("no refresh token was given")
    run.offers("grant_types_supported", "refresh_token")
    run.add(answers.guessable("refresh-token", token))
    run.op.wait(2)
    answer, found = answers.token_answer(
        run.op.token(run.party, {"grant_type": "refresh_token", "refresh_token": str(token), "scope": scope})
    )
    run.need(found)
    run.expect(answer["access_token"] != done.answer["access_token"], "access-token-again")
    if "id_token" in answer:
        expected = run.expected(done.asked, nonce=None, access_token=answer["access_token"])
        read, found = idtokens.id_token(answer["id_token"], expected)
        run.add(found + idtokens.refreshed(done.back, read.claims))
    run.expect(run.op.userinfo(str(answer["access_token"])).status == 200, "refreshed-token-dead")
    stolen = run.op.token(
        other, {"grant_type": "refresh_token", "refresh_token": str(answer.get("refresh_token", token))}
    )
    run.demand(stolen.status != 200, "refresh-token-unbound")
    run.add(answers.token_error(stolen, "invalid_grant"))


def ensure_request_with_valid_pkce_succeeds(run: Run) -> None:
    """PKCE with S256 is honoured, whatever letters the verifier has (RFC 7636 4.1)."""
    run.start()
    run.sign_in(verifier=VERIFIER, code_challenge=pkce.challenge(VERIFIER), code_challenge_method="S256")


def ensure_post_request_succeeds(run: Run) -> None:
    """An authorization request may come by POST (Core 3.1.2.1)."""
    run.start()
    asked = run.request()
    run.complete(run.visit(asked, post=True), asked)


def server_private_browser(run: Run) -> None:
    """Two people's browsers do not meet: the second has to sign in."""
    run.start()
    run.sign_in()
    stranger = Agent(run.op)
    run.sign_in(agent=stranger)
    run.expect("login" in stranger.seen, "login-not-asked")
