"""What development mode seeds is a contract, and what it shows is a real relying party."""

from __future__ import annotations

import re

import msgspec
import pytest

from intaglio.server.credentials.passwords import Passwords
from intaglio.server.devmode import seeds
from intaglio.server.model import installation, policies, serviceaccounts, services, tenants, users
from intaglio.server.model.policies import Policy
from intaglio.server.model.tenants import Tenant
from tests import harness
from tests.capability import capability

BASE = "http://localhost:8080"


@capability("seed-tenant", witness="the stored records")
@capability("tenant-record", witness="the stored records")
def test_the_tenant(site: harness.Site) -> None:
    """Owner and slug `default`, and a UUID that never changes."""
    tenant = site.read(tenants.by_slug, "default")
    assert isinstance(tenant, Tenant)
    assert (tenant.tenant_id, tenant.owner) == ("00000000-0000-4000-8000-000000000001", "default")


@capability("seed-client-web", witness="the stored records")
def test_the_clients(site: harness.Site) -> None:
    """web, spa, native and machine, as they were promised."""
    web, spa, native, machine = (site.client(name) for name in ("web", "spa", "native", "machine"))
    assert web.redirect_uris == ("http://127.0.0.1:9999/cb", "http://localhost:3000/callback")
    assert web.token_endpoint_auth_methods == ("client_secret_basic", "client_secret_post")
    assert not web.require_pkce
    assert spa.is_public
    assert native.is_public
    assert native.application_type == "native"
    assert machine.grant_types == ("client_credentials",)
    for client, secret in ((web, "web-secret"), (machine, "machine-secret")):
        assert site.house.secrets.verify(client.secrets, secret, harness.NOW)


def test_seeding_twice_changes_no_person(site: harness.Site) -> None:
    """A second start keeps users as they are, and puts the clients back."""
    before = site.user("alice")
    site.change_client("web", redirect_uris=("https://changed.example/",))
    site.run(seeds.plant(site.store, site.base, site.house.secrets, site.passwords, harness.NOW + 5))
    assert site.user("alice") == before
    assert site.client("web").redirect_uris == seeds.WEB


@capability("serve-refuses-seeds", witness="the stored records")
def test_seeds_are_known_again(site: harness.Site) -> None:
    """The mark, each client secret and each password are found; when all are changed, nothing is."""

    def known() -> tuple[str, ...]:
        found = seeds.known_secrets(site.store, site.house.secrets, site.passwords, harness.NOW)
        return site.run(found).what

    assert len(known()) == 10
    site.write(installation.keep_fact, seeds.FACT, "")
    for name in ("web", "machine"):
        site.change_client(name, secrets=(site.house.secrets.keep("another", harness.NOW),))
    for name in ("ms-web", "ms-daemon"):
        site.change_client(seeds.GUIDS[name], secrets=(site.house.secrets.keep("another", harness.NOW),))
    carol = site.user("carol", seeds.PERSONAL_ID)
    assert site.write(users.replace, msgspec.structs.replace(carol, password_hash=""))
    assert len(known()) == 4
    other = Passwords(memory_kib=8, passes=1)
    for name in ("alice", "bob"):
        site.change_user(name, password_hash=other.hash_now("another"))
    other.close()
    assert len(known()) == 2
    for unique_id in (seeds.ACCOUNT_ID, seeds.TARGET_ID):
        account = site.read(serviceaccounts.by_unique_id, seeds.TENANT_ID, unique_id)
        assert account is not None
        site.write(serviceaccounts.replace, msgspec.structs.replace(account, deleted_at=harness.NOW))
    assert known() == ()


def test_seeded_accounts_come_back(site: harness.Site) -> None:
    """A deleted service account, its policy and the service are there again after the next start, as they were."""
    account = site.read(serviceaccounts.by_email, seeds.TENANT_ID, seeds.TARGET)
    assert account is not None
    before = site.read(policies.of_resource, seeds.TENANT_ID, account.resource)
    assert before is not None
    site.write(policies.delete, seeds.TENANT_ID, account.resource)
    site.write(serviceaccounts.replace, msgspec.structs.replace(account, deleted_at=harness.NOW))
    site.write(services.delete, seeds.TENANT_ID, seeds.PROJECT, seeds.SERVICE)
    for _ in range(2):
        site.run(seeds.plant(site.store, site.base, site.house.secrets, site.passwords, harness.NOW))
    assert site.read(serviceaccounts.by_email, seeds.TENANT_ID, seeds.TARGET) == account
    assert site.read(policies.of_resource, seeds.TENANT_ID, account.resource) == before
    found = site.read(services.by_audience, seeds.TENANT_ID, seeds.SERVICE_AUDIENCE)
    assert found is not None
    assert found.name == seeds.SERVICE


