"""A sign-in that is kept, used: its refresh token brings an access token, and its successor is kept (RFC 6749 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from intaglio.cli import credentials, outgoing
from intaglio.cli.credentials import Account
from intaglio.ids import Secret

if TYPE_CHECKING:
    from intaglio.relying.kept import Renewed


def renew(account: Account, ca_file: str = "") -> Renewed:
    """Use the sign-in's refresh token; raises `NotAuthenticated`, `Unavailable`, `Misconfigured`."""
    from intaglio.relying import kept

    record = kept.Kept(
        account.issuer, account.client_id, account.subject, account.token_endpoint, Secret(account.refresh_token)
    )
    scope = f" --scope '{account.scope}'" if "intaglio.admin" in account.scope.split() else ""
    with outgoing.told(f"intaglio login --issuer {account.issuer}{scope}"):
        # SECURITY: the address is one that the issuer's document named, and is no more trusted than when it did
        # (test_d6_47_what_a_document_named_is_trusted_at_no_later_time).
        driver = outgoing.driver([account.issuer], ca_file or account.ca_file)
        renewed = driver.run(kept.refresh(record))
    if renewed.refresh_token is not None and renewed.refresh_token.reveal() != account.refresh_token:
        with credentials.changing() as held:
            changed = msgspec.structs.replace(account, refresh_token=renewed.refresh_token.reveal())
            held[0] = held[0].keeping(changed)
    return renewed
