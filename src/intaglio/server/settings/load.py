"""From file, environment and flags to settings; unknown keys are refused, and all faults are told together."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Mapping
from typing import Any

import msgspec

from intaglio.server.settings import checks, conversion, keys, sources
from intaglio.server.settings import faults as faults_
from intaglio.server.settings.faults import Fault
from intaglio.server.settings.records import Settings


def load(
    file: pathlib.Path | None,
    environment: Mapping[str, str] | None = None,
    flags: Mapping[str, Any] | None = None,
    *,
    allow_weak_key: bool = False,
) -> Settings:
    """Read the settings: defaults, then the file, then the environment, then flags (`section.name` to value).

    A master key that could be guessed is refused, unless `allow_weak_key`: for changing such a one.

    Raises `Misconfigured` (`settings-invalid`) with every fault; `settings-file` if the file cannot be read.
    """
    read = sources.Gathered()
    for key in keys.KEYS:
        if key.default is not None:
            read.put(key.dotted, key.default, "default")
    if file is not None:
        sources.from_file(file, read)
    sources.from_environment(os.environ if environment is None else environment, read)
    for name, value in (flags or {}).items():
        if value is not None:
            read.put(name, value, "flag")
    values = {name: conversion.convert(keys.BY_NAME[name], value, read.faults) for name, value in read.values.items()}
    settings = checks.compile_settings(values, read.origins, read.faults)
    checks.check_master_key(settings.master_key, read.faults, allow_weak=allow_weak_key)
    faults_.refuse(read.faults, read.places)
    return msgspec.structs.replace(settings, places=read.places)


def require_serving(settings: Settings) -> None:
    """Refuse settings with which nothing can be served: no database, no master key, no dialect.

    Raises `Misconfigured` (`settings-invalid`) with every fault.
    """
    faults = _without_store(settings)
    if not settings.listeners:
        hint = faults_.setting("standard.listen")
        faults.append(Fault("standard", "at least one dialect with listen and base_url", "none", hint))
    faults_.refuse(faults, settings.places)


def require_working(settings: Settings) -> None:
    """Refuse settings with which no outbox can be worked through: no database, no master key.

    Raises `Misconfigured` (`settings-invalid`) with every fault.
    """
    faults_.refuse(_without_store(settings), settings.places)


def _without_store(settings: Settings) -> list[Fault]:
    no_key = settings.master_key is None and settings.master_token is None
    absent = {"database.url": not settings.database.url, "keys.master_key": no_key}
    return [faults_.missing(name) for name, is_absent in absent.items() if is_absent]
