"""`intaglio masterkey`: see, change, give up and recover the key under which all else is kept."""

from __future__ import annotations

import asyncio
import base64
import pathlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click
import msgspec

from intaglio import ids
from intaglio.cli import acting, asking, faults, masterkey_sources, opening, output, secretoutput
from intaglio.errors import Misconfigured
from intaglio.server.settings import masterkey as weak
from intaglio.server.settings.records import Settings

if TYPE_CHECKING:
    from intaglio.server.admin.recovery import Lost
    from intaglio.server.keyring.unlocking import Lock
    from intaglio.server.model.plan import Store
    from intaglio.server.registry.deeds import Actor

T = TypeVar("T")
WRAPPINGS = ("name", "configured", "wrapped_at", "used_at")
KEYS = ("key_id", "state", "created_at", "active_at", "closes_at")


@click.group("masterkey")
def command() -> None:
    """See, change, give up and recover the key under which all else is kept."""


def _with_keys(settings: Settings, work: Callable[[Store, Lock, Actor], Awaitable[T]]) -> T:
    """Open the database, do the work, close it, and return what came of it."""
    from intaglio.server import compose
    from intaglio.server.registry.deeds import Actor

    async def opened() -> T:
        async with compose.keys_of(settings) as (store, lock, clock):
            return await work(store, lock, Actor(acting.operator(), clock.now()))

    return asyncio.run(opened())


# --- show, make


@command.command("show")
@opening.config_option
@output.option
def show(config: pathlib.Path | None, form: str | None) -> None:
    """Show which master keys wrap the keys of the database, and the state of each of these keys.

    Nothing secret is shown. A process says each minute which master key it runs with (used_at).
    """
    from intaglio.server.admin import masterkey

    async def work(store: Store, lock: Lock, actor: Actor) -> masterkey.Overview:
        try:
            bundle = (await lock.open(actor.now)).bundle
        except Misconfigured as fault:
            faults.insist(f"warning: {faults.plain(fault.public)} ({fault.code})")
            bundle = None
        return await masterkey.show(store, lock.master, bundle, actor.now)

    found = _with_keys(opening.read_or_development(config, weak_key=True), work)
    told: dict[str, Any] = msgspec.to_builtins(found)
    if output.chosen(form) == "table":
        output.write_list(told["wrappings"], form, columns=WRAPPINGS, value="name")
        click.echo()
        output.write_list(told["keys"] or [], form, columns=KEYS, value="key_id")
    else:
        output.write_one(told, form, value="configured")
    if found.derived and any(key.is_master_key and key.state != "closed" for key in found.keys or ()):
        faults.say("The first master key is itself a key of this database, until `masterkey rotate` and `reseal`.")


@command.command("make")
@click.argument("file", required=False)
@click.option("--in-token", is_flag=True, help="Make it in the PKCS#11 token of the settings, which it never leaves.")
@opening.config_option
def make(file: str | None, in_token: bool, config: pathlib.Path | None) -> None:
    """Make a master key: in a new FILE that only you can read, or in a token."""
    if in_token == (file is not None):
        raise click.UsageError("Name a FILE, or say --in-token.")
    if file is not None:
        secretoutput.write(file, base64.b64encode(ids.random_octets(weak.OCTETS)).decode("ascii") + "\n")
        faults.say(f"Made. Keep it apart from the database and its backups: {file}")
        return
    from intaglio.server.keyring.hardwarekey import HardwareKey

    master = masterkey_sources.configured(opening.read(config))
    if not isinstance(master, HardwareKey):
        raise masterkey_sources.refused(
            "token-missing", "The settings name no token.", "keys.pkcs11_module and its like", "none"
        )
    master.make()
    faults.say(f"Made: {master.name}")


# --- rotate, retire, reseal


@command.command("rotate")
@click.option("--new-key-file", help="File with the new master key as base64; - for stdin.")
@click.option(
    "--new-config",
    type=click.Path(exists=True, dir_okay=False, path_type=pathlib.Path),
    help="Configuration file whose [keys] name the new master key, as one in a token.",
)
@opening.config_option
@output.option
def rotate(
    new_key_file: str | None, new_config: pathlib.Path | None, config: pathlib.Path | None, form: str | None
) -> None:
    """Let a new master key wrap the keys beside the present one; nothing that runs notices.

    Then start each process again with the new master key, one after another, and retire the old one.
    """
    from intaglio.server.admin import masterkey

    if (new_key_file is None) == (new_config is None):
        raise click.UsageError("Say --new-key-file or --new-config.")
    fresh = (
        masterkey_sources.from_file(new_key_file)
        if new_key_file is not None
        else masterkey_sources.from_config(new_config)
    )

    async def work(store: Store, lock: Lock, actor: Actor) -> masterkey.Rotated:
        return await masterkey.rotate(store, lock, fresh, actor)

    # One that could be guessed must be changed, so it may be the old one.
    done = _with_keys(opening.read_or_development(config, weak_key=True), work)
    faults.say(f"{'It was so already' if done.again else 'Done'}: processes may start with either master key.")
    faults.say("  next step: start each process with the new one, then run `intaglio masterkey retire` with it as well")
    output.write_one(msgspec.to_builtins(done), form, value="new")


