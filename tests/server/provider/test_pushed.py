"""Pushed authorization requests (RFC 9126): what is kept, who may take it, and all that must not count."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from intaglio.protocol import pkce
from tests import harness
from tests.capability import capability
from tests.server.provider import test_request_objects as objects

pytestmark = capability("pushed-requests", witness="the client's callback")
PREFIX = "urn:ietf:params:oauth:request_uri:"
EVIL = "https://evil.example/cb"


def push(site: harness.Site, app: harness.App | None = None, **changes: str | None) -> harness.Answer:
    """Push a request as a client does."""
    app = app or harness.App(site)
    return site.post("~/par", app.request(**changes) | app.named(), headers=app.headers())


def pushed(site: harness.Site, **changes: str | None) -> str:
    """Return the reference to a pushed request of `web`."""
    answer = push(site, **changes)
    assert answer.status == 201, answer.text
    return str(answer.json()["request_uri"])


def send(browser: harness.Browser, reference: str, client_id: str = "web", **beside: str) -> harness.Answer:
    """Send a browser with the reference to the authorization endpoint."""
    return browser.get("~/authorize?" + urlencode({"client_id": client_id, "request_uri": reference} | beside))


def test_a_pushed_request_ends_in_tokens(site: harness.Site) -> None:
    """201 with a reference and its seconds; the browser brings it, and the code is redeemed as usual."""
    answer = push(site)
    assert (answer.status, answer.header("cache-control")) == (201, "no-store")
    told = answer.json()
    assert (set(told), told["expires_in"]) == ({"request_uri", "expires_in"}, 60)
    assert len(told["request_uri"].removeprefix(PREFIX)) == 43
    browser = harness.Browser(site)
    back = browser.through(send(browser, told["request_uri"]))
    assert back.params["state"] == "a-state"
    tokens = harness.App(site).redeem(back.params["code"]).json()
    assert harness.payload(tokens["id_token"])["nonce"] == "a-nonce"


def test_metadata_names_the_endpoint(site: harness.Site) -> None:
    """RFC 9126 5: where it is, and that it need not be used."""
    found = site.get("~/.well-known/openid-configuration").json()
    assert found["pushed_authorization_request_endpoint"] == "http://localhost:8080/default/par"
    assert found["require_pushed_authorization_requests"] is False


def test_nothing_beside_a_reference_counts(site: harness.Site) -> None:
    """RFC 9126 4, RFC 9101 6.3: the browser's own parameters change nothing."""
    browser, reference = harness.Browser(site), pushed(site, scope="openid")
    beside = {"scope": "openid email phone", "state": "evil", "nonce": "evil", "redirect_uri": EVIL}
    back = browser.through(send(browser, reference, **beside, response_type="code id_token", code_challenge="x"))
    assert back.location.startswith("http://127.0.0.1:9999/cb?")
    assert back.params["state"] == "a-state"
    tokens = harness.App(site).redeem(back.params["code"]).json()
    assert tokens["scope"] == "openid"
    assert harness.payload(tokens["id_token"])["nonce"] == "a-nonce"


def test_a_reference_is_good_once(site: harness.Site) -> None:
    """RFC 9126 7.3: whoever brings it again gets a page, and nobody is sent anywhere."""
    browser, reference = harness.Browser(site), pushed(site)
    assert browser.follow(send(browser, reference)).status == 200
    again = send(harness.Browser(site), reference)
    assert (again.status, again.error, again.location) == (400, "invalid_request_uri", "")


def test_of_two_browsers_at_once_one_goes_on(site: harness.Site) -> None:
    """RFC 9126 7.3: using it up is one atomic step."""
    where = site.url("~/authorize?" + urlencode({"client_id": "web", "request_uri": pushed(site)}))

    async def both() -> list[harness.Answer]:
        return list(await asyncio.gather(*(site.exchange("GET", where) for _ in range(8))))

    assert sorted(answer.status for answer in site.run(both())) == [303, *[400] * 7]


def test_a_reference_is_good_for_a_minute(site: harness.Site) -> None:
    """At the last second, and not at the next."""
    first, second = pushed(site), pushed(site)
    site.clock.advance(59)
    assert send(harness.Browser(site), first).status == 303
    site.clock.advance(1)
    assert send(harness.Browser(site), second).error == "invalid_request_uri"


