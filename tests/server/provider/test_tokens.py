"""The token endpoint: codes, refresh tokens and clients in their own name."""

from __future__ import annotations

import pytest

from intaglio import ids
from intaglio.server.model import grants
from intaglio.server.model.tenants import Lifetimes
from tests import harness
from tests.capability import capability

FAULT = (400, "invalid_grant")


def _told(answer: harness.Answer) -> tuple[int, str]:
    return answer.status, answer.error


def _alive(app: harness.App, tokens: dict) -> bool:
    """Tell whether an access token works; every place must say the same."""
    works = app.userinfo(tokens["access_token"]).status == 200
    assert app.introspect(tokens["access_token"])["active"] == works
    return works


# --- codes


@capability("grant-authorization-code", witness="the token answer")
@capability("auth-client-secret-basic", witness="the token answer")
def test_a_code_gives_tokens(site: harness.Site) -> None:
    """RFC 6749 5.1, OpenID Connect Core 3.1.3.3."""
    answer = harness.App(site).tokens()
    assert set(answer) == {"access_token", "token_type", "expires_in", "scope", "refresh_token", "id_token"}
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 3600)
    assert answer["scope"] == "openid profile email offline_access"
    assert answer["access_token"].startswith("ig_at_")
    assert answer["refresh_token"].startswith("ig_rt_")


@capability("auth-client-secret-post", witness="the token answer")
def test_a_secret_in_the_body(site: harness.Site) -> None:
    """RFC 6749 2.3.1."""
    app = harness.App(site)
    form = {
        "grant_type": "authorization_code",
        "code": app.code(),
        "redirect_uri": app.redirect_uri,
        "code_verifier": harness.VERIFIER,
        "client_id": "web",
        "client_secret": "web-secret",
    }
    assert site.post("~/token", form).status == 200


@capability("auth-none", witness="the token answer")
@capability("seed-client-spa", witness="the token answer")
def test_a_public_client(site: harness.Site) -> None:
    """With client_id and verifier alone."""
    assert "id_token" in harness.spa(site).tokens()


@pytest.mark.parametrize(
    "changes",
    [
        {"code": "x"},
        {"code": "ig_at_" + "a" * 43},
        {"redirect_uri": "http://localhost:3000/callback"},
        {"redirect_uri": "http://127.0.0.1:9999/cb/"},
        {"redirect_uri": ""},
        {"redirect_uri": None},
    ],
)
def test_a_code_brought_wrongly(site: harness.Site, changes: dict[str, str | None]) -> None:
    """RFC 6749 4.1.3: the same redirect_uri as in the request, though another one is registered too."""
    app = harness.App(site)
    given = {"code": app.code()} | changes
    assert _told(app.redeem(str(given.pop("code")), **given)) == FAULT


def test_a_truncated_or_changed_code_is_none(site: harness.Site) -> None:
    """And leaves the code itself as it was."""
    app = harness.App(site)
    code = app.code()
    for other in (code[:-1], code + "A", code.swapcase(), code[::-1], f" {code}", code + "="):
        assert _told(app.redeem(other)) == FAULT
    assert app.redeem(code).status == 200


def test_another_clients_code(site: harness.Site) -> None:
    """A code is bound to its client, and whoever stole it cannot try again by another way."""
    app, thief = harness.App(site), harness.App(site, "thief", "thief-secret")
    site.add_client("thief", "thief-secret")
    code = app.code()
    assert _told(thief.redeem(code)) == FAULT
    assert _told(app.redeem(code)) == FAULT


def test_another_tenants_code(site: harness.Site) -> None:
    """The same client_id in another tenant, or the same tenant in another dialect, is another client."""
    site.add_tenant("shop")
    app = harness.App(site)
    shop = harness.App(site, secret="other-secret", issuer="http://localhost:8080/shop")
    assert _told(shop.redeem(app.code())) == FAULT
    assert harness.auth0_app(site).redeem(app.code()).status == 403
    browser = harness.Browser(site)
    assert _told(app.redeem(harness.auth0_app(site).code(browser))) == FAULT


@capability("code-single-use", witness="a clock at 59 and 60 seconds")
@pytest.mark.parametrize(("seconds", "fine"), [(0, True), (59, True), (60, False), (61, False)])
def test_a_code_lives_a_minute(site: harness.Site, seconds: int, fine: bool) -> None:
    """RFC 6749 4.1.2: short-lived."""
    app = harness.App(site)
    code = app.code()
    site.clock.advance(seconds)
    assert _told(app.redeem(code)) == ((200, "") if fine else FAULT)


