"""What a request can demand of the sign-in: prompts, ages, hints, classes, one person; and what it may only wish."""

from __future__ import annotations

import json
from typing import Any

import pytest

from intaglio.protocol.authorize import ACR_VALUES
from tests import harness
from tests.capability import capability
from tests.web import markup

WITNESS = "a browser's cookies and forms"
ALICE = "00000000-0000-4000-8000-000000000101"


def asking(place: str = "id_token", **claims: Any) -> str:
    """Return a `claims` parameter for one place."""
    return json.dumps({place: claims})


def one_of(*values: str, essential: bool = True) -> dict[str, Any]:
    """Return a claim that is to have one of the values."""
    return {"essential": essential, "values": list(values)}


@pytest.fixture
def app(site: harness.Site) -> harness.App:
    """The seeded web client."""
    return harness.App(site)


@pytest.fixture
def alice(app: harness.App) -> harness.Browser:
    """A browser in which alice has signed in and consented."""
    browser = harness.Browser(app.site)
    app.tokens(browser)
    return browser


def page(browser: harness.Browser, app: harness.App, **changes: str | None) -> str:
    """Return where a request leads the person: `login`, `consent`, or empty for the client's own address."""
    location = app.authorize(browser, **changes).location
    return location.split("/")[2] if location.startswith("/_intaglio/") else ""


def silent(browser: harness.Browser, app: harness.App, **changes: str | None) -> str:
    """Return the error of a request without pages, empty if it gave a code."""
    return app.authorize(browser, prompt="none", **changes).error


# --- prompts


@capability("request-prompt-none", witness=WITNESS)
def test_prompt_none(app: harness.App, alice: harness.Browser) -> None:
    """OpenID Connect Core 3.1.2.1: an answer without a page, or one of the errors."""
    assert silent(alice, app) == ""
    assert silent(harness.Browser(app.site), app) == "login_required"
    assert silent(alice, app, scope="openid phone") == "consent_required"


@capability("request-prompt-login", witness=WITNESS)
def test_prompt_login(app: harness.App, alice: harness.Browser) -> None:
    """A fresh sign-in, which the token tells by its auth_time."""
    app.site.clock.advance(5)
    assert page(alice, app, prompt="login") == "login"
    told = harness.payload(app.tokens(alice, prompt="login")["id_token"])
    assert told["auth_time"] == app.site.clock.now()


@capability("request-prompt-consent", witness=WITNESS)
def test_prompt_consent(app: harness.App, alice: harness.Browser) -> None:
    """The consent page again, though everything was granted."""
    assert page(alice, app) == ""
    assert page(alice, app, prompt="consent") == "consent"
    assert page(alice, app, prompt="login consent") == "login"


@capability("request-prompt-select-account", witness=WITNESS)
def test_prompt_select_account(app: harness.App, alice: harness.Browser) -> None:
    """Somebody else may take the place of who is signed in."""
    assert page(alice, app, prompt="select_account") == "login"
    told = harness.payload(app.tokens(alice, "bob", prompt="select_account")["id_token"])
    assert told["sub"] != ALICE


def test_prompt_create_where_nobody_can_sign_up(app: harness.App, alice: harness.Browser) -> None:
    """Initiating User Registration 1.0 section 4: a value that is not offered is `invalid_request`."""
    for browser in (alice, harness.Browser(app.site)):
        assert app.authorize(browser, prompt="create").error == "invalid_request"


# --- max_age


@capability("request-max-age", witness=WITNESS)
def test_max_age(app: harness.App, alice: harness.Browser) -> None:
    """OpenID Connect Core 3.1.2.1: an older sign-in is not good enough, zero never; auth_time is told."""
    app.site.clock.advance(100)
    assert silent(alice, app, max_age="100") == ""
    assert silent(alice, app, max_age="99") == "login_required"
    assert silent(alice, app, max_age="0") == "login_required"
    told = harness.payload(app.tokens(alice, max_age="99")["id_token"])
    assert told["auth_time"] == app.site.clock.now()


# --- hints


@capability("request-hints", witness=WITNESS)
def test_hints(app: harness.App, alice: harness.Browser) -> None:
    """`id_token_hint` binds the answer to its person, `login_hint` fills in a name."""
    hint = app.tokens(alice)["id_token"]
    bob = harness.Browser(app.site)
    app.tokens(bob, "bob")
    assert silent(alice, app, id_token_hint=hint) == ""
    assert silent(bob, app, id_token_hint=hint) == "login_required"
    shown = bob.follow(app.authorize(bob, prompt="login", login_hint='alice"><script>'))
    assert markup.by_id(markup.read(shown.body), "username").attributes["value"] == 'alice"><script>'


# --- classes of sign-ins


@capability("request-acr", witness=WITNESS)
def test_an_acr_that_is_wished_for(app: harness.App, alice: harness.Browser) -> None:
    """OpenID Connect Core 5.5.1.1: voluntary, in either form; the token says which class the sign-in has."""
    assert ACR_VALUES == ("1",)
    for changes in (
        {"acr_values": "1"},
        {"acr_values": "2 phr"},
        {"claims": asking(acr=None)},
        {"claims": asking(acr={"essential": True})},
        {"claims": asking(acr=one_of("2", essential=False))},
        {"claims": asking("userinfo", acr=one_of("2"))},
    ):
        assert silent(alice, app, **changes) == ""
        assert harness.payload(app.tokens(alice, **changes)["id_token"])["acr"] == "1"


