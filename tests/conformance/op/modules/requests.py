"""Authorization requests: prompts, ages, hints, what is ignored and what is refused (OpenID Connect Core 3.1.2)."""

from __future__ import annotations

from urllib.parse import urlencode

from tests.conformance.op.checks import answers, idtokens
from tests.conformance.op.provider import RP, Agent
from tests.conformance.op.running import Run, SignedIn

SILENT_ERRORS = ("login_required", "interaction_required", "account_selection_required", "consent_required")
LONG_STATE = "".join(chr(letter) for letter in (*range(65, 91), *range(97, 123), *range(48, 58))) * 3


def response_type_missing(run: Run) -> None:
    """Without a response type the request is refused, to the client or to the person."""
    run.start()
    asked = run.request(response_type=None)
    landing = run.visit(asked)
    if landing.is_error_page:
        return
    run.demand(landing.where in ("query", run.mode), "callback-mode", landing.where)
    run.add(answers.callback(landing, landing.where, run.op.metadata["issuer"], asked["state"]))
    run.add(answers.error_callback(landing, "unsupported_response_type", "invalid_request"))


def display_page(run: Run) -> None:
    """`display=page` does no harm."""
    _harmless(run, display="page")


def display_popup(run: Run) -> None:
    """`display=popup` does no harm."""
    _harmless(run, display="popup")


def ui_locales(run: Run) -> None:
    """`ui_locales` does no harm."""
    _harmless(run, ui_locales="se")


def claims_locales(run: Run) -> None:
    """`claims_locales` does no harm."""
    _harmless(run, claims_locales="se")


def login_hint(run: Run) -> None:
    """`login_hint` does no harm."""
    _harmless(run, login_hint="buffy@rp.example.com")


def ensure_request_with_unknown_parameter_succeeds(run: Run) -> None:
    """What nobody knows is ignored (RFC 6749 3.1)."""
    _harmless(run, extra="foobar")


def _harmless(run: Run, **parameter: str) -> None:
    run.start()
    run.sign_in(**parameter)


def ensure_request_with_acr_values_succeeds(run: Run) -> None:
    """`acr_values` does no harm; what the provider says it can do is then in the ID token."""
    run.start()
    offered = run.op.metadata.get("acr_values_supported")
    done = run.sign_in(acr_values=" ".join(offered) if offered else "1 2")
    if offered:
        run.wish(done.claims.get("acr") in offered, "acr-not-matched", done.claims.get("acr"))


def prompt_login(run: Run) -> None:
    """`prompt=login` asks again although somebody is signed in."""
    run.start()
    first = run.sign_in()
    run.op.wait(2)
    run.agent.seen.clear()
    second = run.sign_in(prompt="login")
    run.expect("login" in run.agent.seen, "login-not-asked")
    _fresher(run, first, second)


def max_age_1(run: Run) -> None:
    """`max_age=1` asks again after two seconds, and the ID token tells when."""
    run.start()
    first = run.sign_in()
    run.op.wait(2)
    run.agent.seen.clear()
    second = run.sign_in(max_age="1")
    run.expect("login" in run.agent.seen, "login-not-asked")
    run.expect("auth_time" in second.claims, "auth-time-missing")
    _fresher(run, first, second)


def _fresher(run: Run, first: SignedIn, second: SignedIn) -> None:
    run.expect(second.claims.get("sub") == first.claims.get("sub"), "sub-changed")
    before, after = first.claims.get("auth_time"), second.claims.get("auth_time")
    if after is not None and before is not None:
        run.expect(after > before, "auth-time-not-later", f"{before} then {after}")
        run.expect(run.op.now - after < 300, "auth-time-old", after)


def prompt_none_not_logged_in(run: Run) -> None:
    """`prompt=none` without a session tells the client, and shows no page; a long state comes back whole."""
    run.start()
    asked = run.request(prompt="none", state=LONG_STATE[:128])
    landing = run.visit(asked)
    run.expect(not run.agent.seen, "page-shown", run.agent.seen)
    run.need(answers.callback(landing, run.mode, run.op.metadata["issuer"], asked["state"]))
    run.add(answers.error_callback(landing, *SILENT_ERRORS))


def prompt_none_logged_in(run: Run) -> None:
    """`prompt=none` with a session answers at once, of the same sign-in."""
    _silently(run, prompt="none")


def id_token_hint(run: Run) -> None:
    """An ID token as a hint finds its own session."""
    _silently(run, hint=True, prompt="none")


def max_age_10000(run: Run) -> None:
    """`max_age=10000` is content with a fresh session, and the ID token tells when it began."""
    _silently(run, max_age="10000")


def _silently(run: Run, *, hint: bool = False, **changes: str) -> None:
    run.start()
    first = run.sign_in()
    run.op.wait(2)
    run.agent.seen.clear()
    more = {"id_token_hint": first.raw} if hint else {}
    second = run.sign_in(**changes, **more)
    run.expect(not run.agent.seen, "page-shown", run.agent.seen)
    run.add(idtokens.same_sign_in(first.claims, second.claims, needs_auth_time="max_age" in changes))


def ensure_registered_redirect_uri(run: Run) -> None:
    """An address that is not registered never gets anything (RFC 6749 3.1.2.4)."""
    run.start()
    registered = run.party.redirect_uri
    for tried in (run.address("elsewhere"), registered + "/more", registered + "?extra=1", RP + ".evil.example/cb"):
        refused(run, redirect_uri=tried)


def refused(run: Run, **changes: str | None) -> None:
    """Check that a request ends on the provider's own error page."""
    landing = run.visit(run.request(**changes), Agent(run.op))
    run.expect(landing.where == "page", "redirected", landing.url)
    run.expect(landing.is_error_page, "error-page-missing", landing.url)


def ensure_duplicate_parameter_fails(run: Run) -> None:
    """A parameter that comes twice is refused (RFC 6749 3.1)."""
    run.start()
    asked = [*run.request().items(), ("scope", "openid email")]
    landing = run.agent.open(f"{run.op.endpoint('authorization_endpoint')}?{urlencode(asked)}")
    if not landing.is_error_page:
        run.add(answers.error_callback(landing, "invalid_request"))


def ensure_response_mode_query_fails_for_tokens(run: Run) -> None:
    """Tokens never travel in a query (Multiple Response Types 5)."""
    run.start()
    landing = run.visit(run.request(response_mode="query"))
    run.expect(landing.is_error_page or "error" in landing.params, "token-in-query", landing.url)
    run.expect(not {"id_token", "access_token"} & set(landing.params), "token-in-query", landing.url)