@capability("code-single-use", witness="the tokens of the first use")
@pytest.mark.parametrize("seconds", [0, 59, 61, 3000])
def test_a_second_use_ends_the_family(site: harness.Site, seconds: int) -> None:
    """RFC 6749 4.1.2: access and refresh token of the first use are dead, and so is what was refreshed from it."""
    app = harness.App(site)
    code = app.code()
    tokens = app.redeem(code).json()
    later = app.refresh(tokens["refresh_token"]).json()
    assert _alive(app, tokens)
    assert _alive(app, later)
    site.clock.advance(seconds)
    assert _told(app.redeem(code)) == FAULT
    assert not _alive(app, tokens)
    assert not _alive(app, later)
    assert _told(app.refresh(later["refresh_token"])) == FAULT
    assert _told(app.redeem(code)) == FAULT


def test_a_second_use_by_anybody_counts(site: harness.Site) -> None:
    """A thief's second use tells that the code was stolen."""
    app = harness.App(site)
    site.add_client("thief", "thief-secret")
    code = app.code()
    tokens = app.redeem(code).json()
    assert _told(harness.App(site, "thief", "thief-secret").redeem(code)) == FAULT
    assert not _alive(app, tokens)


def test_one_of_many_at_once_gets_tokens(site: harness.Site) -> None:
    """Twenty redemptions at once: one answer with tokens, and then they are dead."""
    app = harness.App(site)
    code = app.code()
    form = f"grant_type=authorization_code&code={code}&redirect_uri={app.redirect_uri}&code_verifier={harness.VERIFIER}"
    headers = [("content-type", harness.FORM), *app.headers().items()]

    async def go() -> list[harness.Answer]:
        url = site.url("~/token")
        return await harness.together(
            site.exchange("POST", url, headers=headers, body=form.encode()) for _ in range(20)
        )

    answers = site.run(go())
    assert sorted(answer.status for answer in answers) == [200] + [400] * 19
    (winner,) = [answer for answer in answers if answer.status == 200]
    assert not _alive(app, winner.json())


@capability("at-rest-hashed", witness="the database's own bytes")
def test_codes_and_tokens_are_kept_as_hashes(site: harness.Site) -> None:
    """None of the secrets that went out is anywhere in the database."""
    app, browser = harness.App(site), harness.Browser(site)
    code = app.code(browser)
    tokens = app.redeem(code).json()
    dump = b"".join(repr(tuple(row)).encode() for row in _rows(site))
    assert site.read(grants.code_by_digest, ids.digest(code)) is not None
    for secret in (code, tokens["access_token"], tokens["refresh_token"], tokens["id_token"], *browser.jar.values()):
        assert secret.encode() not in dump
    for secret in (b"web-secret", b"machine-secret", b"alice-password", harness.VERIFIER.encode()):
        assert secret not in dump


def _rows(site: harness.Site):
    connection = site.store._writing
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        yield from connection.execute(f'SELECT * FROM "{name}"').fetchall()  # noqa: S608 - names of our own tables


# --- refresh tokens


@capability("grant-refresh-token", witness="the token answer")
@capability("refresh-id-token", witness="the claims before and after")
def test_a_refresh(site: harness.Site) -> None:
    """OpenID Connect Core 12.2: iss, sub, aud, auth_time, azp as before; a new iat; no nonce."""
    app = harness.App(site)
    first = app.tokens()
    site.clock.advance(100)
    second = app.refresh(first["refresh_token"]).json()
    before, after = harness.payload(first["id_token"]), harness.payload(second["id_token"])
    for name in ("iss", "sub", "aud", "auth_time", "sid", "amr"):
        assert after[name] == before[name]
    assert after["iat"] == before["iat"] + 100
    assert "nonce" not in after
    assert "azp" not in before.keys() | after.keys()
    assert _alive(app, second)
    assert second["scope"] == first["scope"]


def test_no_offline_access_no_refresh_token(site: harness.Site) -> None:
    """OpenID Connect Core 11."""
    assert "refresh_token" not in harness.App(site).tokens(scope="openid")


