"""MSAL Python (PyPI), unmodified, over https: `instance_discovery=False`, or an authority of OpenID Connect's."""

from __future__ import annotations

import functools
import threading
import time
import webbrowser
from typing import Any

import msal  # type: ignore[import-untyped]
import msgspec
import pytest
import requests

from intaglio.server.devmode import seeds
from intaglio.server.model import tenants
from tests.capability import capability
from tests.sdk import microsoft
from tests.sdk import secure as secures
from tests.sdk.microsoft import CALLBACK, DAEMON, MACHINE, NATIVE, OID, SECRET, TENANT, WEB, Entra, Person

pytestmark = [
    pytest.mark.sdk,
    capability("official-msal-python", witness="MSAL Python (PyPI)"),
    # The library would rather have a form; both have to work.
    pytest.mark.filterwarnings("ignore:response_mode='form_post' is recommended"),
    # A test does not wait for the interval between a device's questions.
    pytest.mark.filterwarnings("ignore:Attempted too soon"),
]
SCOPES = ["User.Read"]
secure = secures.secure
entra = microsoft.entra


def _web(entra: Entra, **changes: Any) -> msal.ConfidentialClientApplication:
    usual = {"client_credential": SECRET, "authority": entra.authority, "instance_discovery": False}
    return msal.ConfidentialClientApplication(WEB, verify=entra.site.ca, **(usual | changes))


def _told(answer: dict[str, Any], app: msal.ClientApplication) -> dict[str, Any]:
    """Return an answer of the library in the words of the checks."""
    assert "error" not in answer, answer
    accounts = app.get_accounts()
    account = {"id": accounts[0]["home_account_id"], "username": accounts[0]["username"]}
    return answer | {"idToken": answer["id_token"], "account": account}


def _signed_in(app: msal.ClientApplication, someone: Person, **asked: Any) -> tuple[dict[str, Any], str]:
    """Let somebody sign in; return what the library tells, and the nonce that it sent."""
    begun = app.initiate_auth_code_flow(SCOPES, redirect_uri=CALLBACK, **asked)
    answer = app.acquire_token_by_auth_code_flow(begun, someone.comes_back(begun["auth_uri"]))
    return _told(answer, app), microsoft.fields(begun["auth_uri"])["nonce"]


def test_person_signs_in_and_stays_signed_in(entra: Entra) -> None:
    """Code, PKCE and the library's own nonce; the cache; a refresh; the account is `oid.tid`."""
    app = _web(entra)
    told, nonce = _signed_in(app, entra.person())
    first = microsoft.checked(told, nonce=nonce, iss=entra.issuer)
    account = app.get_accounts()[0]
    assert account["username"] == first["preferred_username"]
    assert (account["local_account_id"], account["realm"]) == (OID, TENANT)
    assert 3600 <= told["expires_in"] <= 5400
    assert app.acquire_token_silent(SCOPES, account)["token_source"] == "cache"
    again = app.acquire_token_silent_with_error(SCOPES, account, force_refresh=True)
    assert again["token_source"] == "identity_provider"
    assert microsoft.checked(_told(again, app), sub=first["sub"])["uti"] != first["uti"]
    # Using a refresh token does not revoke it.
    for _ in range(2):
        refreshed = app.acquire_token_by_refresh_token(told["refresh_token"], SCOPES)
        microsoft.checked(_told(refreshed, app), sub=first["sub"])
    app.remove_account(account)
    assert app.get_accounts() == []


@pytest.mark.parametrize("segment", [TENANT.upper(), microsoft.DOMAIN, "common", "organizations"])
def test_every_word_for_the_tenant_leads_to_it(entra: Entra, segment: str) -> None:
    """GUID in capitals, domain, `common` and `organizations`: the token names the tenant's own issuer."""
    app = _web(entra, authority=entra.authority_of(segment))
    told, nonce = _signed_in(app, entra.person())
    microsoft.checked(told, nonce=nonce, iss=entra.issuer)


def test_openid_authority_needs_no_switch_at_all(entra: Entra) -> None:
    """With `oidc_authority` the library compares the issuer itself; the answer may come as a form."""
    app = _web(entra, authority=None, instance_discovery=None, oidc_authority=entra.issuer)
    told, nonce = _signed_in(app, entra.person(), response_mode="form_post")
    microsoft.checked(told, nonce=nonce, iss=entra.issuer)


def test_own_instance_discovery_knows_the_host(entra: Entra) -> None:
    """The address of our instance discovery in place of Microsoft's: the host is known there, another is not."""
    where = f"{entra.base}/common/discovery/instance"
    told, nonce = _signed_in(_web(entra, instance_discovery=where), entra.person())
    microsoft.checked(told, nonce=nonce)


