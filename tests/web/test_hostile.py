"""Text from outside never becomes markup, a script or an unsafe address, whichever field it arrives in."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intaglio.protocol import pages
from intaglio.server.web import addresses, render
from tests.web import markup, samples

HTML = render.HTMLPages()

PAYLOADS = (
    '"><script>alert(1)</script>',
    "'><img src=x onerror=alert(1)>",
    "javascript:alert(1)//http://a.example",
    "data:text/html,<script>alert(1)</script>",
    "//evil.example/x",
    'https://a.example/" onmouseover="alert(1)',
    "java\nscript:alert(1)",
    "</title></code></p><form action=https://evil.example><input name=password>",
    "{{ 7 * 7 }}{% raw %}",
    "\ud800\x00\u202egnp.exe",
)


def _variants(value: object, payload: str) -> Iterator[object]:
    """Yield copies of a record in each of which exactly one text, however deep, is the payload."""
    if isinstance(value, str):
        yield payload
    elif isinstance(value, tuple):
        for at, item in enumerate(value):
            for changed in _variants(item, payload):
                yield (*value[:at], changed, *value[at + 1 :])
    elif isinstance(value, msgspec.Struct):
        for field in value.__struct_fields__:
            for changed in _variants(getattr(value, field), payload):
                yield msgspec.structs.replace(value, **{field: changed})


def _check(document: bytes, elements: list[markup.Element]) -> None:
    assert b"<script>" not in document
    for element in elements:
        assert not any(name.startswith("on") or name == "style" for name in element.attributes)
        assert element.tag not in {"iframe", "object", "embed", "base", "style"}
        if element.tag in {"script", "link"}:
            address = element.attributes.get("src", element.attributes.get("href", ""))
            assert address.startswith(render.STATIC_PATH)
        if element.tag == "img":
            assert addresses.is_logo(element.attributes["src"])
        for name in ("href", "action"):
            if name in element.attributes:
                assert addresses.is_address(element.attributes[name])
    assert len(markup.tagged(elements, "title")) == 1


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("name", samples.SAMPLES)
def test_no_field_of_any_page_breaks_out(name: str, payload: str) -> None:
    """With a hostile text in any one field the page stays well formed and harmless, and gains no form or field."""
    plain = markup.read(HTML.render(samples.SAMPLES[name]))
    seen = 0
    for page in _variants(samples.SAMPLES[name], payload):
        seen += 1
        document = HTML.render(page)  # type: ignore[arg-type]  # a walked copy of a page is a page
        elements = markup.read(document)
        _check(document, elements)
        assert len(markup.tagged(elements, "form", "input")) <= len(markup.tagged(plain, "form", "input"))
    assert seen >= 1


def test_the_walk_reaches_nested_fields() -> None:
    """The check above would pass on an empty walk; this one shows that it reaches a row inside a tuple."""
    found = list(_variants(samples.SAMPLES["demo-token"], "PAYLOAD"))
    assert any(b"PAYLOAD" in HTML.render(page) for page in found)  # type: ignore[arg-type]
    assert len(found) > 80


@pytest.mark.parametrize(
    "client_uri",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "app:/cb",
        "//a.example",
        "/x",
        "",
    ],
)
def test_a_clients_address_that_is_not_http_is_not_linked(client_uri: str) -> None:
    """A registered client cannot plant a link that runs as this origin or poses as part of it."""
    consent = pages.ConsentPage(samples.BRAND, "c", client_uri, "u", "/consent", "x", (), "d")
    logged_out = pages.LoggedOutPage(samples.BRAND, "c", client_uri)
    for page in (consent, logged_out):
        assert markup.tagged(markup.read(HTML.render(page)), "a") == []


def test_a_form_post_to_another_scheme_sends_nothing() -> None:
    """Codes and tokens are posted to web addresses only; anything else gets a sentence instead of a form."""
    elements = markup.read(HTML.render(pages.FormPostPage("javascript:alert(1)", (("code", "secret-code"),))))
    assert markup.tagged(elements, "form", "input") == []
    assert markup.by_id(elements, "form-post-error").attributes["role"] == "alert"


@pytest.mark.parametrize(
    ("logo_uri", "shown"),
    [
        ("/acme/logo.svg", True),
        ("data:image/png;base64,iVBORw0KGgo=", True),
        ("https://tracker.example/logo.png", False),
        ("//tracker.example/logo.png", False),
        ("data:text/html;base64,AAAA", False),
        ("javascript:alert(1)", False),
    ],
)
def test_logos_come_from_this_origin_or_are_data(logo_uri: str, shown: bool) -> None:
    """No third party learns who signs in; the policy would block such an image anyway."""
    page = pages.LoggedOutPage(pages.Brand("Acme", logo_uri=logo_uri))
    assert [e.attributes["src"] for e in markup.tagged(markup.read(HTML.render(page)), "img")] == [logo_uri] * shown


@pytest.mark.parametrize("accent", ["#ff0000", "red", "indigo plum", 'x" onclick="', "narrow"])
def test_unknown_accents_change_nothing(accent: str) -> None:
    """Only inks with tested contrast are used; any other accent renders as none."""
    plain = HTML.render(pages.LoggedOutPage(pages.Brand("Acme")))
    assert HTML.render(pages.LoggedOutPage(pages.Brand("Acme", accent=accent))) == plain


@given(st.text())
def test_only_known_prefixes_are_addresses(value: str) -> None:
    """Whatever is called an address starts with one slash or with http(s):// and holds no control or space."""
    if addresses.is_address(value):
        assert value.lower().startswith(("http://", "https://")) or (value[0] == "/" and value[1:2] != "/")
        assert not any(character <= " " or character in '\\"<>`\x7f' for character in value)


@pytest.mark.parametrize(
    "value", ["http://", "https:///path", "http://[::1", "http:/a.example", "https://a b.example/"]
)
def test_malformed_web_addresses_are_not_linked(value: str) -> None:
    """An address without a host, or one that parsers read differently, is not linked."""
    assert not addresses.is_web(value)


@settings(max_examples=60, deadline=None)
@given(st.text(), st.text(), st.text())
def test_any_text_keeps_the_login_page_whole(client_name: str, username: str, error: str) -> None:
    """Arbitrary text gives a page with the same three visible controls and comes back as text."""
    page = pages.LoginPage(samples.BRAND, client_name, "/login", "x", username, error)
    elements = markup.read(HTML.render(page))
    _check(HTML.render(page), elements)
    assert [e.attributes["type"] for e in markup.tagged(elements, "input")] == ["hidden", "text", "password"]
