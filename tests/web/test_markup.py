"""Every sample page is well formed, accessible in structure, and holds nothing that the policy forbids."""

from __future__ import annotations

import itertools
import re
import typing

import pytest

from intaglio.protocol import pages
from intaglio.server.web import render
from tests.web import markup, samples

HTML = render.HTMLPages()
ELEMENTS = {name: markup.read(HTML.render(page)) for name, page in samples.SAMPLES.items()}

CONTRACT = {
    "login": {"login-form", "username", "password", "submit-login", "cancel"},
    "login-failed": {"login-form", "username", "password", "submit-login", "cancel", "login-error"},
    "consent": {"consent-form", "submit-consent", "cancel"},
    "login-with-links": {"login-form", "sign-up"},
    "signup": {"signup-form", "signup-username", "signup-password", "signup-submit", "cancel", "log-in"},
    "signup-failed": {"signup-form", "signup-username", "signup-password", "signup-submit", "signup-error"},
    "device": {"device-form", "device-code", "device-submit"},
    "device-unknown": {"device-form", "device-code", "device-submit", "device-error"},
    "device-confirm": {"device-decision", "device-confirm", "device-deny", "device-warning"},
    "device-done": {"device-done"},
    "device-denied": {"device-done"},
    "logout": {"submit-logout"},
    "logged-out": {"logged-out"},
    "oauth-error": {"oauth-error"},
    "demo": {"demo-signin"},
    "demo-token": {"demo-token", "demo-checks", "demo-claims", "demo-refresh", "demo-logout"},
}

every_sample = pytest.mark.parametrize("name", samples.SAMPLES)


def test_every_page_type_has_a_template() -> None:
    """A page record without a template would be a server error in front of a person."""
    assert set(typing.get_args(pages.Page)) == set(render.TEMPLATES)


def test_every_page_type_has_a_sample() -> None:
    """A page without a sample would escape every check of this folder."""
    assert {type(page) for page in samples.SAMPLES.values()} == set(typing.get_args(pages.Page))


@pytest.mark.parametrize("name", CONTRACT)
def test_ids_of_the_contract_are_there(name: str) -> None:
    """Scripts and tests of users find the elements by these ids."""
    assert CONTRACT[name] <= {element.attributes.get("id", "") for element in ELEMENTS[name]}


@every_sample
def test_ids_are_unique(name: str) -> None:
    """An id names one element."""
    ids = [element.attributes["id"] for element in ELEMENTS[name] if "id" in element.attributes]
    assert sorted(set(ids)) == sorted(ids)


@every_sample
def test_references_lead_to_ids(name: str) -> None:
    """for, aria-labelledby and aria-describedby name elements that exist."""
    ids = {element.attributes.get("id") for element in ELEMENTS[name]}
    for element in ELEMENTS[name]:
        for attribute in ("for", "aria-labelledby", "aria-describedby"):
            assert set(element.attributes.get(attribute, "").split()) <= ids


@every_sample
def test_nothing_inline(name: str) -> None:
    """The policy forbids inline script and style, so none may be relied on (Content Security Policy 3)."""
    for element in ELEMENTS[name]:
        assert element.tag != "style"
        assert "style" not in element.attributes
        assert not any(attribute.startswith("on") for attribute in element.attributes)
        if element.tag == "script":
            assert element.attributes["src"].startswith(render.STATIC_PATH)
            assert element.text.strip() == ""


@every_sample
def test_nothing_is_loaded_from_elsewhere(name: str) -> None:
    """A page asks no third party for anything."""
    for element in markup.tagged(ELEMENTS[name], "link", "script", "img", "iframe", "source", "object"):
        assert element.attributes.get("src", element.attributes.get("href", "")).startswith(render.STATIC_PATH)


@every_sample
def test_linked_files_exist_under_their_hash(name: str) -> None:
    """Each style sheet, script and icon is linked with the hash of what is served, so it may be cached for ever."""
    for element in markup.tagged(ELEMENTS[name], "link", "script"):
        address = element.attributes.get("src") or element.attributes["href"]
        path, _, version = address.partition("?v=")
        found = HTML.static(path.removeprefix(render.STATIC_PATH))
        assert found is not None
        assert found[2] == version


@every_sample
def test_landmarks_title_and_language(name: str) -> None:
    """A page says its language and title and has one main landmark (WCAG 2.2: 1.3.1, 2.4.2, 3.1.1)."""
    elements = ELEMENTS[name]
    assert markup.tagged(elements, "html")[0].attributes["lang"] == "en"
    assert re.fullmatch(r"\S.* · \S.*", markup.tagged(elements, "title")[0].text)
    for tag in ("header", "main", "footer"):
        assert len(markup.tagged(elements, tag)) == 1


