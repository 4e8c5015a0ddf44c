"""azure-identity (PyPI) and @azure/identity (npm), unmodified, over https: credentials of people and programs."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from typing import Any

import pytest
from azure import identity
from azure.core import exceptions

from tests.capability import capability
from tests.sdk import microsoft
from tests.sdk import secure as secures
from tests.sdk.microsoft import CALLBACK, DAEMON, MACHINE, NATIVE, SECRET, TENANT, WEB, Entra
from tests.sdk.secure import Secure, Talk

pytestmark = [
    pytest.mark.sdk,
    capability("official-azure-identity", witness="azure-identity (PyPI), @azure/identity (npm)"),
]
secure = secures.secure
entra = microsoft.entra


@pytest.fixture(scope="module")
def talk(secure: Secure) -> Iterator[Talk]:
    """One process of Node's for all steps of a module."""
    with secure.talk(secures.node("azure.mjs")) as talk:
        yield talk


@pytest.fixture
def federation(entra: Entra) -> Iterator[microsoft.Federation]:
    """Another issuer, whose tokens the program may show."""
    with microsoft.Federation(entra.site, microsoft.Proof()) as opened:
        microsoft.federate(entra.site, opened)
        yield opened


def _python(entra: Entra) -> dict[str, Any]:
    return {"authority": entra.base, "disable_instance_discovery": True, "connection_verify": entra.site.ca}


def _node(entra: Entra, kind: str, client_id: str = DAEMON) -> dict[str, Any]:
    return {"kind": kind, "authorityHost": entra.base, "tenantId": TENANT, "clientId": client_id}


def test_secret(entra: Entra, talk: Talk) -> None:
    """A program's secret is believed, another is not."""
    assert identity.ClientSecretCredential(TENANT, DAEMON, SECRET, **_python(entra)).get_token(MACHINE).token
    with pytest.raises(exceptions.ClientAuthenticationError, match="AADSTS7000215"):
        identity.ClientSecretCredential(TENANT, DAEMON, "not-its-secret", **_python(entra)).get_token(MACHINE)
    talk.say("open", secret=SECRET, **_node(entra, "secret"))
    assert talk.say("token", scopes=[MACHINE])["token"]
    talk.say("open", secret="not-its-secret", **_node(entra, "secret"))
    assert "AADSTS7000215" in talk.refused("token", scopes=[MACHINE])["message"]


def test_certificate(entra: Entra, talk: Talk) -> None:
    """A program's registered certificate is believed, another is not."""
    own, other = microsoft.Proof(), microsoft.Proof("other")
    entra.certify(own)
    for proof in (own, other):
        octets = (proof.key + proof.pem).encode()
        credential = identity.CertificateCredential(TENANT, DAEMON, certificate_data=octets, **_python(entra))
        talk.say("open", certificate=octets.decode(), **_node(entra, "certificate"))
        if proof is own:
            assert credential.get_token(MACHINE).token
            assert talk.say("token", scopes=[MACHINE])["token"]
        else:
            with pytest.raises(exceptions.ClientAuthenticationError, match="AADSTS700027"):
                credential.get_token(MACHINE)
            assert "AADSTS700027" in talk.refused("token", scopes=[MACHINE])["message"]


def test_another_issuers_token(entra: Entra, talk: Talk, federation: microsoft.Federation) -> None:
    """A program shows a token of its cluster's or CI system's issuer in place of a secret."""
    token = federation.token(entra.site.clock.now())
    shown = identity.ClientAssertionCredential(TENANT, DAEMON, lambda: token, **_python(entra))
    assert shown.get_token(MACHINE).token
    talk.say("open", assertion=federation.token(entra.site.clock.now()), **_node(entra, "assertion"))
    assert talk.say("token", scopes=[MACHINE])["token"]
    wrong = federation.token(entra.site.clock.now(), sub="system:serviceaccount:shop:other")
    with pytest.raises(exceptions.ClientAuthenticationError, match="AADSTS700213"):
        identity.ClientAssertionCredential(TENANT, DAEMON, lambda: wrong, **_python(entra)).get_token(MACHINE)


def test_workload_identity_by_the_environment_alone(
    entra: Entra, federation: microsoft.Federation, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a pod: four variables say everything, and no switch is needed in the program."""
    token = tmp_path / "token"
    token.write_text(federation.token(entra.site.clock.now()))
    variables = {
        "AZURE_AUTHORITY_HOST": entra.base,
        "AZURE_TENANT_ID": TENANT,
        "AZURE_CLIENT_ID": DAEMON,
        "AZURE_FEDERATED_TOKEN_FILE": str(token),
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert identity.WorkloadIdentityCredential(connection_verify=entra.site.ca).get_token(MACHINE).token
    token.write_text(federation.token(entra.site.clock.now()))
    with entra.site.talk(secures.node("azure.mjs"), **variables) as pod:
        pod.say("open", kind="workload")
        assert pod.say("token", scopes=[MACHINE])["token"]


def test_code_of_a_person(entra: Entra, talk: Talk) -> None:
    """A web application's code is redeemed for a token; the code is good once."""
    where = f"{entra.authority}/oauth2/v2.0/authorize?client_id={WEB}&response_type=code&redirect_uri={CALLBACK}"
    url = f"{where}&scope=openid%20offline_access%20User.Read"
    someone = entra.person()
    more = {"client_secret": SECRET} | _python(entra)
    code = someone.comes_back(url)["code"]
    credential = identity.AuthorizationCodeCredential(TENANT, WEB, code, CALLBACK, **more)
    assert credential.get_token("User.Read").token
    with pytest.raises(exceptions.ClientAuthenticationError, match="AADSTS54005"):
        identity.AuthorizationCodeCredential(TENANT, WEB, code, CALLBACK, **more).get_token("User.Read")
    code = someone.comes_back(url)["code"]
    talk.say("open", secret=SECRET, code=code, redirectUri=CALLBACK, **_node(entra, "code", WEB))
    assert talk.say("token", scopes=["User.Read"])["token"]


def test_device_of_a_person(entra: Entra, talk: Talk) -> None:
    """The person types the device's code elsewhere while the device waits."""
    someone = entra.person()

    def shown(verification_uri: str, user_code: str, _: object) -> None:
        someone.approve(verification_uri, user_code)

    told = identity.DeviceCodeCredential(NATIVE, tenant_id=TENANT, prompt_callback=shown, **_python(entra))
    assert told.get_token("User.Read").token
    talk.say("open", **_node(entra, "device", NATIVE))
    talk.begin("token", scopes=["User.Read"])
    said = talk.heard()
    someone.approve(said["verificationUri"], said["userCode"])
    assert talk.heard()["token"]