@command.command("retire")
@click.argument("name", required=False, default="")
@click.option("--force", is_flag=True, help="Also if a process said lately that it runs with it.")
@asking.option
@opening.config_option
@output.option
def retire(name: str, force: bool, yes: bool, config: pathlib.Path | None, form: str | None) -> None:
    """Forget what an old master key wraps, so that it opens this database no more; older copies it still opens.

    Run it with the new master key configured. Without a NAME it is the only other one.
    """
    from intaglio.server.admin import masterkey

    asking.sure("Give the old master key up? Processes that have it cannot start again.", yes=yes)

    async def work(store: Store, lock: Lock, actor: Actor) -> masterkey.Wrapping:
        return await masterkey.retire(store, lock, name, actor, force=force)

    gone = _with_keys(opening.read_or_development(config), work)
    faults.say("Given up. If somebody else may have had it, run: intaglio masterkey reseal")
    output.write_one(msgspec.to_builtins(gone), form, value="name")


@command.command("reseal")
@click.option("--close-now", is_flag=True, help="Let the old keys open nothing from now on, instead of in 13 hours.")
@opening.config_option
@output.option
def reseal(close_now: bool, config: pathlib.Path | None, form: str | None) -> None:
    """Seal everything that is kept under a new key, in small batches, while everything runs.

    The old keys open for 13 hours more, for what is not kept here: access tokens of workloads and the gate's cookies.
    With --close-now these end at once. If it is interrupted, run it again.
    """
    from intaglio.clock import SystemClock
    from intaglio.server.admin import resealing

    async def work(store: Store, lock: Lock, actor: Actor) -> resealing.Resealed:
        pace = resealing.Pace(SystemClock().now, say=faults.say)
        return await resealing.reseal(store, lock, actor, pace, 0 if close_now else resealing.KEEP_SECONDS)

    done = _with_keys(opening.read_or_development(config), work)
    faults.say(f"Done: everything is under the key {done.key_id}; older ones close {output.instant(done.closes_at)}.")
    output.write_one(msgspec.to_builtins(done), form, value="key_id")


# --- recover


@command.command("recover")
@click.option("--force", is_flag=True, help="Also if a process said lately that it runs with the old keys.")
@asking.option
@opening.config_option
@output.option
def recover(force: bool, yes: bool, config: pathlib.Path | None, form: str | None) -> None:
    """Begin with new keys where the master key is lost for good, and tell what has to be done.

    Configure a new master key first. Users, passwords, sessions, consents and refresh tokens stay. Signing keys are
    made anew; what old ones signed is believed until it expires. Secrets of clients and of connections are lost, and
    people get other pairwise subjects.
    """
    from intaglio.server.admin import recovery

    settings = opening.read_or_development(config)

    async def seen(store: Store, lock: Lock, actor: Actor) -> recovery.Found:
        return await recovery.look(store, lock, actor.now)

    found = _with_keys(settings, seen)
    if found.opens and found.lost.is_nothing:
        raise masterkey_sources.refused(
            "nothing-to-recover",
            "The configured master key opens everything that is kept.",
            "a database whose master key is lost",
            "one that opens",
        )
    _tell(found.lost)
    asking.sure("Take all of this away? A backup with its master key would bring it back; this does not.", yes=yes)

    async def work(store: Store, lock: Lock, actor: Actor) -> recovery.Lost:
        return await recovery.recover(store, lock, actor, force=force)

    lost = _with_keys(settings, work)
    faults.say("Recovered. Start every process again, and give the clients and connections above their secrets.")
    output.write_one(msgspec.to_builtins(lost), form, value="clients")


def _tell(lost: Lost) -> None:
    for what, names in (
        ("clients need a new secret", lost.clients),
        ("connections need their secret again", lost.connections),
        ("clients see other subjects for the same people", lost.pairwise),
    ):
        faults.insist(f"{len(names)} {what}{':' if names else ''}")
        for name in names[:20]:
            faults.insist(f"  {faults.plain(name)}")
        if len(names) > 20:
            faults.insist(f"  … and {len(names) - 20} more, all of them in the answer on stdout")
    faults.insist(f"{lost.signing_keys} signing keys and {lost.account_keys} keys of service accounts sign no more")
    faults.insist("Subjects at the microsoft dialect are all pairwise: each person has another one for each client.")
    faults.insist("Workloads' access tokens, sessions at gates and waiting sign-ins at other providers end.")
    faults.insist("Seals of the audit log that were made until now can be checked by their hashes alone.")