def test_the_sign_in_may_take_longer_than_the_reference(site: harness.Site) -> None:
    """Once the browser has brought it, the person has the usual time."""
    browser = harness.Browser(site)
    page = browser.follow(send(browser, pushed(site)))
    site.clock.advance(600)
    assert "code" in browser.through(page).params


@pytest.mark.parametrize("client_id", ["spa", "nobody", ""])
def test_a_reference_is_its_clients_alone(site: harness.Site, client_id: str) -> None:
    """RFC 9126 2.2; that another client tried does not use it up."""
    reference = pushed(site)
    refused = send(harness.Browser(site), reference, client_id)
    assert (refused.status, refused.error) == (400, "invalid_request_uri")
    assert send(harness.Browser(site), reference).status == 303


@pytest.mark.parametrize("reference", [PREFIX, PREFIX + "x", PREFIX + "A" * 43, PREFIX + "../x", PREFIX + "é"])
def test_references_that_nobody_gave(site: harness.Site, reference: str) -> None:
    """A page with one text for all of them."""
    refused = send(harness.Browser(site), reference)
    assert (refused.status, refused.error) == (400, "invalid_request_uri")


def test_a_reference_of_another_tenant(site: harness.Site) -> None:
    """The client of the same name over there cannot take it."""
    site.add_tenant("other")
    query = urlencode({"client_id": "web", "request_uri": pushed(site)})
    refused = site.get(f"http://localhost:8080/other/authorize?{query}", headers={"accept": "text/html"})
    assert (refused.status, refused.error) == (400, "invalid_request_uri")


def test_a_reference_of_another_issuer(site: harness.Site) -> None:
    """Nor can the same client at another dialect's issuer of the same tenant."""
    query = urlencode({"client_id": "web", "request_uri": pushed(site)})
    refused = site.get(f"http://localhost:8084/default/default/oauth2/authorize?{query}")
    assert (refused.status, refused.error) == (400, "invalid_request_uri")


def test_parameters_that_cannot_be_read_leave_the_reference(site: harness.Site) -> None:
    """A repeated parameter is refused before the reference is used up."""
    reference = pushed(site)
    query = urlencode([("client_id", "web"), ("request_uri", reference), ("state", "a"), ("state", "b")])
    refused = harness.Browser(site).get("~/authorize?" + query)
    assert (refused.status, refused.error) == (400, "invalid_request")
    assert send(harness.Browser(site), reference).status == 303


# --- what is not kept


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"redirect_uri": EVIL}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "x"}, "unsupported_response_type"),
        ({"response_type": "id_token"}, "unauthorized_client"),
        ({"response_mode": "x"}, "invalid_request"),
        ({"scope": "openid \x7f"}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"claims": "{"}, "invalid_request"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"request": "x"}, "invalid_request_object"),
        ({"request_uri": "https://rp.example/r"}, "invalid_request"),
        ({"request_uri": PREFIX + "x"}, "invalid_request"),
        ({"client_id": "spa"}, "invalid_client"),
    ],
)
def test_what_the_authorization_endpoint_would_refuse(
    site: harness.Site, changes: dict[str, str | None], error: str
) -> None:
    """RFC 9126 2.3: told at once, as JSON, and nothing is kept."""
    refused = push(site, **changes)
    assert refused.status in (400, 401)
    assert refused.error == error
    assert "request_uri" not in refused.json()


def test_a_client_has_to_prove_itself(site: harness.Site) -> None:
    """RFC 9126 2.1: as at the token endpoint; one text for all causes."""
    app = harness.App(site)
    for headers in ({}, {"authorization": harness.basic("web", "wrong")}, {"authorization": harness.basic("no", "x")}):
        refused = site.post("~/par", app.request(), headers=headers)
        assert (refused.status, refused.error) == (401, "invalid_client")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_only_post(site: harness.Site, method: str) -> None:
    """RFC 9126 2: 405 for the others."""
    assert site.request(method, "~/par").status == 405


def test_only_a_form(site: harness.Site) -> None:
    """RFC 9126 2.1: application/x-www-form-urlencoded."""
    refused = site.request("POST", "~/par", payload={"client_id": "web"}, headers=harness.App(site).headers())
    assert (refused.status, refused.error) == (400, "invalid_request")