def test_personal_account(entra: Entra) -> None:
    """`consumers`: the tenant of people without an organisation, their own form of identifiers, a day of validity."""
    app = _web(entra, authority=entra.authority_of("consumers"))
    begun = app.initiate_auth_code_flow(SCOPES, redirect_uri=CALLBACK)
    answer = entra.person("carol").comes_back(begun["auth_uri"])
    claims = app.acquire_token_by_auth_code_flow(begun, answer)["id_token_claims"]
    assert claims["tid"] == seeds.PERSONAL_ID
    assert claims["iss"] == f"{entra.base}/{seeds.PERSONAL_ID}/v2.0"
    assert claims["oid"] == seeds.CAROL_ID
    assert claims["sub"].startswith("A" * 21)
    assert claims["exp"] - claims["iat"] == 86400 + 300
    assert app.get_accounts()[0]["home_account_id"] == f"{seeds.CAROL_ID}.{seeds.PERSONAL_ID}"


def test_ten_minutes_are_renewed_silently_until_the_session_ends(entra: Entra, monkeypatch: pytest.MonkeyPatch) -> None:
    """By refresh and by prompt=none nobody is asked; after signing out prompt=none says that somebody has to be."""
    someone, app = entra.person(), _web(entra)
    entra.shorten()
    told, nonce = _signed_in(app, someone)
    first = microsoft.checked(told, nonce=nonce)
    assert first["exp"] - first["iat"] == 600 + 300
    machine, ahead = time.time, 0
    for _ in range(2):
        # The whole machine's clock: the library's and the server's.
        ahead += 660
        monkeypatch.setattr(time, "time", lambda later=ahead: machine() + later)
        answer = app.acquire_token_silent(SCOPES, app.get_accounts()[0])
        assert answer["token_source"] == "identity_provider"
        assert microsoft.checked(_told(answer, app), sub=first["sub"])["iat"] >= first["iat"] + 660
    begun = app.initiate_auth_code_flow(SCOPES, redirect_uri=CALLBACK, prompt="none")
    page = someone.open(begun["auth_uri"])
    assert not page.is_page
    answer = app.acquire_token_by_auth_code_flow(begun, microsoft.fields(page.location))
    microsoft.checked(_told(answer, app), nonce=microsoft.fields(begun["auth_uri"])["nonce"], sub=first["sub"])
    someone.sign_out(f"{entra.authority}/oauth2/v2.0/logout")
    begun = app.initiate_auth_code_flow(SCOPES, redirect_uri=CALLBACK, prompt="none")
    given = microsoft.fields(someone.open(begun["auth_uri"]).location)
    refused = app.acquire_token_by_auth_code_flow(begun, given)
    assert refused["error"] == "login_required"
    assert refused["error_description"].startswith("AADSTS50058: ")


def test_nonce_that_is_not_the_librarys_is_refused(entra: Entra) -> None:
    """The library holds the token's nonce against its own."""
    app = _web(entra)
    begun = app.initiate_auth_code_flow(SCOPES, redirect_uri=CALLBACK)
    answer = entra.person().comes_back(begun["auth_uri"])
    with pytest.raises(RuntimeError, match="nonce"):
        app.acquire_token_by_auth_code_flow(begun | {"nonce": "another"}, answer)


def test_device(entra: Entra) -> None:
    """The device shows a message, the person types the code elsewhere, the device gets its tokens."""
    app = msal.PublicClientApplication(
        NATIVE, authority=entra.authority, instance_discovery=False, verify=entra.site.ca
    )
    begun = app.initiate_device_flow(SCOPES)
    assert begun["user_code"] in begun["message"]
    assert (begun["expires_in"], begun["interval"], "verification_uri_complete" in begun) == (900, 5, False)
    # The library polls once, and is told to go on.
    waiting = app.acquire_token_by_device_flow(begun, exit_condition=lambda flow: True)
    assert waiting["error"] == "authorization_pending"
    entra.person().approve(begun["verification_uri"], begun["user_code"])
    microsoft.checked(_told(app.acquire_token_by_device_flow(begun), app), NATIVE)


