"""Files that tell a program who it is: what is read of them, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intaglio.dialects.google import credentialfiles
from intaglio.dialects.google.credentialfiles import ExternalFile
from intaglio.errors import Misconfigured

EXTERNAL: dict[str, Any] = {
    "type": "external_account",
    "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
    "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
    "token_url": "https://sts.id.example.com/v1/token",
    "credential_source": {"url": "http://localhost:1/token", "headers": {"a": "b"}},
}
TARGET = "https://iamcredentials.id.example.com/v1/projects/-/serviceAccounts/a%40b.example:generateAccessToken"


def read(members: dict[str, Any]) -> Any:
    """Read a file with these members."""
    return credentialfiles.read(json.dumps(members).encode())


def test_a_federated_identity_is_read() -> None:
    """The account is decoded from its address, and asked where that address is."""
    found = read(EXTERNAL | {"service_account_impersonation_url": TARGET})
    assert isinstance(found, ExternalFile)
    assert (found.account, found.account_base) == ("a@b.example", "https://iamcredentials.id.example.com")
    assert (found.url, found.headers, found.field) == ("http://localhost:1/token", (("a", "b"),), "")


@pytest.mark.parametrize(
    "changes",
    [
        {"credential_source": None},
        {"credential_source": {"executable": {"command": "x"}}},
        {"credential_source": {"environment_id": "aws1"}},
        {"credential_source": {"url": "file:///etc/passwd"}},
        {"credential_source": {"file": 1}},
        {"credential_source": {"file": "x", "format": {"type": "json"}}},
        {"token_url": "sts.example.com"},
        {"audience": ""},
        {"service_account_impersonation_url": 1},
        {"service_account_impersonation_url": "https://[::1/serviceAccounts/x:generateAccessToken"},
        {"service_account_impersonation_url": "https://a/v1/projects/-/serviceAccounts/x:generateIdToken"},
        {"service_account_impersonation_url": "ftp://a/serviceAccounts/x:generateAccessToken"},
    ],
)
def test_what_cannot_be_used_is_refused(changes: dict[str, Any]) -> None:
    """No guess is made, and no program is run."""
    with pytest.raises(Misconfigured) as caught:
        read(EXTERNAL | changes)
    assert caught.value.code == "credential-file-invalid"


@given(
    st.dictionaries(
        st.sampled_from(
            ["type", "credential_source", "token_url", "client_email", "private_key", "refresh_token", "x"]
        ),
        st.recursive(
            st.none() | st.text(max_size=5) | st.integers() | st.sampled_from(["external_account", "service_account"]),
            lambda inner: st.dictionaries(st.sampled_from(["file", "url", "format", "headers"]), inner, max_size=3),
        ),
    )
)
def test_any_members_are_read_or_refused(members: dict[str, Any]) -> None:
    """No file makes it fail in another way."""
    try:
        read(members)
    except Misconfigured as fault:
        if fault.code != "credential-file-invalid":
            raise


@given(st.binary(max_size=60), st.sampled_from(["", "token"]))
def test_any_source_is_a_token_or_refused(octets: bytes, field: str) -> None:
    """Neither text nor JSON makes it fail in another way."""
    try:
        credentialfiles.subject_token(octets, field)
    except Misconfigured as fault:
        if fault.code != "credential-file-invalid":
            raise


def test_keys_do_not_print() -> None:
    """The private key and the refresh token are in no repr."""
    key = read({"type": "service_account", "client_email": "a", "private_key": "hush", "token_uri": "https://a"})
    user = read({"type": "authorized_user", "client_id": "a", "refresh_token": "hush", "token_uri": "https://a"})
    assert "hush" not in repr(key) + repr(user)
