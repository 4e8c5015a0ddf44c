"""Fields that an operator gives: what is refused, and what is kept as it came."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intaglio.errors import Misconfigured
from intaglio.ids import Secret
from intaglio.names import TenantId
from intaglio.server.admin import clients, users
from intaglio.server.admin.clients import NewClient
from intaglio.server.model.tenants import Lifetimes
from intaglio.server.registry import fields

TENANT = TenantId("6f1b2a1e-0000-4000-8000-000000000000")


@pytest.mark.parametrize(
    "uri",
    [
        pytest.param("", id="empty"),
        pytest.param("/cb", id="relative"),
        pytest.param("//app.example.com/cb", id="no scheme"),
        pytest.param("https:/cb", id="no authority"),
        pytest.param("https:///cb", id="no host"),
        pytest.param("https://app.example.com/cb#", id="empty fragment"),
        pytest.param("https://app.example.com/cb#a", id="fragment"),
        pytest.param("https://*.example.com/cb", id="wildcard in the host"),
        pytest.param("https://app.example.com/*", id="wildcard in the path"),
        pytest.param("https://user@app.example.com/cb", id="user name"),
        pytest.param("https://user:pw@app.example.com/cb", id="user name and password"),
        pytest.param("https://app.example.com@evil.example/cb", id="host as user name"),
        pytest.param("http://app.example.com/cb", id="http to another machine"),
        pytest.param("http://127.0.0.1.evil.example/cb", id="host that begins like loopback"),
        pytest.param("http://localhost.evil.example/cb", id="host that begins like localhost"),
        pytest.param("http://2130706433/cb", id="loopback as a number"),
        pytest.param("https://app.example.com:99999/cb", id="impossible port"),
        pytest.param("https://app.example.com\\@evil.example/cb", id="backslash"),
        pytest.param("https://app.example.com/a b", id="blank"),
        pytest.param("https://app.example.com/\n", id="line break"),
        pytest.param("https://\u0430pp.example.com/cb", id="letter of another script"),
        pytest.param("HTTPS://app.example.com/cb", id="scheme in upper case"),
        pytest.param("javascript:alert(1)", id="javascript"),
        pytest.param("data:text/html,x", id="data"),
        pytest.param("file:///etc/passwd", id="file"),
        pytest.param("com.example.app:/cb", id="private-use scheme of a web client"),
        pytest.param("https://[::1", id="broken address"),
        pytest.param("https://app.example.com/" + "a" * 2048, id="too long"),
    ],
)
def test_redirect_uri_is_refused(uri: str) -> None:
    """What could send a code to somebody else is refused."""
    with pytest.raises(Misconfigured) as caught:
        fields.redirect_uri(uri, native=False)
    assert caught.value.code == "redirect-uri-invalid"
    assert caught.value.detail["expected"]


@pytest.mark.parametrize("uri", ["myapp:/cb", "javascript:alert.x", "com.example.app://host/cb", "com.example.app:"])
def test_private_use_scheme_that_is_no_domain_name_is_refused(uri: str) -> None:
    """A private-use scheme is a reversed domain name, and leads to no host."""
    with pytest.raises(Misconfigured):
        fields.redirect_uri(uri, native=True)


@pytest.mark.parametrize(
    ("uri", "native"),
    [
        ("https://app.example.com/cb", False),
        ("https://app.example.com/cb?a=b%20c", False),
        ("https://app.example.com", False),
        ("http://127.0.0.1:9999/cb", False),
        ("http://[::1]/cb", False),
        ("http://localhost:3000/callback", False),
        ("com.example.app:/cb", True),
        ("http://127.0.0.1/cb", True),
    ],
)
def test_redirect_uri_is_kept_as_it_came(uri: str, native: bool) -> None:
    """A redirect URI is compared as a string later, so it is kept as it came."""
    assert fields.redirect_uri(uri, native=native) == uri


@given(st.text(max_size=60))
def test_redirect_uri_of_any_text_is_refused_or_kept(text: str) -> None:
    """Whatever the text, it is refused with its code or kept unchanged."""
    try:
        assert fields.redirect_uri(text, native=True) == text
    except Misconfigured as error:
        assert error.code == "redirect-uri-invalid"  # noqa: PT017 - either outcome is right


@pytest.mark.parametrize("token", ["", 'a"b', "a\\b", "a b", "é", "a\x7f", "x" * 129])
def test_scope_is_refused(token: str) -> None:
    """A scope token has the characters of RFC 6749 section 3.3."""
    with pytest.raises(Misconfigured) as caught:
        fields.scopes([token])
    assert caught.value.code == "scope-invalid"


@pytest.mark.parametrize(
    "value", ["https://a.example/", "https://a.example/x", "http://a.example", "null", "*", "https://", "a.example"]
)
def test_origin_is_refused(value: str) -> None:
    """An origin is scheme, host and port, and nothing else."""
    with pytest.raises(Misconfigured):
        fields.origin(value)


@pytest.mark.parametrize("value", ["https://a.example", "https://a.example:8443", "http://localhost:3000"])
def test_origin_is_kept(value: str) -> None:
    """An origin is kept as it came."""
    assert fields.origin(value) == value


@pytest.mark.parametrize("value", ["", " ", "a\nb", "a\u202eb", "a\x00", "x" * 201])
def test_name_is_refused(value: str) -> None:
    """A name that could read as another one is refused."""
    with pytest.raises(Misconfigured):
        fields.display_name("name", value)


@pytest.mark.parametrize("seconds", [9, 0, -1, 86_401])
def test_lifetime_is_refused(seconds: int) -> None:
    """An ID token lives 10 seconds to a day."""
    with pytest.raises(Misconfigured):
        fields.lifetimes(Lifetimes(id_token=seconds))


WEB = NewClient(client_name="Web", redirect_uris=("https://app.example.com/cb",))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"token_endpoint_auth_methods": ("none", "client_secret_basic")}, "auth-methods-invalid"),
        ({"token_endpoint_auth_methods": ()}, "auth-methods-invalid"),
        ({"token_endpoint_auth_methods": ("private",)}, "value-unknown"),
        ({"token_endpoint_auth_methods": ("none",), "client_secret": Secret("x" * 20)}, "secret-unused"),
        ({"token_endpoint_auth_methods": ("none",), "grant_types": ("client_credentials",)}, "grant-types-invalid"),
        ({"grant_types": ()}, "grant-types-invalid"),
        ({"grant_types": ("refresh_token",)}, "grant-types-invalid"),
        ({"grant_types": ("password",)}, "value-unknown"),
        ({"grant_types": ("implicit",), "response_types": ("code",)}, "response-types-invalid"),
        ({"redirect_uris": ()}, "redirect-uri-missing"),
        ({"id_token_signed_response_alg": "none"}, "value-unknown"),
        ({"id_token_signed_response_alg": "HS256"}, "value-unknown"),
        ({"scope": ("openid", "offline_access")}, "scope-invalid"),
        ({"client_id": "a/b"}, "client-id-invalid"),
        ({"client_uri": "javascript:alert(1)"}, "uri-invalid"),
        ({"post_logout_redirect_uris": ("http://evil.example",)}, "redirect-uri-invalid"),
        ({"application_type": "service"}, "value-unknown"),
        ({"consent": "never"}, "value-unknown"),
    ],
    ids=str,
)
def test_client_is_refused(changes: dict[str, object], code: str) -> None:
    """Each field and each combination that would be unsafe is refused with its code."""
    members = {name: getattr(WEB, name) for name in WEB.__struct_fields__} | changes
    with pytest.raises(Misconfigured) as caught:
        clients.check(NewClient(**members), TENANT, 0)
    assert caught.value.code == code


def test_public_client_must_use_pkce() -> None:
    """PKCE is required of public clients, whatever was asked for."""
    wanted = NewClient(
        client_name="Spa",
        redirect_uris=("https://app.example.com/cb",),
        token_endpoint_auth_methods=("none",),
        require_pkce=False,
    )
    assert clients.check(wanted, TENANT, 0).require_pkce


@pytest.mark.parametrize("secret", ["short", "x" * 1025, "with a blank in it", "é" * 20])
def test_secret_is_refused_and_not_told(secret: str) -> None:
    """A secret that cannot travel, or is short, is refused; it is in no part of the error."""
    with pytest.raises(Misconfigured) as caught:
        fields.secret(secret, shortest=clients.SHORTEST_SECRET)
    assert secret not in f"{caught.value}{caught.value.detail}"


@pytest.mark.parametrize(
    "name", ["iss", "sub", "aud", "exp", "iat", "amr", "acr", "azp", "nonce", "sid", "at_hash", "x"]
)
def test_claim_of_the_issuer_is_no_claim_of_a_user(name: str) -> None:
    """What the issuer says cannot be written into a user."""
    with pytest.raises(Misconfigured) as caught:
        users.check_claims({name: "x"})
    assert caught.value.code == "claim-invalid"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("email_verified", "true"),
        ("email", "nobody"),
        ("address", {"planet": "x"}),
        ("address", "x"),
        ("birthdate", "1.2.2000"),
        ("name", 1),
        ("name", ""),
    ],
)
def test_claim_in_a_wrong_form_is_refused(name: str, value: object) -> None:
    """Each claim has its form, and the value is not repeated."""
    with pytest.raises(Misconfigured):
        users.check_claims({name: value})


def test_claims_are_kept_as_they_came() -> None:
    """Good claims are kept unchanged."""
    claims = {"name": "Ada", "email_verified": True, "address": {"country": "CH"}, "birthdate": "1815-12-10"}
    assert users.check_claims(claims) == claims
