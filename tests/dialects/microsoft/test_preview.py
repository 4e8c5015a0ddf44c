"""`token preview` in this dialect: what is told is what is issued, claim by claim, with a reason for each."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from intaglio.dialects.registry import DIALECTS
from intaglio.server.model import clients, tenants
from intaglio.server.provider import preview
from intaglio.server.provider.scene import Scene
from tests import harness
from tests.capability import capability
from tests.dialects.microsoft.conftest import BASE, TENANT, V2, WEB, Application

OF_THE_TOKEN = {"aio", "uti", "ipaddr", "sid"}
"""Claims whose values are made when the token is."""


def previewed(site: harness.Site, variant: str, **request: str) -> dict[str, Any]:
    """Return what is previewed for alice."""
    tenant, dialect = site.read(tenants.by_id, TENANT), DIALECTS["microsoft"]
    issuer = f"{BASE}/{TENANT}/" if variant == "1.0" else V2
    scene = Scene(tenant, dialect, issuer, f"{BASE}/{TENANT}", site.clock.now(), "ref", variant=variant)
    found = preview.preview(site.client(WEB), site.user("alice"), request, scene, site.house)
    return preview.plain(site.run(found))["id_tokens"][0]


@capability("microsoft-preview", witness="the tokens of whole sign-ins")
@pytest.mark.parametrize("variant", ["1.0", "2.0"])
@pytest.mark.parametrize("scope", ["openid", "openid profile email"])
def test_what_is_told_is_what_is_issued(site: harness.Site, web: Application, variant: str, scope: str) -> None:
    """The same claims in the same order, with the same values but for those that each token makes anew."""
    site.settle()
    app = web.v1() if variant == "1.0" else web
    issued = harness.payload(app.redeem(app.code(scope=scope, nonce="n")).json()["id_token"])
    told = previewed(site, variant, scope=scope, nonce="n")["claims"]
    assert list(told) == list(issued)
    assert {k: v for k, v in told.items() if k not in OF_THE_TOKEN} == {
        k: v for k, v in issued.items() if k not in OF_THE_TOKEN
    }


@capability("microsoft-preview", witness="the reasons")
def test_every_claim_has_its_reason(site: harness.Site) -> None:
    """What put a claim there, and where its value comes from: scopes, lists, roles, the sign-in."""
    before = site.client(WEB)
    settings = {"microsoft": {"optionalClaims": {"idToken": [{"name": "acct"}, {"name": "ipaddr"}]}}}
    roles = {"Task.Write": (site.user("alice").user_id,)}
    site.write(clients.replace, msgspec.structs.replace(before, dialects=settings, roles=roles))
    site.settle()
    reasons = previewed(site, "2.0", scope="openid profile", nonce="n")["reasons"]
    site.write(clients.replace, before)
    site.settle()
    assert all(one["rules"] for one in reasons.values())
    assert reasons["preferred_username"]["rules"] == ("scope profile",)
    assert reasons["acct"]["rules"] == ("the application's settings for this dialect",)
    assert reasons["roles"]["rules"] == ("the person has roles in the application",)
    assert reasons["nonce"]["rules"] == ("the request has a nonce",)
    assert "a pairwise subject for this client alone" in reasons["sub"]["origins"]
    assert "the token's own identifier" in reasons["uti"]["origins"]
    assert any(origin.startswith("the ID token's lifetime of 3600 s") for origin in reasons["exp"]["origins"])
