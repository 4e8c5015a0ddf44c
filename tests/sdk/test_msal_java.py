"""MSAL Java (Maven), unmodified, over https: fixed paths without instance discovery, or an OpenID Connect authority."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.capability import capability
from tests.sdk import microsoft
from tests.sdk import secure as secures
from tests.sdk.microsoft import CALLBACK, DAEMON, MACHINE, NATIVE, OID, TENANT, Entra, Person
from tests.sdk.secure import Secure, Talk

pytestmark = [pytest.mark.sdk, capability("official-msal-java", witness="MSAL Java (Maven)")]
SCOPES = ["User.Read"]
secure = secures.secure
entra = microsoft.entra


@pytest.fixture(scope="module")
def talk(secure: Secure) -> Iterator[Talk]:
    """One virtual machine for all steps of a module."""
    with secure.talk(secures.java("MsalWitness")) as talk:
        yield talk


def signed_in(talk: Talk, entra: Entra, someone: Person, **opening: Any) -> dict[str, Any]:
    """Open the web application and let somebody sign in; return what the library tells."""
    usual: dict[str, Any] = {"authority": entra.authority + "/"}
    talk.say("open", **entra.opening(**(usual | opening)))
    begun = talk.say("begin", scopes=SCOPES, redirectUri=CALLBACK, nonce="a-nonce", state="a-state")
    # The library asks for a form.
    answer = someone.comes_back(begun["url"])
    assert answer["state"] == "a-state"
    return talk.say("redeem", scopes=SCOPES, redirectUri=CALLBACK, code=answer["code"])


def test_person_signs_in_and_stays_signed_in(talk: Talk, entra: Entra) -> None:
    """Code, PKCE and a form; then the cache; the account is `oid.tid`, or there would be none."""
    told = signed_in(talk, entra, entra.person())
    first = microsoft.checked(told, nonce="a-nonce", iss=entra.issuer)
    assert told["account"] == {"id": f"{OID}.{TENANT}", "username": first["preferred_username"]}
    assert talk.say("silent", scopes=SCOPES)["fromCache"] is True


@pytest.mark.parametrize("segment", [microsoft.DOMAIN, "common", "organizations"])
def test_every_word_for_the_tenant_leads_to_it(talk: Talk, entra: Entra, segment: str) -> None:
    """Domain, `common` and `organizations`: the token names the tenant's own issuer."""
    told = signed_in(talk, entra, entra.person(), authority=entra.authority_of(segment) + "/")
    microsoft.checked(told, nonce="a-nonce", iss=entra.issuer)


def test_openid_authority_and_refresh(talk: Talk, entra: Entra) -> None:
    """The issuer is the authority's address exactly, without its last slash; the tokens are refreshed.

    With any other authority the library refreshes at the host without its port, where nobody is in a test.
    """
    told = signed_in(talk, entra, entra.person(), authority=entra.issuer + "/", oidc=True)
    first = microsoft.checked(told, nonce="a-nonce", iss=entra.issuer)
    again = talk.say("silent", scopes=SCOPES, forceRefresh=True)
    assert again["fromCache"] is False
    assert microsoft.checked(again, sub=first["sub"])["uti"] != first["uti"]


def test_device(talk: Talk, entra: Entra) -> None:
    """The device shows a message, the person types the code elsewhere, the device gets its tokens."""
    talk.say("open", **entra.opening(NATIVE, authority=entra.authority + "/"))
    talk.begin("device", scopes=SCOPES)
    shown = talk.heard()
    assert shown["userCode"] in shown["message"]
    entra.person().approve(shown["verificationUri"], shown["userCode"])
    talk.begin("go on")
    microsoft.checked(talk.heard(), NATIVE)


def test_program_proves_itself_by_secret_certificate_or_another_issuers_token(talk: Talk, entra: Entra) -> None:
    """Client credentials three ways; what is not its own is refused as `invalid_client`."""
    opening = entra.opening(DAEMON, authority=entra.authority + "/")
    talk.say("open", **opening)
    assert talk.say("machine", scopes=[MACHINE])["accessToken"]
    talk.say("open", **(opening | {"secret": "not-its-secret"}))
    refused = talk.refused("machine", scopes=[MACHINE])
    assert (refused["failed"], refused["status"]) == ("invalid_client", 401)
    public = {name: value for name, value in opening.items() if name != "secret"}
    own, other = microsoft.Proof(), microsoft.Proof("other")
    entra.certify(own)
    talk.say("open", certificate=own.pem, key=own.pkcs8, **public)
    assert talk.say("machine", scopes=[MACHINE])["accessToken"]
    talk.say("open", certificate=other.pem, key=other.pkcs8, **public)
    assert talk.refused("machine", scopes=[MACHINE])["failed"] == "invalid_client"
    with microsoft.Federation(entra.site, other) as federation:
        microsoft.federate(entra.site, federation)
        talk.say("open", assertion=federation.token(entra.site.clock.now()), **public)
        assert talk.say("machine", scopes=[MACHINE])["accessToken"]


def test_used_code_as_the_library_tells_it(talk: Talk, entra: Entra) -> None:
    """`invalid_grant` makes the library say that somebody has to be asked."""
    talk.say("open", **entra.opening(authority=entra.authority + "/"))
    begun = talk.say("begin", scopes=SCOPES, redirectUri=CALLBACK, nonce="a-nonce", state="a-state")
    code = entra.person().comes_back(begun["url"])["code"]
    talk.say("redeem", scopes=SCOPES, redirectUri=CALLBACK, code=code)
    refused = talk.refused("redeem", scopes=SCOPES, redirectUri=CALLBACK, code=code)
    assert (refused["failed"], refused["kind"]) == ("invalid_grant", "MsalInteractionRequiredException")
    assert "AADSTS54005" in refused["message"]
