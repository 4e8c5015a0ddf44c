"""Projects, service accounts and their keys as an operator makes them."""

from __future__ import annotations

import json
import pathlib
import subprocess
from typing import Any

import msgspec
import pytest
from google.oauth2 import service_account

from intaglio.dialects.google.principals import VOCABULARY
from intaglio.errors import Misconfigured
from intaglio.names import TenantId
from intaglio.server.admin import accountkeys, projects, serviceaccounts
from intaglio.server.admin.accountkeys import Created
from intaglio.server.devmode import seeds
from intaglio.server.model import accountkeys as records
from intaglio.server.model import audit
from intaglio.server.model.serviceaccounts import ServiceAccount
from intaglio.server.registry.deeds import Actor
from intaglio.server.registry.serviceaccounts import Described
from tests import harness
from tests.capability import capability

ACTOR = Actor("operator:test", harness.NOW)
TENANT = TenantId(seeds.TENANT_ID)
BASE = "https://accounts.id.example"
DAY = 86_400


def create(site: harness.Site, account_id: str = "builder", **given: Any) -> ServiceAccount:
    """Make a service account."""
    wanted = {"project": seeds.PROJECT, "account_id": account_id} | given
    return site.run(serviceaccounts.create(site.store, ACTOR, VOCABULARY, BASE, TENANT, **wanted))


def code_of(site: harness.Site, coroutine: Any) -> str:
    """Return the code with which something is refused."""
    with pytest.raises(Misconfigured) as caught:
        site.run(coroutine)
    return caught.value.code


def actions(site: harness.Site) -> list[str]:
    """Return what the log tells, the oldest first."""
    return [entry.action for entry in reversed(site.read(audit.page, TENANT, audit.LAST, 100))]


@pytest.mark.parametrize(
    "account_id",
    [
        "short",
        "x" * 31,
        "1builder",
        "builder-",
        "-builder",
        "Builder",
        "build_er",
        "build er",
        "builder\n",
        "",
        "büilder",
    ],
)
def test_names_that_are_none(site: harness.Site, account_id: str) -> None:
    """6 to 30 lower-case letters, digits and hyphens; a letter first, no hyphen last."""
    assert code_of(site, _create(site, account_id)) == "account-id-invalid"


def _create(site: harness.Site, account_id: str, **given: Any) -> Any:
    wanted = {"project": seeds.PROJECT, "account_id": account_id} | given
    return serviceaccounts.create(site.store, ACTOR, VOCABULARY, BASE, TENANT, **wanted)


@capability("service-accounts", witness="the stored records")
def test_the_life_of_an_account(site: harness.Site) -> None:
    """Made, described, disabled, enabled, deleted, had back: each is told to the log."""
    made = create(site, described=Described("Builder", "Builds."))
    assert made.email == "builder@demo-project.iam.id.example"
    assert (len(made.unique_id), made.display_name, made.description) == (21, "Builder", "Builds.")
    assert code_of(site, _create(site, "builder")) == "service-account-exists"
    described = Described(display_name="Other")
    changed = site.run(serviceaccounts.update(site.store, ACTOR, TENANT, made.unique_id, described))
    assert (changed.display_name, changed.description) == ("Other", "Builds.")
    off = site.run(serviceaccounts.switch(site.store, ACTOR, TENANT, made.email, enabled=False))
    assert not off.is_usable
    on = site.run(serviceaccounts.switch(site.store, ACTOR, TENANT, made.email, enabled=True))
    # What it had before stays dead.
    assert on == msgspec.structs.replace(changed, tokens_from=ACTOR.now)
    site.run(serviceaccounts.delete(site.store, ACTOR, VOCABULARY, TENANT, made.email))
    assert code_of(site, serviceaccounts.show(site.store, TENANT, made.email)) == "service-account-unknown"
    assert code_of(site, serviceaccounts.show(site.store, TENANT, made.unique_id)) == "service-account-unknown"
    back = site.run(serviceaccounts.undelete(site.store, ACTOR, VOCABULARY, TENANT, made.unique_id))
    assert back == msgspec.structs.replace(changed, tokens_from=harness.NOW)
    verbs = ("create", "update", "disable", "enable", "delete", "undelete")
    assert actions(site) == [f"service-account.{verb}" for verb in verbs]


