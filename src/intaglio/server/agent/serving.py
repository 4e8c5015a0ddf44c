"""Starting the metadata server beside a workload, and stopping it."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import pathlib
from collections.abc import Callable

import msgspec
import uvloop

from intaglio.clock import Clock, SystemClock
from intaglio.dialects.google import upstream
from intaglio.errors import IntaglioError, Misconfigured
from intaglio.server.agent import accounts as accounts_
from intaglio.server.agent import proofs
from intaglio.server.agent.accounts import Accounts, ByUser, Fixed
from intaglio.server.agent.app import AgentApp, Setting
from intaglio.server.agent.desk import Desk
from intaglio.server.agent.files import Watched
from intaglio.server.agent.sources import ByExchange, ByKey, Driver, Source
from intaglio.server.http import connections, listening, serving

LOG = logging.getLogger("intaglio.agent")


class Wanted(msgspec.Struct, frozen=True):
    """What the operator asked for: one kind of proof, and one account or a file of them."""

    server: str
    host: str = "127.0.0.1"
    port: int = 8181
    profile: str = "gce"
    account: str = ""
    accounts_file: pathlib.Path | None = None
    key_file: pathlib.Path | None = None
    kubernetes_token: pathlib.Path | None = None
    certificate: pathlib.Path | None = None
    certificate_key: pathlib.Path | None = None
    provider: str = ""
    project_number: int = 0
    allow_other_address: bool = False

    @property
    def here(self) -> str:
        """The address at which local processes ask."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


def check_address(host: str, *, allow_other: bool) -> None:
    """Refuse to listen where others than this machine could ask.

    Raises `Misconfigured` (`address-open`) unless the address is one of loopback or link-local.
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError as exc:
        raise _open(host, "an address") from exc
    # SECURITY: whoever reaches this address is this machine's workload; so nobody else may reach it.
    if not allow_other and not (address.is_loopback or address.is_link_local):
        raise _open(host, "an address of loopback (127.0.0.0/8, ::1) or link-local (169.254.0.0/16, fe80::/10)")


def _open(host: str, expected: str) -> Misconfigured:
    return Misconfigured(
        "address-open",
        "The metadata server would be reached from elsewhere.",
        detail={"expected": expected, "received": host},
        hint="Whoever reaches it gets the account's tokens; --allow-other-address if that is meant.",
    )


def source(wanted: Wanted, driver: Driver, clock: Clock) -> tuple[Source, Watched[proofs.AccountKey] | None]:
    """Return where tokens come from, and the account's key where it is one; raises `Misconfigured`."""
    if wanted.key_file is not None:
        key = Watched((wanted.key_file,), proofs.read_account_key, clock)
        return ByKey(wanted.server, key, driver, clock), key
    if wanted.kubernetes_token is not None:
        subject = proofs.kubernetes(wanted.kubernetes_token, clock)
    else:
        assert wanted.certificate is not None
        assert wanted.certificate_key is not None
        subject = proofs.certified(wanted.certificate, wanted.certificate_key, wanted.provider, clock)
    # What is wrong with a file is said at the start.
    subject()
    return ByExchange(wanted.server, wanted.provider, subject, driver, clock), None


def _accounts(wanted: Wanted, email: str, clock: Clock) -> Accounts:
    if wanted.accounts_file is None:
        return Fixed(wanted.account or email)
    # SECURITY: whoever is taken off the list, or takes the list away, must not go on by what it said before
    # (test_d6_35_a_list_that_is_gone_lists_nobody).
    listed = Watched((wanted.accounts_file,), accounts_.read, clock, accounts_.PATIENCE)
    listed.get()
    return ByUser(listed)


def assemble(wanted: Wanted, driver: Driver, clock: Clock) -> tuple[AgentApp, Source, str]:
    """Return the application, its source, and the account to try (empty where there are several)."""
    tokens, key = source(wanted, driver, clock)
    own = key.get() if key is not None else None
    if own is not None and wanted.account not in ("", own.email):
        detail: dict[str, object] = {"expected": own.email, "received": wanted.account}
        raise Misconfigured("account-mismatched", "The key file is another account's.", detail=detail)
    email = own.email if own is not None else ""
    setting = Setting(
        server=wanted.server,
        here=wanted.here,
        profile=wanted.profile,
        project_id=own.project_id if own is not None else "",
        project_number=wanted.project_number or upstream.project_number(wanted.provider),
        started_at=clock.now(),
    )
    app = AgentApp(setting, _accounts(wanted, email, clock), Desk(tokens, clock), clock)
    return app, tokens, "" if wanted.accounts_file is not None else wanted.account or email


async def _serve(wanted: Wanted, make_driver: Callable[[], Driver], say: Callable[[str], None]) -> None:
    check_address(wanted.host, allow_other=wanted.allow_other_address)
    driver = make_driver()
    app, tokens, account = assemble(wanted, driver, SystemClock())
    socket = listening.bind(wanted.host, wanted.port)

    def ready() -> None:
        say(f"ready: {wanted.here} asks {wanted.server}" + (f" for {account}" if account else ""))

    server = serving.Server(connections.config(app, grace=1), ready, app.waiting.end)
    trial = asyncio.create_task(_try(tokens, account, say)) if account else None
    try:
        await server.serve(sockets=[socket])
    finally:
        if trial is not None:
            trial.cancel()
        await driver.aclose()


async def _try(tokens: Source, account: str, say: Callable[[str], None]) -> None:
    """Ask once before anybody waits, so that what is wrong is said where it can be seen; nothing else comes of it."""
    try:
        await tokens.access_token(account, ())
    except IntaglioError as fault:
        told = ", ".join(f"{name}: {value}" for name, value in fault.detail.items())
        say(f"warning: no token yet: {fault}" + (f" ({told})" if told else ""))


def serve(wanted: Wanted, make_driver: Callable[[], Driver], say: Callable[[str], None]) -> int:
    """Serve until stopped; return the exit code.

    `make_driver` makes what calls the server, on the event loop. Raises `Misconfigured` (`address-open`, `port-taken`,
    `address-unusable`, `file-unusable`, `account-mismatched`).
    """
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(_serve(wanted, make_driver, say))
    return 0
