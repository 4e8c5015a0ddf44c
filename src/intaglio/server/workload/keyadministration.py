"""Keys of service accounts, administered over the network by whoever a policy lets."""

from __future__ import annotations

import asyncio

from intaglio import codec
from intaglio.dialects.dialect import HandedKey
from intaglio.errors import Misconfigured
from intaglio.protocol.iam import Done, KeyCreate, KeyDelete, KeyGet, KeyHanded, KeyList, KeysTold, KeySwitch, KeyTold
from intaglio.protocol.iam import KeyUpload as Upload
from intaglio.server.model import accountkeys
from intaglio.server.model.accountkeys import AccountKey
from intaglio.server.model.plan import Plan
from intaglio.server.model.serviceaccounts import ServiceAccount
from intaglio.server.registry import accountkeys as rules
from intaglio.server.registry.deeds import Actor
from intaglio.server.workload import asking
from intaglio.server.workload.administration import found
from intaglio.server.workload.place import Place, Works
from intaglio.tokens import certificates, pem


def told(account: ServiceAccount, key: AccountKey, form: str = "") -> KeyTold:
    """Return a key as it is shown, with its public part in a form: `certificate` or `key`."""
    public = ""
    if form == "certificate":
        public = pem.certificate_to_pem(key.certificate)
    elif form == "key":
        public = pem.public_to_pem(certificates.public_key(key.certificate, key.alg))
    return KeyTold(
        project_id=account.project_id,
        email=account.email,
        key_id=key.key_id,
        alg=key.alg,
        origin=key.origin,
        created_at=key.created_at,
        expires_at=key.expires_at,
        disabled=key.disabled_at is not None,
        public=public,
    )


async def create(query: KeyCreate, place: Place, works: Works) -> KeyHanded:
    """Make a key and hand it out, once."""
    account, actor = await found(query, place, works)
    made = await asyncio.to_thread(rules.make, account, place.now)
    key = await asking.write(works, rules.add, actor, account, made.key)
    handed = HandedKey(
        project_id=account.project_id,
        key_id=key.key_id,
        private_pem=made.private_pem,
        email=account.email,
        unique_id=account.unique_id,
    )
    return KeyHanded(told(account, key), codec.encode_json(place.vocabulary.key_file(handed, place.base)))


async def upload(query: Upload, place: Place, works: Works) -> KeyTold:
    """Take the key of a certificate."""
    account, actor = await found(query, place, works)
    try:
        key = rules.accept(account, query.certificate, place.now)
    except Misconfigured as fault:
        raise asking.told(fault) from fault
    return told(account, await asking.write(works, rules.add, actor, account, key))


async def listing(query: KeyList, place: Place, works: Works) -> KeysTold:
    """List the keys of an account."""
    account, _ = await found(query, place, works)
    held = await works.store.read(accountkeys.of_account, account.tenant_id, account.unique_id)
    return KeysTold(tuple(told(account, key) for key in held if not query.origins or key.origin in query.origins))


async def get(query: KeyGet, place: Place, works: Works) -> KeyTold:
    """Show a key."""
    account, _ = await found(query, place, works)
    try:
        key = await works.store.read(_any, account, query.key_id)
    except Misconfigured as fault:
        raise asking.told(fault) from fault
    return told(account, key, query.form)


def _any(account: ServiceAccount, key_id: str) -> Plan[AccountKey]:
    return rules.find(account, key_id, system=True)


async def switch(query: KeySwitch, place: Place, works: Works) -> Done:
    """Disable a key, or enable it again; at once."""
    account, actor = await found(query, place, works)
    await asking.write(works, _switch, actor, account, query.key_id, query.enabled)
    return Done()


def _switch(actor: Actor, account: ServiceAccount, key_id: str, enabled: bool) -> Plan[AccountKey]:  # noqa: FBT001
    return rules.switch(actor, account, key_id, enabled=enabled)


async def delete(query: KeyDelete, place: Place, works: Works) -> Done:
    """Delete a key for good; at once."""
    account, actor = await found(query, place, works)
    await asking.write(works, rules.delete, actor, account, query.key_id)
    return Done()
