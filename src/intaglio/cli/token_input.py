"""What the token commands read: the token, the key sets and keys, and the secrets that may not be on argv."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from intaglio.cli import faults, manners, secretinput

if TYPE_CHECKING:
    from intaglio.tokens.encryptionkeys import DecryptionKeys
    from intaglio.tokens.jwk import KeySet
    from intaglio.tokens.sharedsecret import SharedSecret

STDIN = "-"
PASSWORD = "Password of the key"


def refuse_shared_stdin(token: str | None, files: Iterable[tuple[str, str | None]]) -> None:
    """Raise `click.UsageError` if two things are to come from stdin; `files` are options and what they name."""
    readers = ["TOKEN"] if token in (None, STDIN) else []
    readers += [option for option, file in files if file == STDIN]
    if len(readers) > 1:
        raise click.UsageError(
            f"Only one thing can come from stdin; received {' and '.join(readers)}. Use @FILE for the token."
        )


def token_octets(token: str | None) -> bytes:
    """Return the token: the argument, the file behind an @, or stdin for `-` and without an argument.

    At most one octet more than 256 KiB is read, so that what is too long is refused as a token. Raises `Misconfigured`
    (`input-unreadable`) that names the file.
    """
    if token is None or token == STDIN:
        if manners.may_ask():
            faults.say("Paste the token, then press Enter and Ctrl-D.")
        return secretinput.read_octets(STDIN)
    if not token.startswith("@"):
        return token.encode("utf-8", "surrogateescape")
    if token in ("@", "@-"):
        raise click.UsageError(f"@ expects the name of a file right after it, received {token!r}; - is for stdin.")
    return secretinput.read_octets(token[1:])


def line(what: str, file: str) -> str:
    """Return the text of a file or of stdin without the end of its line; a prompt asks where stdin is a terminal."""
    if file == STDIN and manners.may_ask():
        return secretinput.ask(what).reveal()
    return secretinput.read_text(file).removesuffix("\n").removesuffix("\r")


def _document(option: str, text: str, expected: str) -> dict[str, Any]:
    from intaglio import codec

    try:
        return codec.decode_json_object(text.encode())
    except codec.CodecError as fault:
        # The codec names the rule and never the text, which may be a private key.
        raise click.UsageError(f"{option} expects {expected}; received {fault}.") from fault


def key_set(option: str, file: str) -> KeySet:
    """Return the public keys in a file: a JWK Set, or a single JWK; raises `click.UsageError` for anything else."""
    from intaglio.errors import Refused
    from intaglio.tokens import jwk

    expected = "a JSON Web Key Set with the issuer's public keys"
    document = _document(option, secretinput.read_text(file), expected)
    try:
        found = jwk.read_set({"keys": [document]} if "kty" in document and "keys" not in document else document)
    except Refused as refusal:
        raise click.UsageError(f"{option} expects {expected}; received {refusal.detail.get('rule')}.") from refusal
    _tell_skipped(option, found.skipped)
    return found


def decryption_keys(option: str, file: str, password_file: str | None, password_option: str) -> DecryptionKeys:
    """Return the private keys in a file: a JWK, a JWK Set, or PEM; raises `click.UsageError` for anything else."""
    from intaglio.errors import Refused
    from intaglio.tokens import encryptionkeys

    text, expected = secretinput.read_text(file), "a private JWK, a JWK Set or PEM to decrypt with"
    try:
        if text.lstrip().startswith("{"):
            if password_file is not None:
                raise click.UsageError(f"{password_option} is for PEM; {option} holds JSON, which has no password.")
            found = encryptionkeys.read_private_set(_document(option, text, expected))
        else:
            password = _password(text, password_file, password_option)
            found = encryptionkeys.DecryptionKeys((encryptionkeys.from_pem(text, password=password),))
    except Refused as refusal:
        told = f"{option} expects {expected}; received {refusal.detail.get('rule')}. {refusal.hint}"
        raise click.UsageError(told.rstrip()) from refusal
    _tell_skipped(option, found.skipped)
    if not found.keys:
        raise click.UsageError(f"{option} expects {expected}; received a set in which no key can decrypt.")
    return found


def _password(text: str, file: str | None, option: str) -> str | None:
    if file is not None:
        return line(PASSWORD, file)
    # PKCS #8 says it in its first line, the older forms in a header.
    if "ENCRYPTED" not in text:
        return None
    if manners.may_ask():
        return secretinput.ask(PASSWORD).reveal()
    raise click.UsageError(f"The key is encrypted; name a file with its password: {option} FILE.")


def shared_secret(option: str, file: str) -> SharedSecret:
    """Return a client secret from a file, stdin or a prompt; raises `click.UsageError` for one that is none."""
    from intaglio.errors import Refused
    from intaglio.tokens import sharedsecret

    try:
        return sharedsecret.SharedSecret(line("Client secret", file))
    except Refused as refusal:
        told = f"{option} expects a client secret of 32 octets or more; received {refusal.detail.get('rule')}."
        raise click.UsageError(told) from None  # the cause is about the secret


def _tell_skipped(option: str, skipped: tuple[str, ...]) -> None:
    for why in skipped:
        faults.say(f"note: {option}: left out {why}")
