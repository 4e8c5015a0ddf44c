"""An authority's ring: one key set for every tenant of a host, where the dialect says so."""

from __future__ import annotations

import jwt
import msgspec

from intaglio.dialects.standard import profile as standard
from intaglio.server import upkeep
from intaglio.server.http.tenancy import Listener
from intaglio.server.model import signingkeys
from tests import harness
from tests.capability import capability

SHARING = msgspec.structs.replace(
    standard.DIALECT, profile=msgspec.structs.replace(standard.DIALECT.profile, shares_ring=True)
)
BASE = "http://localhost:8080"


def _site() -> harness.Site:
    listener = Listener(dialect=SHARING, name="standard", base_url=BASE)
    return harness.Site(listeners=(listener,), development=False, keys=False)


@capability("key-ring-shared", witness="PyJWT")
def test_tenants_of_an_authority_share_their_keys() -> None:
    """Two tenants publish one set, whose key signed both their tokens; the ring is the authority's, and is kept."""
    site = _site()
    try:
        site.add_tenant("second")
        site.settle()
        sets = [site.get(f"{BASE}/{slug}/jwks").json() for slug in ("default", "second")]
        assert sets[0] == sets[1]
        assert [one["use"] for one in sets[0]["keys"]] == ["sig", "enc"]
        token = harness.App(site).tokens()["id_token"]
        key = jwt.PyJWK(sets[1]["keys"][0])
        assert jwt.decode(
            token, key, algorithms=["RS256"], audience="web", options={"verify_exp": False, "verify_iat": False}
        )
        assert f"authority:{BASE}" in site.read(signingkeys.rings, "", 10)
        assert site.run(upkeep.rotate(site.house)) == 0
        site.clock.advance(90 * 86400)
        assert site.run(upkeep.rotate(site.house)) >= 1
        site.clock.advance(1)
        kinds = [one["use"] for one in site.get(f"{BASE}/second/jwks").json()["keys"]]
        assert kinds == ["sig", "sig", "enc"]
    finally:
        site.close()
