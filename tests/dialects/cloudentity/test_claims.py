"""The ID token's claims, held against the sample of Cloudentity's page."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from intaglio.dialects.cloudentity import claims
from intaglio.protocol.circumstances import Circumstances
from intaglio.protocol.claimsrequest import ClaimRequest
from intaglio.protocol.facts import Facts, Person
from intaglio.protocol.userinfo import UserinfoAnswer
from tests.capability import capability

SAMPLE: dict[str, Any] = {
    "acr": "1",
    "aid": "default",
    "amr": ["pwd"],
    "aud": "default-demo",
    "auth_time": 1631696786,
    "email": "",
    "email_verified": False,
    "exp": 1631700395,
    "iat": 1631696795,
    "idp": "default",
    "iss": "",
    "jti": "261e658f-b40a-42f5-9e98-3eb022dfccac",
    "name": "John Doe",
    "nbf": 1631696795,
    "nonce": "c50rf23o825ulrjk38qg",
    "rat": 1631696795,
    "scp": ["openid"],
    "st": "public",
    "sub": "user",
    "tid": "cloudentity-user",
}
"""The sample as the page prints it; its lists are cut off there, and its issuer is left empty."""

JOHN = Facts(
    issuer="",
    tenant_id="a-tenant",
    tenant_slug="default",
    owner="cloudentity-user",
    audience="default-demo",
    now=1631696795,
    lifetime=3600,
    alg="ES256",
    person=Person("user", "john", {"name": "John Doe"}, updated_at=5),
    scope=("openid", "profile", "email"),
    nonce="c50rf23o825ulrjk38qg",
    auth_time=1631696786,
    acr="1",
    amr=("pwd",),
    session_id="a-session",
    token_id="261e658f-b40a-42f5-9e98-3eb022dfccac",
    circumstances=Circumstances(requested_at=1631696795),
)


def told(**changes: Any) -> dict[str, Any]:
    """Return the claims of the sample's sign-in with something changed."""
    return claims.id_token(msgspec.structs.replace(JOHN, **changes))


@capability("cloudentity-claims", witness="the sample of the page")
def test_the_sample_of_the_page() -> None:
    """The same claims in the same order, of the same types and values; only the lists are longer than printed."""
    found = told()
    assert list(found) == list(SAMPLE)
    assert {name: type(value) for name, value in found.items()} == {name: type(v) for name, v in SAMPLE.items()}
    assert found == SAMPLE | {"scp": ["openid", "profile", "email"]}
    assert (found["exp"] - found["iat"], found["iat"] - found["auth_time"]) == (3600, 9)


def test_instants_are_whole_numbers() -> None:
    """Trap 1: no float anywhere, and no instant as text, `updated_at` included."""
    found = told(person=Person("user", "john", {"updated_at": 1631000000}, 1))
    for name in ("auth_time", "exp", "iat", "nbf", "rat", "updated_at"):
        assert type(found[name]) is int, name


def test_an_audience_is_one_text() -> None:
    """Trap 17: never a list, so that no client asks for azp."""
    assert told()["aud"] == "default-demo"
    assert "azp" not in told()


def test_scp_is_the_list_of_scopes_and_scope_is_absent() -> None:
    """Trap 19: the name `scope` is not beside `scp`."""
    assert told(scope=("openid",))["scp"] == ["openid"]
    assert "scope" not in told()


@pytest.mark.parametrize(
    ("scope", "names"),
    [
        (("openid",), set()),
        (("openid", "profile"), {"name"}),
        (("openid", "email"), {"email", "email_verified"}),
        (("openid", "phone", "address"), set()),
    ],
)
def test_a_scope_releases_its_claims(scope: tuple[str, ...], names: set[str]) -> None:
    """An empty address is told under `email` alone; what nobody knows otherwise is left out."""
    assert set(told(scope=scope)) & {"name", "email", "email_verified", "phone_number", "address"} == names


def test_an_address_that_is_known_is_told() -> None:
    """The empty text is for nobody else."""
    found = told(person=Person("user", "john", {"email": "john@example.com", "email_verified": True}))
    assert (found["email"], found["email_verified"]) == ("john@example.com", True)


def test_claims_wanted_by_name_are_told() -> None:
    """OpenID Connect Core 5.5; they need no scope here, which the provider has looked at before."""
    found = told(scope=("openid",), requested={"preferred_username": ClaimRequest(), "updated_at": ClaimRequest()})
    assert (found["preferred_username"], found["updated_at"]) == ("john", 5)
    assert not {"preferred_username", "updated_at"} & set(told())


def test_hashes_of_what_comes_beside_it() -> None:
    """c_hash, at_hash and s_hash in a hybrid answer; s_hash with a code alone."""
    found = told(c_hash="c", at_hash="a", s_hash="s", through_browser=True)
    assert (found["c_hash"], found["at_hash"], found["s_hash"]) == ("c", "a", "s")
    assert "s_hash" not in told(s_hash="s")


def test_a_session_is_named_where_its_end_is_told() -> None:
    """`sid` is for clients that are told of logouts."""
    assert "sid" not in told()
    assert told(hears_of_logout=True)["sid"] == "a-session"


def test_pairwise_subjects_say_so() -> None:
    """`st` is the subject's type."""
    found = told(subject="somebody-else")
    assert (found["sub"], found["st"]) == ("somebody-else", "pairwise")


def test_another_provider_is_named() -> None:
    """`idp` is the connection, `idp_sub` whom it called the person."""
    there = Circumstances(idp="https://up.example", idp_subject="7", connection="partner", requested_at=7)
    found = told(circumstances=there)
    assert (found["idp"], found["idp_sub"], found["rat"]) == ("partner", "7", 7)
    assert (told()["idp"], "idp_sub" in told()) == ("default", False)


def test_a_refreshed_token_keeps_the_request() -> None:
    """`rat` and `auth_time` stay what they were, `iat` and `nbf` move on, and the nonce is gone."""
    found = told(now=1631700000, nonce="", refreshed=True)
    assert (found["rat"], found["auth_time"]) == (1631696795, 1631696786)
    assert (found["iat"], found["nbf"], found["exp"]) == (1631700000, 1631700000, 1631703600)
    assert "nonce" not in found


def test_userinfo_says_where_it_comes_from() -> None:
    """aid, aud, idp, idp_method and tid, in the order of the alphabet."""
    assert JOHN.person is not None
    answer = UserinfoAnswer(JOHN.person, ("openid", "email"), "web", claims.subject("user"), {}, "", {"team": "x"})
    found = claims.userinfo(msgspec.structs.replace(answer, tenant_slug="shop", owner="acme"))
    assert found == {
        "aid": "shop",
        "aud": "web",
        "email": "",
        "email_verified": False,
        "idp": "default",
        "idp_method": "static",
        "sub": "user",
        "team": "x",
        "tid": "acme",
    }
    assert list(found) == sorted(found)
