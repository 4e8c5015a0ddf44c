"""MSAL Node (npm), unmodified, over https, with its one switch for a host that is not Microsoft's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.capability import capability
from tests.sdk import microsoft
from tests.sdk import secure as secures
from tests.sdk.microsoft import CALLBACK, DAEMON, MACHINE, NATIVE, OID, TENANT, WEB, Entra, Person
from tests.sdk.secure import Secure, Talk

pytestmark = [pytest.mark.sdk, capability("official-msal-node", witness="MSAL Node (npm)")]
SCOPES = ["User.Read"]
secure = secures.secure
entra = microsoft.entra


@pytest.fixture(scope="module")
def talk(secure: Secure) -> Iterator[Talk]:
    """One process of Node's for all steps of a module."""
    with secure.talk(secures.node("msal.mjs")) as talk:
        yield talk


def signed_in(talk: Talk, entra: Entra, someone: Person, **opening: Any) -> dict[str, Any]:
    """Open the web application and let somebody sign in; return what the library tells."""
    talk.say("open", **entra.opening(**opening))
    begun = talk.say("begin", scopes=SCOPES, redirectUri=CALLBACK, nonce="a-nonce", state="a-state")
    return talk.say("redeem", answer=someone.comes_back(begun["url"]), nonce="a-nonce")


def test_person_signs_in_and_stays_signed_in(talk: Talk, entra: Entra) -> None:
    """Code and PKCE, then the cache, then a refresh by the library's own choice; the account is `oid.tid`."""
    told = signed_in(talk, entra, entra.person())
    first = microsoft.checked(told, nonce="a-nonce", iss=entra.issuer)
    assert told["account"] == {"id": f"{OID}.{TENANT}", "username": first["preferred_username"], "tenant": TENANT}
    assert told["tokenType"] == "Bearer"
    assert "User.Read" in told["scopes"]
    assert talk.say("silent", scopes=SCOPES)["fromCache"] is True
    again = talk.say("silent", scopes=SCOPES, forceRefresh=True)
    second = microsoft.checked(again, sub=first["sub"])
    assert again["fromCache"] is False
    assert second["uti"] != first["uti"]
    # Using a refresh token does not revoke it.
    kept = talk.say("kept")["refreshTokens"][0]
    for _ in range(2):
        told = talk.say("refresh", scopes=SCOPES, refreshToken=kept)
        assert microsoft.checked(told)["sub"] == first["sub"]
    assert talk.say("signOut") == {"accounts": 0}


@pytest.mark.parametrize("segment", [TENANT.upper(), microsoft.DOMAIN, "common", "organizations"])
def test_every_word_for_the_tenant_leads_to_it(talk: Talk, entra: Entra, segment: str) -> None:
    """GUID in capitals, domain, `common` and `organizations`: the token names the tenant's own issuer."""
    told = signed_in(talk, entra, entra.person(), authority=entra.authority_of(segment))
    microsoft.checked(told, nonce="a-nonce", iss=entra.issuer)
    assert talk.say("silent", scopes=SCOPES, forceRefresh=True)["account"]["id"] == f"{OID}.{TENANT}"


def test_ten_minutes_are_renewed_silently_until_the_session_ends(talk: Talk, entra: Entra) -> None:
    """By refresh and by prompt=none nobody is asked; after signing out prompt=none says that somebody has to be."""
    someone = entra.person()
    entra.shorten()
    told = signed_in(talk, entra, someone)
    first = microsoft.checked(told, nonce="a-nonce")
    assert first["exp"] - first["iat"] == 600 + 300
    for _ in range(2):
        entra.site.clock.advance(660)
        talk.say("clock", seconds=660)
        told = talk.say("silent", scopes=SCOPES)
        renewed = microsoft.checked(told, sub=first["sub"])
        assert told["fromCache"] is False
        assert renewed["iat"] >= first["iat"] + 660
    quiet = {"scopes": SCOPES, "redirectUri": CALLBACK, "prompt": "none", "nonce": "another", "state": "a-state"}
    page = someone.open(talk.say("begin", **quiet)["url"])
    assert not page.is_page
    told = talk.say("redeem", answer=microsoft.fields(page.location), nonce="another")
    microsoft.checked(told, nonce="another", sub=first["sub"])
    someone.sign_out(f"{entra.authority}/oauth2/v2.0/logout")
    answer = microsoft.fields(someone.open(talk.say("begin", **quiet)["url"]).location)
    assert answer["error"] == "login_required"
    assert answer["error_description"].startswith("AADSTS50058: ")