def test_secrets_are_not_kept_with_the_request(site: harness.Site) -> None:
    """By client_secret_post the secret is beside the parameters; it does not go on with them."""
    form = harness.App(site).request() | {"client_secret": "web-secret"}
    reference = site.post("~/par", form).json()["request_uri"]
    connection = site.store._writing
    kept = connection.execute("SELECT record FROM pushed_requests").fetchall()
    assert len(kept) == 1
    assert b"web-secret" not in bytes(kept[0][0])
    assert reference.removeprefix(PREFIX).encode() not in bytes(kept[0][0])


def test_a_public_client_pushes_as_well(site: harness.Site) -> None:
    """Named by client_id, with PKCE; without a challenge it is refused."""
    app = harness.spa(site)
    answer = push(site, app)
    browser = harness.Browser(site)
    assert "code" in browser.through(send(browser, answer.json()["request_uri"], "spa")).params
    refused = push(site, app, code_challenge=None, code_challenge_method=None)
    assert (refused.status, refused.error) == (400, "invalid_request")


def test_public_clients_cannot_fill_the_database(site: harness.Site) -> None:
    """So many from one address in a window; then 429."""
    app = harness.spa(site)
    for _ in range(300):
        assert push(site, app).status == 201
    refused = push(site, app)
    assert (refused.status, refused.error) == (429, "too_many_requests")
    assert push(site).status == 201


def test_scripts_of_its_origin_may_push(site: harness.Site) -> None:
    """CORS as at the token endpoint."""
    app = harness.spa(site)
    origin = {"origin": "http://localhost:3000"}
    allowed = site.post("~/par", app.request(), headers=origin)
    assert allowed.header("access-control-allow-origin") == origin["origin"]
    other = site.post("~/par", app.request(), headers={"origin": "https://evil.example"})
    assert other.header("access-control-allow-origin") is None


# --- request objects and assertions


def test_a_request_object_may_be_pushed(site: harness.Site) -> None:
    """RFC 9126 3: it is looked at then, and only its parameters count."""
    site.change_client("web", jwks=objects.jwks("ES256"))
    inside = objects.claims(scope="openid", code_challenge=pkce.challenge(harness.VERIFIER))
    headers = objects.TYPED | {"kid": "web-ES256"}
    signed = jwt.encode(inside, objects.private("ES256", "web"), algorithm="ES256", headers=headers)
    app = harness.App(site)
    form = {"request": signed, "scope": "openid email", "state": "outside"}
    answer = site.post("~/par", form, headers=app.headers())
    assert answer.status == 201, answer.text
    browser = harness.Browser(site)
    back = browser.through(send(browser, answer.json()["request_uri"]))
    assert back.params["state"] == "inside"
    assert app.redeem(back.params["code"]).json()["scope"] == "openid"


def test_a_request_object_of_another_client(site: harness.Site) -> None:
    """RFC 9126 3: the client_id inside is that of the client that pushes."""
    site.add_client("other", "other-secret", jwks=objects.jwks("ES256", owner="other"))
    inside = objects.claims(iss="other", client_id="other")
    headers = objects.TYPED | {"kid": "other-ES256"}
    signed = jwt.encode(inside, objects.private("ES256", "other"), algorithm="ES256", headers=headers)
    refused = site.post("~/par", {"request": signed}, headers=harness.App(site).headers())
    assert (refused.status, refused.error) == (400, "invalid_request_object")


@pytest.mark.parametrize("audience", ["", "/token", "/par"])
def test_an_assertion_may_mean_the_endpoint(site: harness.Site, audience: str) -> None:
    """RFC 9126 2: the issuer, the token endpoint and this endpoint are audiences of a client's assertion."""
    site.change_client("web", jwks=objects.jwks("ES256"), token_endpoint_auth_methods=("private_key_jwt",))
    claims = {"iss": "web", "sub": "web", "aud": objects.ISSUER + audience, "jti": "1", "exp": harness.NOW + 60}
    key = objects.private("ES256", "web")
    assertion = jwt.encode(claims, key, algorithm="ES256", headers={"kid": "web-ES256"})
    proof = {
        "client_assertion": assertion,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }
    answer = site.post("~/par", harness.App(site).request() | proof)
    assert answer.status == 201, answer.text