def test_an_account_is_not_had_back_for_ever(site: harness.Site) -> None:
    """Not after 30 days, and not while another has its address."""
    made = create(site)
    site.run(serviceaccounts.delete(site.store, ACTOR, VOCABULARY, TENANT, made.email))
    late = Actor("operator:test", harness.NOW + 30 * DAY)
    undelete = serviceaccounts.undelete
    assert code_of(site, undelete(site.store, late, VOCABULARY, TENANT, made.unique_id)) == "service-account-unknown"
    other = create(site)
    assert other.unique_id != made.unique_id
    assert code_of(site, undelete(site.store, ACTOR, VOCABULARY, TENANT, made.unique_id)) == "service-account-exists"
    assert code_of(site, undelete(site.store, ACTOR, VOCABULARY, TENANT, other.unique_id)) == "service-account-unknown"


@pytest.mark.parametrize("text", ["x" * 257, "a\u202eb", "a\x00b"])
def test_descriptions_that_are_refused(site: harness.Site, text: str) -> None:
    """Too long, or with characters that make a text read as another."""
    assert code_of(site, _create(site, "builder", described=Described(description=text))) == "text-invalid"


@pytest.mark.parametrize(
    ("base", "domain"),
    [
        ("http://localhost:8081", "intaglio.test"),
        ("https://accounts.id.example", "id.example"),
        ("https://accounts.id.example:8443", "id.example"),
        ("https://accounts.google.com", "gserviceaccount.com"),
    ],
)
def test_addresses_are_in_the_universe(base: str, domain: str) -> None:
    """An address tells account, project and universe."""
    assert VOCABULARY.address("builder", "demo-project", base) == f"builder@demo-project.iam.{domain}"


def test_projects(site: harness.Site) -> None:
    """Made with a number of its own or a given one, found by both names, listed, and never twice."""
    made = site.run(projects.create(site.store, ACTOR, TENANT, project_id="second-project"))
    assert len(str(made.number)) == 12
    given = site.run(projects.create(site.store, ACTOR, TENANT, project_id="third-project", number=7, name="Third"))
    assert site.run(projects.show(site.store, TENANT, "7")) == given
    assert site.run(projects.show(site.store, TENANT, "second-project")) == made
    listed = site.run(projects.page(site.store, TENANT, after=seeds.PROJECT, limit=5))
    assert listed == [made, given]
    make = projects.create
    assert code_of(site, make(site.store, ACTOR, TENANT, project_id="second-project")) == "project-exists"
    assert code_of(site, make(site.store, ACTOR, TENANT, project_id="fourth-project", number=7)) == "project-exists"
    assert code_of(site, make(site.store, ACTOR, TENANT, project_id="fourth-project", number=0)) == "number-invalid"
    assert code_of(site, make(site.store, ACTOR, TENANT, project_id="Fourth")) == "project-id-invalid"
    assert code_of(site, projects.show(site.store, TENANT, "9" * 30)) == "project-unknown"


def key(site: harness.Site, account: ServiceAccount, **given: Any) -> Created:
    """Make a key of an account."""
    return site.run(accountkeys.create(site.store, ACTOR, VOCABULARY, BASE, account, **given))


@capability("service-account-keys-created", witness="google-auth and OpenSSL")
def test_a_key_file_is_read_by_google_auth(site: harness.Site, tmp_path: pathlib.Path) -> None:
    """The library signs with it what the certificate that we keep verifies; OpenSSL reads the private key."""
    account = create(site)
    made = key(site, account)
    file = tmp_path / "key.json"
    file.write_text(json.dumps(made.file))
    read = service_account.Credentials.from_service_account_file(str(file))  # type: ignore[no-untyped-call]
    assert (read.service_account_email, read.signer.key_id) == (account.email, made.key.key_id)
    assert made.file["universe_domain"] == "id.example"
    assert made.file["token_uri"] == "https://oauth2.id.example/token"
    signature = read.signer.sign(b"text")
    (tmp_path / "signature").write_bytes(signature)
    (tmp_path / "text").write_bytes(b"text")
    (tmp_path / "cert.der").write_bytes(made.key.certificate)
    public = _openssl(tmp_path, "x509", "-inform", "DER", "-in", "cert.der", "-noout", "-pubkey")
    (tmp_path / "public.pem").write_text(public)
    verify = ("dgst", "-sha256", "-verify", "public.pem", "-signature", "signature", "text")
    assert "Verified OK" in _openssl(tmp_path, *verify)
    (tmp_path / "private.pem").write_text(made.file["private_key"])
    assert made.file["private_key"].startswith("-----BEGIN PRIVATE KEY-----\n")
    assert "2048 bit" in _openssl(tmp_path, "pkey", "-in", "private.pem", "-noout", "-text")
    assert made.file["private_key"] not in repr(made)


