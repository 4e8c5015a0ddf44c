"""The envelope: the keys of the vault sealed under a key of their own, which a master key wraps.

RFC 7516 (JWE, dir with A256GCM, for the keys). Whatever a master key answers is believed only if it opens that seal, so
a token or a service that answers wrongly is found out, here and before anything is given up that would be missed.
"""

from __future__ import annotations

import hmac

from intaglio import ids
from intaglio.errors import IntaglioError, Misconfigured
from intaglio.server.keyring import datakeys
from intaglio.server.keyring.datakeys import Bundle
from intaglio.server.keyring.masterkeys import MasterKey
from intaglio.server.model.vaultkeys import WrappedKeys
from intaglio.tokens import jwe

TYPE = "intaglio-vault-keys"


def new(bundle: Bundle, master: MasterKey, now: int) -> tuple[WrappedKeys, bytes]:
    """Wrap a bundle under a master key that wraps none yet; return it with the key between the two.

    Raises `Misconfigured` (`master-key-untrue`) if the master key does not give back what it was given.
    """
    between = ids.random_octets(datakeys.OCTETS)
    wrapped = master.wrap(between)
    # SECURITY: a token that wraps wrongly would be noticed when the old master key is gone
    # (test_a_token_that_wraps_wrongly_is_found_out_at_once).
    if not hmac.compare_digest(_unwrapped(master, wrapped), between):
        raise Misconfigured(
            "master-key-untrue",
            "The master key does not give back what it was given.",
            detail={"expected": "the same 32 octets", "received": "others", "master_key": master.name},
            hint="Nothing was changed. Look at the token or the service that holds the master key.",
        )
    empty = WrappedKeys(master.name, bundle.version, wrapped, "", now)
    return again(bundle, empty, between), between


def again(bundle: Bundle, keys: WrappedKeys, between: bytes) -> WrappedKeys:
    """Seal another bundle under the key that is wrapped already."""
    sealed = jwe.encrypt_direct(between, datakeys.encode(bundle), _header(keys.wrapped_by))
    return WrappedKeys(
        keys.wrapped_by, bundle.version, keys.wrapped, sealed, created_at=keys.created_at, used_at=keys.used_at
    )


def between_of(keys: WrappedKeys, master: MasterKey) -> bytes:
    """Return the key between, as the master key gives it; it is proven by what it opens.

    Raises `Misconfigured` (`vault-keys-unusable`), and what the master key raises.
    """
    found = _unwrapped(master, keys.wrapped)
    if len(found) != datakeys.OCTETS:
        raise datakeys.unusable(f"a key of {datakeys.OCTETS} octets from the master key", f"{len(found)} octets")
    return found


def opened(keys: WrappedKeys, between: bytes) -> Bundle:
    """Return the bundle; raises `Misconfigured` (`vault-keys-unusable`)."""
    try:
        # SECURITY: the name of the master key is bound to it: a row that was swapped for another opens nothing
        # (test_swapped_rows_open_nothing).
        octets = jwe.decrypt_direct(between, keys.sealed, require=_header(keys.wrapped_by))
    except IntaglioError as exc:
        raise datakeys.unusable("keys that this master key wrapped", "keys that it does not open") from exc
    bundle = datakeys.decode(octets)
    if bundle.version != keys.version:
        raise datakeys.unusable(f"version {bundle.version}", f"version {keys.version} in the row")
    return bundle


def _unwrapped(master: MasterKey, wrapped: str) -> bytes:
    try:
        return master.unwrap(wrapped)
    except IntaglioError as exc:
        # A token that is away, or was given a wrong PIN, says nothing about what is wrapped.
        if exc.code not in ("decryption-failed", "master-key-wrong"):
            raise
        raise datakeys.unusable(f"what {master.name} wrapped", f"what it does not unwrap ({exc.code})") from exc


def _header(name: str) -> dict[str, object]:
    return {"kid": name, "typ": TYPE}
