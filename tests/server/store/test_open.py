"""From a URL to a store."""

from __future__ import annotations

import asyncio
import traceback
from pathlib import Path

import pytest

from intaglio import errors
from intaglio.server.model import installation
from intaglio.server.store import open as opening

SECRET = "canary-p4ssw0rd"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "store.db",
        "sqlite:",
        "sqlite://store.db",
        "sqlite:///",
        "sqlite:///a.db?mode=ro",
        "sqlite:///a.db#x",
        "sqlite:///a%00b",
        "SQLITE:///a.db",
        f"mysql://root:{SECRET}@localhost/db",
        f"postgresql+asyncpg://root:{SECRET}@localhost/db",
        f"postgresql:root:{SECRET}@localhost",
    ],
)
def test_other_urls_are_refused(url: str) -> None:
    """A URL that is neither SQLite's nor PostgreSQL's is refused with what was expected, and not repeated."""
    for attempt in (opening.open_store(url), opening.prepare(url, 0), opening.status(url)):
        with pytest.raises(errors.Misconfigured) as met:
            asyncio.run(attempt)
        assert met.value.code == "database-url-invalid"
        assert "postgresql://" in str(met.value)
        assert met.value.detail["expected"]
        assert met.value.hint
        assert SECRET not in _everything(met.value)


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://user:{SECRET}@127.0.0.1:1/db",
        f"postgresql://user:{SECRET}@127.0.0.1:notaport/db",
        f"postgresql://user:{SECRET}@[::1/db",
        f"postgresql://user:{SECRET}@127.0.0.1:1/db?sslmode=wrong",
        f"postgresql://user:{SECRET}@/db?host=/nonexistent",
    ],
)
def test_password_is_never_shown(url: str) -> None:
    """A PostgreSQL that cannot be reached, or a URL that cannot be read, gives an error without the password."""
    for attempt in (opening.open_store(url), opening.prepare(url, 0), opening.status(url)):
        with pytest.raises((errors.Misconfigured, errors.Unavailable)) as met:
            asyncio.run(attempt)
        assert met.value.code in {"database-unusable", "storage-unavailable"}
        assert met.value.hint
        assert SECRET not in _everything(met.value)


def _everything(error: errors.IntaglioError) -> str:
    return "".join(traceback.format_exception(error)).replace(Path(__file__).name, "") + f"{error.detail} {error.hint}"


def test_paths_are_relative_or_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three slashes are relative to the working directory, four absolute; %20 is a space."""
    monkeypatch.chdir(tmp_path)
    assert opening.sqlite_path("sqlite:////var/lib/a%20b.db") == "/var/lib/a b.db"
    asyncio.run(opening.prepare("sqlite:///var/store.db", 5))
    assert (tmp_path / "var" / "store.db").exists()

    async def case() -> str | None:
        store = await opening.open_store("sqlite:///var/store.db")
        await store.write(installation.keep_fact, "a", "b")
        try:
            return await store.read(installation.fact, "a")
        finally:
            await store.close()

    assert asyncio.run(case()) == "b"


def test_opening_makes_no_file(tmp_path: Path) -> None:
    """Only preparing makes a database; asking for its status or opening it does not."""
    url = f"sqlite:///{tmp_path}/store.db"
    assert {one.state for one in asyncio.run(opening.status(url))} == {"pending"}
    with pytest.raises(errors.Misconfigured):
        asyncio.run(opening.open_store(url))
    assert list(tmp_path.iterdir()) == []


def test_folder_without_permission_is_named(tmp_path: Path) -> None:
    """A path that cannot be made is refused with path and next step."""
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.Misconfigured) as met:
        asyncio.run(opening.prepare(f"sqlite:///{tmp_path}/file/store.db", 0))
    assert met.value.code == "database-unusable"
    assert met.value.detail["path"] == f"{tmp_path}/file/store.db"