def _openssl(where: pathlib.Path, *words: str) -> str:
    done = subprocess.run(["openssl", *words], cwd=where, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


def test_a_private_key_is_kept_nowhere(site: harness.Site) -> None:
    """What was handed out is in no record and no entry of the log."""
    account = create(site)
    made = key(site, account)
    assert made.key.sealed_private == ""
    body = "".join(made.file["private_key"].split("\n")[1:-2])
    assert body[:60] not in repr(site.read(audit.page, TENANT, audit.LAST, 100))


def test_keys_are_few_and_may_end(site: harness.Site) -> None:
    """Ten of an account at most; one that ends by itself does, and its certificate says so."""
    account = create(site)
    made = key(site, account, lifetime=DAY)
    assert made.key.expires_at == harness.NOW + DAY
    assert not made.key.is_usable(harness.NOW + DAY)
    assert code_of(site, _key(site, account, lifetime=60)) == "lifetime-invalid"
    for number in range(9):
        other = msgspec.structs.replace(made.key, key_id=f"{number:040}")
        site.write(records.insert, other)
    assert code_of(site, _key(site, account)) == "keys-too-many"


def _key(site: harness.Site, account: ServiceAccount, **given: Any) -> Any:
    return accountkeys.create(site.store, ACTOR, VOCABULARY, BASE, account, **given)


def certificate(where: pathlib.Path, kind: str = "rsa:2048", *more: str) -> str:
    """Return a certificate that OpenSSL made."""
    words = ["req", "-x509", "-newkey", kind, "-nodes", "-keyout", "key.pem", "-subj", "/CN=builder", *more]
    # The tests' clock stands some years ahead.
    return _openssl(where, *words, "-days", "3650")


@capability("service-account-keys-uploaded", witness="OpenSSL")
def test_a_certificate_is_taken(site: harness.Site, tmp_path: pathlib.Path) -> None:
    """Its key is known from then on, once, and until the certificate ends."""
    account, text = create(site), certificate(tmp_path)
    taken = site.run(accountkeys.upload(site.store, ACTOR, account, text))
    assert (taken.origin, taken.alg) == ("uploaded", "RS256")
    assert taken.expires_at is not None
    fingerprint = _openssl_fingerprint(tmp_path, text)
    assert taken.key_id == fingerprint
    assert code_of(site, accountkeys.upload(site.store, ACTOR, account, text)) == "key-exists"
    assert site.run(accountkeys.every(site.store, account)) == [taken]


def _openssl_fingerprint(where: pathlib.Path, text: str) -> str:
    (where / "given.pem").write_text(text)
    told = _openssl(where, "x509", "-in", "given.pem", "-noout", "-fingerprint", "-sha1")
    return told.strip().partition("=")[2].replace(":", "").lower()


@pytest.mark.parametrize("kind", ["rsa:1024", "ed25519", "private", "text", "empty", "public"])
def test_certificates_that_are_refused(site: harness.Site, tmp_path: pathlib.Path, kind: str) -> None:
    """Short keys, other kinds of key, and whatever else somebody may send, a private key among them."""
    account = create(site)
    made = {
        "text": "certificate",
        "empty": "",
        "public": "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----\n",
    }.get(kind)
    if made is None:
        made = certificate(tmp_path, "rsa:2048" if kind == "private" else kind)
    if kind == "private":
        made = (tmp_path / "key.pem").read_text() + made
    assert code_of(site, accountkeys.upload(site.store, ACTOR, account, made)) == "certificate-invalid"
    assert site.run(accountkeys.every(site.store, account)) == []


def test_a_certificate_that_is_over_is_refused(site: harness.Site, tmp_path: pathlib.Path) -> None:
    """What is not valid now lets nobody in."""
    account, text = create(site), certificate(tmp_path)
    late = Actor("operator:test", harness.NOW + 20 * 365 * DAY)
    assert code_of(site, accountkeys.upload(site.store, late, account, text)) == "certificate-invalid"


@capability("service-account-keys-disabled", witness="the stored records")
def test_keys_are_switched_and_deleted(site: harness.Site) -> None:
    """A disabled key proves nothing until it is enabled; a deleted one never again."""
    account = create(site)
    made = key(site, account).key
    off = site.run(accountkeys.switch(site.store, ACTOR, account, made.key_id, enabled=False))
    assert not off.is_usable(harness.NOW)
    on = site.run(accountkeys.switch(site.store, ACTOR, account, made.key_id, enabled=True))
    assert on == made
    site.run(accountkeys.delete(site.store, ACTOR, account, made.key_id))
    assert code_of(site, accountkeys.delete(site.store, ACTOR, account, made.key_id)) == "key-unknown"
    verbs = ("create", "disable", "enable", "delete")
    assert actions(site)[1:] == [f"service-account-key.{verb}" for verb in verbs]
