"""The relying party, driven by hand: what it asks, what it refuses, what it returns."""

from __future__ import annotations

import base64
import functools
import json
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from intaglio import codec
from intaglio.dialects import believing
from intaglio.errors import Refused, Unavailable
from intaglio.ids import Secret
from intaglio.protocol import pkce
from intaglio.relying.answers import SignInFailed
from intaglio.relying.party import RelyingParty
from intaglio.relying.records import Provider, Transaction
from intaglio.tokens import encryptionkeys, hashes, jwe, jwk, jws
from intaglio.tokens.raw import RawToken
from intaglio.validate.discovery import Metadata
from intaglio.wire.flow import Reply

ISSUER, CLIENT, BACK, NOW = "https://op.example", "client 1", "https://rp.example/cb", 1_000_000
BEGUN = Transaction(state="state-1", nonce="nonce-1", code_verifier="v" * 43)
PARAMS = {"state": "state-1", "code": "code-1", "iss": ISSUER}
DOCUMENT = {
    "issuer": ISSUER,
    "jwks_uri": ISSUER + "/keys",
    "authorization_endpoint": ISSUER + "/authorize?tenant=1",
    "token_endpoint": ISSUER + "/token",
    "userinfo_endpoint": ISSUER + "/userinfo",
    "end_session_endpoint": ISSUER + "/logout",
    "authorization_response_iss_parameter_supported": True,
}
PARTY = RelyingParty(
    issuer=ISSUER, client_id=CLIENT, client_secret=Secret("s+/ é"), redirect_uri=BACK, scope="openid email"
)
PUBLIC = RelyingParty(issuer=ISSUER, client_id=CLIENT, redirect_uri=BACK)


@functools.cache
def key(kid="k1"):
    """Return the issuer's key with this kid."""
    return jwk.generate("ES256")


def key_set(*kids):
    """Return the document with these keys."""
    return {"keys": [{**jwk.public_members(key(kid).public()), "kid": kid, "alg": "ES256"} for kid in kids]}


def provider(**changes):
    """Return the provider, with members of its document changed."""
    return Provider(Metadata(ISSUER, ISSUER + "/keys", {**DOCUMENT, **changes}), jwk.read_set(key_set("k1")))


def id_token(kid="k1", without=(), **changes):
    """Return an ID token."""
    claims = {"iss": ISSUER, "sub": "u1", "aud": CLIENT, "exp": NOW + 600, "iat": NOW, "nonce": "nonce-1"}
    claims |= {"auth_time": NOW - 5, "at_hash": hashes.half_hash("ES256", "at-1"), **changes}
    kept = {name: value for name, value in claims.items() if name not in without}
    return jws.sign(key(kid), {"kid": kid}, codec.encode_json(kept))


def answer(status=200, **members):
    """Return a token endpoint's answer."""
    body = {"access_token": "at-1", "token_type": "Bearer", "expires_in": 300, **members}
    return Reply(status, (), json.dumps({k: v for k, v in body.items() if v is not None}).encode(), ISSUER)


def as_json(document, status=200):
    """Return an answer with a JSON body."""
    return Reply(status, (), json.dumps(document).encode(), ISSUER)


def drive(flow, *answers):
    """Run a flow by hand; return the calls it made and what it returned."""
    calls, waiting = [], iter(answers)
    try:
        call = next(flow)
        while True:
            calls.append(call)
            call = flow.send(next(waiting))
    except StopIteration as end:
        return calls, end.value


def form(call):
    """Return the fields of a form, each once."""
    return {name: values[0] for name, values in parse_qs(call.body.decode(), strict_parsing=True).items()}


def failure(flow, *answers):
    """Return the code with which a flow ends."""
    with pytest.raises((SignInFailed, Refused, Unavailable)) as caught:
        drive(flow, *answers)
    return caught.value.code


def test_provider_is_discovered_with_its_keys():
    """Ask for the document and then for the keys."""
    calls, found = drive(PARTY.discover(), as_json(DOCUMENT), as_json(key_set("k1")))
    assert [call.url for call in calls] == [ISSUER + "/.well-known/openid-configuration", ISSUER + "/keys"]
    assert (found.issuer, found.keys.kids()) == (ISSUER, ("k1",))
    assert failure(PARTY.discover(), as_json({**DOCUMENT, "issuer": "https://evil.example"})) == "discovery-mismatch"


