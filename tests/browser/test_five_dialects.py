"""One person in one Chromium, at every dialect of one server."""

from __future__ import annotations

import requests
from playwright import sync_api

from intaglio.dialects import registry
from intaglio.dialects.dialect import Site
from intaglio.server.devmode import seeds
from tests import live
from tests.capability import capability


def _endpoints(dev: live.Dev) -> list[str]:
    """Return the authorization endpoint of each dialect, which its metadata tells."""
    found = []
    for offset, name in enumerate(live.NAMES):
        base = f"{dev.scheme}://localhost:{dev.port + offset}"
        issuer = registry.DIALECTS[name].issuer(Site(base, seeds.SLUG, seeds.TENANT_ID, seeds.OWNER))
        where = issuer.rstrip("/") + "/.well-known/openid-configuration"
        found.append(requests.get(where, timeout=10).json()["authorization_endpoint"])
    return found


@capability("five-dialects", witness="Chromium")
def test_who_signed_in_at_all_five_stays_signed_in(dev: live.Dev, page: sync_api.Page, receiver: live.Receiver) -> None:
    """Five sign-ins one after the other in one browser; then each dialect gives a code without asking anybody."""
    endpoints = _endpoints(dev)
    assert len(set(endpoints)) == 5
    for endpoint in endpoints:
        begun = live.authorization(endpoint, scope="openid profile email")
        live.sign_in(page, begun.url)
        assert receiver.next().fields["state"] == begun.state
    for endpoint in endpoints:
        begun = live.authorization(endpoint, scope="openid profile email", prompt="none")
        page.goto(begun.url)
        page.wait_for_selector("#rp-done")
        arrived = receiver.next().fields
        assert (arrived["state"], "code" in arrived) == (begun.state, True)