@capability("refresh-rotate", witness="a clock at 59, 60 and 61 seconds")
@pytest.mark.parametrize(("seconds", "fine"), [(0, True), (59, True), (60, True), (61, False)])
def test_the_grace(site: harness.Site, seconds: int, fine: bool) -> None:
    """Within 60 s a replay gets the very same successor; after it, the family is dead."""
    app = harness.App(site)
    first = app.tokens()
    second = app.refresh(first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    site.clock.advance(seconds)
    replayed = app.refresh(first["refresh_token"])
    assert _told(replayed) == ((200, "") if fine else FAULT)
    if fine:
        assert replayed.json() == second
    assert _alive(app, second) == fine
    assert app.refresh(second["refresh_token"]).status == (200 if fine else 400)


@capability("refresh-reuse", witness="every token of the family")
def test_a_replay_after_the_grace_ends_the_family(site: harness.Site) -> None:
    """RFC 9700 4.14.2: one of two holders is a thief, so all that came of the sign-in dies."""
    app = harness.App(site)
    chain = [app.tokens()]
    for _ in range(3):
        site.clock.advance(100)
        chain.append(app.refresh(chain[-1]["refresh_token"]).json())
    assert _told(app.refresh(chain[0]["refresh_token"])) == FAULT
    for tokens in chain:
        assert not _alive(app, tokens)
        assert _told(app.refresh(tokens["refresh_token"])) == FAULT


@capability("refresh-policy", witness="two clients and two dialects")
def test_what_use_does_is_the_clients_policy(site: harness.Site) -> None:
    """`keep` leaves the token good; the default is the dialect's: rotate here, keep at auth0."""
    site.change_client("web", refresh_policy="keep")
    app = harness.App(site)
    first = app.tokens()
    for _ in range(3):
        site.clock.advance(1000)
        again = app.refresh(first["refresh_token"])
        assert again.status == 200
        assert "refresh_token" not in again.json()
    site.change_client("web", refresh_policy="")
    auth0 = harness.auth0_app(site)
    held = auth0.tokens()
    assert "refresh_token" not in auth0.refresh(held["refresh_token"]).json()
    site.clock.advance(1000)
    assert auth0.refresh(held["refresh_token"]).status == 200
    site.change_client("web", refresh_policy="rotate")
    assert "refresh_token" in auth0.refresh(held["refresh_token"]).json()


def test_a_rotated_token_stays_dead_when_the_policy_changes(site: harness.Site) -> None:
    """From `rotate` to `keep`: what was rotated away is not kept."""
    app = harness.App(site)
    first = app.tokens()
    second = app.refresh(first["refresh_token"]).json()
    site.clock.advance(100)
    site.change_client("web", refresh_policy="keep")
    assert _told(app.refresh(first["refresh_token"])) == FAULT
    assert app.refresh(second["refresh_token"]).status == 200


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("openid", "openid"),
        ("email openid", "email openid"),
        ("profile", "profile"),
        ("openid phone", None),
        ("unheard-of", None),
        ("OPENID", None),
        ("  ", "openid profile email offline_access"),
        ("", "openid profile email offline_access"),
    ],
)
def test_a_refresh_narrows_and_never_widens(site: harness.Site, asked: str, given: str | None) -> None:
    """RFC 6749 6; a narrowed answer does not narrow what is granted."""
    app = harness.App(site)
    first = app.tokens()
    answer = app.refresh(first["refresh_token"], scope=asked)
    if given is None:
        assert _told(answer) == (400, "invalid_scope")
        assert app.refresh(first["refresh_token"]).status == 200
        return
    assert answer.json()["scope"] == given
    assert ("id_token" in answer.json()) == ("openid" in given.split())
    after = app.refresh(answer.json()["refresh_token"]).json()
    assert after["scope"] == first["scope"]


def test_a_refresh_token_expires_once_and_for_all(site: harness.Site) -> None:
    """Rotation does not prolong the sign-in."""
    site.change_client("web", lifetimes=Lifetimes(refresh_token=1000))
    app = harness.App(site)
    tokens = app.tokens()
    site.clock.advance(900)
    tokens = app.refresh(tokens["refresh_token"]).json()
    site.clock.advance(99)
    last = app.refresh(tokens["refresh_token"])
    assert last.status == 200
    site.clock.advance(1)
    assert _told(app.refresh(last.json()["refresh_token"])) == FAULT


@pytest.mark.parametrize("who", ["thief", "shop", "auth0"])
def test_another_clients_refresh_token(site: harness.Site, who: str) -> None:
    """Bound to client, tenant and issuer; the right client is not hurt."""
    site.add_client("thief", "thief-secret")
    site.add_tenant("shop")
    others = {
        "thief": harness.App(site, "thief", "thief-secret"),
        "shop": harness.App(site, secret="other-secret", issuer="http://localhost:8080/shop"),
        "auth0": harness.auth0_app(site),
    }
    app = harness.App(site)
    token = app.tokens()["refresh_token"]
    refused = others[who].refresh(token)
    assert (refused.status, refused.error) == (403 if who == "auth0" else 400, "invalid_grant")
    assert app.refresh(token).status == 200


