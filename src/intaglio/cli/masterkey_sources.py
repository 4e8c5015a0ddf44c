"""Where `intaglio masterkey` takes master keys from: the settings, a file, or another configuration."""

from __future__ import annotations

import os
import pathlib
from typing import TYPE_CHECKING

from intaglio.cli import secretinput
from intaglio.errors import Misconfigured
from intaglio.server.settings import keys, load, masterkey
from intaglio.server.settings.records import Settings

if TYPE_CHECKING:
    from intaglio.server.keyring.masterkeys import MasterKey


def configured(settings: Settings) -> MasterKey:
    """Return the master key of the settings; raises `Misconfigured` (`master-key-missing`)."""
    from intaglio.server import compose

    found = compose.master_key(settings)
    if found is None:
        raise refused("master-key-missing", "There is no master key.", "a master key under [keys]", "none")
    return found


def from_file(file: str) -> MasterKey:
    """Return the master key in a file, or on stdin for `-`.

    Raises `Misconfigured` (`master-key-weak`, `input-unreadable`).
    """
    from intaglio.server.keyring import vault
    from intaglio.server.keyring.masterkeys import LocalKey

    text = secretinput.read_text(file)
    wrong = masterkey.weakness(text)
    if wrong is not None:
        received, hint = wrong
        raise refused("master-key-weak", "This is no good master key.", "32 random octets as base64", received, hint)
    return LocalKey(vault.read_master_key(text))


def from_config(file: pathlib.Path | None) -> MasterKey:
    """Return the master key of another configuration; what the environment says of keys is about the present one.

    Raises `Misconfigured` (`master-key-missing`, `settings-invalid`).
    """
    prefix = f"{keys.PREFIX}KEYS__"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(prefix)}
    return configured(load.load(file, environment))


def refused(code: str, public: str, expected: str, received: str, hint: str = "") -> Misconfigured:
    """Return the error of a master key that cannot be used."""
    return Misconfigured(code, public, detail={"expected": expected, "received": received}, hint=hint)
