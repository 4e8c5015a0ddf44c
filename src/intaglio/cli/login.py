"""`intaglio login`: sign in with the browser, or with a code on another machine, and keep what comes of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click
import msgspec

from intaglio import clock, ids
from intaglio.cli import credentials, faults, outgoing, output
from intaglio.cli.credentials import Account
from intaglio.dialects.google import calls, hosts
from intaglio.errors import Misconfigured, Unavailable

if TYPE_CHECKING:
    from intaglio.net.sync import SyncDriver
    from intaglio.relying.party import RelyingParty
    from intaglio.relying.records import Provider, SignedIn

CLIENT = "intaglio-cli"
SCOPES = ("openid", "email", "profile", calls.CLOUD, "offline_access")
PATIENCE = 300.0
"""Seconds that a person has for signing in."""

EXAMPLES = """\b
Examples:
  intaglio login --issuer https://accounts.id.example.com
  intaglio login --device
  intaglio login --list
  intaglio login --issuer https://id.example.com/operators --scope 'openid intaglio.admin'
"""


@click.command("login", epilog=EXAMPLES)
@click.option("--issuer", envvar="INTAGLIO_ISSUER", help="Where to sign in; without it where you did last.")
@click.option("--client-id", default=CLIENT, show_default=True, help="The client that this program is there.")
@click.option("--scope", default="", help="What to ask for, blanks between; without it what is usual.")
@click.option("--device", is_flag=True, help="Show a code to type in a browser anywhere.")
@click.option("--no-browser", is_flag=True, help="Print the address in place of opening it.")
@click.option("--ca-file", type=click.Path(dir_okay=False), help="PEM certificates of authorities to believe as well.")
@click.option("--list", "listing", is_flag=True, help="Show who is signed in, the one in use first.")
@output.option
def command(
    issuer: str | None,
    client_id: str,
    scope: str,
    ca_file: str | None,
    form: str | None,
    *,
    device: bool,
    no_browser: bool,
    listing: bool,
) -> None:
    """Sign in with the browser or a code; list who is signed in.

    The sign-in is kept for `intaglio token get`: a refresh token, in a file that only you can read. `intaglio logout`
    ends it.
    """
    if listing:
        _list(form)
        return
    issuer = issuer or _last_issuer()
    driver = outgoing.driver([issuer], ca_file or "")
    with outgoing.told("Try again; --device helps where a browser cannot come back to this machine."):
        party, provider = _party(issuer, client_id, scope, driver)
        signed_in = (
            _by_device(party, provider, driver)
            if device
            else _by_browser(party, provider, driver, opens=not no_browser)
        )
        account = _account(party, provider, signed_in, ca_file or "", _email(party, provider, signed_in, driver))
    with credentials.changing() as held:
        held[0] = held[0].using(account)
    faults.say(f"Signed in as {faults.plain(account.label)} at {account.issuer}.")


def _list(form: str | None) -> None:
    rows = [
        {
            "account": one.label,
            "issuer": one.issuer,
            "client_id": one.client_id,
            "subject": one.subject,
            "target": one.target,
            "signed_in_at": one.signed_in_at,
        }
        for one in credentials.read().accounts
    ]
    output.write_list(rows, form, columns=("account", "issuer", "client_id", "target", "signed_in_at"), value="account")


def _last_issuer() -> str:
    known = credentials.read().accounts
    if known:
        return known[0].issuer
    raise Misconfigured(
        "issuer-missing",
        "Where to sign in is not known yet.",
        detail={"expected": "--issuer URL, or INTAGLIO_ISSUER", "received": "neither"},
        hint="intaglio login --issuer https://accounts.example.com",
    )


def _party(issuer: str, client_id: str, wanted: str, driver: SyncDriver) -> tuple[RelyingParty, Provider]:
    """Return the client, asking for what is wanted or else for what is usual and offered, and the issuer."""
    from intaglio.relying.party import RelyingParty

    party = RelyingParty(issuer=issuer, client_id=client_id, redirect_uri="")
    provider = driver.run(party.discover())
    offered = provider.metadata.members.get("scopes_supported")
    usual = [word for word in SCOPES if not isinstance(offered, list) or word in offered]
    # Without a refresh token there would be nothing to keep.
    lasting = [word for word in usual if word == "offline_access"]
    scope = " ".join(dict.fromkeys([*wanted.split(), *lasting]) if wanted.strip() else usual)
    return msgspec.structs.replace(party, scope=scope), provider


def _by_browser(party: RelyingParty, provider: Provider, driver: SyncDriver, *, opens: bool) -> SignedIn:
    import asyncio

    from intaglio.net.loopback import Loopback
    from intaglio.relying import calls as steps
    from intaglio.relying.records import Transaction
    from intaglio.validate import discovery

    # SECURITY: what an issuer's document names is opened here: a page, and no program of this machine
    # (test_d6_54_an_issuer_opens_nothing_but_a_page).
    endpoint = steps.endpoint(provider, "authorization_endpoint")
    if discovery.learned(endpoint, party.issuer) != endpoint:
        raise Unavailable("address-refused", "The issuer's page has no address of its own.")
    made = Transaction(state=ids.opaque(), nonce=ids.opaque(), code_verifier=ids.opaque())

    async def come_back() -> tuple[str, dict[str, str]]:
        async with Loopback(made.state) as door:
            asking = msgspec.structs.replace(party, redirect_uri=door.redirect_uri)
            # Where offline access is no scope, it is a parameter of its own; elsewhere unknown parameters are ignored.
            where = asking.begin(
                provider, state=made.state, nonce=made.nonce, code_verifier=made.code_verifier, access_type="offline"
            )
            await asyncio.to_thread(_show, where, opens=opens)
            return door.redirect_uri, await door.answer(PATIENCE)

    redirect_uri, found = asyncio.run(come_back())
    asking = msgspec.structs.replace(party, redirect_uri=redirect_uri)
    return driver.run(asking.finish(provider, made, found, now=clock.SystemClock().now()))


def _show(where: str, *, opens: bool) -> None:
    import webbrowser

    if opens and webbrowser.open(where):
        faults.insist("Your browser was opened to sign in. If nothing is there, open this address:")
    else:
        faults.insist("Open this address in a browser on this machine:")
    faults.insist(f"\n  {where}\n")


def _by_device(party: RelyingParty, provider: Provider, driver: SyncDriver) -> SignedIn:
    started = driver.run(party.start_device(provider))
    faults.insist(
        f"On any device, open\n\n  {started.verification_uri}\n\nand type the code\n\n  {started.user_code}\n"
    )
    interval, wall = started.interval, clock.SystemClock()
    while True:
        # RFC 8628 3.5: never sooner than told; how long the code lives is the issuer's to say, with `expired_token`.
        time.sleep(interval)
        outcome = driver.run(party.poll_device(provider, started, now=wall.now()))
        if not isinstance(outcome, str):
            return outcome
        interval += 5 if outcome == "slow_down" else 0


def _email(party: RelyingParty, provider: Provider, signed_in: SignedIn, driver: SyncDriver) -> str:
    """Return by which address the person is called: the ID token's, else UserInfo's, empty if neither tells."""
    email = signed_in.token.claims.get("email")
    if email is None and provider.metadata.url("userinfo_endpoint") is not None:
        told = driver.run(party.userinfo(provider, signed_in.access_token, signed_in.token.sub))
        email = told.get("email")
    return email if isinstance(email, str) else ""


def _account(party: RelyingParty, provider: Provider, signed_in: SignedIn, ca_file: str, email: str) -> Account:
    """Return what is kept; raises `Misconfigured` (`refresh-token-missing`) where nothing lasting came of it."""
    if signed_in.refresh_token is None:
        raise Misconfigured(
            "refresh-token-missing",
            "The issuer gave nothing that lasts.",
            detail={"expected": "a refresh token", "received": "none"},
            hint="Leave 'Stay connected' ticked; the client needs the grant type refresh_token.",
        )
    metadata, token = provider.metadata, signed_in.token
    offered = metadata.members.get("scopes_supported")
    has_accounts = isinstance(offered, list) and calls.CLOUD in offered
    return Account(
        issuer=party.issuer,
        client_id=party.client_id,
        subject=token.sub,
        refresh_token=signed_in.refresh_token.reveal(),
        token_endpoint=metadata.url("token_endpoint") or "",
        signed_in_at=clock.SystemClock().now(),
        email=email,
        revocation_endpoint=metadata.url("revocation_endpoint") or "",
        accounts_base=hosts.api(party.issuer, "iamcredentials") if has_accounts else "",
        ca_file=ca_file,
        # RFC 6749 5.1: it is left out where it is what was asked for.
        scope=signed_in.scope or party.scope,
    )
