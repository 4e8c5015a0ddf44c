"""Claims of both versions against the two samples of Microsoft's page, and each claim under its condition."""

from __future__ import annotations

import base64
import re
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intaglio.dialects.microsoft import account, claims, optional
from intaglio.protocol.circumstances import Circumstances
from intaglio.protocol.claimsrequest import ClaimRequest
from intaglio.protocol.facts import Facts, Person
from tests.capability import capability
from tests.dialects.microsoft import facts
from tests.dialects.microsoft.facts import MEMBER

pytestmark = capability("microsoft-claims", witness="the samples on Microsoft's page")

MEMBER_V2 = "aud iss iat nbf exp aio name nonce oid preferred_username rh sub tid uti ver".split()
MEMBER_V1 = (
    "aud iss iat nbf exp aio amr family_name given_name ipaddr name nonce oid rh sub tid unique_name upn uti ver"
).split()


def shape(made: dict[str, Any]) -> list[tuple[str, type]]:
    """Return names and types in their order."""
    return [(name, type(value)) for name, value in made.items()]


def listed(*entries: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return an application's settings with a list of optional claims."""
    return {"optionalClaims": {"idToken": list(entries)}, **more}


def test_guest_through_v1_is_the_pages_sample() -> None:
    """The v1.0 sample's claims, in its order and of its types; 3900 seconds from iat to exp."""
    _, sample = facts.samples()[0]
    made = claims.id_token(facts.v1(facts.guest()))
    assert shape(made) == shape(sample)
    assert made["exp"] - made["iat"] == sample["exp"] - sample["iat"] == 3900
    same = "aud amr email family_name given_name ipaddr nonce oid tid sub unique_name ver"
    expected = {name: sample[name] for name in same.split()}
    assert {name: made[name] for name in same.split()} == expected
    assert made["idp"] == f"https://login.example.test/{facts.HOME}/"


def test_personal_account_through_v2_is_the_pages_sample() -> None:
    """The v2.0 sample's claims, in its order and of its types; 86700 seconds from iat to exp; no uti and no rh."""
    _, sample = facts.samples()[1]
    subject = claims.subject("00000000-0000-0000-66f3-3332eca7ea81", facts.MEMBER.subject)
    made = claims.id_token(facts.personal(subject=subject))
    assert shape(made) == shape(sample)
    assert made["exp"] - made["iat"] == sample["exp"] - sample["iat"] == 86700
    assert made["oid"] == sample["oid"]
    assert made["sub"][:21] == sample["sub"][:21] == "A" * 21


def test_member_through_v2_has_the_defaults() -> None:
    """Work accounts have v1.0's order and v2.0's few claims."""
    made = claims.id_token(MEMBER)
    assert list(made) == MEMBER_V2
    assert (made["oid"], made["tid"], made["ver"]) == (facts.USER, facts.TENANT, "2.0")
    assert made["preferred_username"] == "abe@contoso.test"
    assert list(claims.id_token(facts.of(scope=("openid", "profile", "email"))))[5:8] == ["aio", "email", "name"]


def test_member_through_v1_has_the_defaults() -> None:
    """A member has upn and no email; no scope changes that."""
    assert list(claims.id_token(facts.v1())) == MEMBER_V1
    assert claims.id_token(facts.v1(scope=("openid",))) == claims.id_token(facts.v1(scope=("openid", "email")))


def test_scopes_release_the_profile_in_v2() -> None:
    """Without `profile` neither name nor oid, whatever the application has on its list of such claims."""
    settings = listed({"name": "upn"}, {"name": "family_name"}, {"name": "login_hint"})
    made = claims.id_token(facts.of(scope=("openid",), client_settings=settings))
    assert not {"name", "oid", "preferred_username", "upn", "family_name", "login_hint"} & made.keys()
    made = claims.id_token(facts.of(client_settings=settings))
    assert (made["upn"], made["family_name"]) == ("abe@contoso.test", "Lincoln")


def test_a_guest_is_one_by_who_vouched() -> None:
    """`idp` and `email` are there for a guest in both versions; a member has neither."""
    made = claims.id_token(facts.guest(scope=("openid",)))
    assert (made["email"], made["idp"]) == ("abeli@microsoft.com", f"https://login.example.test/{facts.HOME}/")
    assert not {"idp", "email"} & claims.id_token(MEMBER).keys()


def test_a_guest_has_no_address_that_nobody_confirmed() -> None:
    """What the provider told is told; what stands in the record only if it is confirmed there."""
    came = Circumstances(idp="https://idp.test")
    for confirmed in (True, False):
        person = Person(facts.USER, "abe", facts.LINCOLN | {"email_verified": confirmed})
        made = claims.id_token(facts.of(person=person, circumstances=came, scope=("openid", "email")))
        assert ("email" in made) == confirmed
    told = Circumstances(idp="https://idp.test", told={"email": "abe@home.test"})
    assert claims.id_token(facts.of(circumstances=told))["email"] == "abe@home.test"


def test_nothing_is_empty() -> None:
    """What is not known is left out: no nonce, no address, no names."""
    bare = facts.of(nonce="", person=Person(facts.USER, "abe"), amr=(), circumstances=Circumstances())
    for made in (claims.id_token(bare), claims.id_token(facts.v1(bare))):
        assert not [name for name, value in made.items() if value in ("", None, [], {})]
        assert not {"nonce", "ipaddr", "amr", "given_name", "email"} & made.keys()
        assert made.get("name") == "abe"


def test_hashes_are_there_through_the_browser_alone() -> None:
    """c_hash and at_hash belong to what the authorization endpoint gives."""
    told = {"at_hash": "a", "c_hash": "c", "s_hash": "s"}
    assert not {"at_hash", "c_hash", "s_hash"} & claims.id_token(facts.of(**told)).keys()
    made = claims.id_token(facts.of(through_browser=True, **told))
    assert (made["at_hash"], made["c_hash"]) == ("a", "c")
    assert "s_hash" not in made


def test_opaque_values_have_their_shapes() -> None:
    """uti: a GUID of 22 characters that ends in AA; rh: both GUIDs between fixed octets; aio: new for each token."""
    made, other = claims.id_token(MEMBER), claims.id_token(facts.of(token_id=str(uuid.uuid4())))
    assert re.fullmatch(r"[A-Za-z0-9_-]{20}AA", made["uti"])
    octets = base64.urlsafe_b64decode(made["rh"][2:-1] + "==")
    assert octets[:3] == b"\1\x30\0"
    assert octets[35:] == b"\x30\0\x6a"
    assert uuid.UUID(bytes_le=octets[3:19]) == uuid.UUID(facts.TENANT)
    assert uuid.UUID(bytes_le=octets[19:35]) == uuid.UUID(facts.CLIENT)
    assert len({made["aio"], other["aio"], made["uti"], other["uti"]}) == 4
    assert claims.id_token(facts.of(audience="ms-web"))["rh"] != made["rh"]


def test_subjects_never_change() -> None:
    """These values are kept by relying parties for ever: a change here takes everybody's account away."""
    assert claims.subject(facts.USER) == "Zgcib5Ha_KZex-MxnP1-TPmXKxetSMco4dSsMUdsebQ"
    assert claims.subject(facts.USER, MEMBER.subject) == MEMBER.subject


USERS = {
    "onPremisesSecurityIdentifier": "S-1-5-21-1",
    "country": "DE",
    "preferredLanguage": "de-DE",
    "preferredDataLocation": "EUR",
    "secondaryAuthoritativeEmails": ["abe@second.test"],
    "extensions": {"skypeId": "abe.skype"},
}
TENANTS = {"countryLetterCode": "US", "preferredLanguage": "en", "trustedNetworks": ["131.107.0.0/16"]}
OPTIONAL: dict[str, Any] = {
    "acct": 0,
    "auth_time": MEMBER.auth_time,
    "ctry": "DE",
    "email": "abe@contoso.test",
    "family_name": "Lincoln",
    "given_name": "Abe",
    "in_corp": "true",
    "ipaddr": "131.107.222.22",
    "login_hint": "abe",
    "nickname": "Honest Abe",
    "onprem_sid": "S-1-5-21-1",
    "preferred_username": "abe@contoso.test",
    "signin_state": ["inknownntwk"],
    "tenant_ctry": "US",
    "tenant_region_scope": "WW",
    "upn": "abe@contoso.test",
    "verified_primary_email": ["abe@contoso.test"],
    "verified_secondary_email": ["abe@second.test"],
    "xms_edov": True,
    "xms_pdl": "EUR",
    "xms_pl": "de-de",
    "xms_tpl": "en",
}


def furnished(**changes: Any) -> Facts:
    """Return facts of which every optional claim can be made."""
    known = LINCOLN_PLUS
    return facts.of(person=Person(facts.USER, "abe", known, settings=USERS), tenant_settings=TENANTS, **changes)


LINCOLN_PLUS = facts.LINCOLN | {"nickname": "Honest Abe", "email_verified": True}


@capability("microsoft-optional", witness="every claim, listed and requested")
@pytest.mark.parametrize("name", sorted(OPTIONAL))
def test_optional_claim_by_list_and_by_request(name: str) -> None:
    """Each is there if the application lists it, or the request names it, with one value; in v2.0 not otherwise."""
    scope = ("openid", "profile", *(("email",) if name == "xms_edov" else ()))
    by_list = claims.id_token(furnished(scope=scope, client_settings=listed({"name": name})))
    by_name = claims.id_token(furnished(scope=scope, requested={name: ClaimRequest()}))
    assert by_list[name] == by_name[name] == OPTIONAL[name]
    assert type(by_list[name]) is type(OPTIONAL[name])
    if name != "preferred_username":
        assert name not in claims.id_token(furnished())


def test_what_can_be_optional_is_told_completely() -> None:
    """Every optional claim has a value above, or a condition that never holds; a request for those gets nothing."""
    assert set(OPTIONAL) | {"sid", "xms_cc"} == {*optional.VALUES, "upn"}
    wanted = {name: ClaimRequest(essential=True) for name in optional.NEVER}
    assert claims.id_token(furnished(requested=wanted)) == claims.id_token(furnished())


def test_sid_is_a_guid_of_the_session() -> None:
    """The same for one session, another for the next."""
    settings = listed({"name": "sid"})
    made = claims.id_token(facts.of(client_settings=settings))["sid"]
    assert str(uuid.UUID(made)) == made
    assert claims.id_token(facts.of(client_settings=settings, token_id=str(uuid.uuid4())))["sid"] == made
    assert claims.id_token(facts.of(client_settings=settings, session_id="another"))["sid"] != made


def test_capabilities_are_those_that_the_request_told() -> None:
    """xms_cc repeats what the client says it can do, and is not there otherwise."""
    made = claims.id_token(facts.of(requested={"xms_cc": ClaimRequest(values=("cp1",))}))
    assert made["xms_cc"] == ["cp1"]
    assert "xms_cc" not in claims.id_token(facts.of(client_settings=listed({"name": "xms_cc"})))


def test_extensions_of_the_directory() -> None:
    """An extension on the list is told under its own name, from the user's record; an unknown one is not."""
    entry = {"name": "extension_ab603c56068041afb2f6832e2a17e237_skypeId", "source": "user"}
    made = claims.id_token(furnished(client_settings=listed(entry, {"name": "extension_ab_other", "source": "user"})))
    assert made["extn.skypeId"] == "abe.skype"
    assert not [name for name in made if name.startswith("ext") and name != "extn.skypeId"]
    assert "extn.skypeId" not in claims.id_token(furnished())


@pytest.mark.parametrize(
    ("properties", "upn"),
    [
        ([], None),
        (["include_externally_authenticated_upn"], "AbeLi_microsoft.com#EXT#@contoso.test"),
        (["include_externally_authenticated_upn_without_hash"], "AbeLi_microsoft.com_EXT_@contoso.test"),
    ],
)
def test_name_of_a_guest(properties: list[str], upn: str | None) -> None:
    """A guest has a principal name only where an additional property asks for it."""
    settings = listed({"name": "upn", "additionalProperties": properties})
    assert claims.id_token(facts.guest(client_settings=settings)).get("upn") == upn
    assert claims.id_token(facts.v1(facts.guest(client_settings=settings))).get("upn") == upn


def test_guest_is_one_by_number() -> None:
    """acct: 0 is a member, and is not left out; 1 is a guest."""
    settings = listed({"name": "acct"})
    assert claims.id_token(facts.of(client_settings=settings))["acct"] == 0
    assert claims.id_token(facts.guest(client_settings=settings))["acct"] == 1


def test_foreign_network_is_none_of_the_tenants() -> None:
    """in_corp is not there for another address, nor for one that cannot be read."""
    for peer in ("192.0.2.1", "", "not an address"):
        there = furnished(circumstances=Circumstances(peer=peer), requested={"in_corp": ClaimRequest()})
        assert "in_corp" not in claims.id_token(there)
    assert claims.id_token(facts.v1(furnished()))["in_corp"] == "true"


def test_the_owner_of_an_address() -> None:
    """xms_edov is false for an address outside the tenant's domains, and absent without an address."""
    wanted = {"xms_edov": ClaimRequest(), "email": ClaimRequest()}
    assert claims.id_token(facts.of(tenant_domains=("other.test",), requested=wanted))["xms_edov"] is False
    assert "xms_edov" not in claims.id_token(facts.of(person=Person(facts.USER, "abe"), requested=wanted))
    assert "xms_edov" not in claims.id_token(facts.of(requested={"xms_edov": ClaimRequest()}))


def test_tokens_never_hold_what_belongs_beside_them() -> None:
    """Neither uid nor utid: an SDK refuses a token that has them."""
    everything = listed(*({"name": name} for name in (*optional.VALUES, "uid", "utid")))
    for made in (claims.id_token(furnished(client_settings=everything)), claims.id_token(facts.v1(furnished()))):
        assert not {"uid", "utid"} & made.keys()


WORDS = st.text(min_size=1, max_size=12)
ANY = st.builds(
    facts.of,
    scope=st.lists(st.sampled_from(["openid", "profile", "email"]), unique=True).map(tuple),
    nonce=st.sampled_from(["", "n"]),
    amr=st.lists(WORDS, max_size=2).map(tuple),
    roles=st.lists(WORDS, max_size=3).map(tuple),
    person=st.builds(
        Person,
        user_id=st.sampled_from([facts.USER, "00000000-0000-0000-66f3-3332eca7ea81"]),
        username=WORDS,
        claims=st.dictionaries(st.sampled_from(["name", "email", "given_name", "locale"]), WORDS),
        settings=st.fixed_dictionaries({}, optional={"country": st.just("DE"), "extensions": st.just({"a": "b"})}),
    ),
    circumstances=st.builds(
        Circumstances,
        idp=st.sampled_from(["", "https://idp.test/v2.0"]),
        peer=st.sampled_from(["", "192.0.2.1", "x"]),
        told=st.dictionaries(st.sampled_from(["email", "upn", "oid"]), WORDS | st.integers()),
    ),
    memberships=st.integers(0, 7).map(facts.groups),
    through_browser=st.booleans(),
    variant=st.sampled_from(["1.0", "2.0"]),
    token_id=st.uuids(version=4).map(str),
    client_settings=st.lists(st.sampled_from([*optional.VALUES, "upn", "groups"]), unique=True).map(
        lambda names: listed(*({"name": name} for name in names))
    ),
    requested=st.dictionaries(st.sampled_from([*optional.VALUES, *optional.NEVER, "sub"]), st.just(ClaimRequest())),
)


@given(ANY)
def test_whatever_is_known_the_shape_holds(known: Facts) -> None:
    """The order of the version, nothing empty, one audience as text, whole instants, no claim that stands beside."""
    made = claims.id_token(known)
    assert not [name for name, value in made.items() if value in (None, "", [], {})]
    assert not {"uid", "utid", *optional.NEVER} & made.keys()
    assert all(type(made[name]) is int for name in ("iat", "nbf", "exp"))
    assert made["exp"] - made["iat"] == known.lifetime + 300
    assert (made["aud"], made["ver"], made["sub"]) == (known.audience, known.variant, known.subject)
    assert not {"groups", "hasgroups"} <= made.keys()
    names = list(made)
    personal = account.is_personal(account.person(known).user_id)
    if made["ver"] == "1.0" or not personal:
        assert names[:5] == ["aud", "iss", "iat", "nbf", "exp"]
        assert names[5:] == sorted(names[5:])
    else:
        assert names[:7] == ["ver", "iss", "sub", "aud", "exp", "iat", "nbf"]
        assert not {"rh", "uti"} & made.keys()