def test_what_somebody_wrote_over_a_seed_stays(site: harness.Site) -> None:
    """A policy that was changed, and an account made anew at a seeded address, are nobody's to overwrite."""
    account = site.read(serviceaccounts.by_email, seeds.TENANT_ID, seeds.TARGET)
    assert account is not None
    mine = Policy(seeds.TENANT_ID, account.resource, (), "mine", harness.NOW)
    assert site.write(policies.write, mine, "SEEDED00")
    site.write(serviceaccounts.replace, msgspec.structs.replace(account, deleted_at=harness.NOW))
    other = msgspec.structs.replace(account, unique_id="999999999999999999999")
    site.write(serviceaccounts.insert, other)
    site.run(seeds.plant(site.store, site.base, site.house.secrets, site.passwords, harness.NOW))
    assert site.read(policies.of_resource, seeds.TENANT_ID, account.resource) == mine
    assert site.read(serviceaccounts.by_email, seeds.TENANT_ID, seeds.TARGET) == other


@capability("start-page", witness="the page's own text")
def test_the_start_page(site: harness.Site) -> None:
    """People, clients with their secrets, issuer and links; every link answers."""
    page = site.get(BASE + "/")
    for words in ("alice-password", "bob-password", "web-secret", "machine-secret", f"{BASE}/default", seeds.TARGET):
        assert words in page.text
    for link in re.findall(r'href="(http://localhost:8080[^"]*)"', page.text):
        assert site.get(link).status == 200, link


def test_production_has_no_front() -> None:
    """Neither the start page nor the demo is there, whoever asks."""
    with harness.site(development=False) as site:
        for where in ("/", "/demo", "/demo/login", "/demo/callback"):
            for accept in ("text/html", "*/*"):
                answer = site.get(BASE + where, headers={"accept": accept})
                assert answer.status == 404
                assert "alice-password" not in answer.text


def test_the_demo_in_one_process(site: harness.Site) -> None:
    """Sign in, see the checks, refresh, sign out: through the server's own endpoints."""
    browser = harness.Browser(site)
    assert 'id="demo-signin"' in browser.get(BASE + "/demo").text
    page = browser.through(browser.get(BASE + "/demo/login"))
    assert "Hello, Alice Elizabeth Adams" in page.text
    again = browser.follow(browser.submit(page, _form(page, "refresh")))
    assert "Hello, Alice Elizabeth Adams" in again.text
    out = browser.follow(browser.submit(again, _form(again, "logout")))
    assert "Hello" not in out.text
    assert browser.session_of(f"{BASE}/default") == ""


def _form(page: harness.Answer, action: str) -> str:
    found = re.search(rf'<form[^>]*action="[^"]*/demo/{action}"[^>]*>', page.text)
    assert found is not None
    form_id = re.search(r'id="([^"]+)"', found.group())
    assert form_id is not None
    return form_id.group(1)


@pytest.mark.parametrize(
    ("method", "where", "status"),
    [
        ("GET", "/demo/", 404),
        ("GET", "/demo/nothing", 404),
        ("POST", "/demo", 405),
        ("GET", "/demo/refresh", 405),
        ("GET", "/demo/logout", 405),
        ("POST", "/demo/refresh", 400),
        ("POST", "/demo/logout", 400),
        ("GET", "/demo/callback", 303),
        ("GET", "/demo/callback?code=x&state=y&iss=z", 303),
    ],
)
def test_the_demo_from_elsewhere(site: harness.Site, method: str, where: str, status: int) -> None:
    """Forms need their page, callbacks their visitor."""
    answer = site.request(method, BASE + where, form={} if method == "POST" else None)
    assert answer.status == status


def test_an_answer_to_another_visitor_is_not_taken(site: harness.Site) -> None:
    """A callback's code and state in another browser sign nobody in there."""
    attacker, victim = harness.Browser(site), harness.Browser(site)
    answer = attacker.follow(attacker.get(BASE + "/demo/login"))
    page = attacker.sign_in(answer)
    finished = attacker.submit(page, "consent-form", decision="allow")
    assert finished.location.startswith(BASE + "/demo/callback?code=")
    victim.get(BASE + "/demo/login")
    shown = victim.follow(victim.get(finished.location))
    assert "Hello" not in shown.text


def test_dialects_have_fronts(site: harness.Site) -> None:
    """Each port answers a browser at `/`."""
    for port in (8081, 8082, 8083, 8084):
        page = site.get(f"http://localhost:{port}/", headers={"accept": "text/html"})
        assert page.status == 200
        assert page.is_page
