"""Addresses of an authority: how paths are split, which version they belong to, what issuers are called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intaglio.dialects.dialect import Site
from intaglio.dialects.microsoft import authority, implicit, token
from intaglio.errors import ProtocolFault
from intaglio.ids import Secret
from intaglio.protocol.exchange import CodeExchange, Presented

PATHS = st.text(st.sampled_from("/aA.-%2fv0{}é?commnrgizatsu"), max_size=60).map("/".__add__)
GUID = "00000000-0000-4000-8000-000000000001"


@given(PATHS)
def test_any_path_is_split(path: str) -> None:
    """Whatever comes, there is a word in small letters, a rest that begins with a slash, and a version."""
    found = authority.locate(path)
    assert found.tenant is not None
    assert found.tenant == found.tenant.lower()
    assert found.rest == "" or found.rest.startswith("/")
    assert "//" not in found.rest
    assert found.variant in ("1.0", "2.0")
    assert found.by in ("id", "domain", "open")
    assert found.owner is None


@given(st.sampled_from(["common", "organizations", "consumers", GUID, "a.example"]))
def test_letters_of_a_word_do_not_matter(word: str) -> None:
    """A word is the same in capital letters, and a slash too many changes nothing."""
    shouted = "".join(letter.upper() if index % 2 else letter for index, letter in enumerate(word))
    assert authority.locate(f"/{shouted}//oauth2/token") == authority.locate(f"/{word}/oauth2/token")


@pytest.mark.parametrize(
    ("rest", "version"),
    [
        ("/oauth2/authorize", "1.0"),
        ("/oauth2/v2.0/authorize", "2.0"),
        ("/oauth2/token", "1.0"),
        ("/oauth2/deviceauth", "2.0"),
        ("/.well-known/openid-configuration", "1.0"),
        ("/v2.0/.well-known/openid-configuration", "2.0"),
        ("/discovery/keys", "1.0"),
        ("/discovery/v2.0/keys", "2.0"),
        ("/discovery/instance", "2.0"),
        ("/openid/userinfo", "1.0"),
        ("/adminconsent", "2.0"),
    ],
)
def test_the_version_of_a_path(rest: str, version: str) -> None:
    """The endpoint says which version it is."""
    assert authority.version(rest) == version


def test_issuers_and_templates() -> None:
    """v1.0 has a slash at its end; several tenants are a template; endpoints stand behind the word or the GUID."""
    of_one = [Site("https://h", "acme", GUID, variant=variant) for variant in ("", "2.0", "1.0")]
    assert [authority.issuer(site) for site in of_one] == [f"https://h/{GUID}/v2.0"] * 2 + [f"https://h/{GUID}/"]
    of_many = Site("https://h", "common", "", variant="2.0")
    assert authority.issuer(of_many) == "https://h/{tenantid}/v2.0"
    assert (authority.endpoints(of_many), authority.endpoints(of_one[0])) == ("https://h/common", f"https://h/{GUID}")


@pytest.mark.parametrize(
    ("switches", "enabled"),
    [
        ({}, ()),
        ({"enableIdTokenIssuance": True}, ("id_token", "code id_token")),
        ({"enableAccessTokenIssuance": True}, ("code token",)),
        ({"enableIdTokenIssuance": "true"}, ()),
    ],
)
def test_switches(switches: dict[str, object], enabled: tuple[str, ...]) -> None:
    """Only a true switch counts, and both together give both tokens at once."""
    assert implicit.enables({"web": {"implicitGrantSettings": switches}}) == enabled


def _redeemed(origin: str, redirect_uri: str, verifier: str = "v" * 43) -> CodeExchange:
    own = (("origin", origin),) if origin else ()
    secret = Secret(verifier) if verifier else None
    return CodeExchange(Presented("none", "x"), Secret("c"), redirect_uri, secret, own)


PAGE = {"spa": {"redirectUris": ["https://app.example", "http://localhost/cb"]}}


@pytest.mark.parametrize(
    ("origin", "redirect_uri", "verifier", "reason"),
    [
        ("", "https://web.example/cb", "", ""),
        ("https://web.example", "https://web.example/cb", "v" * 43, "origin-unwanted"),
        ("", "https://app.example", "v" * 43, "origin-needed"),
        ("https://app.example", "https://app.example", "", "challenge-needed-by-page"),
        ("https://app.example", "https://app.example/", "v" * 43, ""),
        ("http://localhost:1", "http://localhost:1/cb", "v" * 43, ""),
        ("http://localhost:1", "http://localhost:1/other", "v" * 43, "origin-unwanted"),
        ("null", "https://web.example/cb", "", "origin-unwanted"),
    ],
)
def test_who_redeems_a_code(origin: str, redirect_uri: str, verifier: str, reason: str) -> None:
    """A page's codes by a page with PKCE; every other code by no page."""
    query = _redeemed(origin, redirect_uri, verifier)
    if not reason:
        assert token.terms(query, PAGE) == (86400 if origin else None)
        return
    with pytest.raises(ProtocolFault) as caught:
        token.terms(query, PAGE)
    assert caught.value.reason == reason
