"""What a thief of the database has: each secret that went in is looked for in the octets of the whole database."""

from __future__ import annotations

import base64
import json
import pathlib
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator

import pytest

from intaglio.dialects.google.profile import DIALECT as GOOGLE
from intaglio.ids import Secret
from intaglio.server.admin import accountkeys as admin_accountkeys
from intaglio.server.admin import clients as admin_clients
from intaglio.server.admin import connections as admin_connections
from intaglio.server.admin import registrationtokens, tenants, users
from intaglio.server.admin.clients import NewClient
from intaglio.server.devmode import seeds
from intaglio.server.issue import accountsigning
from intaglio.server.keyring import rotate
from intaglio.server.keyring.vault import Vault
from intaglio.server.model import accountkeys, signingkeys
from intaglio.server.provider import hint
from intaglio.server.registry.connectionrules import Wanted
from intaglio.server.registry.deeds import Actor
from intaglio.tokens import jwk, privatejwk
from tests import harness, upstreams, workloads
from tests.capability import capability

PASSWORD, SECRET, SEALED = "canary-password-4711", "canary-secret-4711", "canary-sealed-secret-for-hmac-4711"
UPSTREAM = "canary-upstream-4711"
KNOWN, POSTED = "canary-known-4711", "canary-posted-4711"


