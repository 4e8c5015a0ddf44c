"""An issuer's document: where it is, how it is fetched over redirects, and what it may name."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intaglio.errors import Misconfigured, Unavailable
from intaglio.validate import discovery
from intaglio.wire.flow import Reply

ISSUER = "https://issuer.example/t"
LOCATION = ISSUER + "/.well-known/openid-configuration"
DOCUMENT = {"issuer": ISSUER, "jwks_uri": "https://issuer.example/keys"}


def answer(document, status=200):
    """Return an answer with a JSON body."""
    return Reply(status, (), json.dumps(document).encode())


def to(target, status=302):
    """Return a redirect."""
    return Reply(status, (("Location", target),))


def drive(flow, *answers):
    """Run a flow by hand; return the URLs it asked and what it returned, or the code of what it raised."""
    asked, waiting = [], iter(answers)
    try:
        call = next(flow)
        while True:
            asked.append(call.url)
            call = flow.send(next(waiting))
    except StopIteration as end:
        return asked, end.value
    except Unavailable as fault:
        return asked, fault.code


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    ("target", "asked"),
    [
        ("https://www.issuer.example/doc?a=b", "https://www.issuer.example/doc?a=b"),
        ("/elsewhere", "https://issuer.example/elsewhere"),
        ("elsewhere", "https://issuer.example/t/.well-known/elsewhere"),
        ("//other.example/x", "https://other.example/x"),
    ],
)
def test_redirect_is_followed(status, target, asked):
    """Follow a redirect of each kind to an absolute and to a relative address, with a call of its own."""
    urls, reply = drive(discovery.document(LOCATION), to(target, status), answer(DOCUMENT))
    assert (urls, reply.status) == ([LOCATION, asked], 200)


@pytest.mark.parametrize("status", [300, 304, 305, 306, 200, 201])
def test_other_answers_with_a_location_are_not_followed(status):
    """Return what is no redirect to one place, whatever Location it carries."""
    assert drive(discovery.document(LOCATION), to("/x", status))[0] == [LOCATION]


def test_redirect_without_a_location_is_no_document():
    """Refuse a redirect to nowhere as an answer that is not 200."""
    assert drive(discovery.fetch(ISSUER), Reply(302)) == ([LOCATION], "bad-answer")
    assert drive(discovery.fetch(ISSUER), to("")) == ([LOCATION], "bad-answer")


def test_three_redirects_are_followed_and_a_fourth_is_not():
    """Follow three redirects; refuse the fourth without asking."""
    hops = [to(f"/{number}") for number in range(4)]
    urls, reply = drive(discovery.document(LOCATION), *hops[:3], answer(DOCUMENT))
    assert (len(urls), reply.status) == (4, 200)
    urls, code = drive(discovery.document(LOCATION), *hops)
    assert (len(urls), code) == (4, "too-many-redirects")


def test_loop_is_refused_when_it_closes():
    """Refuse a redirect to an address that was asked already, the first one too."""
    assert drive(discovery.document(LOCATION), to(LOCATION)) == ([LOCATION], "too-many-redirects")
    urls, code = drive(discovery.document(LOCATION), to("/a"), to("/b"), to("/a"))
    assert (len(urls), code) == (3, "too-many-redirects")


HOSTILE = [
    "http://issuer.example/",
    "http://localhost/",
    "http://127.0.0.1:8080/",
    "HTTP://127.0.0.1/",
    "ftp://issuer.example/",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "data:application/json,{}",
    "https://",
    "https:///x",
    "https:x",
    "///x",
    "https://user@issuer.example/",
    "https://user:pass@issuer.example/",
    "https://@issuer.example/",
    "https://issuer.example/#x",
    "/x#",
    "https://issuer.example:99999/",
    "https://issuer.example:0/",
    "https://issuer.example:x/",
    "https://[::1/",
    "https://\\evil.example/",
    "/\\evil.example/",
    "https://issuer.example/\r\nX: y",
    "https://issuer.example/\t",
    "https://issu er.example/",
    "https://issu\u00e9r.example/",
    "https://issuer.example/" + "a" * 3000,
]


@pytest.mark.parametrize("target", HOSTILE)
def test_d5_47_redirect_to_a_hostile_address_is_refused(target):
    """Refuse a redirect away from https, and one with userinfo, a fragment, a hostile text or another scheme."""
    assert drive(discovery.document(LOCATION), to(target)) == ([LOCATION], "address-refused")


@pytest.mark.parametrize("uri", [uri for uri in HOSTILE if "://" in uri[:8].lower()])
def test_d5_47_keys_at_a_hostile_address_are_refused(uri):
    """Refuse a document that names such an address for its keys."""
    asked, code = drive(discovery.fetch(ISSUER), answer({**DOCUMENT, "jwks_uri": uri}))
    assert (asked, code in ("address-refused", "bad-answer")) == ([LOCATION], True)


@pytest.mark.parametrize("uri", ["", "/keys", "keys", "//issuer.example/keys", "ftp://issuer.example/keys", None, 1])
def test_keys_without_a_whole_address_are_refused(uri):
    """Refuse a document whose `jwks_uri` is no absolute http or https URL."""
    assert drive(discovery.fetch(ISSUER), answer({**DOCUMENT, "jwks_uri": uri}))[1] == "bad-answer"


def test_http_may_go_on_as_http_and_to_https_but_not_back():
    """Let what began without TLS go on so or go over to https, and never from https to http again."""
    first = "http://localhost:8080/.well-known/openid-configuration"
    for target in ("http://localhost:8080/b", "https://issuer.example/b"):
        assert drive(discovery.document(first), to(target), answer(DOCUMENT))[0] == [first, target]
    urls, code = drive(discovery.document(first), to("https://issuer.example/b"), to("http://localhost:8080/c"))
    assert (len(urls), code) == (2, "address-refused")


def test_d5_49_document_behind_a_redirect_names_the_configured_issuer():
    """Compare the issuer in the document with the one that was configured, not with where the redirect led."""
    there = "https://other.example/t"
    for issuer, expected in ((ISSUER, True), (there, False)):
        found = drive(
            discovery.fetch(ISSUER), to(there + discovery.WELL_KNOWN), answer({**DOCUMENT, "issuer": issuer})
        )[1]
        assert found == "discovery-mismatch" if not expected else found.issuer == ISSUER


def test_document_elsewhere_names_the_issuer_with_its_placeholder():
    """Fetch the document at its given place, and compare a template letter for letter."""
    template, place = "https://issuer.example/{tenantid}/v2.0", "https://issuer.example/all/doc?p=1"
    document = {**DOCUMENT, "issuer": template}
    asked, found = drive(discovery.fetch(template, place), answer(document))
    assert (asked, found.issuer) == ([place], template)
    for issuer in ("https://issuer.example/one/v2.0", "https://issuer.example/{tenantId}/v2.0", ISSUER):
        assert (
            drive(discovery.fetch(template, place), answer({**document, "issuer": issuer}))[1] == "discovery-mismatch"
        )


@pytest.mark.parametrize(
    "uri", ["", "x", "ftp://x/", "https://", "https://x/#f", "https://u@x/", "https://[::1", "//x/"]
)
def test_place_that_cannot_be_asked_is_refused(uri):
    """Refuse a place of the document that is no http or https URL."""
    with pytest.raises(Misconfigured) as caught:
        discovery.location(ISSUER, uri)
    assert caught.value.code == "issuer-unusable"


@pytest.mark.parametrize(
    "issuer", ["https://[::1", "https://x:99999", "https://x\ny", "https://ex\u00e4mple", "https://x\\y"]
)
def test_issuer_that_is_no_url_is_refused(issuer):
    """Refuse an issuer that cannot be taken apart, instead of a fault later."""
    with pytest.raises(Misconfigured):
        discovery.location(issuer)


@pytest.mark.parametrize(
    ("headers", "at"),
    [
        ((("Date", "Sun, 06 Nov 1994 08:49:37 GMT"),), 784111777),
        ((("date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("Age", "20")), 784111797),
        ((("Date", "Thu, 29 Feb 2024 00:00:00 GMT"),), 1709164800),
        ((), None),
        ((("Date", ""),), None),
        ((("Date", "Sunday, 06-Nov-94 08:49:37 GMT"),), None),
        ((("Date", "Sun Nov  6 08:49:37 1994"),), None),
        ((("Date", "Mon, 06 Nov 1994 08:49:37 GMT"),), None),
        ((("Date", "sun, 06 nov 1994 08:49:37 gmt"),), None),
        ((("Date", "Sun, 06 Nov 1994 08:49:37 UTC"),), None),
        ((("Date", "Sun, 06 Nov 1994 08:49:37 +0000"),), None),
        ((("Date", "Sun, 6 Nov 1994 08:49:37 GMT"),), None),
        ((("Date", "Sun, 06 Nov 1994 08:49:60 GMT"),), None),
        ((("Date", "Sun, 06 Nov 1994 24:00:00 GMT"),), None),
        ((("Date", "Thu, 30 Feb 2023 00:00:00 GMT"),), None),
        ((("Date", "Sun, 06 Nov 0000 08:49:37 GMT"),), None),
        ((("Date", " Sun, 06 Nov 1994 08:49:37 GMT"),), None),
        ((("Date", "Sun, 06 Nov 1994 08:49:37 GMT\n"),), None),
        ((("Date", "Sun, 0\u0666 Nov 1994 08:49:37 GMT"),), None),
        ((("Date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("Age", "-1")), None),
        ((("Date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("Age", "9" * 30)), None),
    ],
)
def test_clock_of_the_other_side_is_read_strictly(headers, at):
    """Read a Date that is IMF-fixdate to the letter, with the Age that a cache adds, and nothing else."""
    assert discovery.answered_at(Reply(200, headers)) == at


@given(st.text(), st.sampled_from([LOCATION, "http://localhost:8080/x"]))
def test_any_text_is_an_address_or_refused(text, before):
    """Give an absolute address without userinfo and fragment for any text, or refuse it."""
    try:
        url = discovery.learned(text, before)
    except Unavailable:
        return
    assert url.startswith("https://" if before.startswith("https") else ("https://", "http://"))
    assert "#" not in url
    assert "@" not in url.split("/")[2]
