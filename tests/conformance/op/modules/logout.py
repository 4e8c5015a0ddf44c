"""Ends of sessions: RP-initiated, front-channel, back-channel, and the session iframe.

OpenID Connect RP-Initiated Logout 1.0, Front-Channel Logout 1.0, Back-Channel Logout 1.0, Session Management 1.0.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, urlencode

from joserfc import jwt

from intaglio import codec
from intaglio.wire.flow import Call, Reply
from tests.conformance.op import provider
from tests.conformance.op.checks import answers, idtokens
from tests.conformance.op.modules.requests import LONG_STATE, SILENT_ERRORS
from tests.conformance.op.provider import Landing
from tests.conformance.op.running import Run, SignedIn
from tests.harness import Answer
from tests.web import markup

STATE = LONG_STATE[:128]


def _begin(run: Run, **metadata: Any) -> SignedIn:
    run.look()
    run.offers("end_session_endpoint")
    run.start(post_logout_redirect_uris=[run.address("bye")], **metadata)
    return run.sign_in()


def _leave(run: Run, **parameters: str) -> Landing:
    run.agent.pages.clear()
    address = run.op.endpoint("end_session_endpoint")
    return run.agent.open(f"{address}?{urlencode(parameters)}" if parameters else address)


def _returned(run: Run, landing: Landing, state: str | None = STATE, *, frames: int = 0) -> None:
    run.demand(landing.where == "query", "logout-no-redirect", landing.url)
    run.expect(landing.url == run.address("bye"), "logout-address", landing.url)
    run.expect(landing.params.get("state") == state, "logout-state", landing.params.get("state"))
    run.wish(set(landing.params) <= {"state"}, "logout-unexpected", sorted(landing.params))
    # The suite ends a module with a failure when one of its addresses is asked for that the module knows nothing of.
    run.expect(len(run.agent.frames) == frames, "logout-frames", run.agent.frames)


def _signed_out(run: Run) -> None:
    """Check that a silent sign-in is refused now."""
    asked = run.request(prompt="none")
    landing = run.visit(asked)
    run.need(answers.callback(landing, run.mode, run.op.metadata["issuer"], asked["state"]))
    run.add(answers.error_callback(landing, *SILENT_ERRORS))


def _stayed(run: Run, landing: Landing) -> None:
    """Check that nobody was led anywhere, and that the person was told."""
    run.expect(landing.where == "page", "logout-redirected", landing.url)
    run.expect(landing.is_error_page or set(run.agent.seen) & {"logged-out", "logout"}, "logout-page-missing")


def _told(run: Run, landing: Landing) -> None:
    """Check that the person was signed out and told so, and led nowhere."""
    run.expect(landing.where == "page", "logout-redirected", landing.url)
    run.expect("logged-out" in run.agent.seen, "logged-out-page-missing", run.agent.seen)
    _signed_out(run)


def rp_initiated_logout(run: Run) -> None:
    """A logout with hint, address and state comes back with the state, and nobody is signed in."""
    done = _begin(run)
    _returned(run, _leave(run, id_token_hint=done.raw, post_logout_redirect_uri=run.address("bye"), state=STATE))
    _signed_out(run)


def rp_initiated_logout_no_state(run: Run) -> None:
    """Without a state none comes back."""
    done = _begin(run)
    _returned(run, _leave(run, id_token_hint=done.raw, post_logout_redirect_uri=run.address("bye")), None)
    _signed_out(run)


def rp_initiated_logout_bad_post_logout_redirect_uri(run: Run) -> None:
    """An address that is not registered is never gone to."""
    done = _begin(run)
    _stayed(run, _leave(run, id_token_hint=done.raw, post_logout_redirect_uri=run.address("other"), state=STATE))


def rp_initiated_logout_query_added(run: Run) -> None:
    """A query makes another address."""
    done = _begin(run)
    target = run.address("bye") + "?foo=bar"
    _stayed(run, _leave(run, id_token_hint=done.raw, post_logout_redirect_uri=target, state=STATE))


def rp_initiated_logout_modified_id_token_hint(run: Run) -> None:
    """A hint whose signature was taken off is not believed."""
    done = _begin(run)
    head = codec.encode_base64url(codec.encode_json({"alg": "none"}))
    hint = f"{head}.{done.raw.split('.')[1]}."
    _stayed(run, _leave(run, id_token_hint=hint, post_logout_redirect_uri=run.address("bye"), state=STATE))


def rp_initiated_logout_bad_id_token_hint(run: Run) -> None:
    """A hint that somebody else signed is not believed."""
    done = _begin(run)
    hint = jwt.encode({"alg": "RS256", "kid": done.header["kid"]}, done.claims, provider.key("forger"))
    _stayed(run, _leave(run, id_token_hint=hint, post_logout_redirect_uri=run.address("bye"), state=STATE))


def rp_initiated_logout_no_id_token_hint(run: Run) -> None:
    """An address without a hint is not gone to: nobody says whose it is."""
    _begin(run)
    _stayed(run, _leave(run, post_logout_redirect_uri=run.address("bye"), state=STATE))


def rp_initiated_logout_no_params(run: Run) -> None:
    """A logout without parameters ends the session and says so."""
    _begin(run)
    _told(run, _leave(run))


def rp_initiated_logout_no_post_logout_redirect_uri(run: Run) -> None:
    """A hint without an address ends the session and says so."""
    done = _begin(run)
    _told(run, _leave(run, id_token_hint=done.raw, state=STATE))


def rp_initiated_logout_only_state(run: Run) -> None:
    """A state alone ends the session and leads nowhere."""
    _begin(run)
    _told(run, _leave(run, state=STATE))


def rp_initiated_logout_expired_hint(run: Run) -> None:
    """A hint that has expired still names its session (RP-Initiated Logout 2)."""
    done = _begin(run)
    run.op.wait(int(done.claims["exp"]) - run.op.now + 10)
    _returned(run, _leave(run, id_token_hint=done.raw, post_logout_redirect_uri=run.address("bye"), state=STATE))


# --- front channel


def frontchannel_rp_initiated_logout(run: Run) -> None:
    """At a logout the client's address is loaded in a frame, with issuer and session, and the way back is kept."""
    run.look()
    run.offers("frontchannel_logout_supported")
    own = run.address("frontchannel")
    done = _begin(run, frontchannel_logout_uri=own, frontchannel_logout_session_required=True)
    landing = _leave(run, id_token_hint=done.raw, post_logout_redirect_uri=run.address("bye"), state=STATE)
    page = next((one for one in run.agent.pages if own in one.text), None)
    run.demand(page, "frontchannel-no-frame")
    assert page is not None
    _frame(run, page, own, done)
    _returned(run, landing, frames=1)
    _signed_out(run)


