"""The protocol's records print no secret."""

from __future__ import annotations

import pytest

from intaglio.dialects.standard import authorize as endpoint
from intaglio.ids import Secret
from intaglio.protocol import authorize, exchange, identity, logout, meanings, pages, userinfo
from intaglio.wire.params import Params

CANARY = "canary-1f6f0e"
WHO = exchange.Presented("client_secret_basic", "web", Secret(CANARY))
RECORDS = [
    WHO,
    exchange.CodeExchange(WHO, Secret(CANARY), "https://a/cb", Secret(CANARY)),
    exchange.RefreshExchange(WHO, Secret(CANARY), None),
    exchange.ClientCredentialsExchange(WHO, None),
    exchange.TokenAnswer(CANARY, 1, (), None, CANARY, CANARY),
    exchange.RevokeQuery(WHO, Secret(CANARY)),
    exchange.IntrospectQuery(WHO, Secret(CANARY)),
    userinfo.UserinfoQuery(Secret(CANARY)),
    authorize.SessionBegins(CANARY, 1),
    authorize.SignInNeeded(CANARY, CANARY, "login", 1),
    authorize.AuthorizeAnswer("https://a/cb", "query", (("code", CANARY),)),
    endpoint.query(Params([("id_token_hint", CANARY), ("state", CANARY), ("login_hint", CANARY)])),
    logout.LogoutQuery(CANARY, "web", "", CANARY),
    identity.Minted(CANARY),
    pages.FormPostPage("https://a/cb", (("code", CANARY),)),
    pages.OrganizationPage(pages.Brand("x"), "web", "alice", "/x", CANARY, ()),
    pages.WebMessagePage("https://a", (("code", CANARY),)),
    pages.LoginPage(pages.Brand("x"), "web", "/x", CANARY),
    pages.ConsentPage(pages.Brand("x"), "web", "", "alice", "/x", CANARY, (), "https://a/cb"),
    pages.LogoutPage(pages.Brand("x"), "alice", "web", "/x", CANARY),
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_records_print_no_secret(record: object) -> None:
    """Codes, tokens, hints, cookies' secrets and form tokens are not in repr and str."""
    assert CANARY not in repr(record)
    assert CANARY not in str(record)


def test_every_claim_has_a_sentence() -> None:
    """Standard claims are explained, others are said to be the issuer's own."""
    assert all(text.endswith(".") for text in meanings.MEANINGS.values())
    assert "issuer defines" in meanings.meaning("unheard-of")