def test_browser_is_sent_with_pkce_state_and_nonce():
    """Send everything that the sign-in needs and keep the query that the endpoint has."""
    url = PARTY.begin(
        provider(), state="s", nonce="n", code_verifier="v" * 43, prompt="login", max_age=0, login_hint="a&b=c"
    )
    assert {name: values[0] for name, values in parse_qs(urlsplit(url).query, strict_parsing=True).items()} == {
        "tenant": "1",
        "response_type": "code",
        "client_id": CLIENT,
        "redirect_uri": BACK,
        "scope": "openid email",
        "state": "s",
        "nonce": "n",
        "code_challenge": pkce.challenge("v" * 43),
        "code_challenge_method": "S256",
        "prompt": "login",
        "max_age": "0",
        "login_hint": "a&b=c",
    }
    with pytest.raises(ValueError, match="sets itself"):
        PARTY.begin(provider(), state="s", nonce="n", code_verifier="v" * 43, scope="x")


def test_code_is_redeemed_and_the_token_believed():
    """Redeem the code with the verifier and the secret, and return tokens and report."""
    calls, done = drive(
        PARTY.finish(provider(), BEGUN, PARAMS, now=NOW), answer(id_token=id_token(), refresh_token="rt-1")
    )
    (call,) = calls
    assert (call.method, call.url) == ("POST", ISSUER + "/token")
    assert form(call) == {
        "grant_type": "authorization_code",
        "code": "code-1",
        "redirect_uri": BACK,
        "code_verifier": "v" * 43,
    }
    basic = base64.b64decode(dict(call.headers)["authorization"].removeprefix("Basic ")).decode()
    assert basic == "client+1:s%2B%2F+%C3%A9"
    assert (done.token.sub, done.access_token.reveal(), done.refresh_token.reveal()) == ("u1", "at-1", "rt-1")
    assert {check.outcome for check in done.report.checks} == {"pass", "skipped"}
    assert "at-1" not in f"{done!r} {call!r} {BEGUN!r}"


def test_secret_is_sent_as_the_issuer_takes_it():
    """Post the secret where the issuer takes no Basic, and none where there is none."""
    post = provider(token_endpoint_auth_methods_supported=["client_secret_post"])
    (call,), _ = drive(PARTY.finish(post, BEGUN, PARAMS, now=NOW), answer(id_token=id_token()))
    assert (form(call)["client_id"], form(call)["client_secret"]) == (CLIENT, "s+/ é")
    assert "authorization" not in dict(call.headers)
    (call,), _ = drive(PUBLIC.finish(provider(), BEGUN, PARAMS, now=NOW), answer(id_token=id_token()))
    assert form(call)["client_id"] == CLIENT
    assert "client_secret" not in form(call)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        pytest.param({**PARAMS, "state": "state-2"}, "state-mismatch", id="another state"),
        pytest.param({"code": "code-1", "iss": ISSUER}, "state-mismatch", id="no state"),
        pytest.param({**PARAMS, "state": "ü"}, "state-mismatch", id="a state outside ASCII"),
        pytest.param({**PARAMS, "iss": "https://evil.example"}, "response-issuer-mismatch", id="mix-up"),
        pytest.param({**PARAMS, "iss": ISSUER + "/"}, "response-issuer-mismatch", id="a slash more"),
        pytest.param({"state": "state-1", "code": "c"}, "response-issuer-mismatch", id="iss promised and missing"),
        pytest.param({"state": "state-1", "iss": ISSUER}, "code-missing", id="no code"),
        pytest.param({**PARAMS, "error": "access_denied"}, "authorization-error", id="an error"),
        pytest.param({"state": "x", "error": "access_denied"}, "state-mismatch", id="an error of another sign-in"),
    ],
)
def test_d4_46_answer_of_another_sign_in_is_refused(params, expected):
    """Refuse, before anything is sent, what does not belong to this sign-in at this issuer."""
    assert failure(PARTY.finish(provider(), BEGUN, params, now=NOW)) == expected


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        pytest.param(answer(id_token=id_token(nonce="other")), "nonce-mismatch", id="another nonce"),
        pytest.param(answer(id_token=id_token(without=("nonce",))), "nonce-missing", id="no nonce"),
        pytest.param(answer(id_token=id_token(aud="client-2")), "audience-mismatch", id="for another client"),
        pytest.param(answer(id_token=id_token(azp="client-2")), "azp-mismatch", id="to another client"),
        pytest.param(answer(id_token=id_token(iss="https://evil.example")), "issuer-mismatch", id="another issuer"),
        pytest.param(answer(id_token=id_token(exp=NOW - 61)), "token-expired", id="expired"),
        pytest.param(answer(id_token=id_token(), access_token="at-2"), "at-hash-mismatch", id="another access token"),
        pytest.param(answer(id_token="x.y.z"), "token-malformed", id="no token"),
        pytest.param(answer(id_token=1), "token-answer-malformed", id="a number"),
        pytest.param(answer(), "token-answer-malformed", id="no ID token"),
        pytest.param(answer(id_token=id_token(), access_token=None), "token-answer-malformed", id="no access token"),
        pytest.param(answer(id_token=id_token(), token_type="mac"), "token-answer-malformed", id="another type"),
        pytest.param(answer(id_token=id_token(), token_type=None), "token-answer-malformed", id="no type"),
        pytest.param(as_json({"error": "invalid_grant"}, 400), "token-endpoint-error", id="an error"),
        pytest.param(Reply(200, (), b"<html>", ISSUER), "bad-answer", id="html"),
        pytest.param(as_json([1]), "bad-answer", id="a list"),
    ],
)
def test_other_tokens_are_refused(reply, expected):
    """Refuse tokens that are not for this sign-in, and answers that are none."""
    assert failure(PARTY.finish(provider(), BEGUN, PARAMS, now=NOW), reply) == expected


