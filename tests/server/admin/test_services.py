"""Target services: what an audience may mean, and what a later service of a name inherits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from intaglio.errors import Misconfigured
from intaglio.names import TenantId
from intaglio.server.admin import services
from intaglio.server.devmode import seeds
from intaglio.server.model import audit, policies
from intaglio.server.registry.deeds import Actor
from tests import harness

ACTOR = Actor("operator:test", harness.NOW)
HERE = "https://orders.example"


@pytest.fixture
def site() -> Iterator[harness.Site]:
    """A server with everything that development mode seeds."""
    with harness.site() as opened:
        yield opened


def create(site: harness.Site, name: str = "orders", *audiences: str, **more: Any) -> Any:
    """Create a service of the seeded project."""
    project, tenant = more.pop("project", seeds.PROJECT), more.pop("tenant", seeds.TENANT_ID)
    made = services.create(site.store, ACTOR, tenant, project, name, audiences or (HERE,), **more)
    return site.run(made)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (("Orders", HERE), "service-name-invalid"),
        (("orders/x", HERE), "service-name-invalid"),
        (("", HERE), "service-name-invalid"),
        (("orders", "two words"), "word-invalid"),
        (("orders", ""), "word-invalid"),
        (("orders", seeds.SERVICE_AUDIENCE), "service-exists"),
        ((seeds.SERVICE, HERE), "service-exists"),
        (("orders", "web"), "audience-is-client"),
    ],
)
def test_what_cannot_be_created(site: harness.Site, given: tuple[str, ...], code: str) -> None:
    """Refused, and nothing is kept."""
    with pytest.raises(Misconfigured) as caught:
        create(site, *given)
    assert caught.value.code == code
    assert [one.name for one in site.run(services.page(site.store, seeds.TENANT_ID, seeds.PROJECT))] == [seeds.SERVICE]


def test_a_service_needs_project_and_audience(site: harness.Site) -> None:
    """Without either it is refused; another tenant's project is none."""
    with pytest.raises(Misconfigured, match="project-unknown"):
        create(site, project="other-project")
    with pytest.raises(Misconfigured, match="project-unknown"):
        create(site, tenant=TenantId("00000000-0000-4000-8000-00000000ffff"))
    with pytest.raises(Misconfigured, match="audience-missing"):
        site.run(services.create(site.store, ACTOR, seeds.TENANT_ID, seeds.PROJECT, "orders", ()))


def test_an_audience_that_is_a_client(site: harness.Site) -> None:
    """Neither at first nor later: an application's tokens would open the service."""
    create(site)
    with pytest.raises(Misconfigured, match="audience-is-client"):
        site.run(services.update(site.store, ACTOR, seeds.TENANT_ID, seeds.PROJECT, "orders", audiences=("demo",)))
    kept = site.run(services.show(site.store, seeds.TENANT_ID, seeds.PROJECT, "orders"))
    assert kept.audiences == (HERE,)


def test_changing_and_deleting(site: harness.Site) -> None:
    """What is not given stays; each change is in the audit log; what is gone is unknown."""
    create(site, development_tokens=False)
    where = (seeds.TENANT_ID, seeds.PROJECT, "orders")
    assert site.run(services.update(site.store, ACTOR, *where, audiences=("a", "b"))).development_tokens is False
    assert site.run(services.update(site.store, ACTOR, *where, development_tokens=True)).audiences == ("a", "b")
    site.run(services.delete(site.store, ACTOR, *where))
    for act in (services.update(site.store, ACTOR, *where), services.delete(site.store, ACTOR, *where)):
        with pytest.raises(Misconfigured, match="service-unknown"):
            site.run(act)
    actions = [entry.action for entry in site.read(audit.page, seeds.TENANT_ID, audit.LAST, 10)]
    assert sorted(actions) == ["service.create", "service.delete", "service.update", "service.update"]


def test_a_later_service_inherits_nothing(site: harness.Site) -> None:
    """A service of the same name begins without the policy of the earlier one."""
    where = (seeds.TENANT_ID, seeds.PROJECT, seeds.SERVICE)
    resource = f"projects/{seeds.PROJECT}/services/{seeds.SERVICE}"
    assert site.read(policies.of_resource, seeds.TENANT_ID, resource) is not None
    site.run(services.delete(site.store, ACTOR, *where))
    create(site, seeds.SERVICE)
    assert site.read(policies.of_resource, seeds.TENANT_ID, resource) is None