def _frame(run: Run, page: Answer, own: str, done: SignedIn) -> None:
    frames = [one.attributes.get("src", "") for one in markup.tagged(markup.read(page.body), "iframe")]
    (found,) = [one for one in frames if one.startswith(own)] or [""]
    run.demand(found, "frontchannel-no-frame", frames)
    given = dict(parse_qsl(found.partition("?")[2]))
    run.expect(given.get("iss") == run.op.metadata["issuer"], "frontchannel-iss", given.get("iss"))
    run.expect(given.get("sid") and given.get("sid") == done.claims.get("sid"), "frontchannel-sid", given.get("sid"))
    run.wish(set(given) <= {"iss", "sid"}, "frontchannel-unexpected", sorted(given))
    policy = page.header("content-security-policy") or ""
    rules = dict(rule.strip().partition(" ")[::2] for rule in policy.split(";"))
    sources = rules.get("frame-src", rules.get("child-src", rules.get("default-src", "*")))
    run.expect(
        not policy or any(s in sources.split() for s in ("*", "https:", "/".join(own.split("/")[:3]))),
        "frontchannel-policy",
        sources,
    )


# --- back channel


def backchannel_rp_initiated_logout(run: Run) -> None:
    """At a logout the client gets a logout token that it can verify."""
    run.look()
    run.offers("backchannel_logout_supported")
    own = run.address("backchannel")
    came: list[Call] = []

    def page(call: Call) -> Reply:
        came.append(call)
        return Reply(200, (), b"", call.url)

    run.op.world.pages[own] = page
    done = _begin(run, backchannel_logout_uri=own, backchannel_logout_session_required=True)
    _returned(run, _leave(run, id_token_hint=done.raw, post_logout_redirect_uri=run.address("bye"), state=STATE))
    run.op.deliver()
    run.demand(came, "backchannel-nothing-came")
    run.expect(len(came) == 1, "backchannel-more-than-once", len(came))
    _delivered(run, run.op.defect.outgoing(run.op, came[0]), done)
    _signed_out(run)


def _delivered(run: Run, call: Call, done: SignedIn) -> None:
    run.expect(call.method == "POST", "backchannel-method", call.method)
    headers = {name.lower(): value for name, value in call.headers}
    run.expect(headers.get("content-type", "").startswith(provider.FORM), "backchannel-media-type")
    fields = dict(parse_qsl(call.body.decode()))
    run.wish(set(fields) == {"logout_token"}, "backchannel-unexpected", sorted(fields))
    expected = run.expected(done.asked, nonce=None)
    run.add(idtokens.logout_token(fields.get("logout_token", ""), expected, done.claims))


# --- session management


def session_management_rp_initiated_logout(run: Run) -> None:
    """The answer says in which state the session is; the iframe can be framed; after a logout the state is another."""
    run.look()
    run.offers("check_session_iframe")
    done = _begin(run)
    state = done.landing.params.get("session_state", "")
    run.demand(re.fullmatch(r"[^\s.]+\.[^\s.]+", state), "session-state", state)
    page = run.op.get(run.op.endpoint("check_session_iframe"), accept="text/html")
    run.expect(page.status == 200 and page.is_page, "session-iframe", page.status)
    run.expect("postMessage" in page.text or "<script" in page.text, "session-iframe-script")
    policy = page.header("content-security-policy") or ""
    framed = page.header("x-frame-options") is None and "frame-ancestors 'none'" not in policy
    run.expect(framed and "frame-ancestors 'self'" not in policy, "session-iframe-unframable", policy)
    again = run.sign_in(prompt="none").landing.params.get("session_state", "")
    run.expect(again, "session-state", again)
    _leave(run, id_token_hint=done.raw, post_logout_redirect_uri=run.address("bye"), state=STATE)
    fresh = run.sign_in().landing.params.get("session_state", "")
    run.expect(fresh.partition(".")[0] != state.partition(".")[0], "session-state-unchanged")