def test_dialects_without_it_have_no_such_audience(site: harness.Site) -> None:
    """Where nothing can be pushed, an assertion for it is refused, and the reference is no address."""
    site.change_client("web", jwks=objects.jwks("ES256"), token_endpoint_auth_methods=("private_key_jwt",))
    claims = {"iss": "web", "sub": "web", "aud": "http://localhost:8081/par", "jti": "1", "exp": harness.NOW + 60}
    assertion = jwt.encode(claims, objects.private("ES256", "web"), algorithm="ES256", headers={"kid": "web-ES256"})
    proof = {
        "client_assertion": assertion,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }
    form = {"grant_type": "authorization_code", "code": "x", "redirect_uri": "x"} | proof
    assert site.post("http://localhost:8081/token", form).error == "invalid_client"


# --- clients that have to push


@capability("pushed-required", witness="the client's callback")
def test_who_has_to_push_cannot_do_without(site: harness.Site) -> None:
    """RFC 9126 6: an error that goes to the client, by request object too; a pushed request goes on."""
    site.change_client("web", require_pushed_authorization_requests=True)
    browser = harness.Browser(site)
    refused = harness.App(site).authorize(browser)
    assert refused.params["error"] == "invalid_request"
    assert "push" in refused.params["error_description"]
    assert "code" in browser.through(send(browser, pushed(site))).params


@capability("pushed-required", witness="the registration's answer")
def test_a_registration_may_ask_for_it(site: harness.Site) -> None:
    """RFC 9126 6: `require_pushed_authorization_requests` is client metadata."""
    site.change_tenant(registration="open")
    wanted: dict[str, Any] = {"redirect_uris": ["https://a.example/cb"], "require_pushed_authorization_requests": True}
    made = site.request(
        "POST", "~/register", body=json.dumps(wanted).encode(), headers={"content-type": "application/json"}
    )
    assert made.json()["require_pushed_authorization_requests"] is True
    query = urlencode({"client_id": made.json()["client_id"], "redirect_uri": "https://a.example/cb", "state": "s"})
    refused = harness.Browser(site).get(f"~/authorize?{query}&response_type=code&scope=openid")
    assert refused.params["error"] == "invalid_request"


# --- pushed or not, the answer is the same

CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "response_type": st.sampled_from(["code", "id_token", "code id_token", "token", "", "x y"]),
        "response_mode": st.sampled_from(["query", "fragment", "form_post", "jwt", ""]),
        "scope": st.sampled_from(["openid", "openid email", "profile", "openid reports:read", "", "\u00e9"]),
        "nonce": st.sampled_from(["", "n", "n" * 3000]),
        "state": st.sampled_from(["", "s", "s" * 3000]),
        "code_challenge": st.sampled_from(["", "short", pkce.challenge(harness.VERIFIER)]),
        "code_challenge_method": st.sampled_from(["", "plain", "S256"]),
        "prompt": st.sampled_from(["", "none", "login", "none login", "create", "x"]),
        "max_age": st.sampled_from(["", "0", "x"]),
        "claims": st.sampled_from(["", "{}", "{", '{"id_token":{"acr":{"essential":true,"value":"9"}}}']),
        "redirect_uri": st.sampled_from(["http://127.0.0.1:9999/cb", EVIL, ""]),
        "acr_values": st.sampled_from(["", "1", "9"]),
    },
)


def _error(answer: harness.Answer) -> str:
    """Return the error of an answer, in the form that a browser would post as well."""
    posted = re.search(r'name="error" value="([a-z_]+)"', answer.text)
    return posted[1] if posted else answer.error


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(CHANGES)
def test_what_is_pushed_is_what_could_have_been_sent(site: harness.Site, changes: dict[str, str]) -> None:
    """The endpoint refuses exactly what the authorization endpoint does, by the same error; the rest goes on alike."""
    direct = harness.App(site).authorize(harness.Browser(site), **changes)
    answer = push(site, **changes)
    if answer.status == 201:
        brought = send(harness.Browser(site), answer.json()["request_uri"])
        assert (brought.status, _error(brought)) == (direct.status, _error(direct))
    else:
        assert (answer.status, answer.error) == (400, _error(direct))
