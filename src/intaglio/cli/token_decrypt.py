"""`intaglio token decrypt`: what an encrypted token holds, still unverified.

RFC 7516 section 5.2 (decryption), RFC 7519 section 5.2 (nested tokens).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from intaglio.cli import faults, output, token_input, token_output

if TYPE_CHECKING:
    from intaglio.errors import Refused
    from intaglio.tokens.jwe import Decrypted

FORMATS = ("value", "json", "yaml")
EXAMPLES = """\b
Examples:
  intaglio token decrypt --key key.jwk < token.txt
  intaglio token decrypt --key key.pem --password-file password.txt @token.txt -o json
  intaglio token decrypt --key key.jwk @token.txt | intaglio token inspect
"""


@click.command("decrypt", epilog=EXAMPLES)
@click.argument("token", required=False)
@click.option("--key", "key", required=True, metavar="FILE", help="Private key: a JWK, a JWK Set or PEM; - for stdin.")
@click.option("--password-file", metavar="FILE", help="File with the password of an encrypted PEM; else it is asked.")
@click.option(
    "-o", "--output", "form", type=click.Choice(FORMATS), default="value", help="value (the default): the token, bare."
)
def command(token: str | None, key: str, password_file: str | None, form: str) -> None:
    """Decrypt an encrypted token and print the one inside.

    TOKEN is the token itself, @FILE for a file, or - for stdin, which is what happens without it. The inner token goes
    to stdout, the header of the outer one to stderr; `-o json` has header, alg, enc and token.

    What comes out is still unverified: anybody can encrypt to a public key. Exit code 0 if it could be decrypted,
    3 if not.
    """
    token_input.refuse_shared_stdin(token, (("--key", key), ("--password-file", password_file)))
    keys = token_input.decryption_keys("--key", key, password_file, "--password-file")
    from intaglio.errors import Refused
    from intaglio.tokens import jwe

    octets = token_input.token_octets(token).strip()
    # RFC 7516 section 9: five parts are encrypted, three are signed.
    if octets.count(b".") == 2:
        raise _not_encrypted()
    try:
        opened = jwe.decrypt(octets, keys)
    except Refused as refusal:
        raise _told(refusal) from refusal
    text = _text(opened)
    faults.say(f"header: {token_output.safe(output.plain(opened.header))}")
    faults.insist("UNVERIFIED. Decrypted, not checked: anybody can encrypt to a public key.")
    if text.count(".") != 2:
        faults.say("note: What was inside is no signed token, so nothing tells who wrote it.")
    else:
        faults.say("next step: intaglio token verify, with --decryption-key for the encrypted one")
    if form == "value":
        click.echo(token_output.safe(text) if sys.stdout.isatty() else text)
    else:
        record = {"header": opened.header, "alg": opened.alg, "enc": opened.enc, "token": text}
        output.write_one(record, form, value="token")


def _told(refusal: Refused) -> Refused:
    """Return a refusal that a terminal may show: its header is anybody's text."""
    from intaglio.errors import Refused

    detail = {name: token_output.one_line(output.plain(value)) for name, value in refusal.detail.items()}
    if refusal.detail.get("received", "") is None:
        detail["received"] = "no kid"
    return Refused(refusal.code, "The token cannot be decrypted.", detail=detail, hint=refusal.hint)


def _text(opened: Decrypted) -> str:
    from intaglio.errors import Refused

    try:
        return opened.plaintext.decode("utf-8")
    except UnicodeDecodeError:
        detail = {"expected": "a token, or text in UTF-8", "received": f"{len(opened.plaintext)} octets of other data"}
        hint = "This is not for a program that reads tokens."
        # The cause would quote what was decrypted.
        raise Refused("content-not-text", "What was decrypted is no text.", detail=detail, hint=hint) from None


def _not_encrypted() -> Refused:
    from intaglio.errors import Refused

    return Refused(
        "token-not-encrypted",
        "The token is not encrypted.",
        detail={
            "expected": "five parts with dots between them",
            "received": "three parts: a token that is only signed",
        },
        hint="intaglio token inspect, or intaglio token verify.",
    )
