"""The file with this person's sign-ins, `$XDG_CONFIG_HOME/intaglio/credentials.json`, for its owner's eyes alone."""

from __future__ import annotations

import contextlib
import os
import pathlib
import stat
from collections.abc import Iterator

import msgspec

from intaglio import ids
from intaglio.cli.faults import NotAuthenticated
from intaglio.errors import Misconfigured

NAME = "credentials.json"
MAX_OCTETS = 1024 * 1024


class Account(msgspec.Struct, frozen=True):
    """One sign-in. `accounts_base` is where service accounts are asked, empty where the issuer has none.

    `target` is the service account that was chosen to get tokens for audiences with; `signed_in_at` epoch seconds;
    `scope` what was granted, empty where it was not told.
    """

    issuer: str
    client_id: str
    subject: str
    refresh_token: str
    token_endpoint: str
    signed_in_at: int
    email: str = ""
    revocation_endpoint: str = ""
    accounts_base: str = ""
    target: str = ""
    ca_file: str = ""
    scope: str = ""

    def __repr__(self) -> str:
        return f"Account({self.label})"

    @property
    def label(self) -> str:
        """How the person is called: by e-mail address, else by subject."""
        return self.email or self.subject

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells one sign-in from another."""
        return self.issuer, self.client_id, self.subject


class Book(msgspec.Struct, frozen=True):
    """All sign-ins, the one in use first."""

    version: int = 1
    accounts: tuple[Account, ...] = ()

    def __repr__(self) -> str:
        return f"Book({len(self.accounts)})"

    def using(self, account: Account) -> Book:
        """Return the book with the account in it and in use."""
        others = (one for one in self.accounts if one.key != account.key)
        return Book(self.version, (account, *others))

    def keeping(self, account: Account) -> Book:
        """Return the book with the account's record renewed where it stands; one that is gone stays gone."""
        return Book(self.version, tuple(account if one.key == account.key else one for one in self.accounts))

    def without(self, account: Account) -> Book:
        """Return the book without the account."""
        return Book(self.version, tuple(one for one in self.accounts if one.key != account.key))


def directory() -> pathlib.Path:
    """Return the folder of this program's files (XDG Base Directory Specification)."""
    named = os.environ.get("XDG_CONFIG_HOME", "")
    # The specification: a path that is not absolute is to be ignored.
    home = pathlib.Path(named) if pathlib.PurePath(named).is_absolute() else pathlib.Path.home() / ".config"
    return home / "intaglio"


def read() -> Book:
    """Return the sign-ins; an empty book where there is no file.

    Raises `Misconfigured` (`credentials-exposed`, `credentials-unreadable`).
    """
    path = directory() / NAME
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return Book()
    except OSError as exc:
        raise _unreadable(path, exc.strerror or "unreadable") from exc
    with os.fdopen(descriptor, "rb") as stream:
        _refuse_exposed(path, os.fstat(descriptor))
        octets = stream.read(MAX_OCTETS + 1)
    try:
        book = msgspec.json.decode(octets, type=Book)
    except msgspec.MsgspecError:
        raise _unreadable(path, "not what this program wrote") from None  # the cause may quote a token
    if book.version != 1:
        raise _unreadable(path, f"version {book.version}")
    return book


def _refuse_exposed(path: pathlib.Path, found: os.stat_result) -> None:
    # SECURITY: whoever reads this file is the person; a file that others could read or write is not used any more.
    if stat.S_IMODE(found.st_mode) & 0o077 or found.st_uid != os.geteuid():
        raise Misconfigured(
            "credentials-exposed",
            "The file of sign-ins is open to others.",
            detail={"expected": "mode 0600 and yours", "received": f"{path}: mode {stat.S_IMODE(found.st_mode):04o}"},
            hint=f"chmod 600 {path}, then intaglio logout --all and sign in again if others were there.",
        )


def _unreadable(path: pathlib.Path, why: str) -> Misconfigured:
    return Misconfigured(
        "credentials-unreadable",
        "The file of sign-ins cannot be read.",
        detail={"expected": "a file that intaglio login wrote", "received": f"{path}: {why}"},
        hint=f"Remove {path} and sign in again.",
    )


@contextlib.contextmanager
def changing() -> Iterator[list[Book]]:
    """Let one program at a time change the book: what is put in place of the one element is written."""
    import fcntl

    folder = directory()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "credentials.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        held = [read()]
        yield held
        _write(folder, held[0])


def _write(folder: pathlib.Path, book: Book) -> None:
    # A new file takes the place of the old one at once: never half a file, and never one with another mode.
    temporary = folder / f".{NAME}.{ids.opaque(8)}"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(msgspec.json.format(msgspec.json.encode(book), indent=2) + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(folder / NAME)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def choose(book: Book, wanted: str, issuer: str = "") -> Account:
    """Return the sign-in that is meant by an e-mail address or subject, or the one in use.

    Raises `NotAuthenticated` (`not-signed-in`, `account-ambiguous`).
    """
    found = [one for one in book.accounts if not issuer or one.issuer == issuer]
    if wanted:
        found = [one for one in found if wanted in (one.email, one.subject)]
        if len(found) > 1:
            raise NotAuthenticated(
                "account-ambiguous",
                "There is more than one sign-in of that name.",
                detail={"faults": tuple(f"{one.label} at {one.issuer}" for one in found)},
                hint="Name the issuer with --issuer.",
            )
    if not found:
        known = ", ".join(f"{one.label} at {one.issuer}" for one in book.accounts) or "nobody"
        raise NotAuthenticated(
            detail={"expected": wanted or issuer or "a sign-in", "received": f"signed in: {known}"},
            hint="intaglio login" + (f" --issuer {issuer}" if issuer else ""),
        )
    return found[0]