def test_max_age_is_enforced():
    """Refuse an old sign-in where a recent one was asked for."""
    begun = Transaction(state="state-1", nonce="nonce-1", code_verifier="v" * 43, max_age=1)
    old = answer(id_token=id_token(auth_time=NOW - 100))
    assert failure(PARTY.finish(provider(), begun, PARAMS, now=NOW), old) == "auth-time-too-old"


def test_algorithm_is_the_registered_one():
    """Refuse an algorithm that the client did not register."""
    pinned = RelyingParty(issuer=ISSUER, client_id=CLIENT, redirect_uri=BACK, algorithms=("RS256",))
    reply = answer(id_token=id_token())
    assert failure(pinned.finish(provider(), BEGUN, PARAMS, now=NOW), reply) == "forbidden-algorithm"


def test_rotated_key_is_fetched_once():
    """Ask for the keys again where the token's is unknown, and refuse if it still is."""
    text = answer(id_token=id_token("k2"))
    calls, done = drive(PARTY.finish(provider(), BEGUN, PARAMS, now=NOW), text, as_json(key_set("k1", "k2")))
    assert (calls[1].url, done.token.sub) == (ISSUER + "/keys", "u1")
    assert failure(PARTY.finish(provider(), BEGUN, PARAMS, now=NOW), text, as_json(key_set("k1"))) == "key-unknown"


def signed_in():
    """Return the first sign-in."""
    return drive(PARTY.finish(provider(), BEGUN, PARAMS, now=NOW), answer(id_token=id_token()))[1].token


def refresh(**changes):
    """Return the flow of a refresh and its answer."""
    text = id_token(**{"without": ("nonce",), "iat": NOW + 100, **changes})
    return PARTY.refresh(provider(), Secret("rt-1"), signed_in(), now=NOW + 100), answer(id_token=text)


def test_refreshed_token_continues_the_first():
    """Believe a new token of the same sign-in, without a nonce, and keep the old one where none comes."""
    calls, done = drive(*refresh())
    assert form(calls[0]) == {"grant_type": "refresh_token", "refresh_token": "rt-1"}
    assert (done.token.iat, done.token.sub) == (NOW + 100, "u1")
    _, kept = drive(PARTY.refresh(provider(), Secret("rt-1"), signed_in(), now=NOW), answer())
    assert (kept.token.iat, kept.report, kept.raw) == (NOW, None, None)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"sub": "u2"}, "refresh-subject-mismatch"),
        ({"auth_time": NOW}, "refresh-auth-time-mismatch"),
        ({"nonce": "other", "without": ()}, "refresh-nonce-mismatch"),
        ({"azp": CLIENT}, "refresh-azp-mismatch"),
        ({"iss": "https://evil.example"}, "issuer-mismatch"),
        ({"aud": "client-2"}, "audience-mismatch"),
        ({"exp": NOW}, "token-expired"),
    ],
)
def test_refreshed_token_of_another_sign_in_is_refused(changes, expected):
    """Refuse a refreshed token of another person, client, issuer or time of sign-in."""
    assert failure(*refresh(**changes)) == expected


