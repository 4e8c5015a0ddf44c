"""Where an ID token for this program can come from: a sign-in, a file of credentials, the machine; asked in this order.

Google's page on Application Default Credentials. A source that is configured is the one: if it fails, no other takes
its place, for that would be somebody else.
"""

from __future__ import annotations

import os
import pathlib

import msgspec

from intaglio import clock
from intaglio.cli import credentials, faults, outgoing, renewing, secretinput
from intaglio.cli.credentials import Account
from intaglio.cli.faults import NotAuthenticated
from intaglio.dialects.google import calls, credentialfiles, hosts
from intaglio.dialects.google.credentialfiles import ExternalFile, KeyFile, UserFile
from intaglio.errors import Misconfigured
from intaglio.ids import Secret

FILE = "GOOGLE_APPLICATION_CREDENTIALS"
MACHINE = "GCE_METADATA_HOST"


class Wanted(msgspec.Struct, frozen=True):
    """What was asked for. `chain` are delegates and, last, the account to act as; `form` is empty, standard or full."""

    audience: str = ""
    chain: tuple[str, ...] = ()
    target: str = ""
    include_email: bool = False
    form: str = ""
    licenses: bool = False
    ca_file: str = ""
    client_id: str = "intaglio-cli"

    @property
    def aud(self) -> str:
        """The audience of the token: the one asked for, else this program's client."""
        return self.audience or self.client_id


def refuse(wanted: Wanted, what: str, *, machine: bool = False, acting: bool = False) -> None:
    """Raise `Misconfigured` (`option-misplaced`) for options that mean nothing to the source `what`."""
    misplaced, where = "", ""
    if wanted.form and not machine:
        misplaced, where = "--token-format", "where the token comes from the machine's metadata server"
    elif wanted.include_email and not acting:
        misplaced, where = "--include-email", "where a service account is impersonated"
    elif wanted.target and not acting:
        misplaced, where = "--account", "where somebody who signed in asks for an audience"
    if misplaced:
        raise Misconfigured(
            "option-misplaced",
            f"`{misplaced}` can only be used {where}.",
            detail={"received": what},
            hint=f"Leave out {misplaced}, or add --impersonate-service-account." if wanted.include_email else "",
        )


def absent(path: pathlib.Path) -> NotAuthenticated:
    """Return the error for nobody at all: what was tried, why not, and what to do."""
    return NotAuthenticated(
        public="There is nobody to get a token for.",
        detail={
            "faults": (
                f"a sign-in: none is kept in {path}",
                f"{FILE}: not set",
                f"{MACHINE}: not set",
            )
        },
        hint="intaglio login --issuer URL, or name a key file in " + FILE,
    )


def get(wanted: Wanted, stored: str, issuer: str) -> str:
    """Return the ID token from the first source that is there. Raises what the sources raise."""
    book = credentials.read()
    if book.accounts or stored:
        return of_account(wanted, credentials.choose(book, stored, issuer))
    named, machine = os.environ.get(FILE, ""), os.environ.get(MACHINE, "")
    if named:
        return _of_file(wanted, credentialfiles.read(secretinput.read_octets(named)), named)
    if machine:
        return _of_machine(wanted, machine)
    raise absent(credentials.directory() / credentials.NAME)


# --- somebody who signed in


def of_account(wanted: Wanted, account: Account) -> str:
    """Return the development token of a person, or the ID token of an account that they may use."""
    acting = bool(wanted.audience or wanted.chain)
    refuse(wanted, f"the sign-in of {account.label}", acting=acting)
    wanted = msgspec.structs.replace(wanted, client_id=account.client_id, ca_file=wanted.ca_file or account.ca_file)
    renewed = renewing.renew(account, wanted.ca_file)
    if not acting:
        if not renewed.id_token:
            raise NotAuthenticated("id-token-missing", "The issuer gave no ID token.", hint="intaglio login")
        return renewed.id_token
    if not account.accounts_base:
        raise Misconfigured(
            "accounts-unknown",
            "The issuer of this sign-in has no service accounts.",
            detail={"expected": "a sign-in at a Google-shaped issuer", "received": account.issuer},
            hint="intaglio login --issuer URL of the listener with service accounts",
        )
    chain = wanted.chain or (_target(wanted, account, renewed.access_token),)
    if not wanted.chain:
        faults.say(f"The token is one of {faults.plain(chain[-1])}, which {faults.plain(account.label)} may use.")
    return _acting(wanted, account.accounts_base, renewed.access_token, chain)


def _target(wanted: Wanted, account: Account, bearer: Secret) -> str:
    """Return the service account to use: the one that is named or was named before, or the only one there is."""
    named = wanted.target or account.target
    if not named:
        driver = outgoing.driver([account.issuer, account.accounts_base], wanted.ca_file)
        named = _only(driver.run(calls.impersonable(account.issuer, bearer)), account)
    elif wanted.target and wanted.target != account.target:
        with credentials.changing() as held:
            known = next((one for one in held[0].accounts if one.key == account.key), account)
            held[0] = held[0].keeping(msgspec.structs.replace(known, target=wanted.target))
    return named


