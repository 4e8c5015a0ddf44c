"""Tokens of the machine (row 12 of the checklist) by MSAL Python, azure-identity and msal-node, over https."""

from __future__ import annotations

from collections.abc import Iterator

import msal
import pytest
import requests
from azure import identity

from intaglio.server.devmode import seeds
from tests.capability import capability
from tests.sdk import microsoft
from tests.sdk import secure as secures
from tests.sdk.microsoft import Entra
from tests.sdk.secure import Secure, Talk

WITNESS = "MSAL Python, azure-identity (PyPI), msal-node"
pytestmark = [pytest.mark.sdk, capability("microsoft-managed-identity", witness=WITNESS)]
secure = secures.secure
entra = microsoft.entra
RESOURCE = f"api://{seeds.ATTACHED}"


@pytest.fixture
def machine(entra: Entra, monkeypatch: pytest.MonkeyPatch) -> Entra:
    """The issuer as the metadata service of this machine: the variable that every SDK knows."""
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", entra.base + "/")
    return entra


@pytest.fixture
def talk(machine: Entra, secure: Secure) -> Iterator[Talk]:
    """A process of Node's."""
    with secure.talk(secures.node("msal.mjs"), AZURE_POD_IDENTITY_AUTHORITY_HOST=machine.base + "/") as talk:
        yield talk


def test_python(machine: Entra) -> None:
    """MSAL Python gets the machine's token, keeps it, and hears why another resource gives none."""
    client = msal.ManagedIdentityClient(msal.SystemAssignedManagedIdentity(), http_client=requests.Session())
    told = client.acquire_token_for_client(resource=RESOURCE)
    assert told["token_type"] == "Bearer"
    assert client.acquire_token_for_client(resource=RESOURCE)["access_token"] == told["access_token"]
    named = msal.ManagedIdentityClient(
        msal.UserAssignedManagedIdentity(client_id=seeds.ATTACHED), http_client=requests.Session()
    )
    assert named.acquire_token_for_client(resource=RESOURCE)["access_token"] != told["access_token"]
    assert client.acquire_token_for_client(resource="https://other.example")["error"] == "invalid_resource"


def test_azure_identity(machine: Entra) -> None:
    """azure-identity finds the machine by itself and gets the token for a scope."""
    credential = identity.ManagedIdentityCredential(connection_verify=machine.site.ca)
    assert credential.get_token(RESOURCE + "/.default").token


def test_node(talk: Talk) -> None:
    """msal-node, which ends the path with a slash."""
    told = talk.say("identity", resource=RESOURCE)
    assert (bool(told["accessToken"]), told["tokenType"]) == (True, "Bearer")
