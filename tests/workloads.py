"""Service accounts for tests: accounts, policies, keys and tokens, put straight into a site's database."""

from __future__ import annotations

import base64
import functools
import json
from typing import Any

import jwt
import msgspec

from intaglio import ids
from intaglio.names import TenantId
from intaglio.protocol.principals import Bearing, Origin, Principal
from intaglio.server.devmode import seeds
from intaglio.server.issue import accountsigning
from intaglio.server.model import accountkeys, audit, policies, serviceaccounts
from intaglio.server.model.accountkeys import AccountKey
from intaglio.server.model.audit import Entry
from intaglio.server.model.policies import Binding, Policy
from intaglio.server.model.serviceaccounts import ServiceAccount
from intaglio.tokens import certificates, jwk, pem
from tests import harness
from tests.harness import NOW, Answer, Site

ROOT = "http://localhost:8081"
CLOUD = "https://www.googleapis.com/auth/cloud-platform"
CREATOR = "roles/iam.serviceAccountTokenCreator"
ID_CREATOR = "roles/iam.serviceAccountOpenIdTokenCreator"


def account(site: Site, name: str, **members: Any) -> ServiceAccount:
    """Make a service account of the seeded project, and return it."""
    email = f"{name}@{seeds.PROJECT}.iam.intaglio.test"
    made = ServiceAccount(TenantId(seeds.TENANT_ID), email, ids.digits(21), seeds.PROJECT, NOW, **members)
    site.write(serviceaccounts.insert, made)
    return made


def change(site: Site, one: ServiceAccount, **members: Any) -> None:
    """Change an account's record; it is in force at once, for the clock moves on by a second."""
    assert site.write(serviceaccounts.replace, msgspec.structs.replace(one, **members))
    site.settle()


def seeded(site: Site, email: str = seeds.TARGET) -> ServiceAccount:
    """Return a seeded account."""
    found = site.read(serviceaccounts.by_email, seeds.TENANT_ID, email)
    assert isinstance(found, ServiceAccount)
    return found


def principal(one: ServiceAccount) -> Principal:
    """Return an account as somebody who acts."""
    return Principal("service_account", one.unique_id, one.email, one.project_id)


def allow(site: Site, target: ServiceAccount, *who: ServiceAccount, role: str = CREATOR) -> None:
    """Let accounts act as another one; whoever was let before is not any more."""
    names = tuple(f"serviceAccount:{one.email}" for one in who)
    identities = {f"serviceAccount:{one.email}": one.unique_id for one in who}
    known = site.read(policies.of_resource, seeds.TENANT_ID, target.resource)
    policy = Policy(
        TenantId(seeds.TENANT_ID), target.resource, (Binding(role, names),), ids.opaque(8), NOW, identities=identities
    )
    assert site.write(policies.write, policy, known.etag if known else "")
    site.settle()


def token(
    site: Site,
    who: ServiceAccount | Principal,
    *scope: str,
    lineage: tuple[str, ...] = (),
    origin: Origin | None = None,
    lifetime: int = 3600,
) -> str:
    """Return an access token as the server issues it."""
    holder = who if isinstance(who, Principal) else principal(who)
    now = site.clock.now()
    bearing = Bearing(holder, scope or (CLOUD,), now, now + lifetime, ids.opaque(12), lineage, origin)
    return site.hall.works.tokens.issue(bearing, seeds.TENANT_ID, ROOT, "ya29.")


def post(
    site: Site,
    verb: str,
    target: str | ServiceAccount,
    bearer: str,
    /,
    *,
    headers: dict[str, str] | None = None,
    query: str = "",
    raw: bytes | None = None,
    **members: Any,
) -> Answer:
    """Call a method of the credentials API."""
    name = target.email if isinstance(target, ServiceAccount) else target
    told = {"content-type": "application/json"} | ({"authorization": f"Bearer {bearer}"} if bearer else {})
    body = json.dumps(members).encode() if raw is None else raw
    where = f"{ROOT}/v1/projects/-/serviceAccounts/{name}:{verb}{query}"
    return site.request("POST", where, headers=told | (headers or {}), body=body)


def id_token(site: Site, target: str | ServiceAccount, bearer: str, **members: Any) -> Answer:
    """Ask for an ID token of an account."""
    return post(site, "generateIdToken", target, bearer, **({"audience": "https://api.example.com"} | members))


def access_token(site: Site, target: str | ServiceAccount, bearer: str, **members: Any) -> Answer:
    """Ask for an access token of an account."""
    return post(site, "generateAccessToken", target, bearer, **({"scope": [CLOUD]} | members))


def claims(answer: Answer) -> dict[str, Any]:
    """Return the claims of the ID token that an answer holds."""
    assert answer.status == 200, answer.text
    return harness.payload(answer.json()["token"])


class Key(msgspec.Struct, frozen=True):
    """A key that a workload holds: its record, and the private part as PEM."""

    record: AccountKey
    private: str

    def sign(self, payload: dict[str, Any], *, kid: bool | str = True, **header: Any) -> str:
        """Return a JWT of claims, whatever they are; `kid` is the key's own name, none, or another."""
        name = self.record.key_id if kid is True else kid
        told = {"typ": "JWT"} | ({"kid": name} if name else {}) | header
        return jwt.api_jws.encode(json.dumps(payload).encode(), self.private, "RS256", headers=told)


@functools.cache
def _signing_key(number: int) -> jwk.SigningKey:
    return jwk.generate("RS256")


def key(site: Site, one: ServiceAccount, number: int = 1, *, origin: str = "created", **members: Any) -> Key:
    """Register a key of an account and return it; each number is another key."""
    private = _signing_key(number)
    certificate = certificates.self_signed(private, common_name=one.unique_id, not_before=NOW - 60, lifetime=864000)
    name = accountsigning.key_name(certificate)
    record = AccountKey(one.tenant_id, one.unique_id, name, "RS256", origin, certificate, NOW, **members)
    site.write(accountkeys.insert, record)
    site.settle()
    return Key(record, private_pem(private))


def private_pem(private: jwk.SigningKey) -> str:
    """Return a private key as PKCS #8 in PEM."""
    body = base64.encodebytes(pem.private_to_der(private)).decode()
    return f"-----BEGIN PRIVATE KEY-----\n{body}-----END PRIVATE KEY-----\n"


def assertion(site: Site, one: ServiceAccount, **members: Any) -> dict[str, Any]:
    """Return the claims of an assertion as clients make it; a member that is None is left out."""
    now = site.clock.now()
    usual = {"iss": one.email, "aud": "https://oauth2.googleapis.com/token", "iat": now, "exp": now + 3600}
    return {name: value for name, value in (usual | members).items() if value is not None}


def exchange(site: Site, text: str, path: str = "/token") -> Answer:
    """Bring an assertion to the token endpoint."""
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": text}
    return site.post(ROOT + path, form)


def log(site: Site) -> list[Entry]:
    """Return the audit log, the newest entry first."""
    found = site.read(audit.page, seeds.TENANT_ID, audit.LAST, 100)
    assert isinstance(found, list)
    return found