@every_sample
def test_headings_do_not_skip(name: str) -> None:
    """One h1 comes first, and no level is skipped on the way down (WCAG 2.2: 1.3.1, 2.4.6)."""
    levels = [int(element.tag[1]) for element in markup.tagged(ELEMENTS[name], "h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


@every_sample
def test_every_input_has_a_label_and_every_button_words(name: str) -> None:
    """Whoever cannot see the page hears what each control is (WCAG 2.2: 1.3.1, 3.3.2, 4.1.2)."""
    elements = ELEMENTS[name]
    labelled = {element.attributes["for"] for element in markup.tagged(elements, "label")}
    for element in markup.tagged(elements, "input"):
        assert element.attributes["type"] == "hidden" or element.attributes["id"] in labelled
    assert all(element.text.strip() for element in markup.tagged(elements, "button", "a", "label"))


@every_sample
def test_forms_post(name: str) -> None:
    """Every form is a POST with an action; what changes state never travels in an address."""
    for form in markup.tagged(ELEMENTS[name], "form"):
        assert form.attributes["method"] == "post"
        assert form.attributes["action"]


def test_login_form() -> None:
    """The first button, which Enter presses, signs in; Cancel works although nothing is filled in."""
    elements = ELEMENTS["login"]
    first, second = markup.tagged(elements, "button")
    assert (first.attributes["id"], first.attributes["name"], first.attributes["value"]) == (
        "submit-login",
        "decision",
        "login",
    )
    assert (second.attributes["value"], "formnovalidate" in second.attributes) == ("cancel", True)
    username, password = markup.by_id(elements, "username"), markup.by_id(elements, "password")
    assert username.attributes["autocomplete"] == "username"
    assert password.attributes["autocomplete"] == "current-password"
    assert ("autofocus" in username.attributes, "autofocus" in password.attributes) == (True, False)
    assert markup.by_id(elements, "login-form").attributes["action"] == "/default/login"


def test_login_error_is_announced_and_tied_to_the_fields() -> None:
    """After a failure the sentence is an alert that both fields refer to; the name is kept, the password is not."""
    elements = ELEMENTS["login-failed"]
    assert markup.by_id(elements, "login-error").attributes["role"] == "alert"
    for name in ("username", "password"):
        field = markup.by_id(elements, name)
        assert field.attributes["aria-describedby"] == "login-error"
        assert field.attributes["aria-invalid"] == "true"
    assert markup.by_id(elements, "username").attributes["value"] == "alice"
    assert "value" not in markup.by_id(elements, "password").attributes
    assert "autofocus" in markup.by_id(elements, "password").attributes


@pytest.mark.parametrize("name", ["login", "signup", "consent", "device", "device-confirm", "logout", "demo-token"])
def test_every_form_carries_the_csrf_value(name: str) -> None:
    """Each form of ours holds the hidden value that ties it to the browser."""
    hidden = [e for e in markup.tagged(ELEMENTS[name], "input") if e.attributes["name"] == "csrf"]
    assert len(hidden) == len(markup.tagged(ELEMENTS[name], "form"))
    assert {e.attributes["value"] for e in hidden} == {"csrf-sample"}


def test_consent_sends_required_scopes_although_they_cannot_be_unticked() -> None:
    """A disabled checkbox is not submitted, so a hidden field speaks for it; optional ones have none."""
    inputs = [e.attributes for e in markup.tagged(ELEMENTS["consent"], "input") if e.attributes["name"] == "scope"]
    boxes = [entry for entry in inputs if entry["type"] == "checkbox"]
    assert [box["value"] for box in boxes] == ["openid", "profile", "email", "offline_access"]
    assert all("checked" in box for box in boxes)
    assert [box["value"] for box in boxes if "disabled" in box] == ["openid"]
    assert [entry["value"] for entry in inputs if entry["type"] == "hidden"] == ["openid"]


@pytest.mark.parametrize(
    ("name", "decisions"),
    [
        ("login", ["login", "cancel"]),
        ("signup", ["signup", "cancel"]),
        ("consent", ["allow", "deny"]),
        ("device-confirm", ["allow", "deny"]),
        ("logout", ["logout", "stay"]),
    ],
)
def test_decisions(name: str, decisions: list[str]) -> None:
    """The buttons send these words."""
    assert [e.attributes["value"] for e in markup.tagged(ELEMENTS[name], "button")] == decisions


@pytest.mark.parametrize("name", ["login-with-links", "signup", "consent-with-links", "device-confirm"])
def test_a_client_shows_itself(name: str) -> None:
    """Logo, page, policy and terms of the client stand on the page, the addresses as plain links."""
    links = {e.text: e.attributes for e in markup.tagged(ELEMENTS[name], "a") if "nav" in e.around}
    assert links.keys() == {"About this application", "Privacy", "Terms"}
    assert {one["rel"] for one in links.values()} == {"noopener noreferrer"}
    assert all(one["href"].startswith("https://freight.nordwind.example/") for one in links.values())
    assert [e.attributes["alt"] for e in markup.tagged(ELEMENTS[name], "img")] == [""]


@pytest.mark.parametrize(
    "uri", ["http://a.example/", "javascript:alert(1)", "//a.example", "/x", "ftp://a.example", ""]
)
def test_a_clients_own_links_are_https(uri: str) -> None:
    """What a client names in its registration is linked if it is https, or http on this machine, and nothing else."""
    face = pages.ClientFace(uri, uri, uri, uri)
    elements = markup.read(HTML.render(pages.LoginPage(samples.BRAND, "c", "/login", "x", face=face)))
    assert markup.tagged(elements, "nav", "a") == []
    assert [e for e in markup.tagged(elements, "img") if uri != "/x"] == []


def test_the_sign_up_form() -> None:
    """Names and hints let a password program make and keep the password; Enter makes the account."""
    elements = ELEMENTS["signup"]
    username, password = markup.by_id(elements, "signup-username"), markup.by_id(elements, "signup-password")
    assert (username.attributes["name"], username.attributes["autocomplete"]) == ("username", "username")
    assert (password.attributes["name"], password.attributes["autocomplete"]) == ("password", "new-password")
    assert password.attributes["aria-describedby"] == "signup-password-note"
    failed = markup.by_id(ELEMENTS["signup-failed"], "signup-password").attributes
    assert failed["aria-describedby"] == "signup-error signup-password-note"
    assert markup.tagged(elements, "button")[0].attributes["id"] == "signup-submit"


def test_the_device_form() -> None:
    """Phones offer capitals; a code that came with the address is there, and the cursor only where none is."""
    empty, filled = (markup.by_id(ELEMENTS[name], "device-code").attributes for name in ("device", "device-filled-in"))
    assert (empty["name"], empty["autocapitalize"], empty["value"]) == ("user_code", "characters", "")
    assert ("autofocus" in empty, "autofocus" in filled) == (True, False)
    assert filled["value"] == "WDJB-MJHT"


def test_the_device_question_warns_before_its_buttons() -> None:
    """Code, address and warning come before the decision, which nothing presses in advance."""
    text = " ".join(markup.tagged(ELEMENTS["device-confirm"], "main")[0].text.split())
    parts = ("WDJB-MJHT", "Is the device before you?", "2 minutes ago", "2001:db8:85a3::8a2e:370:7334", "Allow Deny")
    assert [text.index(part) for part in parts] == sorted(text.index(part) for part in parts)
    assert [e for e in ELEMENTS["device-confirm"] if "autofocus" in e.attributes] == []


def test_token_text_is_the_token() -> None:
    """Reading the element's text gives the compact token, byte for byte."""
    token = markup.by_id(ELEMENTS["demo-token"], "demo-token").text
    assert token == ".".join(part.text for part in samples.PARTS)


def test_five_parts_get_five_inks() -> None:
    """An encrypted token's five parts are told apart as well."""
    parts = tuple(pages.TokenPart(label, "AAAA") for label in ("Header", "Key", "IV", "Ciphertext", "Tag"))
    page = typing.cast(pages.DemoTokenPage, samples.SAMPLES["demo-token"])
    values = {name: getattr(page, name) for name in page.__struct_fields__} | {"parts": parts}
    classes = [e.attributes.get("class", "") for e in markup.read(HTML.render(pages.DemoTokenPage(**values)))]
    assert [f"part part-{number}" in classes for number in range(1, 6)] == [True] * 5


def test_checks_say_their_outcome_in_words() -> None:
    """Outcome is never a colour or a sign alone (WCAG 2.2: 1.4.1)."""
    text = markup.by_id(ELEMENTS["demo-token-refused"], "demo-checks").text
    assert [word in text for word in ("passed", "failed", "not run")] == [True, True, True]


def test_error_page_holds_what_a_person_needs() -> None:
    """Code, sentence, reference and next step stand inside the element, and the difference is marked."""
    elements = ELEMENTS["oauth-error"]
    page = typing.cast(pages.ErrorPage, samples.SAMPLES["oauth-error"])
    text = markup.by_id(elements, "oauth-error").text
    assert [part in text for part in (page.code, page.sentence, page.ref, page.next_step, page.received)] == [True] * 5
    assert [mark.text for mark in markup.tagged(elements, "mark")] == ["l"]
    assert markup.by_id(elements, "error-ref").text == page.ref


def test_form_post_carries_all_fields_and_a_button() -> None:
    """Without script, one press of the button does what the script does (Form Post Response Mode 1.0)."""
    elements = ELEMENTS["form-post"]
    page = typing.cast(pages.FormPostPage, samples.SAMPLES["form-post"])
    sent = [(e.attributes["name"], e.attributes["value"]) for e in markup.tagged(elements, "input")]
    assert sent == list(page.fields)
    assert markup.by_id(elements, "form-post").attributes["action"] == page.action
    assert len(markup.tagged(elements, "button")) == 1


def test_empty_lists_say_so() -> None:
    """A page with nothing to list says that in words instead of showing an empty table."""
    text = markup.tagged(markup.read(HTML.render(pages.StartPage("0", samples.ISSUER, (), (), (), (), ()))), "main")[0]
    assert [word in text.text for word in ("No person", "No client", "Nothing to list")] == [True] * 3
