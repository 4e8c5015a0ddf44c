"""A master key in a token or hardware security module, which it never leaves.

PKCS#11 version 2.40 (OASIS): section 2.12.6 (AES-GCM, CKM_AES_GCM) of the current mechanisms, section 4.9 of the base
specification (secret key objects).

SECURITY: only AES-GCM is used, with the master key's name as additional data, so that the token refuses what it did not
wrap; and what it unwraps is proven by what that opens (`envelope`), so a token that lies is found out.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from intaglio import codec, ids
from intaglio.errors import Misconfigured, Unavailable
from intaglio.ids import Secret

if TYPE_CHECKING:
    from pathlib import Path

IV_OCTETS = 12
TAG_BITS = 128
KEY_BITS = 256
_ONE_AT_A_TIME = threading.Lock()
"""Whoever is logged in is so in all sessions of a process: two at once would log each other out."""


class HardwareKey:
    """An AES key of 256 bits in a PKCS#11 token. One session for each call; does not print the PIN."""

    def __init__(self, module: Path, token: str, label: str, pin: Secret) -> None:
        self._module = str(module)
        self._token = token
        self._label = label
        self._pin = pin

    def __repr__(self) -> str:
        return f"HardwareKey({self.name})"

    @property
    def name(self) -> str:
        """Where it is, as a URI (RFC 7512): two tokens or keys of the same labels have one name."""
        return f"pkcs11:token={quote(self._token, safe='')};object={quote(self._label, safe='')}"

    def wrap(self, key: bytes) -> str:
        """Return the wrapped form, `iv.ciphertext` in base64url; raises `Misconfigured`, `Unavailable`."""
        iv = ids.random_octets(IV_OCTETS)
        sealed = self._with_key(lambda found, how: found.encrypt(key, **how), iv)
        return f"{codec.encode_base64url(iv)}.{codec.encode_base64url(sealed)}"

    def unwrap(self, wrapped: str) -> bytes:
        """Return the key.

        Raises `Misconfigured` (`master-key-wrong` for what it did not wrap, `token-unusable`), `Unavailable`.
        """
        iv, _, sealed = wrapped.partition(".")
        try:
            octets, vector = codec.decode_base64url(sealed), codec.decode_base64url(iv)
        except codec.CodecError:
            raise self._unusable("master-key-wrong", "what it wrapped", "another text") from None  # one face
        if len(vector) != IV_OCTETS or len(octets) <= TAG_BITS // 8:
            raise self._unusable("master-key-wrong", "what it wrapped", "a text of another length")
        return self._with_key(lambda found, how: self._decrypted(found, octets, how), vector)

    def make(self) -> None:
        """Make the key in the token: for wrapping alone, not to be read or taken out.

        Raises `Misconfigured` (`master-key-exists`, `token-unusable`), `Unavailable`.
        """
        import pkcs11  # noqa: PLC0415 - an extra that most installations do without

        template = {
            pkcs11.Attribute.SENSITIVE: True,
            pkcs11.Attribute.EXTRACTABLE: False,
            pkcs11.Attribute.ENCRYPT: True,
            pkcs11.Attribute.DECRYPT: True,
            pkcs11.Attribute.WRAP: False,
            pkcs11.Attribute.UNWRAP: False,
        }

        def made(session: Any) -> None:
            if list(session.get_objects({pkcs11.Attribute.LABEL: self._label})):
                raise self._unusable("master-key-exists", "a label that nothing in the token has", self._label)
            session.generate_key(pkcs11.KeyType.AES, KEY_BITS, label=self._label, store=True, template=template)

        self._with_session(made, writes=True)

    def _decrypted(self, found: Any, octets: bytes, how: dict[str, Any]) -> bytes:
        from pkcs11 import exceptions  # noqa: PLC0415

        try:
            return bytes(found.decrypt(octets, **how))
        except (
            exceptions.EncryptedDataInvalid,
            exceptions.EncryptedDataLenRange,
            exceptions.FunctionFailed,
            # SoftHSM's word for a tag that is wrong.
            exceptions.GeneralError,
        ) as exc:
            raise self._unusable("master-key-wrong", "what it wrapped", type(exc).__name__) from exc

    def _with_key(self, work: Any, iv: bytes) -> bytes:
        import pkcs11  # noqa: PLC0415
        from pkcs11.mechanisms import GCMParams  # noqa: PLC0415

        def keyed(session: Any) -> bytes:
            found = session.get_key(
                object_class=pkcs11.ObjectClass.SECRET_KEY, key_type=pkcs11.KeyType.AES, label=self._label
            )
            how = GCMParams(iv, self.name.encode(), TAG_BITS)
            return bytes(work(found, {"mechanism": pkcs11.Mechanism.AES_GCM, "mechanism_param": how}))

        return bytes(self._with_session(keyed))

    def _with_session(self, work: Any, *, writes: bool = False) -> Any:
        """Run something in a session of its own, logged in; the library's errors become ours, without its words."""
        try:
            import pkcs11  # noqa: PLC0415
        except ImportError:
            raise Misconfigured(
                "token-unusable",
                "The master key is in a token, and the part that speaks with tokens is not installed.",
                hint="pip install 'intaglio[pkcs11]'",
            ) from None  # which module is missing is said
        faults = pkcs11.exceptions
        with _ONE_AT_A_TIME:
            try:
                token = pkcs11.lib(self._module).get_token(token_label=self._token)
                with token.open(rw=writes, user_pin=self._pin.reveal()) as session:
                    return work(session)
            except (faults.DeviceError, faults.DeviceRemoved, faults.TokenNotPresent, faults.SessionClosed) as exc:
                raise self._away(exc) from exc
            except (faults.PinIncorrect, faults.PinInvalid, faults.PinLenRange) as exc:
                raise self._unusable("token-unusable", "the PIN of its user", "another PIN") from exc
            except faults.PinLocked as exc:
                raise self._unusable("token-unusable", "a PIN that is not locked", "a locked one") from exc
            except faults.NoSuchToken as exc:
                raise self._unusable("token-unusable", f"a token with the label {self._token}", "none") from exc
            except faults.NoSuchKey as exc:
                raise self._unusable("token-unusable", f"an AES key with the label {self._label}", "none") from exc
            except (faults.MultipleObjectsReturned, faults.MultipleTokensReturned) as exc:
                raise self._unusable("token-unusable", "one token and one key of these labels", "several") from exc
            except pkcs11.PKCS11Error as exc:
                raise self._unusable(
                    "token-unusable", "a token that does what it is asked", type(exc).__name__
                ) from exc

    def _unusable(self, code: str, expected: str, received: str) -> Misconfigured:
        public = {
            "master-key-exists": "The token holds something of that name already.",
            "master-key-wrong": "The token does not do what was asked with the master key.",
        }.get(code, "The master key in the token cannot be used.")
        return Misconfigured(
            code,
            public,
            detail={"expected": expected, "received": received, "master_key": self.name},
            hint="Look at keys.pkcs11_module, pkcs11_token, pkcs11_label and pkcs11_pin, and at the token.",
        )

    def _away(self, exc: Exception) -> Unavailable:
        return Unavailable(
            "token-unavailable",
            "The token with the master key does not answer.",
            detail={"expected": self.name, "received": type(exc).__name__},
            hint="Look whether the token is there.",
        )
