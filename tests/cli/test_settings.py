"""Settings: where they come from, and what is refused."""

from __future__ import annotations

import pathlib

import pytest

from intaglio.dialects import registry
from intaglio.errors import Misconfigured
from intaglio.server.run import serve
from intaglio.server.settings import keys, load
from intaglio.server.settings.records import Google, Listener
from tests import live
from tests.capability import capability
from tests.cli.conftest import Run

GOOD = """
[database]
url = "sqlite:///var/intaglio.db"
[keys]
master_key = "26jTEFpMIjxCUcVmdHXoRfQh/oWKSWwEizJv4ZQDGqw="
[standard]
listen = "127.0.0.1:8080"
base_url = "https://id.example.com"
"""


def write(folder: pathlib.Path, text: str) -> pathlib.Path:
    """Write a configuration file."""
    path = folder / "intaglio.toml"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return path


def write_key(path: pathlib.Path, text: str = live.MASTER_KEY) -> pathlib.Path:
    """Write a file that only its owner can read."""
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return path


def faults_of(folder: pathlib.Path, text: str, environment: dict[str, str] | None = None) -> list[str]:
    """Return the faults that loading reports."""
    with pytest.raises(Misconfigured) as caught:
        load.load(write(folder, text), environment or {})
    assert caught.value.code == "settings-invalid"
    faults = caught.value.detail["faults"]
    assert isinstance(faults, tuple)
    return [str(fault) for fault in faults]


@capability("settings-file", witness="a TOML file")
def test_unknown_key_is_refused_with_a_suggestion(tmp_path: pathlib.Path) -> None:
    """An unknown key is refused, and the key that was meant is named."""
    (fault,) = faults_of(tmp_path, GOOD + '\n[server]\nlog_levle = "info"')
    assert "server.log_levle" in fault
    assert "did you mean log_level?" in fault


def test_unknown_section_is_refused_with_a_suggestion(tmp_path: pathlib.Path) -> None:
    """An unknown section is refused, and the section that was meant is named."""
    (fault,) = faults_of(tmp_path, '[databse]\nurl = "sqlite:///x"')
    assert "did you mean database?" in fault


def test_unknown_variable_is_refused_with_a_suggestion(tmp_path: pathlib.Path) -> None:
    """An unknown variable with our prefix is refused, and the one that was meant is named."""
    (fault,) = faults_of(tmp_path, GOOD, {"INTAGLIO_DATABASE__URI": "sqlite:///x"})
    assert "did you mean INTAGLIO_DATABASE__URL?" in fault


def test_all_faults_are_reported_together(tmp_path: pathlib.Path) -> None:
    """Four faults are four lines, not the first one."""
    text = """
    [standard]
    listen = "8080"
    base_url = "http://id.example.com"
    [server]
    workers = 400
    nonsense = 1
    """
    assert len(faults_of(tmp_path, text)) == 4


@pytest.mark.parametrize(
    "base_url",
    [
        pytest.param("http://id.example.com", id="http on a host of the network"),
        pytest.param("https://id.example.com/?a=b", id="query"),
        pytest.param("https://id.example.com/#x", id="fragment"),
        pytest.param("https://user:pw@id.example.com", id="userinfo"),
        pytest.param("ftp://id.example.com", id="another scheme"),
        pytest.param("https://ID.example.com", id="upper case"),
        pytest.param("id.example.com", id="no scheme"),
        pytest.param("https://[::1", id="broken"),
        pytest.param("http://localhost.evil.example", id="a host that only begins like loopback"),
        pytest.param("", id="empty"),
    ],
)
def test_base_url_is_refused(tmp_path: pathlib.Path, base_url: str) -> None:
    """An address that cannot be an issuer is refused."""
    text = GOOD.replace("https://id.example.com", base_url)
    assert any("standard.base_url" in fault for fault in faults_of(tmp_path, text))


