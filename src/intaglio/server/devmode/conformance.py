"""A tenant for the OpenID Foundation's conformance suite, and the suite's configuration: one generator for both.

Of development mode alone: everybody knows these secrets. The tenant is stricter than none of the standard's rules and
laxer where the suite has to be served: PKCE is the client's choice, registration is open.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from intaglio import codec
from intaglio.names import ClientId, UserId
from intaglio.server.credentials.clientsecrets import ClientSecrets
from intaglio.server.credentials.passwords import Passwords
from intaglio.server.devmode import seeds
from intaglio.server.model import clients, tenants, users
from intaglio.server.model.clients import Client
from intaglio.server.model.plan import Plan, Store
from intaglio.server.model.tenants import Tenant
from intaglio.server.model.users import User
from intaglio.tokens import jwk, privatejwk

TENANT_ID = seeds.SUITE_TENANT_ID
USER_ID = UserId("00000000-0000-4000-8000-000000000201")
SLUG = "conformance"
ALIAS = "intaglio"
"""What the suite calls the run; its addresses hold it, and so do our redirect URIs."""
SUITE = "https://localhost.emobix.co.uk:8443"
"""Where the suite runs when it is started on this machine."""
PASSWORD = seeds.ACCOUNTS[0].password
RESPONSE_TYPES = ("code", "id_token", "id_token token", "code id_token", "code token", "code id_token token")
CHANNELS = ("frontchannel", "backchannel")
"""How a client may be told of a logout."""
METHODS = ("client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none")


class Keys(msgspec.Struct, frozen=True):
    """The private keys of the clients that sign, by client_id; made at each start and kept nowhere."""

    by_client: dict[str, jwk.SigningKey]

    def __repr__(self) -> str:
        return "Keys(…)"


def client_id(method: str, number: int) -> str:
    """Return the client_id of the first or second client of an authentication method."""
    return f"conformance-{method.replace('_', '-')}-{number}"


def channel_client_id(channel: str) -> str:
    """Return the client_id of the client that is told of logouts in one way."""
    return f"conformance-{channel}"


def secret(name: str) -> str:
    """Return a client's secret: long enough to be a key of HS256."""
    return f"{name}-secret-that-everybody-knows"


def new_keys() -> Keys:
    """Make the keys of the clients that prove themselves by signing."""
    return Keys({client_id("private_key_jwt", number): jwk.generate("ES256") for number in (1, 2)})


def base(suite: str) -> str:
    """Return where the suite answers for this run."""
    return f"{suite.rstrip('/')}/test/a/{ALIAS}"


def made_clients(suite: str, secrets: ClientSecrets, keys: Keys, now: int) -> Iterator[Client]:
    """Yield two clients for each authentication method, and one for each way of being told of a logout."""
    for method in METHODS:
        for number in (1, 2):
            yield _client(client_id(method, number), method, suite, secrets, keys, now)
    # The suite ends a module with a failure when an address is asked for that the module does not know; so who is told
    # of logouts is a client of its own.
    for channel in CHANNELS:
        told = f"{base(suite)}/{channel}_logout"
        members = {f"{channel}_logout_uri": told, f"{channel}_logout_session_required": True}
        made = _client(channel_client_id(channel), "client_secret_basic", suite, secrets, keys, now)
        yield msgspec.structs.replace(made, **members)


def _client(name: str, method: str, suite: str, secrets: ClientSecrets, keys: Keys, now: int) -> Client:
    at, held, key = base(suite), method.startswith("client_secret"), keys.by_client.get(name)
    return Client(
        tenant_id=TENANT_ID,
        client_id=ClientId(name),
        client_name=f"Conformance suite, {name.removeprefix('conformance-')}",
        created_at=now,
        token_endpoint_auth_methods=(method,),
        secrets=(secrets.keep(secret(name), now, sealed=True),) if held else (),
        redirect_uris=(f"{at}/callback", f"{at}/callback?dummy1=lorem&dummy2=ipsum"),
        post_logout_redirect_uris=(f"{at}/post_logout_redirect",),
        grant_types=("authorization_code", "implicit", "refresh_token"),
        response_types=RESPONSE_TYPES,
        scope=seeds.SCOPE,
        require_pkce=False,
        jwks=_key_set(name, key) if key is not None else "",
        development=True,
    )


def _key_set(name: str, key: jwk.SigningKey) -> str:
    public = {**jwk.public_members(key.public()), "alg": key.alg, "use": "sig", "kid": name}
    return codec.encode_json({"keys": [public]}).decode()


def tenant(now: int) -> Tenant:
    """Return the tenant: clients may register themselves, sessions may be watched."""
    return Tenant(
        TENANT_ID,
        SLUG,
        seeds.OWNER,
        "Conformance",
        now,
        registration="open",
        session_management=True,
        development=True,
    )


def _plant(owner: Tenant, person: User) -> Plan[None]:
    yield from tenants.insert(owner)
    yield from users.insert(person)


def _renew(wanted: tuple[Client, ...]) -> Plan[None]:
    for client in wanted:
        if not (yield from clients.replace(client)):
            yield from clients.insert(client)


async def plant(store: Store, suite: str, secrets: ClientSecrets, passwords: Passwords, keys: Keys, now: int) -> None:
    """Seed tenant and user once, and put the clients, with this start's keys, as they should be."""
    if await store.read(tenants.by_id, TENANT_ID) is None:
        encoded = await passwords.hash(PASSWORD)
        person = User(TENANT_ID, USER_ID, "alice", now, now, encoded, seeds.ALICE, development=True)
        await store.write(_plant, tenant(now), person)
    await store.write(_renew, tuple(made_clients(suite, secrets, keys, now)))


def client_section(method: str, number: int, keys: Keys) -> dict[str, Any]:
    """Return what the suite is told of a client: its name with its secret, or with its private key."""
    return _section(client_id(method, number), method, keys)


def channel_section(channel: str, keys: Keys) -> dict[str, Any]:
    """Return what the suite is told of the client that is told of logouts in one way."""
    return _section(channel_client_id(channel), "client_secret_basic", keys)


def _section(name: str, method: str, keys: Keys) -> dict[str, Any]:
    told: dict[str, Any] = {"client_id": name}
    if method.startswith("client_secret"):
        told["client_secret"] = secret(name)
    if (key := keys.by_client.get(name)) is not None:
        told["jwks"] = {"keys": [privatejwk.members(key, name)]}
    return told
