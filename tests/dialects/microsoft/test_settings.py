"""Settings in Microsoft's words: what is kept as it is, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from intaglio.dialects.microsoft import settings
from intaglio.errors import Misconfigured

CREDENTIAL = {"name": "github-main", "issuer": "https://token.actions.test", "subject": "repo:a/b:ref:refs/heads/main"}


def claim(**members: Any) -> dict[str, Any]:
    """Return settings with one optional claim."""
    return {"optionalClaims": {"idToken": [members]}}


@pytest.mark.parametrize(
    ("level", "given"),
    [
        ("client", claim(name="auth_time")),
        ("client", claim(name="groups", additionalProperties=["emit_as_roles"])),
        ("client", claim(name="upn", essential=True, additionalProperties=["include_externally_authenticated_upn"])),
        ("client", claim(name="extension_ab_skypeId", source="user")),
        ("client", {"groupMembershipClaims": "SecurityGroup"}),
        ("client", {"groupMembershipClaims": "ApplicationGroup, DirectoryRole"}),
        ("client", {"web": {"implicitGrantSettings": {"enableIdTokenIssuance": True}}}),
        ("client", {"spa": {"redirectUris": ["https://app.test/cb"]}}),
        ("client", {"federatedIdentityCredentials": [CREDENTIAL | {"audiences": ["api://AzureADTokenExchange"]}]}),
        ("tenant", {"countryLetterCode": "DE", "preferredLanguage": "de", "trustedNetworks": ["192.0.2.0/24"]}),
        ("user", {"country": "DE", "extensions": {"skypeId": "abe"}, "secondaryAuthoritativeEmails": ["a@b.test"]}),
    ],
)
def test_settings_are_kept(level: str, given: dict[str, Any]) -> None:
    """What can be used is kept, and is the same when it is read again."""
    kept = settings.read(level, given)
    assert kept == given
    assert settings.read(level, kept) == kept


def test_usual_audience_and_absent_members() -> None:
    """A credential without audiences gets the usual one; null is what is not there."""
    kept = settings.read("client", {"federatedIdentityCredentials": [CREDENTIAL]})
    assert kept["federatedIdentityCredentials"][0]["audiences"] == ["api://AzureADTokenExchange"]
    kept = settings.read("client", claim(name="acct", source=None, additionalProperties=[]))
    assert kept == claim(name="acct", additionalProperties=[])


@pytest.mark.parametrize(
    ("level", "given"),
    [
        ("client", {"acceptMappedClaims": True}),
        ("client", {"country": "DE"}),
        ("client", claim(name="no_such_claim")),
        ("client", claim(name="sub")),
        ("client", claim(name="acct", additionalProperties=["emit_as_roles"])),
        ("client", claim(name="x y", source="user")),
        ("client", claim(name="acct", source="device")),
        ("client", claim(name="acct", essential="yes")),
        ("client", claim(name=["acct"])),
        ("client", claim()),
        ("client", {"optionalClaims": {"accessToken": []}}),
        ("client", {"optionalClaims": {"idToken": [{"name": "acct"}] * 101}}),
        ("client", {"optionalClaims": []}),
        ("client", {"groupMembershipClaims": "Everything"}),
        ("client", {"groupMembershipClaims": "None, All"}),
        ("client", {"groupMembershipClaims": 1}),
        ("client", {"web": {"implicitGrantSettings": {"enableIdTokenIssuance": 1}}}),
        ("client", {"federatedIdentityCredentials": [CREDENTIAL, CREDENTIAL]}),
        ("client", {"federatedIdentityCredentials": [CREDENTIAL | {"issuer": "http://token.actions.test"}]}),
        ("client", {"federatedIdentityCredentials": [CREDENTIAL | {"audiences": ["a", "b"]}]}),
        ("client", {"federatedIdentityCredentials": [CREDENTIAL | {"subject": "x" * 601}]}),
        ("client", {"federatedIdentityCredentials": [{"name": "abc", "issuer": "https://a.test"}]}),
        ("client", {"federatedIdentityCredentials": [CREDENTIAL | {"name": "ab"}]}),
        (
            "client",
            {
                "federatedIdentityCredentials": [
                    CREDENTIAL | {"name": f"name-{n}", "subject": str(n)} for n in range(21)
                ]
            },
        ),
        ("tenant", {"countryLetterCode": "Germany"}),
        ("tenant", {"trustedNetworks": ["192.0.2.1/24"]}),
        ("tenant", {"trustedNetworks": "192.0.2.0/24"}),
        ("user", {"country": "de"}),
        ("user", {"extensions": {"a b": "c"}}),
        ("user", {"extensions": {"a": 1}}),
        ("user", {"preferredLanguage": "German"}),
        ("user", {"onPremisesSecurityIdentifier": ""}),
    ],
)
def test_settings_that_cannot_be_used(level: str, given: dict[str, Any]) -> None:
    """With the code by which the command line tells it."""
    with pytest.raises(Misconfigured) as caught:
        settings.read(level, given)
    assert caught.value.code == "setting-invalid"
