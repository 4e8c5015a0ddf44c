"""Claims that a request wants by name, and those that come from elsewhere: OpenID Connect Core 5.5 and 5.6.2."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intaglio.dialects import registry
from intaglio.dialects.auth0 import claims as auth0
from intaglio.dialects.google import claims as google
from intaglio.dialects.standard import claims as standard
from intaglio.names import Subject
from intaglio.protocol.claimsrequest import ClaimRequest
from intaglio.protocol.facts import Elsewhere, Facts, Person
from intaglio.protocol.userinfo import UserinfoAnswer
from intaglio.server.devmode import seeds

PERSON = Person("7f9c1a52-3b8e-4d6f-9a10-5e2c8b7d4f36", "alice", seeds.ALICE, updated_at=1_800_000_000)
FACTS = Facts(
    issuer="https://id.example.com/default",
    tenant_id=seeds.TENANT_ID,
    tenant_slug="default",
    owner="default",
    audience="web",
    now=1_800_000_000,
    lifetime=3600,
    alg="RS256",
    person=PERSON,
    scope=("openid", "profile"),
    auth_time=1_799_999_000,
)
ANY = ClaimRequest()
CREDIT = Elsewhere("bureau", ("credit_score", "credit_limit"), jwt="a.b.c")
SHIPPING = Elsewhere("post", ("shipping_address",), endpoint="https://post.example/c", access_token="t")


def told(**requested: ClaimRequest) -> dict[str, Any]:
    """Return the person's claims for a request without any scope that releases some."""
    return standard.person_claims(PERSON, ("openid",), requested)


def elsewhere(scope: str = "openid", *names: str, of: tuple[Elsewhere, ...] = (CREDIT, SHIPPING)) -> dict[str, Any]:
    """Return the claims of a person who has sources, for scopes and names that are wanted."""
    person = msgspec.structs.replace(PERSON, elsewhere=of)
    return standard.person_claims(person, tuple(scope.split()), dict.fromkeys(names, ANY))


def test_what_is_wanted_by_name_is_told() -> None:
    """Core 5.5: a single claim without its scope; whether it is essential makes no difference to what is known."""
    assert told(email=ANY) == {"email": "alice@example.com"}
    assert told(email=ClaimRequest(essential=True)) == {"email": "alice@example.com"}
    assert told(preferred_username=ANY, updated_at=ANY) == {"preferred_username": "alice", "updated_at": 1_800_000_000}


def test_unknown_claims_are_left_out_without_an_error() -> None:
    """Core 5.5.1: not to return a claim, essential or not, is no error."""
    assert told(shoe_size=ANY, iban=ClaimRequest(essential=True), **{"name#ja-Kana-JP": ANY}) == {}


@pytest.mark.parametrize(
    ("request_of", "given_name"),
    [
        (ClaimRequest(value="Alice"), True),
        (ClaimRequest(value="Bob"), False),
        (ClaimRequest(values=("Bob", "Alice")), True),
        (ClaimRequest(values=("Bob", "Carol")), False),
        (ClaimRequest(essential=True, value="alice"), False),
        (ClaimRequest(value=1), False),
    ],
)
def test_a_value_is_told_only_if_it_is_the_one(request_of: ClaimRequest, given_name: bool) -> None:
    """Core 5.5.1: `value` and `values`, letter for letter; a claim of another value is left out."""
    assert ("given_name" in told(given_name=request_of)) is given_name


def test_true_is_not_one() -> None:
    """JSON's true and 1 are two values."""
    person = msgspec.structs.replace(PERSON, claims={"email_verified": True})
    for value, is_told in ((True, True), (1, False), ("true", False), (False, False)):
        asked = {"email_verified": ClaimRequest(value=value)}
        assert ("email_verified" in standard.person_claims(person, (), asked)) is is_told


def test_a_scope_goes_on_releasing_what_a_value_does_not() -> None:
    """Core 5.5.2: the two ways of asking stand beside each other."""
    asked = {"email": ClaimRequest(value="other@example.com")}
    assert standard.person_claims(PERSON, ("email",), asked)["email"] == "alice@example.com"


@pytest.mark.parametrize("name", sorted(standard.ISSUERS_OWN))
def test_nobody_asks_for_what_the_issuer_says(name: str) -> None:
    """No record, source, scope or request puts a claim of the issuer's into a token as one of the person's."""
    forged = msgspec.structs.replace(
        PERSON, claims={name: "forged"}, elsewhere=(Elsewhere("source", (name,), jwt="a.b.c"),)
    )
    for dialect in (standard, auth0):
        found = dialect.person_claims(forged, ("openid", name), {name: ANY})
        assert found.get(name) != "forged"
        assert "_claim_names" not in found
    asked = msgspec.structs.replace(FACTS, person=forged, requested={name: ANY}, scope=("openid", name))
    for one in (standard, google, auth0):
        assert "forged" not in one.id_token(asked).values()


