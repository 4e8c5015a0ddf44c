"""Master keys: what wraps the keys of the vault. A file's or a variable's key is here; a token's is `hardwarekey`.

NIST SP 800-57 part 1 revision 5 section 6.2.1.3 (key-encrypting keys).

The form is that of key management services: a name, and two calls that leave the master key where it is. So a further
one needs nothing but these.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Protocol

from intaglio.server.keyring import vault as vaults
from intaglio.tokens import jwe


class MasterKey(Protocol):
    """Wraps and unwraps keys of 32 octets. Calls may take a while: they are made on threads."""

    @property
    def name(self) -> str:
        """How it is called; tells nothing of the key, and is another for another key."""
        ...

    def wrap(self, key: bytes) -> str:
        """Return the wrapped form; raises `Misconfigured`, `Unavailable`."""
        ...

    def unwrap(self, wrapped: str) -> bytes:
        """Return the key; raises `Misconfigured` (`master-key-wrong`), `Unavailable`."""
        ...


class LocalKey:
    """A master key that this process holds: from a file or the environment. Does not print itself."""

    def __init__(self, octets: bytes) -> None:
        vaults.require_length(octets)
        self._octets = octets
        digest = hmac.digest(octets, b"intaglio/master-key-name\x01", hashlib.sha256)
        self._name = f"local:{digest[:8].hex()}"

    def __repr__(self) -> str:
        return f"LocalKey({self._name})"

    @property
    def name(self) -> str:
        """`local:` and a fingerprint: the same key has one name wherever it is kept."""
        return self._name

    @property
    def octets(self) -> bytes:
        """The key itself: of installations that had no other it is the first key of the vault."""
        return self._octets

    def wrap(self, key: bytes) -> str:
        """Return the wrapped form: a JWE (dir, A256GCM) under a key for this alone."""
        return jwe.encrypt_direct(vaults.derived(self._octets, "master-key-wrap"), key, {"kid": self._name})

    def unwrap(self, wrapped: str) -> bytes:
        """Return the key; raises `Refused` (`decryption-failed`)."""
        return jwe.decrypt_direct(vaults.derived(self._octets, "master-key-wrap"), wrapped, require={"kid": self._name})
