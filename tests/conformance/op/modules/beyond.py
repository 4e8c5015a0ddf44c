"""What the plans do not look at and a provider must hold all the same: PKCE that is honoured, codes that are bound."""

from __future__ import annotations

from typing import Any

from intaglio.protocol import pkce
from tests.conformance.op import provider
from tests.conformance.op.checks import answers, idtokens
from tests.conformance.op.modules.flows import VERIFIER
from tests.conformance.op.provider import SECRET, Landing, Party
from tests.conformance.op.running import Run


def _landing(run: Run, **changes: str) -> Landing:
    run.start()
    asked = run.request(**changes)
    landing = run.visit(asked)
    run.arrive(landing, asked)
    return landing


def pkce_wrong_verifier_fails(run: Run) -> None:
    """A challenge must be answered by its own verifier (RFC 7636 4.6)."""
    landing = _landing(run, code_challenge=pkce.challenge(VERIFIER), code_challenge_method="S256")
    run.add(answers.token_error(run.redeem(landing, code_verifier="x" * 43), "invalid_grant"))


def pkce_missing_verifier_fails(run: Run) -> None:
    """A challenge must be answered at all."""
    landing = _landing(run, code_challenge=pkce.challenge(VERIFIER), code_challenge_method="S256")
    run.add(answers.token_error(run.redeem(landing), "invalid_grant", "invalid_request"))


def pkce_plain_fails(run: Run) -> None:
    """`plain` protects nothing and is not offered (RFC 9700 2.1.1)."""
    run.start()
    landing = run.visit(run.request(code_challenge=VERIFIER, code_challenge_method="plain"))
    run.expect("plain" not in run.op.metadata.get("code_challenge_methods_supported", ()), "pkce-plain-offered")
    run.add(answers.error_callback(landing, "invalid_request"))


def code_of_another_client_fails(run: Run) -> None:
    """A code is bound to its client (RFC 6749 4.1.3)."""
    landing = _landing(run)
    other = run.register("-other", redirect_uris=[run.party.redirect_uri])
    run.add(answers.token_error(run.redeem(landing, other), "invalid_grant"))


def code_with_another_redirect_uri_fails(run: Run) -> None:
    """A code is bound to its redirect URI (RFC 6749 4.1.3)."""
    landing = _landing(run)
    run.add(answers.token_error(run.redeem(landing, redirect_uri=run.address("other")), "invalid_grant"))


def wrong_secret_fails(run: Run) -> None:
    """A wrong secret is refused, with the header that says how to do it (RFC 6749 5.2)."""
    landing = _landing(run)
    wrong = Party(run.party.client_id, SECRET + "x", run.party.redirect_uri, {}, run.variant.client_auth)
    answer = run.redeem(landing, wrong)
    run.expect(answer.status == 401, "error-status", answer.status)
    run.add(answers.token_error(answer, "invalid_client"))
    run.expect("Basic" in (answer.header("www-authenticate") or ""), "www-authenticate")


def unknown_grant_type_fails(run: Run) -> None:
    """A grant that nobody knows has its own error (RFC 6749 5.2)."""
    run.start()
    run.add(answers.token_error(run.op.token(run.party, {"grant_type": "telepathy"}), "unsupported_grant_type"))


def userinfo_without_token_fails(run: Run) -> None:
    """UserInfo wants a token, and says so in the header (RFC 6750 3)."""
    run.start()
    for answer in (run.op.get(run.op.endpoint("userinfo_endpoint")), run.op.userinfo("not-a-token")):
        run.expect(answer.status == 401, "error-status", answer.status)
        run.expect("Bearer" in (answer.header("www-authenticate") or ""), "www-authenticate")


def id_token_algorithms(run: Run) -> None:
    """Each algorithm that is listed is used for whoever registers it, exactly (Registration 2)."""
    run.look()
    for alg in run.op.metadata["id_token_signing_alg_values_supported"]:
        if alg in idtokens.SIGNING:
            run.alg = alg
            run.start(id_token_signed_response_alg=alg)
            # Whoever fetches the keys once, after registering, can verify the first token.
            run.refetch_keys()
            run.sign_in(run.parties[-1])


def encrypted_id_token(run: Run) -> None:
    """An ID token is signed and then encrypted for whoever registers that, and the key is named (Core 16.14)."""
    run.look()
    run.offers("id_token_encryption_alg_values_supported", "RSA-OAEP-256")
    run.decrypt_with = provider.key("encryption", use="enc")
    run.start(**_encrypting(run.decrypt_with))
    run.sign_in()


def _encrypting(key: Any) -> dict[str, Any]:
    alg, enc = idtokens.ENCRYPTING
    return {
        "jwks": provider.key_set(key),
        "id_token_encrypted_response_alg": alg,
        "id_token_encrypted_response_enc": enc,
    }


def response_type_in_another_order(run: Run) -> None:
    """The order of a response type's words means nothing (RFC 6749 3.1.1)."""
    run.start()
    run.sign_in(response_type=" ".join(reversed(run.words)))


def state_of_any_letters(run: Run) -> None:
    """A state comes back as it was sent, whatever letters it has; on a page it is only text."""
    run.start()
    state = "<script>alert(1)</script>\"'&amp;=%41+ \u00e9\U0001f600"
    done = run.sign_in(state=state)
    run.expect("<script>alert" not in (done.landing.page.text if done.landing.page else ""), "state-as-markup")