def test_nonce_that_is_not_ours_is_refused(talk: Talk, entra: Entra) -> None:
    """The token echoes the nonce exactly, and has none where none was sent: the library looks at both."""
    someone = entra.person()
    talk.say("open", **entra.opening())
    begun = talk.say("begin", scopes=SCOPES, redirectUri=CALLBACK, nonce="a-nonce")
    refused = talk.refused("redeem", answer=someone.comes_back(begun["url"]), nonce="another")
    assert refused["failed"] == "nonce_mismatch"
    begun = talk.say("begin", scopes=SCOPES, redirectUri=CALLBACK)
    microsoft.checked(talk.say("redeem", answer=someone.comes_back(begun["url"])))


def test_form_post_and_openid_mode(talk: Talk, entra: Entra) -> None:
    """The answer comes as a form; and the authority may be the issuer itself, in the library's OpenID Connect mode."""
    talk.say("open", **entra.opening(authority=entra.issuer, oidc=True))
    someone = entra.person()
    asked = {"scopes": ["openid", "profile", "offline_access"], "redirectUri": CALLBACK, "responseMode": "form_post"}
    answer = someone.comes_back(talk.say("begin", nonce="a-nonce", state="a-state", **asked)["url"])
    assert answer["state"] == "a-state"
    told = talk.say("redeem", answer=answer, nonce="a-nonce")
    microsoft.checked(told, nonce="a-nonce", iss=entra.issuer)


def test_device(talk: Talk, entra: Entra) -> None:
    """The device shows a message, the person types the code elsewhere, the device gets its tokens."""
    talk.say("open", **entra.opening(NATIVE))
    talk.begin("device", scopes=SCOPES)
    shown = talk.heard()
    assert shown["userCode"] in shown["message"]
    entra.person().approve(shown["verificationUri"], shown["userCode"])
    microsoft.checked(talk.heard(), NATIVE)
    assert talk.say("silent", scopes=SCOPES)["fromCache"] is True


def test_program_proves_itself_by_secret_certificate_or_another_issuers_token(talk: Talk, entra: Entra) -> None:
    """Client credentials three ways; what is not its own is refused as `invalid_client`."""
    opening = entra.opening(DAEMON)
    talk.say("open", **opening)
    assert talk.say("machine", scopes=[MACHINE])["accessToken"]
    talk.say("open", **(opening | {"secret": "not-its-secret"}))
    refused = talk.refused("machine", scopes=[MACHINE])
    assert refused["failed"] == "invalid_client"
    assert "AADSTS7000215" in refused["message"]
    public = {name: value for name, value in opening.items() if name != "secret"}
    own, other = microsoft.Proof(), microsoft.Proof("other")
    entra.certify(own)
    for proof, believed in ((own, True), (other, False)):
        certificate = {"thumbprintSha256": proof.sha256, "privateKey": proof.key, "x5c": proof.pem}
        talk.say("open", certificate=certificate, **public)
        if believed:
            assert talk.say("machine", scopes=[MACHINE])["accessToken"]
        else:
            assert talk.refused("machine", scopes=[MACHINE])["failed"] == "invalid_client"
    with microsoft.Federation(entra.site, other) as federation:
        microsoft.federate(entra.site, federation)
        now = entra.site.clock.now()
        talk.say("open", assertion=federation.token(now), **public)
        assert talk.say("machine", scopes=[MACHINE])["accessToken"]
        talk.say("open", assertion=federation.token(now, sub="system:serviceaccount:shop:other"), **public)
        refused = talk.refused("machine", scopes=[MACHINE])
        assert refused["failed"] == "invalid_client"
        assert "AADSTS700213" in refused["message"]


def test_refusals_as_the_library_tells_them(talk: Talk, entra: Entra) -> None:
    """A used code, an unknown application and an unknown tenant: the numbers that operators look for."""
    someone = entra.person()
    talk.say("open", **entra.opening())
    answer = someone.comes_back(talk.say("begin", scopes=SCOPES, redirectUri=CALLBACK)["url"])
    microsoft.checked(talk.say("redeem", answer=answer))
    # What nobody consented to yet is the person's to decide, and the library says so.
    refused = talk.refused("silent", scopes=["Mail.Read"])
    assert refused["kind"] == "InteractionRequiredAuthError"
    assert (refused["failed"], refused["subError"]) == ("invalid_grant", "consent_required")
    refused = talk.refused("redeem", answer=answer)
    assert (refused["failed"], "AADSTS54005" in refused["message"]) == ("invalid_grant", True)
    talk.say("open", **entra.opening(DAEMON, clientId=WEB.replace("1", "9")))
    refused = talk.refused("machine", scopes=[MACHINE])
    assert (refused["failed"], "AADSTS700016" in refused["message"]) == ("unauthorized_client", True)
    talk.say("open", **entra.opening(authority=entra.authority_of(TENANT.replace("1", "2"))))
    assert talk.refused("begin", scopes=SCOPES, redirectUri=CALLBACK)["failed"] == "endpoints_resolution_error"