def test_where_the_claims_are_told() -> None:
    """Core 5.4, 5.5: scopes in the ID token only without an access token, names wherever they were asked for."""
    asked = msgspec.structs.replace(FACTS, requested={"email": ANY})
    assert set(standard.id_token(asked)) == {"iss", "sub", "aud", "exp", "iat", "auth_time", "email"}
    alone = standard.id_token(msgspec.structs.replace(asked, delivered_with_access_token=False))
    assert {"email", *standard.PROFILE} <= set(alone)
    assert google.id_token(asked)["email"] == auth0.id_token(asked)["email"] == "alice@example.com"


def test_the_subject_is_the_one_that_was_decided() -> None:
    """Every dialect tells the subject that the facts name, in the ID token and at UserInfo."""
    named = msgspec.structs.replace(FACTS, subject="pairwise")
    answer = UserinfoAnswer(PERSON, ("openid",), "web", Subject("pairwise"))
    for module in (standard, google, auth0):
        assert module.id_token(named)["sub"] == "pairwise"
    for dialect in registry.DIALECTS.values():
        assert dialect.userinfo(answer)["sub"] == "pairwise"
    assert "pairwise" not in repr(answer)


def test_the_hashes_are_told() -> None:
    """Core 3.3.2.11, FAPI: c_hash and s_hash beside at_hash."""
    hashed = standard.id_token(msgspec.structs.replace(FACTS, c_hash="c", s_hash="s", at_hash="a"))
    assert (hashed["c_hash"], hashed["s_hash"], hashed["at_hash"]) == ("c", "s", "a")


def test_aggregated_claims() -> None:
    """Core 5.6.2.1: names lead to a source, and the source holds the JWT."""
    assert elsewhere("openid", "credit_score", "credit_limit") == {
        "_claim_names": {"credit_score": "bureau", "credit_limit": "bureau"},
        "_claim_sources": {"bureau": {"JWT": "a.b.c"}},
    }


def test_distributed_claims() -> None:
    """Core 5.6.2.2: the source names an endpoint, and a token where one is needed."""
    source = {"endpoint": "https://post.example/c", "access_token": "t"}
    assert elsewhere("openid", "shipping_address")["_claim_sources"] == {"post": source}
    free = msgspec.structs.replace(SHIPPING, access_token="")
    found = elsewhere("openid", "shipping_address", of=(free,))
    assert found["_claim_sources"] == {"post": {"endpoint": "https://post.example/c"}}


def test_a_scope_called_like_a_claim_asks_for_it() -> None:
    """A claim outside the standard's scopes has a scope of its own name."""
    assert elsewhere("openid shipping_address")["_claim_names"] == {"shipping_address": "post"}
    assert elsewhere("openid profile email offline_access").keys() & {"_claim_names", "_claim_sources"} == set()


def test_a_source_goes_out_whole_or_not_at_all() -> None:
    """Its JWT tells all that is in it, so that half a permission is none."""
    assert elsewhere("openid", "credit_score") == {}
    assert "_claim_sources" in elsewhere("openid credit_limit", "credit_score")


def test_what_is_known_here_is_not_looked_up_elsewhere() -> None:
    """Core 5.6.2: one claim does not come twice."""
    source = Elsewhere("other", ("email",), jwt="a.b.c")
    assert elsewhere("openid", "email", of=(source,)) == {"email": "alice@example.com"}


def test_a_source_prints_neither_token_nor_claims() -> None:
    """An access token of another party's stays out of logs."""
    assert repr(SHIPPING) == "Elsewhere(post)"


NAMES = st.sampled_from([*standard.PROFILE, "email", "phone_number", "iss", "sub", "credit_score", "unheard-of"])


@given(st.sets(NAMES), st.booleans())
def test_no_more_than_was_asked_for(names: set[str], essential: bool) -> None:
    """Whatever is asked for, nothing else is told."""
    person = msgspec.structs.replace(PERSON, elsewhere=(CREDIT, SHIPPING))
    found = standard.person_claims(person, (), dict.fromkeys(names, ClaimRequest(essential=essential)))
    assert set(found) <= names - standard.ISSUERS_OWN