def test_other_texts_are_no_refresh_token(site: harness.Site) -> None:
    """A changed one, an access token, an ID token, a code."""
    app = harness.App(site)
    tokens = app.tokens()
    token = tokens["refresh_token"]
    for other in (token[:-1], token + "A", token.swapcase(), tokens["access_token"], tokens["id_token"], "x"):
        assert _told(app.refresh(other)) == FAULT
    assert app.refresh(token).status == 200


def test_a_disabled_user_refreshes_nothing(site: harness.Site) -> None:
    """Nor redeems a code, nor is known by an access token."""
    app = harness.App(site)
    tokens, code = app.tokens(), app.code()
    site.change_user("alice", disabled_at=harness.NOW)
    assert _told(app.refresh(tokens["refresh_token"])) == FAULT
    assert _told(app.redeem(code)) == FAULT
    assert not _alive(app, tokens)


def test_a_disabled_client_has_nothing_left(site: harness.Site) -> None:
    """It is unknown at every endpoint, and what it holds is dead."""
    app = harness.App(site)
    tokens, code = app.tokens(), app.code()
    site.change_client("web", disabled_at=harness.NOW)
    for answer in (app.refresh(tokens["refresh_token"]), app.redeem(code), app.revoke(tokens["access_token"])):
        assert _told(answer) == (401, "invalid_client")
    assert app.userinfo(tokens["access_token"]).status == 401
    site.add_client("watcher", "watcher-secret", like="machine")
    assert harness.App(site, "watcher", "watcher-secret").introspect(tokens["access_token"]) == {"active": False}


def test_a_grant_that_was_taken_away(site: harness.Site) -> None:
    """`unauthorized_client` for a grant type that the client has not."""
    app = harness.App(site)
    tokens, code = app.tokens(), app.code()
    site.change_client("web", grant_types=("client_credentials",))
    for answer in (app.refresh(tokens["refresh_token"]), app.redeem(code)):
        assert _told(answer) == (400, "unauthorized_client")


def test_many_refreshes_at_once_get_one_answer(site: harness.Site) -> None:
    """Twenty uses inside the grace: twenty equal answers, one family."""
    app = harness.App(site)
    token = app.tokens()["refresh_token"]
    headers = [("content-type", harness.FORM), *app.headers().items()]
    body = f"grant_type=refresh_token&refresh_token={token}".encode()

    async def go() -> list[harness.Answer]:
        url = site.url("~/token")
        return await harness.together(site.exchange("POST", url, headers=headers, body=body) for _ in range(20))

    answers = site.run(go())
    assert {answer.status for answer in answers} == {200}
    assert len({(a.json()["access_token"], a.json()["refresh_token"], a.json()["id_token"]) for a in answers}) == 1


# --- clients in their own name


@capability("grant-client-credentials", witness="introspection")
@capability("seed-client-machine", witness="introspection")
def test_client_credentials(site: harness.Site) -> None:
    """RFC 6749 4.4: an access token, and neither a refresh token nor an ID token."""
    app = harness.App(site, "machine", "machine-secret")
    answer = app.token({"grant_type": "client_credentials"})
    assert set(answer.json()) == {"access_token", "token_type", "expires_in", "scope"}
    known = app.introspect(answer.json()["access_token"])
    assert (known["active"], known["client_id"], known["sub"]) == (True, "machine", "machine")
    assert known["scope"] == "reports:read reports:write"
    assert "username" not in known
    refused = app.userinfo(answer.json()["access_token"])
    assert refused.status in (401, 403)


@pytest.mark.parametrize(
    ("scope", "status", "given"),
    [
        ("reports:read", 200, "reports:read"),
        ("reports:read openid", 400, "invalid_scope"),
        ("reports:delete", 400, "invalid_scope"),
        ("offline_access", 400, "invalid_scope"),
    ],
)
def test_client_credentials_scope(site: harness.Site, scope: str, status: int, given: str) -> None:
    """Scopes of people have no meaning here, and others must be enabled."""
    answer = harness.App(site, "machine", "machine-secret").token({"grant_type": "client_credentials", "scope": scope})
    assert answer.status == status
    assert given in (answer.json().get("scope"), answer.json().get("error"))


