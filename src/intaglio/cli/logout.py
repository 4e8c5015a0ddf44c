"""`intaglio logout`: end a sign-in here and at the issuer."""

from __future__ import annotations

import click

from intaglio.cli import credentials, faults, outgoing
from intaglio.cli.credentials import Account
from intaglio.errors import Unavailable


@click.command("logout")
@click.argument("account", required=False, default="")
@click.option("--issuer", default="", help="Where the sign-in is, if there is one of that name at several.")
@click.option("--all", "everybody", is_flag=True, help="End every sign-in.")
def command(account: str, issuer: str, *, everybody: bool) -> None:
    """End a sign-in, here and at the issuer.

    ACCOUNT is its e-mail address or subject; without it, it is the one in use. It is forgotten here in any case. Where
    the issuer could not be told, that is an error at the end.
    """
    book = credentials.read()
    chosen = book.accounts if everybody else (credentials.choose(book, account, issuer),)
    untold = [one for one in chosen if not _end(one)]
    if untold:
        raise Unavailable(
            "not-revoked",
            "The sign-in is forgotten here, but the issuer could not be told.",
            detail={"faults": tuple(f"{one.label} at {one.issuer}" for one in untold)},
            hint="End it on the issuer's page of sessions and apps.",
        )


def _end(account: Account) -> bool:
    """Forget a sign-in and revoke it; tell whether the issuer knows."""
    from intaglio.ids import Secret
    from intaglio.relying import kept

    with credentials.changing() as held:
        # Another program may have renewed it since it was read.
        account = next((one for one in held[0].accounts if one.key == account.key), account)
        held[0] = held[0].without(account)
    faults.say(f"Signed out: {faults.plain(account.label)} at {account.issuer}.")
    if not account.revocation_endpoint:
        return False
    record = kept.Kept(
        account.issuer,
        account.client_id,
        account.subject,
        account.token_endpoint,
        Secret(account.refresh_token),
        account.revocation_endpoint,
    )
    try:
        outgoing.driver([account.issuer], account.ca_file).run(kept.revoke(record))
    except Unavailable:
        return False
    return True
