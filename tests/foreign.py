"""Another issuer for tests of federation: it signs whatever it is told to, and its provider is put into a site."""

from __future__ import annotations

import json
from typing import Any

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from intaglio.protocol.principals import Bearing
from intaglio.server.devmode import seeds
from intaglio.server.model import audit, pools
from intaglio.server.model.audit import Entry
from intaglio.server.model.pools import Pool, PoolProvider
from tests import harness

ISSUER = "https://ci.example.com"
POOL, PROVIDER = "builders", "example-ci"
NAME = (
    f"//iam.googleapis.com/projects/{seeds.PROJECT_NUMBER}/locations/global"
    f"/workloadIdentityPools/{POOL}/providers/{PROVIDER}"
)
STS = "http://localhost:8081/v1/token"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
JWT = "urn:ietf:params:oauth:token-type:jwt"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"

KEY = ec.generate_private_key(ec.SECP256R1())
OTHER_KEY = ec.generate_private_key(ec.SECP256R1())


def public_jwk(key: ec.EllipticCurvePrivateKey = KEY, kid: str = "ci-1") -> dict[str, Any]:
    """Return the public half of a key as the issuer publishes it."""
    members: dict[str, Any] = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key()))
    return members | {"kid": kid, "use": "sig", "alg": "ES256"}


JWKS = json.dumps({"keys": [public_jwk()]})


def claims(now: int = harness.NOW, **changes: Any) -> dict[str, Any]:
    """Return what a token of the issuer says; None takes a claim away."""
    usual = {
        "iss": ISSUER,
        "sub": "repo:acme/app",
        "aud": NAME,
        "iat": now - 10,
        "exp": now + 600,
        "jti": "job-1",
        "repository": "acme/app",
        "ref": "refs/heads/main",
        "groups": ["dev", "ops"],
    }
    return {name: value for name, value in (usual | changes).items() if value is not None}


def token(key: Any = KEY, headers: dict[str, Any] | None = None, alg: str = "ES256", **changes: Any) -> str:
    """Return a signed token."""
    return jwt.encode(claims(**changes), key, alg, headers={"kid": "ci-1"} | (headers or {}))


def provider(**changes: Any) -> PoolProvider:
    """Return the record of the provider that takes the issuer's tokens."""
    usual: dict[str, Any] = {
        "issuer": ISSUER,
        "jwks": JWKS,
        "attribute_mapping": {"google.subject": "assertion.sub", "attribute.repository": "assertion.repository"},
    }
    return PoolProvider(seeds.TENANT_ID, seeds.PROJECT, POOL, PROVIDER, harness.NOW, **(usual | changes))


def provider_of(pool_id: str) -> PoolProvider:
    """Return the record of a provider of another pool, equal in everything else."""
    return msgspec.structs.replace(provider(), pool_id=pool_id)


def plant(site: harness.Site, **changes: Any) -> PoolProvider:
    """Put a pool with the provider into a site."""
    if site.read(pools.by_id, seeds.TENANT_ID, seeds.PROJECT, POOL) is None:
        site.write(pools.insert, Pool(seeds.TENANT_ID, seeds.PROJECT, POOL, harness.NOW))
    made = provider(**changes)
    site.write(pools.insert_provider, made)
    return made


def change(site: harness.Site, **changes: Any) -> None:
    """Change the provider's record; it is in force at once, for the clock moves on by a second."""
    found = site.read(pools.provider_by_id, seeds.TENANT_ID, seeds.PROJECT, POOL, PROVIDER)
    assert site.write(pools.replace_provider, msgspec.structs.replace(found[0], **changes))
    site.settle()


def form(text: str, /, **changes: str) -> dict[str, str]:
    """Return the fields of an exchange; empty ones are left out."""
    usual = {
        "grant_type": GRANT,
        "audience": NAME,
        "scope": SCOPE,
        "requested_token_type": ACCESS_TOKEN,
        "subject_token": text,
        "subject_token_type": JWT,
    }
    return {name: value for name, value in (usual | changes).items() if value}


def exchange(site: harness.Site, text: str, /, **changes: str) -> harness.Answer:
    """Exchange a token at the site."""
    return site.post(STS, form(text, **changes))


def opened(site: harness.Site, answer: harness.Answer) -> Bearing:
    """Return what an access token says."""
    assert answer.status == 200, answer.text
    token = answer.json()["access_token"]
    found = site.hall.works.tokens.read(token, seeds.TENANT_ID, "http://localhost:8081", "ya29.", harness.NOW)
    assert found is not None
    return found


def log(site: harness.Site) -> list[Entry]:
    """Return what the audit log holds of exchanges, the newest first."""
    entries: list[Entry] = site.read(audit.page, seeds.TENANT_ID, audit.LAST, 50, "sts.exchange")
    return entries


def told(answer: harness.Answer) -> tuple[int, str, str]:
    """Return status, error and description of a refusal."""
    return answer.status, answer.json()["error"], answer.json()["error_description"]
