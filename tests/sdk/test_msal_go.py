"""MSAL Go, unmodified, over https, without instance discovery: the strictest reader of tokens and answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.capability import capability
from tests.sdk import microsoft
from tests.sdk import secure as secures
from tests.sdk.microsoft import CALLBACK, DAEMON, MACHINE, NATIVE, OID, TENANT, WEB, Entra, Person
from tests.sdk.secure import Secure, Talk

pytestmark = [pytest.mark.sdk, capability("official-msal-go", witness="MSAL Go")]
SCOPES = ["User.Read"]
secure = secures.secure
entra = microsoft.entra


@pytest.fixture(scope="module")
def talk(secure: Secure) -> Iterator[Talk]:
    """One process for all steps of a module."""
    with secure.talk(secures.go("msal")) as talk:
        yield talk


def signed_in(talk: Talk, entra: Entra, someone: Person, **opening: Any) -> dict[str, Any]:
    """Open an application and let somebody sign in; return what the library tells."""
    talk.say("open", **entra.opening(**opening))
    begun = talk.say("begin", scopes=SCOPES, redirectUri=CALLBACK, state="a-state")
    answer = someone.comes_back(begun["url"])
    assert answer["state"] == "a-state"
    return talk.say("redeem", scopes=SCOPES, redirectUri=CALLBACK, code=answer["code"])


@pytest.mark.parametrize("client_id", [WEB, NATIVE])
def test_person_signs_in_and_stays_signed_in(talk: Talk, entra: Entra, client_id: str) -> None:
    """Unpadded payload, whole instants, one audience, no scope declined; then the cache, then a refresh."""
    told = signed_in(talk, entra, entra.person(), client_id=client_id)
    first = microsoft.checked(told, client_id, iss=entra.issuer)
    assert told["account"] == {"id": f"{OID}.{TENANT}", "username": first["preferred_username"]}
    assert "User.Read" in told["scopes"]
    assert talk.say("silent", scopes=SCOPES)["fromCache"] is True
    # What nobody consented to yet is the person's to decide.
    assert "AADSTS65001" in talk.refused("silent", scopes=["Mail.Read"])["verbose"]
    if client_id == WEB:
        return
    # Claims that are asked for make the library refresh, for public clients.
    again = talk.say("silent", scopes=SCOPES, claims='{"access_token":{"nbf":{"essential":false}}}')
    assert again["fromCache"] is False
    assert microsoft.checked(again, client_id, sub=first["sub"])["uti"] != first["uti"]


@pytest.mark.parametrize("segment", [TENANT.upper(), microsoft.DOMAIN, "common", "organizations"])
def test_every_word_for_the_tenant_leads_to_it(talk: Talk, entra: Entra, segment: str) -> None:
    """GUID in capitals, domain, `common` and `organizations`: the token names the tenant's own issuer."""
    told = signed_in(talk, entra, entra.person(), authority=entra.authority_of(segment))
    microsoft.checked(told, iss=entra.issuer)


def test_device_that_asks_every_fifty_milliseconds(talk: Talk, entra: Entra) -> None:
    """The library overlooks the interval; it is neither slowed down nor locked out, and gets its tokens."""
    talk.say("open", **entra.opening(NATIVE))
    talk.begin("device", scopes=SCOPES)
    shown = talk.heard()
    assert shown["userCode"] in shown["message"]
    entra.person().approve(shown["verificationUri"], shown["userCode"])
    microsoft.checked(talk.heard(), NATIVE)


def test_program_proves_itself_by_secret_certificate_or_another_issuers_token(talk: Talk, entra: Entra) -> None:
    """Client credentials three ways; what is not its own is answered with 401."""
    opening = entra.opening(DAEMON)
    talk.say("open", **opening)
    assert talk.say("machine", scopes=[MACHINE])["accessToken"]
    talk.say("open", **(opening | {"secret": "not-its-secret"}))
    refused = talk.refused("machine", scopes=[MACHINE])
    assert refused["status"] == 401
    assert "AADSTS7000215" in refused["verbose"]
    public = {name: value for name, value in opening.items() if name != "secret"}
    own, other = microsoft.Proof(), microsoft.Proof("other")
    entra.certify(own)
    talk.say("open", certificate=own.pem + own.key, **public)
    assert talk.say("machine", scopes=[MACHINE])["accessToken"]
    talk.say("open", certificate=other.pem + other.key, **public)
    assert talk.refused("machine", scopes=[MACHINE])["status"] == 401
    with microsoft.Federation(entra.site, other) as federation:
        microsoft.federate(entra.site, federation)
        talk.say("open", assertion=federation.token(entra.site.clock.now()), **public)
        assert talk.say("machine", scopes=[MACHINE])["accessToken"]


def test_used_code_as_the_library_tells_it(talk: Talk, entra: Entra) -> None:
    """The error's numbers are whole numbers, or the library could not read it."""
    talk.say("open", **entra.opening())
    begun = talk.say("begin", scopes=SCOPES, redirectUri=CALLBACK)
    code = entra.person().comes_back(begun["url"])["code"]
    talk.say("redeem", scopes=SCOPES, redirectUri=CALLBACK, code=code)
    refused = talk.refused("redeem", scopes=SCOPES, redirectUri=CALLBACK, code=code)
    assert refused["status"] == 400
    assert "AADSTS54005" in refused["verbose"]
