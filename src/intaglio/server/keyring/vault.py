"""The vault: seals what is kept at rest, and derives the keys of narrower purposes.

Sealing is a JWE with direct encryption, A256GCM (RFC 7516, RFC 7518 section 5.3), whose `kid` names the key that sealed
it; the first key's texts bear none. Deriving is HMAC-SHA256 over the purpose's name (one step of HKDF-Expand, RFC 5869
section 2.3, from a key that is uniform already).
"""

from __future__ import annotations

import hashlib
import hmac

from intaglio import codec
from intaglio.errors import Misconfigured
from intaglio.server.keyring import datakeys
from intaglio.server.keyring.datakeys import Bundle, DataKey
from intaglio.tokens import jwe

OCTETS = datakeys.OCTETS


def derived(key: bytes, purpose: str) -> bytes:
    """Return the key of one purpose under a key (32 octets); other purposes tell nothing about it."""
    return hmac.digest(key, b"intaglio/" + purpose.encode() + b"\x01", hashlib.sha256)


def require_length(master_key: bytes) -> None:
    """Refuse a master key of another length than 32 octets: `Misconfigured` (`master-key-length`)."""
    if len(master_key) != OCTETS:
        raise Misconfigured(
            "master-key-length",
            "The master key must be 32 octets.",
            detail={"expected": OCTETS, "received": len(master_key)},
            hint="Make one with: openssl rand -base64 32",
        )


class Vault:
    """Seals and opens under the keys of an installation. Does not print itself.

    Made of a master key alone it is that of an installation that has no other key.
    """

    __slots__ = ("_bundle", "_opening", "_sealing")

    def __init__(self, master_key: bytes) -> None:
        require_length(master_key)
        self.hold(datakeys.of_master_key(master_key), 0)

    @classmethod
    def holding(cls, bundle: Bundle, now: int, *, closed: bool = False) -> Vault:
        """Return the vault of a bundle as it stands at `now`; `closed` opens what closed keys sealed as well."""
        made = cls(bundle.root)
        made.hold(bundle, now, closed=closed)
        return made

    def __repr__(self) -> str:
        return "Vault(…)"

    def hold(self, bundle: Bundle, now: int, *, closed: bool = False) -> None:
        """Take the keys of a bundle, whichever it held before; a running process uses `adopt`."""
        sealing = datakeys.sealing(bundle, now)
        usable = [key for key in bundle.keys if closed or datakeys.state(bundle, key, now) != "closed"]
        self._bundle = bundle
        self._sealing = (_header(sealing), sealing.octets)
        self._opening = {_head(key): key for key in usable}

    @property
    def bundle(self) -> Bundle:
        """The keys, for whoever wraps or changes them."""
        return self._bundle

    def adopt(self, bundle: Bundle, now: int) -> None:
        """Go on with the keys of a later version, or with the same ones at a later instant.

        Raises `Misconfigured` (`vault-keys-unusable`) for an older version, or another installation's.
        """
        # SECURITY: a running process goes back to no keys that were given up, and takes over no others
        # (test_a_running_process_takes_no_older_keys).
        if bundle.version < self._bundle.version or not hmac.compare_digest(bundle.root, self._bundle.root):
            raise datakeys.unusable(f"version {self._bundle.version} or a later one", f"version {bundle.version}")
        self.hold(bundle, now)

    def derive(self, purpose: str) -> bytes:
        """Return the key of one purpose (32 octets); it stays the same for as long as the installation does."""
        return derived(self._bundle.root, purpose)

    def seal(self, plaintext: bytes, purpose: str) -> str:
        """Return the sealed form; it opens only for the same purpose."""
        header, octets = self._sealing
        return jwe.encrypt_direct(derived(octets, "seal/" + purpose), plaintext, header)

    def open(self, sealed: str, purpose: str) -> bytes:
        """Return what was sealed.

        Raises `Misconfigured`: `sealing-key-unknown` if the key that it names is not among these or is closed,
        `master-key-wrong` if another key or purpose sealed it.
        """
        # SECURITY: the head is compared whole and is authenticated as well: it names a key and chooses nothing else
        # (test_a_head_of_another_form_opens_nothing).
        key = self._opening.get(sealed.partition(".")[0])
        if key is None:
            raise Misconfigured(
                "sealing-key-unknown",
                "What is stored was sealed under a key that is not in use.",
                hint="See which keys are in use with: intaglio masterkey show",
            )
        try:
            return jwe.decrypt_direct(derived(key.octets, "seal/" + purpose), sealed)
        except Exception as exc:
            raise Misconfigured(
                "master-key-wrong",
                "What is stored was sealed under another master key.",
                hint="Start with the master key that this database was made with.",
            ) from exc

    def key_of(self, sealed: str) -> str | None:
        """Return the name of the key that a text names; None for a text of none of these keys."""
        key = self._opening.get(sealed.partition(".")[0])
        return key.key_id if key is not None else None


def _header(key: DataKey) -> dict[str, object]:
    return {} if key.key_id == datakeys.FIRST else {"kid": key.key_id}


def _head(key: DataKey) -> str:
    """Return the first part of every text that the key seals."""
    return jwe.encrypt_direct(bytes(OCTETS), b"", _header(key)).partition(".")[0]


def read_master_key(text: str) -> bytes:
    """Return the master key of its text form: 32 octets as base64 or base64url, with or without padding.

    Raises `Misconfigured` (`master-key-length`, `master-key-unreadable`); the text is never part of the error.
    """
    canonical = text.strip().rstrip("=").replace("+", "-").replace("/", "_")
    try:
        return codec.decode_base64url(canonical)
    except codec.CodecError:
        raise Misconfigured(
            "master-key-unreadable",
            "The master key is not base64 text.",
            hint="Make one with: openssl rand -base64 32",
        ) from None  # the cause belongs to a secret