def test_userinfo_is_about_the_subject():
    """Return claims about the very subject of the ID token and no other."""
    (call,), claims = drive(PARTY.userinfo(provider(), Secret("at-1"), "u1"), as_json({"sub": "u1", "name": "A"}))
    assert dict(call.headers)["authorization"] == "Bearer at-1"
    assert claims["name"] == "A"
    for other in ({"sub": "u2"}, {"name": "A"}, {"sub": ["u1"]}):
        flow = PARTY.userinfo(provider(), Secret("at-1"), "u1")
        assert failure(flow, as_json(other)) == "userinfo-subject-mismatch"
    assert failure(PARTY.userinfo(provider(), Secret("at-1"), "u1"), as_json({}, 401)) == "userinfo-error"


def test_logout_url_carries_the_hint():
    """Send the browser to sign out, or nowhere if the issuer has no such address."""
    url = PARTY.logout_url(provider(), RawToken("a.b.c"), "https://rp.example/bye", "s")
    assert parse_qs(urlsplit(url).query) == {
        "id_token_hint": ["a.b.c"],
        "client_id": [CLIENT],
        "post_logout_redirect_uri": ["https://rp.example/bye"],
        "state": ["s"],
    }
    assert PARTY.logout_url(provider(end_session_endpoint=None)) is None


def test_provider_of_another_issuer_has_no_say():
    """Refuse a provider that was found for another issuer."""
    other = Provider(Metadata("https://other.example", ISSUER + "/keys", DOCUMENT), jwk.read_set(key_set("k1")))
    reply = answer(id_token=id_token())
    assert failure(PARTY.finish(other, BEGUN, PARAMS, now=NOW), reply) == "provider-mismatch"


DEVICE = {
    "device_code": "dc-1",
    "user_code": "ABCD-EFGH",
    "verification_uri": ISSUER + "/device",
    "expires_in": 600,
    "interval": 7,
}


def started(**changes):
    """Return what a device got, with members changed."""
    flow = PUBLIC.start_device(provider(device_authorization_endpoint=ISSUER + "/device_authorization"))
    return drive(flow, as_json({k: v for k, v in (DEVICE | changes).items() if v is not None}))


def test_a_device_asks_for_its_codes():
    """Send the client and its scope; bounds are kept, and a stranger's text drives no terminal."""
    calls, told = started()
    assert form(calls[0]) == {"scope": "openid", "client_id": CLIENT}
    assert (told.user_code, told.interval, told.expires_in) == ("ABCD-EFGH", 7, 600)
    assert "dc-1" not in repr(told)
    _, told = started(interval=None, expires_in=10**9, user_code="A\x1b[31mB")
    assert (told.interval, told.expires_in, told.user_code) == (5, 1800, "A[31mB")


@pytest.mark.parametrize("name", ["device_code", "user_code", "verification_uri"])
def test_a_device_needs_all_of_its_codes(name):
    """An answer without one of them is none; an error is told with the issuer's words."""
    flow = PUBLIC.start_device(provider(device_authorization_endpoint=ISSUER + "/d"))
    assert failure(flow, as_json({**DEVICE, name: None})) == "device-answer-malformed"
    flow = PUBLIC.start_device(provider(device_authorization_endpoint=ISSUER + "/d"))
    assert failure(flow, as_json({"error": "invalid_scope"}, 400)) == "device-endpoint-error"
    assert failure(PUBLIC.start_device(provider())) == "endpoint-missing"


@pytest.mark.parametrize(
    ("error", "status"), [("authorization_pending", 400), ("authorization_pending", 428), ("slow_down", 403)]
)
def test_a_device_waits(error, status):
    """Both words that mean `ask again` are returned, whatever their status."""
    _, told = started()
    calls, outcome = drive(PUBLIC.poll_device(provider(), told, now=NOW), as_json({"error": error}, status))
    assert outcome == error
    assert form(calls[0])["device_code"] == "dc-1"


def test_a_device_believes_its_token_or_nothing():
    """The ID token is judged like every other; a refusal ends the wait."""
    _, told = started()
    good = answer(id_token=id_token(without=("nonce",)), refresh_token="rt-1")
    assert drive(PUBLIC.poll_device(provider(), told, now=NOW), good)[1].token.sub == "u1"
    for wrong in (answer(), answer(id_token=id_token(aud="another")), as_json({"error": "access_denied"}, 400)):
        assert failure(PUBLIC.poll_device(provider(), told, now=NOW), wrong)