@pytest.mark.parametrize("listen", ["8080", ":8080", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:99999", "::1:8080", "h:x"])
def test_listen_is_refused(tmp_path: pathlib.Path, listen: str) -> None:
    """An address that cannot be listened on is refused."""
    assert any("standard.listen" in f for f in faults_of(tmp_path, GOOD.replace("127.0.0.1:8080", listen)))


@pytest.mark.parametrize("base_url", ["http://localhost:8080", "http://127.0.0.1:8080", "http://[::1]:8080"])
def test_loopback_base_url_may_be_http(tmp_path: pathlib.Path, base_url: str) -> None:
    """What stays on this machine may be http."""
    loaded = load.load(write(tmp_path, GOOD.replace("https://id.example.com", base_url)), {})
    assert loaded.listeners[0].base_url == base_url


def test_allow_http_holds_only_where_the_listener_is_on_loopback(tmp_path: pathlib.Path) -> None:
    """`allow_http` lets a hosts-file name be http, but never a listener that the network reaches."""
    http = GOOD.replace("https://", "http://") + "\n[server]\nallow_http = true"
    assert load.load(write(tmp_path, http), {}).server.allow_http
    assert faults_of(tmp_path, http.replace("127.0.0.1:8080", "0.0.0.0:8080"))


def test_ipv6_listen_is_read(tmp_path: pathlib.Path) -> None:
    """An IPv6 address stands in brackets."""
    door = load.load(write(tmp_path, GOOD.replace("127.0.0.1:8080", "[::1]:8443")), {}).listeners[0]
    assert (door.host, door.port) == ("::1", 8443)


@capability("settings-environment", witness="environment variables")
def test_environment_overrides_the_file_and_a_flag_overrides_both(tmp_path: pathlib.Path) -> None:
    """Flags stand over the environment, the environment over the file; origins tell which it was."""
    file = write(tmp_path, GOOD)
    environment = {"INTAGLIO_DATABASE__URL": "sqlite:///env.db", "INTAGLIO_SERVER__LOG_LEVEL": "debug", "HOME": "/"}
    loaded = load.load(file, environment, {"server.log_level": "error"})
    assert loaded.database.url == "sqlite:///env.db"
    assert loaded.server.log_level == "error"
    assert loaded.origins["database.url"] == "environment"
    assert loaded.origins["server.log_level"] == "flag"
    assert loaded.origins["standard.listen"] == "file"
    assert loaded.origins["server.workers"] == "default"


def test_secret_is_read_from_a_file_named_in_the_environment(tmp_path: pathlib.Path) -> None:
    """`…_FILE` names a file that holds the value; its last line break is not part of it."""
    write_key(tmp_path / "key", live.MASTER_KEY + "\n")
    loaded = load.load(None, {"INTAGLIO_KEYS__MASTER_KEY_FILE": str(tmp_path / "key")})
    assert loaded.master_key is not None
    assert loaded.master_key.reveal() == live.MASTER_KEY


def test_secret_file_in_the_settings_is_found_beside_them(tmp_path: pathlib.Path) -> None:
    """`master_key_file` in the file is relative to the file."""
    write_key(tmp_path / "master.key")
    loaded = load.load(write(tmp_path, '[keys]\nmaster_key_file = "master.key"'), {})
    assert loaded.master_key is not None
    assert loaded.master_key.reveal() == live.MASTER_KEY


def test_value_and_file_of_one_setting_are_refused(tmp_path: pathlib.Path) -> None:
    """Two sources of one setting are a fault, not a choice."""
    write_key(tmp_path / "key")
    environment = {"INTAGLIO_KEYS__MASTER_KEY": "x", "INTAGLIO_KEYS__MASTER_KEY_FILE": str(tmp_path / "key")}
    assert any("both" in fault for fault in faults_of(tmp_path, GOOD, environment))


def test_missing_secret_file_is_a_fault(tmp_path: pathlib.Path) -> None:
    """A file that is not there is reported with its path."""
    (fault,) = faults_of(tmp_path, GOOD, {"INTAGLIO_KEYS__MASTER_KEY_FILE": str(tmp_path / "nowhere")})
    assert "nowhere" in fault


def test_no_secret_is_in_a_text(tmp_path: pathlib.Path) -> None:
    """Neither settings nor faults print the master key or the database's address."""
    environment = {
        "INTAGLIO_KEYS__MASTER_KEY": live.MASTER_KEY,
        "INTAGLIO_DATABASE__URL": "postgresql://u:canary-two@h/d",
        "INTAGLIO_STANDARD__LISTEN": "x",
    }
    shown = repr(load.load(None, {k: v for k, v in environment.items() if "LISTEN" not in k}))
    assert "canary" not in shown
    assert live.MASTER_KEY not in shown
    environment["INTAGLIO_DATABASE__URL"] = "mysql://u:canary-two@h/d"
    environment["INTAGLIO_KEYS__MASTER_KEY"] = "canary-one"
    assert "canary" not in "".join(faults_of(tmp_path, GOOD, environment))


def test_broken_toml_does_not_quote_its_line(tmp_path: pathlib.Path) -> None:
    """A line that is not TOML may hold a secret: only the file is named."""
    with pytest.raises(Misconfigured) as caught:
        load.load(write(tmp_path, "[keys]\nmaster_key = canary"), {})
    assert caught.value.code == "settings-file"
    assert "canary" not in repr(caught.value.detail)
    assert caught.value.__cause__ is None


def test_file_that_is_not_there_is_refused(tmp_path: pathlib.Path) -> None:
    """A named file must be there."""
    with pytest.raises(Misconfigured) as caught:
        load.load(tmp_path / "none.toml", {})
    assert caught.value.code == "settings-file"


def test_serving_needs_a_database_a_key_and_a_dialect() -> None:
    """Three things missing are three faults."""
    with pytest.raises(Misconfigured) as caught:
        load.require_serving(load.load(None, {}))
    assert len(caught.value.detail["faults"]) == 3  # type: ignore[arg-type]


def test_good_settings_may_serve(tmp_path: pathlib.Path) -> None:
    """The smallest file that may serve is read as it stands."""
    loaded = load.load(write(tmp_path, GOOD), {})
    load.require_serving(loaded)
    assert loaded.listener("standard") == Listener("standard", "127.0.0.1", 8080, "https://id.example.com")
    assert loaded.listener("google") is None


@capability("cloudentity-issuer", witness="the listener that serve opens")
def test_a_listener_of_workspaces(tmp_path: pathlib.Path) -> None:
    """The cloudentity dialect has a door of its own; no tenant belongs to it, for the path names one."""
    text = GOOD + '\n[cloudentity]\nlisten = "127.0.0.1:8084"\nbase_url = "https://work.example.com"'
    loaded = load.load(write(tmp_path, text), {})
    load.require_serving(loaded)
    found = serve.serving_listeners(loaded)[8084]
    assert (found.name, found.base_url, found.tenant) == ("cloudentity", "https://work.example.com", "")
    assert found.dialect is registry.DIALECTS["cloudentity"]


@capability("microsoft-tenants", witness="the listener that serve opens")
def test_a_listener_of_an_authority(tmp_path: pathlib.Path) -> None:
    """The microsoft dialect has a door of its own, and no tenant belongs to it."""
    text = GOOD + '\n[microsoft]\nlisten = "127.0.0.1:8082"\nbase_url = "https://login.example.com"'
    loaded = load.load(write(tmp_path, text), {})
    load.require_serving(loaded)
    found = serve.serving_listeners(loaded)[8082]
    assert (found.name, found.base_url, found.tenant) == ("microsoft", "https://login.example.com", "")
    assert found.dialect is registry.DIALECTS["microsoft"]


def test_two_dialects_do_not_share_a_door(tmp_path: pathlib.Path) -> None:
    """The same port for two dialects is a fault of the second, whatever their hosts: the port tells them apart."""
    for listen in ("127.0.0.1:8080", "192.0.2.1:8080", "[::1]:8080"):
        text = GOOD + f'\n[auth0]\nlisten = "{listen}"\nbase_url = "https://login.example.com"'
        (fault,) = faults_of(tmp_path, text)
        assert "auth0.listen" in fault


def test_half_of_a_certificate_is_refused(tmp_path: pathlib.Path) -> None:
    """A certificate without its key is a fault."""
    (tmp_path / "c.pem").write_text("", encoding="utf-8")
    faults = faults_of(tmp_path, GOOD + f'\n[tls]\ncertificate_file = "{tmp_path}/c.pem"')
    assert any("tls.key_file" in fault for fault in faults)


def test_every_key_has_help_and_a_variable_of_its_own() -> None:
    """The table is complete and without collisions."""
    assert all(key.help for key in keys.KEYS)
    assert len({key.variable for key in keys.KEYS}) == len(keys.KEYS)


def test_single_underscore_in_a_variable_is_not_overlooked(tmp_path: pathlib.Path) -> None:
    """`INTAGLIO_DATABASE_URL` would be silently without effect; it is refused with the right spelling."""
    (fault,) = faults_of(tmp_path, GOOD, {"INTAGLIO_DATABASE_URL": "sqlite:///x"})
    assert "did you mean INTAGLIO_DATABASE__URL?" in fault
    assert load.load(None, {"INTAGLIO_CONFIG": "x", "INTAGLIO_VECTORS": "y"}).database.url == ""


@capability("outgoing-allow", witness="environment variables")
def test_places_are_listed_in_the_environment(tmp_path: pathlib.Path) -> None:
    """Places stand with commas between them in the environment; the file may hold a list; both are shown by origin."""
    loaded = load.load(None, {"INTAGLIO_OUTGOING__ALLOW": "rp.example:8443, 10.0.0.0/8"})
    assert loaded.outgoing.allow == ("rp.example:8443", "10.0.0.0/8")
    assert loaded.outgoing.time_limit_seconds == 10
    text = '[outgoing]\nallow = ["a.example"]\ntime_limit_seconds = 3\nsize_limit_octets = 1000\n'
    told = load.load(write(tmp_path, text), {}).outgoing
    assert (told.allow, told.time_limit_seconds, told.size_limit_octets) == (("a.example",), 3, 1000)


UNIVERSE = GOOD + '\n[google]\nlisten = "127.0.0.1:8081"\n'


@capability("google-universe", witness="the settings as they are shown")
def test_a_universe_makes_the_issuer(tmp_path: pathlib.Path, run: Run) -> None:
    """The domain is enough; written besides, the base address has to be the same."""
    text = UNIVERSE + 'universe_domain = "id.example.com"\n'
    loaded = load.load(write(tmp_path, text), {})
    door = loaded.listener("google")
    assert door is not None
    assert door.base_url == "https://accounts.id.example.com"
    assert loaded.google == Google("id.example.com")
    both = load.load(write(tmp_path, text + 'base_url = "https://accounts.id.example.com"\n'), {})
    assert both.listener("google") == door
    (fault,) = faults_of(tmp_path, text + 'base_url = "https://accounts.example.com"\n')
    assert "google.base_url: expected nothing, or https://accounts.id.example.com" in fault
    (fault,) = faults_of(tmp_path, UNIVERSE + 'universe_domain = "Not a domain"\n')
    assert "google.universe_domain" in fault
    shown = run("config", "show", "--config", str(write(tmp_path, text)), "-o", "json").out
    assert '"id.example.com"' in shown


@capability("google-foreign-issuer", witness="the settings' faults")
@pytest.mark.parametrize(
    "line",
    [
        'base_url = "https://accounts.google.com"',
        'base_url = "https://accounts.google.com:443"',
        'universe_domain = "googleapis.com"',
        'universe_domain = "google.com"',
    ],
)
def test_googles_own_issuer_needs_a_word(tmp_path: pathlib.Path, line: str) -> None:
    """Nobody issues tokens as Google by a slip: one setting says that it is meant."""
    (fault,) = faults_of(tmp_path, UNIVERSE + line)
    assert "an issuer of your own" in fault
    assert "google.allow_google_issuer" in fault
    loaded = load.load(write(tmp_path, UNIVERSE + line + "\nallow_google_issuer = true\n"), {})
    assert loaded.google.allow_google_issuer