def forms(secret: str | bytes) -> Iterator[bytes]:
    """Give a secret as it could stand somewhere: as it is, in hexadecimal digits, in base64 at each alignment."""
    octets = secret.encode() if isinstance(secret, str) else secret
    yield octets
    yield octets.hex().encode()
    for skipped in range(3):
        piece = octets[skipped : skipped + (len(octets) - skipped) // 3 * 3]
        if len(piece) >= 12:
            yield base64.b64encode(piece)
            yield base64.urlsafe_b64encode(piece)


def dump(site: harness.Site, folder: pathlib.Path) -> pathlib.Path:
    """Write the database as a file, every page of it."""
    file = folder / "stolen.db"
    connection: sqlite3.Connection = site.store.connection  # type: ignore[attr-defined]
    file.write_bytes(connection.serialize())
    return file


def found(file: pathlib.Path, secrets: dict[str, str | bytes]) -> set[str]:
    """Return the names of the secrets that are in the file: grep looks."""
    grep = shutil.which("grep")
    if grep is None:
        pytest.skip("grep is not installed")
    seen = set()
    for name, secret in secrets.items():
        # Octets that grep would take for lines or letters of another alphabet are looked for in their text forms alone.
        patterns = [one for one in forms(secret) if all(0x20 <= octet < 0x7F for octet in one)]
        asked = [part for one in patterns for part in ("-e", one.decode())]
        done = subprocess.run(
            [grep, "-acF", *asked, str(file)], env={"LC_ALL": "C"}, capture_output=True, text=True, check=False
        )
        assert done.returncode in (0, 1), done.stderr
        raw = next(forms(secret)) in file.read_bytes()
        if done.returncode == 0 or raw:
            seen.add(name)
    return seen


def _people(site: harness.Site) -> dict[str, str | bytes]:
    """Sign people in, in every way, and return what they and their browsers had."""
    tenant = site.client("web").tenant_id
    ada = users.create(site.store, site.clock, site.passwords, tenant, username="ada", password=Secret(PASSWORD))
    site.run(ada)
    app, browser = harness.App(site, "given", SECRET), harness.Browser(site)
    page = browser.follow(app.authorize(browser))
    browser.submit(page, "login-form", username="ada", password=PASSWORD + "x", decision="login")
    secrets: dict[str, str | bytes] = {"password": PASSWORD, "verifier": harness.VERIFIER}
    code = browser.consent(browser.sign_in(page, "ada", PASSWORD)).params["code"]
    tokens = app.redeem(code).json()
    again = app.refresh(tokens["refresh_token"]).json()
    unused = app.code(browser, "ada")
    secrets |= {"code": code, "unused code": unused}
    secrets |= {f"{name} {number}": one[name] for number, one in enumerate((tokens, again)) for name in TOKENS}
    hinted = app.authorize(browser, id_token_hint=tokens["id_token"])
    waiting = harness.Browser(site)
    login = app.authorize(waiting, id_token_hint=tokens["id_token"], prompt="login")
    secrets["waiting sign-in"] = login.location.rpartition("/")[2].partition("?")[0]
    assert hinted.status in (302, 303)
    for number, one in enumerate((browser, waiting)):
        secrets |= {f"cookie {number} {name}": value for name, value in one.jar.items() if len(value) > 16}
    csrf = re.search(r'name="csrf"[^>]*value="([^"]+)"', page.text)
    assert csrf is not None
    return secrets | {"csrf": csrf[1]}


TOKENS = ("access_token", "refresh_token", "id_token")


def _clients(site: harness.Site) -> dict[str, str | bytes]:
    """Register clients in every way, and return their secrets."""
    tenant = site.client("web").tenant_id
    common = {"redirect_uris": ("http://127.0.0.1:9999/cb",), "grant_types": ("authorization_code", "refresh_token")}
    scope = ("openid", "profile", "email", "offline_access")
    wanted = NewClient(client_name="G", client_id="given", client_secret=Secret(SECRET), scope=scope, **common)
    site.run(admin_clients.create(site.store, site.clock, site.house.secrets, tenant, wanted))
    made = admin_clients.add_secret(site.store, site.clock, site.house.secrets, tenant, "given")
    post = NewClient(
        client_name="P",
        client_id="posting",
        client_secret=Secret(POSTED),
        token_endpoint_auth_methods=("client_secret_post",),
        **common,
    )
    site.run(admin_clients.create(site.store, site.clock, site.house.secrets, tenant, post))
    sealed = NewClient(
        client_name="S",
        client_id="sealed",
        client_secret=Secret(SEALED),
        token_endpoint_auth_methods=("client_secret_jwt",),
        **common,
    )
    added = site.run(made).client_secret
    assert added is not None
    site.run(admin_clients.create(site.store, site.clock, site.house.secrets, tenant, sealed))
    site.change_tenant(registration="token")
    initial = site.run(registrationtokens.create(site.store, site.clock, tenant)).secret.reveal()
    bearer = {"authorization": f"Bearer {initial}"}
    told = site.post("~/register", payload={"redirect_uris": ["https://a.example/cb"]}, headers=bearer).json()
    secrets: dict[str, str | bytes] = {"given secret": SECRET, "added secret": added.reveal(), "sealed secret": SEALED}
    return secrets | {
        "initial access token": initial,
        "registered secret": told["client_secret"],
        "registration access token": told["registration_access_token"],
    }


def _requests(site: harness.Site) -> dict[str, str | bytes]:
    """Let devices and pushed requests wait, and return what leads to them."""
    device = site.post("~/device_authorization", {"client_id": "tv", "scope": "openid"}).json()
    app, posting = harness.App(site), {"client_id": "posting", "client_secret": POSTED}
    hinted = app.tokens()["id_token"]
    pushed = site.post("~/par", app.request(scope="openid", id_token_hint=hinted) | posting).json()
    return {
        "device code": device["device_code"],
        "user code": device["user_code"].replace("-", ""),
        "posted secret": POSTED,
        "pushed hint": hinted,
        "pushed request": pushed["request_uri"].rpartition(":")[2],
    }


def _upstream(site: harness.Site) -> dict[str, str | bytes]:
    """Let somebody be on the way at another provider, and return what the connection and the sign-in know."""
    members = privatejwk.members(jwk.generate("ES256"), "k") | {"use": "enc", "alg": "ECDH-ES"}
    jwks = json.dumps({"keys": [members]})
    upstreams.partner(site)
    tenant = site.run(tenants.show(site.store, seeds.SLUG))
    changes = Wanted(client_secret=Secret(UPSTREAM), jwks=Secret(jwks))
    actor = Actor("operator:test", site.clock.now())
    site.run(admin_connections.update(site.store, site.vault, actor, tenant, "partner", changes))
    site.settle()
    browser, app = harness.Browser(site), harness.App(site)
    page = browser.follow(app.authorize(browser))
    (way,) = upstreams.links(page)
    there = upstreams.fields(browser.get(upstreams.BASE + way).location)
    return {
        "upstream secret": UPSTREAM,
        "upstream key": members["d"],
        "upstream state": there["state"],
        "upstream nonce": there["nonce"],
    }


def _workloads(site: harness.Site) -> dict[str, str | bytes]:
    """Let workloads have tokens and keys, and return them."""
    account = workloads.seeded(site)
    words = GOOGLE.vocabulary
    assert words is not None
    base = site.listeners[1].base_url
    actor = Actor("operator:test", site.clock.now())
    pem = site.run(admin_accountkeys.create(site.store, actor, words, base, account)).file["private_key"]
    body = "".join(line for line in pem.splitlines() if "-" not in line)
    signed = site.run(site.hall.works.signatures.jwt(account, b"{}", site.clock.now()))
    assert signed
    return {
        "workload token": workloads.token(site, account),
        "account key": base64.b64decode(body)[-64:],
    }


def _keys(site: harness.Site) -> dict[str, str | bytes]:
    """Return the private keys that the server holds, and the master key."""
    secrets: dict[str, str | bytes] = {"master key": harness.MASTER_KEY}
    for record in site.read(signingkeys.of_ring, site.client("web").tenant_id):
        der = site.vault.open(record.sealed_private, rotate.PURPOSE + record.key_id)
        secrets[f"signing key {record.alg}"] = der[-64:]
    account = workloads.seeded(site)
    for key in site.read(accountkeys.of_account, account.tenant_id, account.unique_id):
        if key.sealed_private:
            secrets["system key"] = site.vault.open(key.sealed_private, accountsigning.PURPOSE + key.key_id)[-64:]
    return secrets


@capability("at-rest-canaries", witness="grep, in the octets of the database")
def test_no_secret_is_in_the_database(site: harness.Site, tmp_path: pathlib.Path) -> None:
    """Passwords, client secrets, codes, tokens, cookies, device codes, upstream secrets, private keys: none of them."""
    secrets = _clients(site) | _people(site) | _requests(site) | _upstream(site) | _workloads(site) | _keys(site)
    assert len(secrets) > 30
    site.change_user("alice", claims={"name": KNOWN})
    file = dump(site, tmp_path)
    assert found(file, {"known": KNOWN}) == {"known"}, "what is there is found: this test can fail"
    assert found(file, secrets) == set()
    connection = sqlite3.connect(file)
    with connection:
        connection.execute("DELETE FROM clients")
        connection.execute("DELETE FROM connections")
    connection.close()
    assert found(file, secrets) == set()


def test_a_hint_that_waits_counts_and_nobody_sends_one(site: harness.Site) -> None:
    """Who waits with a hint signs in as whom it names, and as nobody else; its sealed form cannot be brought along."""
    app = harness.App(site)
    named = app.tokens()["id_token"]
    assert "code" in app.callback(id_token_hint=named).params
    other = harness.Browser(site)
    page = other.sign_in(other.follow(app.authorize(other, id_token_hint=named)), "bob")
    assert "code" not in page.params
    for text in (
        site.vault.seal(named.encode(), "another"),
        Vault(bytes(32)).seal(named.encode(), hint.PURPOSE),
        "",
        "x",
    ):
        refused = app.authorize(harness.Browser(site), id_token_hint=hint.SEALED + text)
        assert refused.error == "invalid_request"
