"""The public keys of service accounts: what their signatures are checked with."""

from __future__ import annotations

from functools import lru_cache

from intaglio.protocol.faults import NotFound
from intaglio.protocol.impersonation import AccountKeysAnswer, AccountKeysQuery, AccountPublicKey
from intaglio.server.model.accountkeys import AccountKey
from intaglio.server.workload import accounts
from intaglio.server.workload.place import Place, Works
from intaglio.tokens import certificates, jwk, pem

MAX_AGE = 3600


async def published(query: AccountKeysQuery, place: Place, works: Works) -> AccountKeysAnswer:
    """Return the keys of an account whose signatures are believed; raises `NotFound` where there are none.

    An account without a key looks as one that does not exist.
    """
    account = await accounts.named(query.email, place, works)
    owner = account.unique_id if account is not None and account.is_usable else accounts.NOBODY
    found = await accounts.keys(owner, place, works)
    if not found:
        raise NotFound(public="There are no keys of such an account.", detail={"received": query.email[:100]})
    leaving = [key.expires_at - place.now for key in found if key.expires_at is not None]
    return AccountKeysAnswer(tuple(map(_public, found)), query.form, min([MAX_AGE, *leaving]))


def _public(key: AccountKey) -> AccountPublicKey:
    return _forms(key.key_id, key.alg, key.certificate)


@lru_cache(maxsize=1024)
def _forms(key_id: str, alg: str, certificate: bytes) -> AccountPublicKey:
    public = certificates.public_key(certificate, alg)
    return AccountPublicKey(
        key_id=key_id,
        alg=alg,
        members=jwk.public_members(public),
        certificate=pem.certificate_to_pem(certificate),
        public=pem.public_to_pem(public),
    )
