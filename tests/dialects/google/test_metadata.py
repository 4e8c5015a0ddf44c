"""Questions to the metadata server as five languages spell them, and answers as they read them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intaglio.dialects.coding import Context
from intaglio.dialects.google import metadata, metadatapaths
from intaglio.errors import ProtocolFault
from intaglio.protocol.faults import MethodNotAllowed, NotFound
from intaglio.protocol.identity import Answered, Minted, TokenAnswer, TreeAnswer
from intaglio.wire.message import Request, Response

FLAVOR = (("host", "metadata"), ("metadata-flavor", "Google"))
CTX = Context(1, "ref_1", issuer="http://localhost:8081", base="http://localhost:8081", words={"account": "default"})
TREE = "/computeMetadata/v1"


def _request(query: str, path: str = TREE + "/instance/", headers: tuple[tuple[str, str], ...] = FLAVOR) -> Request:
    return Request("GET", path, query, headers)


def _header(response: Response, name: str) -> str:
    (found,) = [value for key, value in response.headers if key == name]
    return found


@given(st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=200))
def test_an_audience_comes_back_from_its_full_encoding(audience: str) -> None:
    """Python, Go and Ruby percent-encode everything: what was meant is what is read."""
    found = metadata.read_identity(_request("audience=" + quote(audience, safe="")), CTX)
    assert found.audience == audience


@pytest.mark.parametrize(
    ("query", "audience"),
    [
        ("audience=https://h/x?a=b", "https://h/x?a=b"),
        ("audience=https://h/x?a%3Db", "https://h/x?a=b"),
        ("audience=https%3A%2F%2Fh%2Fx%3Fa%3Db", "https://h/x?a=b"),
        ("format=full&audience=https://h/x?a=b", "https://h/x?a=b"),
        ("audience=a+b", "a+b"),
        ("audience=a+b%21", "a b!"),
        ("audience=https://h/%C3%BC", "https://h/ü"),
    ],
)
def test_an_audience_in_three_encodings(query: str, audience: str) -> None:
    """Bare (Node, curl), half (Java) and full: never refused for `://`, `?` or `=`."""
    assert metadata.read_identity(_request(query), CTX).audience == audience


@pytest.mark.parametrize(
    ("query", "full", "licenses"),
    [
        ("audience=a", "standard", False),
        ("audience=a&format=full", "full", False),
        ("audience=a&format=full&licenses=TRUE", "full", True),
        ("audience=a&format=full&license=TRUE", "full", True),
        ("audience=a&format=full&licenses=true", "full", True),
        ("audience=a&format=full&licenses=FALSE", "full", False),
    ],
)
def test_format_and_licenses(query: str, full: str, licenses: bool) -> None:
    """Both spellings of the licences, in either case."""
    found = metadata.read_identity(_request(query), CTX)
    assert (found.format, found.licenses) == (full, licenses)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "non-empty audience parameter required"),
        ("audience=", "non-empty audience parameter required"),
        ("audience=" + "a" * 2049, "The audience is too long or holds control characters."),
        ("audience=%00", "The audience is too long or holds control characters."),
        ("audience=%FF", "The audience is not UTF-8."),
        ("audience=a&format=pdf", "format must be standard or full."),
    ],
)
def test_a_wrong_question_is_answered_with_what_is_wrong(query: str, words: str) -> None:
    """400; the sentence that clients look for stands alone, without a charset."""
    with pytest.raises(ProtocolFault) as caught:
        metadata.read_identity(_request(query), CTX)
    written = metadata.write_fault(caught.value, CTX)
    assert written.status == 400
    assert words in written.body.decode()
    if words == metadata.NO_AUDIENCE:
        assert (written.body.decode(), _header(written, "content-type")) == (words, "text/html")


@pytest.mark.parametrize(
    ("fault", "status"),
    [(ProtocolFault("access_denied", "<b>"), 403), (NotFound(), 404), (MethodNotAllowed(), 405)],
)
def test_a_refusal_is_a_page_with_its_reference(fault: ProtocolFault, status: int) -> None:
    """Escaped, with what ties it to the log."""
    written = metadata.write_fault(fault, CTX)
    assert written.status == status
    assert _header(written, "content-type") == "text/html; charset=UTF-8"
    assert b"ref_1" in written.body
    assert b"<b>" not in written.body


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=120))
def test_any_query_is_read_or_refused(query: str) -> None:
    """Whatever comes: an answer's question, or a fault of the requester's."""
    codes = []
    for read in READERS:
        try:
            read(_request(query), FIXED)
        except ProtocolFault as fault:
            codes.append(fault.code)
    assert set(codes) <= {"invalid_request"}


FIXED = Context(1, "ref_1", base="http://localhost:8081", words={"account": "default"}, fixed={"text": "v1/\n"})
READERS = (metadata.read_identity, metadata.read_token, metadata.read_tree, metadata.read_fixed, metadata.read_moved)


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(
    "headers",
    [
        (("host", "metadata"),),
        (("host", "metadata"), ("metadata-flavor", "google")),
        (*FLAVOR, ("x-forwarded-for", "")),
        (*FLAVOR, ("forwarded", "for=10.0.0.1")),
        (*FLAVOR, ("origin", "http://localhost:8081")),
        (("metadata-flavor", "Google"),),
        (("host", "evil.example"), ("metadata-flavor", "Google")),
        (("host", "metadata.evil.example"), ("metadata-flavor", "Google")),
        (("host", "metadata@evil.example"), ("metadata-flavor", "Google")),
    ],
)
def test_every_reader_refuses_pages_proxies_and_foreign_names(read: Any, headers: tuple[tuple[str, str], ...]) -> None:
    """Nothing but the ping is answered without the header, through a proxy, from a page or by another name."""
    with pytest.raises(ProtocolFault) as caught:
        read(_request("audience=a", headers=headers), FIXED)
    assert caught.value.code == "access_denied"


@pytest.mark.parametrize("host", ["metadata", "metadata.google.internal", "metadata.google.internal.", "[::1]:80"])
def test_own_names(host: str) -> None:
    """The names and addresses by which clients come."""
    headers = (("host", host), ("metadata-flavor", "Google"))
    assert metadata.read_tree(_request("", headers=headers), CTX).path == ("instance",)


@pytest.mark.parametrize(
    ("query", "scopes"),
    [
        ("", ()),
        ("scopes=https://a/x,https://a/y", ("https://a/x", "https://a/y")),
        ("scopes=https%3A%2F%2Fa%2Fx%2Chttps%3A%2F%2Fa%2Fy", ("https://a/x", "https://a/y")),
        ("scopes=a,a,,b", ("a", "b")),
        ("transport=mtls&binding-enforcement=on", ()),
    ],
)
def test_scopes_are_separated_by_commas(query: str, scopes: tuple[str, ...]) -> None:
    """Each once, in order; parameters that bind a token to something are left to those who need it."""
    assert metadata.read_token(_request(query), CTX).scopes == scopes


@pytest.mark.parametrize("query", ["scopes=" + "a" * 201, "scopes=a%20b", "scopes=%22", "scopes=" + "x,y" * 51])
def test_scopes_that_are_none(query: str) -> None:
    """Refused, with a bound on their number and length."""
    query = "scopes=" + ",".join(map(str, range(51))) if query.startswith("scopes=x,y") else query
    with pytest.raises(ProtocolFault):
        metadata.read_token(_request(query), CTX)


@pytest.mark.parametrize(
    "query", ["alt=xml", "timeout_sec=x", "timeout_sec=-1", "timeout_sec=1.5", "timeout_sec=%D9%A3"]
)
def test_a_question_about_the_tree_that_is_none(query: str) -> None:
    """`invalid_request`, which is a 400."""
    with pytest.raises(ProtocolFault) as caught:
        metadata.read_tree(_request(query), CTX)
    assert caught.value.code == "invalid_request"


def test_how_long_somebody_waits_is_bounded() -> None:
    """An hour at most, whatever is asked."""
    for query, seconds in (
        ("", 3600),
        ("timeout_sec=999999999999", 3600),
        ("timeout_sec=60", 60),
        ("timeout_sec=0", 0),
    ):
        assert metadata.read_tree(_request(query), CTX).wait_seconds == seconds


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=20), min_size=1, max_size=4))
def test_a_path_is_decoded_name_by_name(names: list[str]) -> None:
    """An encoded slash stays within its name."""
    path = TREE + "/" + "/".join(quote(name, safe="") for name in names)
    assert metadata.read_tree(_request("", path), CTX).path == tuple(names)


def test_where_a_directory_is_keeps_host_and_query() -> None:
    """The slash goes before the question mark."""
    found = metadata.read_tree(_request("recursive=true", TREE + "/instance"), CTX)
    written = metadata.write_tree(TreeAnswer("", moved=found.address), CTX)
    assert written.status == 301
    assert _header(written, "location") == "http://metadata/computeMetadata/v1/instance/?recursive=true"
    assert _header(written, "content-type") == "text/html"


def test_content_types_are_exact() -> None:
    """One client refuses every other spelling, a charset too; every answer has a tag of 16 hex digits."""
    written = [
        (metadata.write_identity(Minted("a.b.c"), CTX), "text/html"),
        (metadata.write_answered(Answered("v1/\n"), CTX), "application/text"),
        (metadata.write_tree(TreeAnswer("x", etag="0123456789abcdef"), CTX), "application/text"),
        (metadata.write_tree(TreeAnswer("{}", "json", "0123456789abcdef"), CTX), "application/json"),
        (metadata.write_token(TokenAnswer("ya29.x", 3599), CTX), "application/json"),
    ]
    for response, kind in written:
        assert _header(response, "content-type") == kind
        assert len(_header(response, "etag")) == 16
        assert int(_header(response, "etag"), 16) >= 0
    assert written[0][0].body == b"a.b.c"


def test_what_belongs_to_the_metadata_server() -> None:
    """Its whole prefix, so that a refusal there has its headers too."""
    for path, own in [
        ("/", True),
        ("/computeMetadata", True),
        ("/computeMetadata/v1beta1/", True),
        ("/computeMetadatax", False),
        ("/token", False),
        ("/v1/projects/-/serviceAccounts/x:generateIdToken", False),
    ]:
        assert metadatapaths.answers(path) is own