# --- what a party of another provider's kind needs


def test_encrypted_token_is_opened_and_judged():
    """A token that only we can open is believed by the same rules; without the key it is none."""
    own = encryptionkeys.generate("P-256", kid="enc")
    party = msgspec.structs.replace(PARTY, decryption=encryptionkeys.DecryptionKeys((own,)))

    def sealed(**changes):
        header = {"cty": "JWT"}
        return jwe.encrypt(id_token(**changes).encode(), own.public(), alg="ECDH-ES", enc="A128GCM", header=header)

    _, done = drive(party.finish(provider(), BEGUN, PARAMS, now=NOW), answer(id_token=sealed()))
    assert done.token.sub == "u1"
    lie = failure(party.finish(provider(), BEGUN, PARAMS, now=NOW), answer(id_token=sealed(aud="x")))
    assert lie == "audience-mismatch"
    unopened = failure(PARTY.finish(provider(), BEGUN, PARAMS, now=NOW), answer(id_token=sealed()))
    assert unopened == "token-encrypted"


TEMPLATE, TENANT = "https://op.example/{tenantid}/v2.0", "11111111-2222-3333-4444-555555555555"
SEVERAL = RelyingParty(
    issuer=TEMPLATE,
    client_id=CLIENT,
    redirect_uri=BACK,
    rules=believing.rules("microsoft"),
    discovery_uri="https://op.example/common/v2.0/.well-known/openid-configuration",
    algorithms=("ES256",),
)
OF_TENANT = {"iss": TEMPLATE.replace("{tenantid}", TENANT), "tid": TENANT, "ver": "2.0"}


def several(**changes):
    """Return the provider of several tenants."""
    return Provider(Metadata(TEMPLATE, ISSUER + "/keys", {**DOCUMENT, **changes}), jwk.read_set(key_set("k1")))


def test_document_of_several_tenants_lies_where_it_was_said():
    """The document's own issuer has the placeholder; it is asked at the address for everybody."""
    document = {**DOCUMENT, "issuer": TEMPLATE}
    calls, found = drive(SEVERAL.discover(), as_json(document), as_json(key_set("k1")))
    assert calls[0].url == "https://op.example/common/v2.0/.well-known/openid-configuration"
    assert found.issuer == TEMPLATE


@pytest.mark.parametrize(
    ("sender", "code"),
    [
        (OF_TENANT["iss"], ""),
        (None, "response-issuer-mismatch"),
        (TEMPLATE, "response-issuer-mismatch"),
        ("https://op.example/99999999-2222-3333-4444-555555555555/v2.0", "response-issuer-mismatch"),
        (f"https://op.example/{TENANT}/x/v2.0", "response-issuer-mismatch"),
        (f"https://evil.example/{TENANT}/v2.0", "response-issuer-mismatch"),
        (f"https://op.example/{TENANT}/v2.0/", "response-issuer-mismatch"),
        ("https://op.example//v2.0", "response-issuer-mismatch"),
    ],
)
def test_answer_of_one_tenant_goes_with_its_token(sender, code):
    """RFC 9207: the tenant that answered is the tenant of the token."""
    params = {name: value for name, value in (PARAMS | {"iss": sender}).items() if value is not None}
    flow = SEVERAL.finish(several(), BEGUN, params, now=NOW)
    token = answer(id_token=id_token(**OF_TENANT))
    if code:
        assert failure(flow, token) == code
    else:
        assert drive(flow, token)[1].token.iss == OF_TENANT["iss"]


@pytest.mark.parametrize(
    "endpoint", ["http://op.example/token", "https://u@op.example/token", "//op.example/token", "x"]
)
def test_endpoint_that_is_no_address_of_its_own_is_not_called(endpoint):
    """What a document names gets no secret in the clear, and sends no browser anywhere else."""
    found = provider(token_endpoint=endpoint, authorization_endpoint=endpoint, end_session_endpoint=endpoint)
    assert failure(PARTY.finish(found, BEGUN, PARAMS, now=NOW)) == "address-refused"
    with pytest.raises(Unavailable, match="address-refused"):
        PARTY.begin(found, state="s", nonce="n", code_verifier="v" * 43)
    with pytest.raises(Unavailable, match="address-refused"):
        PARTY.logout_url(found)