@capability("request-acr", witness=WITNESS)
def test_an_acr_that_is_demanded(app: harness.App, alice: harness.Browser) -> None:
    """OpenID Connect Core 5.5.1.1: an essential class that cannot be met is a failure, not a weaker sign-in."""
    good = asking(acr=one_of("phr", "1"))
    assert silent(alice, app, claims=good) == ""
    assert harness.payload(app.tokens(alice, claims=good)["id_token"])["acr"] == "1"
    for wrong in (one_of("2"), {"essential": True, "value": "phr"}, {"essential": True, "value": 1}):
        for browser in (alice, harness.Browser(app.site)):
            assert silent(browser, app, claims=asking(acr=wrong)) == "unmet_authentication_requirements"
            assert app.authorize(browser, claims=asking(acr=wrong)).error == "unmet_authentication_requirements"


def test_a_session_of_no_class_is_renewed_where_one_is_demanded(app: harness.App, alice: harness.Browser) -> None:
    """A session from before there were classes has none: it is not good enough, and a sign-in makes it so."""
    connection: Any = getattr(app.site.store, "_writing")  # noqa: B009
    connection.execute("UPDATE sessions SET acr = ''")
    good = asking(acr=one_of("1"))
    assert silent(alice, app) == ""
    assert silent(alice, app, claims=good) == "login_required"
    assert harness.payload(app.tokens(alice, claims=good)["id_token"])["acr"] == "1"


# --- one person


@capability("request-claims", witness=WITNESS)
@pytest.mark.parametrize("place", ["id_token", "userinfo"])
@pytest.mark.parametrize("wanted", [{"value": ALICE}, {"values": ["somebody", ALICE]}])
def test_sub_binds_the_answer_to_one_person(
    app: harness.App, alice: harness.Browser, place: str, wanted: dict[str, Any]
) -> None:
    """OpenID Connect Core 3.1.2.2 and 5.5.1: no answer for another person, with pages or without."""
    claims = asking(place, sub=wanted)
    assert silent(alice, app, claims=claims) == ""
    bob = harness.Browser(app.site)
    app.tokens(bob, "bob")
    assert silent(bob, app, claims=claims) == "login_required"
    # Whoever signs in as somebody else is asked again, and gets no code.
    again = bob.through(app.authorize(bob, claims=claims), "bob")
    assert 'id="login-form"' in again.text
    assert harness.payload(app.tokens(bob, "alice", claims=claims)["id_token"])["sub"] == ALICE


def test_sub_of_another_type_binds_to_nobody(app: harness.App, alice: harness.Browser) -> None:
    """A value that no subject can equal is met by no session."""
    for value in (1, True, [ALICE], {"sub": ALICE}):
        assert silent(alice, app, claims=asking(sub={"value": value})) == "login_required"


# --- the parameter


@capability("request-claims", witness=WITNESS)
@pytest.mark.parametrize("claims", ["1", "{", '{"id_token":null}', '{"id_token":{"acr":{"values":[]}}}', "[]"])
def test_a_claims_parameter_that_cannot_be_read(app: harness.App, alice: harness.Browser, claims: str) -> None:
    """Refused as a whole, told to the client."""
    assert app.authorize(alice, claims=claims).error == "invalid_request"


@capability("request-claims", witness=WITNESS)
def test_single_claims_by_place(app: harness.App) -> None:
    """OpenID Connect Core 5.5: named claims in the ID token and at UserInfo, unknown ones left out."""
    claims = json.dumps(
        {
            "id_token": {"email": {"essential": True}, "auth_time": {"essential": True}, "unheard_of": None},
            "userinfo": {"name": None, "http://x.example/y": {"essential": True}},
        }
    )
    told = app.tokens(scope="openid", claims=claims)
    token = harness.payload(told["id_token"])
    assert (token["email"], token["auth_time"]) == ("alice@example.com", app.site.clock.now())
    assert not {"name", "unheard_of"} & token.keys()
    person = app.userinfo(told["access_token"]).json()
    assert set(person) == {"sub", "name"}


# --- what is read and changes nothing


@capability("request-locales", witness=WITNESS)
@pytest.mark.parametrize(
    "changes",
    [
        {"ui_locales": "se"},
        {"ui_locales": "fr-CA fr en"},
        {"claims_locales": "se"},
        {"ui_locales": "not_a_tag é"},
        {"display": "page"},
        {"display": "popup"},
        {"display": "touch"},
        {"display": "wap"},
    ],
)
def test_wishes_of_language_and_display(app: harness.App, alice: harness.Browser, changes: dict[str, str]) -> None:
    """OpenID Connect Core 3.1.2.1: no error; the page is in English, whatever was asked for."""
    assert silent(alice, app, **changes) == ""
    shown = alice.follow(app.authorize(alice, prompt="login", **changes))
    assert markup.read(shown.body)[0].attributes["lang"] == "en"


def test_a_display_that_does_not_exist(app: harness.App, alice: harness.Browser) -> None:
    """OpenID Connect Core 3.1.2.1 defines four."""
    assert app.authorize(alice, display="hologram").error == "invalid_request"