def test_program_on_a_desktop_listens_at_a_port_of_its_own(entra: Entra, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library opens the browser and waits at any port of localhost for the form that brings the code."""
    someone = entra.person()

    def browser(url: str) -> bool:
        back = microsoft.fields(url)["redirect_uri"]
        form = someone.comes_back(url)
        threading.Thread(target=requests.post, args=(back,), kwargs={"data": form, "timeout": 10}).start()
        return True

    monkeypatch.setattr(webbrowser, "open", browser)
    app = msal.PublicClientApplication(
        NATIVE, authority=entra.authority, instance_discovery=False, verify=entra.site.ca
    )
    told = app.acquire_token_interactive(SCOPES, timeout=10)
    microsoft.checked(_told(told, app), NATIVE, nonce=told["id_token_claims"]["nonce"])


def _machine(entra: Entra, credential: Any, authority: str = "") -> dict[str, Any]:
    """Return what the library tells a program that asks for a token of its own."""
    app = msal.ConfidentialClientApplication(
        DAEMON,
        client_credential=credential,
        authority=authority or entra.authority,
        instance_discovery=False,
        verify=entra.site.ca,
    )
    told: dict[str, Any] = app.acquire_token_for_client([MACHINE])
    return told


def test_program_proves_itself_by_secret_certificate_or_another_issuers_token(entra: Entra) -> None:
    """Client credentials three ways; what is not its own is refused as `invalid_client`."""
    machine = functools.partial(_machine, entra)
    assert machine(SECRET)["token_type"] == "Bearer"
    refused = machine("not-its-secret")
    assert (refused["error"], refused["error_codes"]) == ("invalid_client", [7000215])
    own, other = microsoft.Proof(), microsoft.Proof("other")
    entra.certify(own)
    assert machine({"private_key": own.key, "public_certificate": own.pem})["access_token"]
    # By the SHA-1 of the certificate alone, as older programs do it.
    old = {"private_key": own.key, "thumbprint": own.sha1}
    assert machine(old)["access_token"]
    refused = machine({"private_key": other.key, "public_certificate": other.pem})
    assert refused["error"] == "invalid_client"
    with microsoft.Federation(entra.site, other) as federation:
        microsoft.federate(entra.site, federation)
        now = entra.site.clock.now()
        assert machine({"client_assertion": lambda: federation.token(now)})["access_token"]
        for changes, number in (
            ({"sub": "system:serviceaccount:shop:other"}, 700213),
            ({"aud": "api://another"}, 700212),
            ({"iss": "https://localhost:1"}, 700211),
        ):
            refused = machine({"client_assertion": functools.partial(federation.token, now, **changes)})
            assert (refused["error"], refused["error_codes"]) == ("invalid_client", [number])


def test_refusals_as_the_library_tells_them(entra: Entra) -> None:
    """A used code, an unknown application, an unknown tenant: error, numbers and words, with ids to look them up by."""
    app, someone = _web(entra), entra.person()
    begun = app.initiate_auth_code_flow(SCOPES, redirect_uri=CALLBACK)
    answer = someone.comes_back(begun["auth_uri"])
    app.acquire_token_by_auth_code_flow(begun, answer)
    # What nobody consented to yet is the person's to decide.
    refused = app.acquire_token_silent_with_error(["Mail.Read"], app.get_accounts()[0])
    assert (refused["error"], refused["suberror"]) == ("invalid_grant", "consent_required")
    assert refused["error_codes"] == [65001]
    refused = app.acquire_token_by_auth_code_flow(begun, answer)
    assert (refused["error"], refused["error_codes"]) == ("invalid_grant", [54005])
    assert set(refused) >= {"error_description", "timestamp", "trace_id", "correlation_id", "error_uri"}
    stranger = msal.ConfidentialClientApplication(
        WEB.replace("1", "9"),
        client_credential=SECRET,
        authority=entra.authority,
        instance_discovery=False,
        verify=entra.site.ca,
    )
    refused = stranger.acquire_token_for_client([MACHINE])
    assert (refused["error"], refused["error_codes"]) == ("unauthorized_client", [700016])
    with pytest.raises(ValueError, match="Unable to get authority configuration"):
        _web(entra, authority=entra.authority_of(TENANT.replace("1", "2"))).get_accounts()


def test_program_that_may_not(entra: Entra) -> None:
    """At another tenant, with a secret past its day, and disabled: refused by the number that says which."""
    entra.site.add_tenant("acme")
    other = entra.authority_of(str(entra.site.read(tenants.by_slug, "acme").tenant_id))
    (kept,) = entra.site.client(DAEMON).secrets
    past = (msgspec.structs.replace(kept, expires_at=entra.site.clock.now() - 1),)
    refused = _machine(entra, SECRET, other)
    assert (refused["error"], refused["error_codes"]) == ("unauthorized_client", [700016])
    entra.site.change_client(DAEMON, secrets=past)
    refused = _machine(entra, SECRET)
    assert (refused["error"], refused["error_codes"]) == ("invalid_client", [7000222])
    entra.site.change_client(DAEMON, secrets=(kept,), disabled_at=entra.site.clock.now())
    refused = _machine(entra, SECRET)
    assert (refused["error"], refused["error_codes"]) == ("unauthorized_client", [7000112])
    entra.site.change_client(DAEMON, disabled_at=None)
    assert _machine(entra, SECRET)["token_type"] == "Bearer"