def _only(usable: tuple[calls.Usable, ...], account: Account) -> str:
    if len(usable) == 1:
        return usable[0].email
    if not usable:
        raise NotAuthenticated(
            "account-missing",
            "There is no service account that you may get ID tokens of, and a token for an audience is one of those.",
            detail={"expected": "an account that lets you get its ID tokens", "received": f"none for {account.label}"},
            hint="Have your administrator bind the role for its ID tokens to you on a service account.",
        )
    raise Misconfigured(
        "account-ambiguous",
        "There are several service accounts that you may use.",
        detail={"faults": tuple(one.email for one in usable)},
        hint=f"Choose one with --account, for instance --account {faults.plain(usable[0].email)}; it is remembered.",
    )


def _acting(wanted: Wanted, base: str, bearer: Secret, chain: tuple[str, ...]) -> str:
    driver = outgoing.driver([base], wanted.ca_file)
    flow = calls.id_token_of(
        base, bearer, chain[-1], wanted.aud, delegates=chain[:-1], include_email=wanted.include_email
    )
    return driver.run(flow)


# --- a file of credentials


def _of_file(wanted: Wanted, found: KeyFile | ExternalFile | UserFile, named: str) -> str:
    acting = bool(wanted.chain) or isinstance(found, ExternalFile)
    refuse(wanted, f"the file {named}", acting=acting and not wanted.target)
    if isinstance(found, KeyFile):
        return _of_key(wanted, found)
    return _of_external(wanted, found) if isinstance(found, ExternalFile) else _of_user(wanted, found)


def _of_key(wanted: Wanted, key: KeyFile) -> str:
    driver, now = outgoing.driver([key.token_uri], wanted.ca_file), clock.SystemClock().now()
    if not wanted.chain:
        return _text(driver.run(calls.by_key(key, {"target_audience": wanted.aud}, now)), "id_token")
    bearer = Secret(_text(driver.run(calls.by_key(key, {"scope": calls.CLOUD}, now)), "access_token"))
    return _acting(wanted, hosts.sibling(key.token_uri, "iamcredentials"), bearer, wanted.chain)


def _of_external(wanted: Wanted, external: ExternalFile) -> str:
    chain = wanted.chain or ((external.account,) if external.account else ())
    if not chain:
        raise Misconfigured(
            "account-missing",
            "No identity token can be obtained from a federated identity alone.",
            detail={"expected": "a service account that it may act as", "received": "none in the file"},
            hint="Add --impersonate-service-account=ACCOUNT, or service_account_impersonation_url to the file.",
        )
    driver = outgoing.driver([external.token_url, external.account_base, external.url], wanted.ca_file)
    octets = (
        secretinput.read_octets(external.file)
        if external.file
        else driver.run(calls.fetched(external.url, external.headers))
    )
    bearer = driver.run(calls.exchanged(external, credentialfiles.subject_token(octets, external.field)))
    base = external.account_base or hosts.sibling(external.token_url, "iamcredentials")
    return _acting(wanted, base, bearer, chain)


def _of_user(wanted: Wanted, user: UserFile) -> str:
    if wanted.audience and not wanted.chain:
        raise Misconfigured(
            "option-misplaced",
            "`--audience` needs a service account: a person's token is for the client that they signed in to.",
            detail={"received": "credentials of a person"},
            hint="Add --impersonate-service-account=ACCOUNT.",
        )
    members = outgoing.driver([user.token_uri], wanted.ca_file).run(calls.by_refresh(user))
    if not wanted.chain:
        return _text(members, "id_token")
    bearer = Secret(_text(members, "access_token"))
    return _acting(wanted, hosts.sibling(user.token_uri, "iamcredentials"), bearer, wanted.chain)


# --- the machine


def _of_machine(wanted: Wanted, host: str) -> str:
    refuse(wanted, f"the metadata server {host}", machine=not wanted.chain, acting=bool(wanted.chain))
    root = f"http://{host}"
    driver = outgoing.driver([], wanted.ca_file, without_tls=[root])
    if not wanted.chain:
        form = wanted.form or "standard"
        return driver.run(calls.of_machine(root, wanted.aud, form, licenses=wanted.licenses))
    bearer, base = driver.run(calls.access_of_machine(root)), driver.run(calls.base_of_machine(root))
    return _acting(wanted, base, bearer, wanted.chain)


def _text(members: dict[str, object], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str) or not value:
        raise NotAuthenticated(
            "token-missing", "The server gave no such token.", detail={"expected": name, "received": "none"}
        )
    return value