def test_a_public_client_has_no_credentials(site: harness.Site) -> None:
    """RFC 6749 4.4, even where it was registered for the grant."""
    site.change_client("spa", grant_types=("client_credentials",))
    answer = site.post("~/token", {"grant_type": "client_credentials", "client_id": "spa"})
    assert _told(answer) == (400, "unauthorized_client")


# --- who asks


@pytest.mark.parametrize(
    ("headers", "form"),
    [
        ({}, {}),
        ({}, {"client_id": "web"}),
        ({}, {"client_id": "nobody"}),
        ({}, {"client_id": "web", "client_secret": "wrong"}),
        ({}, {"client_id": "machine", "client_secret": "web-secret"}),
        ({}, {"client_secret": "web-secret"}),
        ({"authorization": harness.basic("web", "")}, {}),
        ({"authorization": harness.basic("web", "wrong")}, {}),
        ({"authorization": harness.basic("nobody", "web-secret")}, {}),
        ({"authorization": harness.basic("web", "web-secret")}, {"client_secret": "web-secret"}),
        ({"authorization": harness.basic("web", "web-secret")}, {"client_id": "machine"}),
        ({"authorization": harness.basic("spa", "")}, {}),
        ({"authorization": "Bearer web-secret"}, {"client_id": "web"}),
        ({"authorization": "Basic ÿ"}, {"client_id": "web"}),
        ({"authorization": "Basic"}, {"client_id": "web"}),
    ],
)
@pytest.mark.parametrize("where", ["~/token", "~/revoke", "~/introspect"])
def test_who_is_not_let_in(site: harness.Site, where: str, headers: dict[str, str], form: dict[str, str]) -> None:
    """RFC 6749 5.2: 401 `invalid_client` with a challenge, the same words whatever is wrong."""
    asked = {"grant_type": "client_credentials", "token": "x"} | form
    answer = site.post(where, asked, headers=headers)
    assert _told(answer) == (401, "invalid_client")
    assert (answer.header("www-authenticate") or "").startswith("Basic realm=")
    assert answer.json()["error_description"] == "Client authentication failed."


def test_a_secret_that_expired_or_was_replaced(site: harness.Site) -> None:
    """Two secrets may be good at once; an expired one is wrong."""
    secrets = site.house.secrets
    site.change_client(
        "machine", secrets=(secrets.keep("old", harness.NOW, harness.NOW + 100), secrets.keep("new", harness.NOW))
    )
    form = {"grant_type": "client_credentials"}
    assert harness.App(site, "machine", "old").token(form).status == 200
    assert harness.App(site, "machine", "new").token(form).status == 200
    site.clock.advance(100)
    assert harness.App(site, "machine", "old").token(form).status == 401
    assert harness.App(site, "machine", "new").token(form).status == 200


def test_a_method_that_is_not_registered(site: harness.Site) -> None:
    """The right secret by another way is wrong."""
    site.change_client("machine", token_endpoint_auth_methods=("client_secret_post",))
    form = {"grant_type": "client_credentials"}
    assert harness.App(site, "machine", "machine-secret").token(form).status == 401
    by_post = form | {"client_id": "machine", "client_secret": "machine-secret"}
    assert site.post("~/token", by_post).status == 200


def test_secrets_with_special_characters(site: harness.Site) -> None:
    """RFC 6749 2.3.1: both halves are form-encoded in the header."""
    from urllib.parse import quote_plus

    secret = "p+s% w:ö&"
    site.add_client("odd:one", secret, like="machine")
    header = harness.basic(quote_plus("odd:one"), quote_plus(secret))
    assert site.post("~/token", {"grant_type": "client_credentials"}, headers={"authorization": header}).status == 200


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code"}, "invalid_request"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ([("grant_type", "client_credentials")] * 2, "invalid_request"),
        ([("grant_type", "client_credentials"), ("x", "1"), ("x", "1")], "invalid_request"),
        ({"grant_type": "client_credentials", "x": "\0"}, "invalid_request"),
    ],
)
def test_requests_that_say_nothing(site: harness.Site, form: object, error: str) -> None:
    """RFC 6749 5.2: missing, unknown and repeated parameters."""
    assert _told(site.post("~/token", form, headers=harness.App(site).headers())) == (400, error)


def test_json_is_no_form_here(site: harness.Site) -> None:
    """RFC 6749 4.1.3: only a form; the dialect that takes JSON is another one."""
    answer = site.request(
        "POST", "~/token", payload={"grant_type": "client_credentials"}, headers=harness.App(site).headers()
    )
    assert _told(answer) == (400, "invalid_request")
    assert site.get("~/token?grant_type=client_credentials").status == 405
