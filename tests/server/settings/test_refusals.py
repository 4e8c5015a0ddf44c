"""Bad settings: each is refused with the line, what was expected and the fix, and no secret is told."""

from __future__ import annotations

import base64
import os
import pathlib
import subprocess
import tomllib

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intaglio.cli import config_schema
from intaglio.errors import Misconfigured
from intaglio.server.settings import lines, load, masterkey, networks
from intaglio.tokens import certificates
from tests import live
from tests.capability import capability

GOOD = f"""[database]
url = "sqlite:///intaglio.db"
[keys]
master_key = "{live.MASTER_KEY}"
[standard]
listen = "127.0.0.1:8080"
base_url = "https://id.example.com"
"""


def b64(octets: bytes) -> str:
    """Return octets as a master key is written."""
    return base64.b64encode(octets).decode()


def told(folder: pathlib.Path, text: str, environment: dict[str, str] | None = None) -> tuple[str, ...]:
    """Return what is told of a file that is refused."""
    path = folder / "intaglio.toml"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    with pytest.raises(Misconfigured) as caught:
        load.require_serving(load.load(path, environment or {}))
    assert caught.value.code == "settings-invalid"
    faults = caught.value.detail["faults"]
    assert isinstance(faults, tuple)
    return tuple(str(fault).replace(str(folder) + "/", "") for fault in faults)


FAULTS = {
    "an unknown section": (
        GOOD + "[sever]\nworkers = 1\n",
        "intaglio.toml:8: sever: expected a known section, received an unknown one; did you mean server?",
    ),
    "an unknown key": (
        GOOD + '[server]\n\n# how much is told\nlog_levle = "info"\n',
        "intaglio.toml:11: server.log_levle: expected a known key, received an unknown one; did you mean log_level?",
    ),
    "a value in place of a table": (
        "server = 1\n" + GOOD,
        "intaglio.toml:1: server: expected a table, received a single value; write [server]",
    ),
    "a text in place of a number": (
        GOOD + "[outgoing]\ntime_limit_seconds = 'ten'\n",
        "intaglio.toml:9: outgoing.time_limit_seconds: expected a whole number, received a text",
    ),
    "a number in place of a text": (
        GOOD.replace('"127.0.0.1:8080"', "8080"),
        "intaglio.toml:6: standard.listen: expected text that is not empty, received a number",
    ),
    "a number that is too large": (
        GOOD + "[outgoing]\ntime_limit_seconds = 600\n",
        "intaglio.toml:9: outgoing.time_limit_seconds: expected a number from 1 to 60, received 600",
    ),
    "a word that is none of those": (
        GOOD + '[server]\nlog_level = "warn"\n',
        (
            "intaglio.toml:9: server.log_level: expected one of debug, info, warning, error, received warn; "
            "did you mean warning?"
        ),
    ),
    "a flag in words": (
        GOOD + '[server]\nallow_http = "yes"\n',
        "intaglio.toml:9: server.allow_http: expected true or false, received a text",
    ),
    "an issuer over http": (
        GOOD.replace("https://", "http://"),
        (
            "intaglio.toml:7: standard.base_url: expected https, or a loopback host, received http://id.example.com; "
            "put TLS in front; server.allow_http helps only where the listener is on loopback"
        ),
    ),
    "a listener without its address": (
        GOOD + '[auth0]\nlisten = "127.0.0.1:8083"\n',
        (
            "intaglio.toml:8: auth0.base_url: expected a value, received nothing; "
            "set it in the file or as INTAGLIO_AUTH0__BASE_URL"
        ),
    ),
    "a certificate that is not there": (
        GOOD + '[tls]\ncertificate_file = "/nowhere/chain.pem"\nkey_file = "/nowhere/key.pem"\n',
        "intaglio.toml:9: tls.certificate_file: expected a readable file, received /nowhere/chain.pem: not there",
    ),
    "a secret file that is not there": (
        GOOD.replace("master_key =", "master_key_file = 'nowhere.key' #"),
        (
            "intaglio.toml:4: keys.master_key_file: expected a readable file, received nowhere.key: "
            "No such file or directory; name one that is there"
        ),
    ),
    "a secret and its file": (
        GOOD.replace("[standard]", 'master_key_file = "master.key"\n[standard]'),
        (
            "intaglio.toml:5: keys.master_key_file: expected either master_key or master_key_file, received both; "
            "remove one"
        ),
    ),
    "a proxy that is everybody": (
        GOOD + '[server]\ntrusted_proxies = [\n  "192.0.2.1",\n  "*",\n]\n',
        (
            "intaglio.toml:9: server.trusted_proxies: expected addresses or networks of proxies, such as 10.0.0.0/8, "
            "or unix, received *, which is everybody; "
            "name the proxies: whoever is believed chooses the address that is limited"
        ),
    ),
    "a database of another kind": (
        GOOD.replace("sqlite:///intaglio.db", "mysql://user:canary@host/db"),
        "intaglio.toml:2: database.url: expected an address that begins with sqlite: or postgresql:, received mysql",
    ),
    "a master key of one octet": (
        GOOD.replace(live.MASTER_KEY, b64(b"k" * 32)),
        (
            "intaglio.toml:4: keys.master_key: expected 32 random octets as base64, received one octet, repeated; "
            "make one with: openssl rand -base64 32"
        ),
    ),
}


@capability("settings-refusals", witness="a file, and the faults that are told of it")
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_told_with_its_line_and_the_fix(tmp_path: pathlib.Path, name: str) -> None:
    """Each bad file is refused by one line: where, which key, what was expected, what was received, what to do."""
    text, expected = FAULTS[name]
    faults = told(tmp_path, text)
    assert expected in faults
    assert "canary" not in "".join(faults)


@capability("settings-refusals", witness="variables, and the faults that are told of them")
def test_a_fault_of_the_environment_names_its_variable(tmp_path: pathlib.Path) -> None:
    """What the environment sets is told by the variable, also where the file sets it too; unknown ones as well."""
    environment = {
        "INTAGLIO_SERVER__LOG_LEVEL": "loud",
        "INTAGLIO_SERVER__TRUSTED_PROXIES": "10.0.0.1/8",
        "INTAGLIO_KEYS__MASTER_KEY": b64(bytes(range(32))),
        "INTAGLIO_STANDARD__BASEURL": "x",
    }
    faults = "\n".join(told(tmp_path, GOOD, environment))
    assert faults.count("\n") == 3
    assert "INTAGLIO_SERVER__LOG_LEVEL: server.log_level: expected one of" in faults
    assert "INTAGLIO_SERVER__TRUSTED_PROXIES: server.trusted_proxies: " in faults
    assert "did you mean 10.0.0.0/8?" in faults
    assert "INTAGLIO_KEYS__MASTER_KEY: keys.master_key: expected 32 random octets as base64" in faults
    assert "INTAGLIO_STANDARD__BASEURL: expected a known setting" in faults
    assert "did you mean INTAGLIO_STANDARD__BASE_URL?" in faults


def test_broken_toml_is_told_by_its_line(tmp_path: pathlib.Path) -> None:
    """A file that is not TOML is told with the line, which is not quoted."""
    path = tmp_path / "intaglio.toml"
    path.write_text('[database]\nurl = "x"\n\nmaster_key = canary\n', encoding="utf-8")
    with pytest.raises(Misconfigured) as caught:
        load.load(path, {})
    assert caught.value.code == "settings-file"
    assert f"{path}:4" in str(caught.value.detail["received"])
    assert "canary" not in repr(caught.value.detail)


# --- files that others can read


@capability("settings-open-secrets", witness="the modes of files")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o606, 0o620, 0o602, 0o610])
def test_a_secret_that_others_can_reach_is_refused(tmp_path: pathlib.Path, mode: int) -> None:
    """The file of a secret, the configuration that holds one and the private key of TLS are for their owner alone."""
    if os.geteuid() != 0 and mode & 0o007 == 0 and (tmp_path.stat().st_uid == 0):
        pytest.skip("a file of root's may be read by our group")
    key, path = tmp_path / "master.key", tmp_path / "intaglio.toml"
    key.write_text(live.MASTER_KEY, encoding="utf-8")
    key.chmod(mode)
    text = GOOD.replace(f'master_key = "{live.MASTER_KEY}"', 'master_key_file = "master.key"')
    expected = (
        f"keys.master_key_file: expected a file that only its owner can read, received master.key: mode {mode:04o}"
    )
    assert any(f"intaglio.toml:4: {expected}" in fault for fault in told(tmp_path, text))
    tls = GOOD + f'[tls]\ncertificate_file = "{key}"\nkey_file = "{key}"\n'
    assert any("intaglio.toml:10: tls.key_file: expected a file that only" in fault for fault in told(tmp_path, tls))
    path.write_text(GOOD, encoding="utf-8")
    path.chmod(mode)
    with pytest.raises(Misconfigured) as caught:
        load.load(path, {})
    fault = str(caught.value.detail["faults"])
    assert f"chmod 600 {path}, or keep it in a file of its own: master_key_file" in fault


def test_a_configuration_without_secrets_may_be_read_by_others(tmp_path: pathlib.Path) -> None:
    """Only what holds a secret has to be closed: a key in a closed file of its own, an address without a password."""
    key, path = tmp_path / "master.key", tmp_path / "intaglio.toml"
    key.write_text(live.MASTER_KEY, encoding="utf-8")
    key.chmod(0o400)
    path.write_text(GOOD.replace(f'master_key = "{live.MASTER_KEY}"', 'master_key_file = "master.key"'))
    path.chmod(0o644)
    loaded = load.load(path, {})
    assert loaded.master_key is not None
    assert loaded.places["keys.master_key"] == f"{path}:4"
    path.write_text('[database]\nurl = "postgresql://user:canary@host/db"\n', encoding="utf-8")
    with pytest.raises(Misconfigured) as caught:
        load.load(path, {})
    assert "canary" not in repr(caught.value.detail)


@capability("settings-refusals", witness="certificates, and keys of others")
def test_a_certificate_and_anothers_key_are_refused(tmp_path: pathlib.Path) -> None:
    """A pair is taken; a key of another certificate, an empty file and a key under a password are told at the start."""
    for name in ("one", "two"):
        key, certificate = certificates.make_authority(1_700_000_000, only=("localhost",))
        (tmp_path / f"{name}.key").write_bytes(key)
        (tmp_path / f"{name}.key").chmod(0o600)
        (tmp_path / f"{name}.pem").write_bytes(certificate)
    (tmp_path / "none.key").touch(0o600)
    locked = ["openssl", "rsa", "-aes256", "-passout", "pass:x", "-in", "one.key", "-out", "locked.key"]
    if b"RSA" not in (tmp_path / "one.key").read_bytes():
        locked[1] = "pkey"
    subprocess.run(locked, cwd=tmp_path, check=True, capture_output=True)
    (tmp_path / "locked.key").chmod(0o600)

    def pair(certificate: str, key: str) -> str:
        return GOOD + f'[tls]\ncertificate_file = "{tmp_path}/{certificate}"\nkey_file = "{tmp_path}/{key}"\n'

    path = tmp_path / "intaglio.toml"
    path.write_text(pair("one.pem", "one.key"), encoding="utf-8")
    path.chmod(0o600)
    assert load.load(path, {}).tls is not None
    for wrong in ("two.key", "none.key", "locked.key", "one.pem"):
        (tmp_path / wrong).chmod(0o600)
        (fault,) = told(tmp_path, pair("one.pem", wrong))
        assert "intaglio.toml:10: tls.key_file: expected the PEM private key of the certificate" in fault


# --- master keys


@capability("settings-weak-master-key", witness="keys that somebody could guess")
@pytest.mark.parametrize(
    ("text", "received"),
    [
        pytest.param("", "0 octets", id="nothing"),
        pytest.param(b64(bytes(range(31))), "31 octets", id="one octet short"),
        pytest.param(b64(os.urandom(33)), "33 octets", id="one octet long"),
        pytest.param(os.urandom(32).hex(), "48 octets", id="hexadecimal digits"),
        pytest.param("not base64!", "text that is not base64", id="no base64"),
        pytest.param(b64(bytes(32)), "one octet, repeated", id="zeros"),
        pytest.param(b64(b"\xff" * 32), "one octet, repeated", id="ones"),
        pytest.param(b64(os.urandom(16) * 2), "a short piece, repeated", id="half a key twice"),
        pytest.param(b64((b"secret" * 6)[:32]), "a short piece, repeated", id="a word repeated"),
        pytest.param(b64(bytes(range(100, 132))), "octets that count up or down", id="counting up"),
        pytest.param(b64(bytes(range(64, 0, -2))), "octets that count up or down", id="counting down"),
        pytest.param(b64(bytes(range(32))), "a key of an example, which everybody has", id="0 to 31"),
        pytest.param(
            b64(b"correct horse battery staple abc"), "text that somebody typed, in base64", id="a pass phrase"
        ),
        pytest.param(b64(b"0123456789abcdef0123456789abcde!"), "text that somebody typed, in base64", id="digits"),
        pytest.param(b64(os.urandom(12) + bytes(20)), "octets that are too much alike", id="mostly zeros"),
        pytest.param(
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
            "a key of an example, which everybody has",
            id="hash of none",
        ),
    ],
)
def test_a_master_key_that_could_be_guessed_is_refused(text: str, received: str) -> None:
    """What was typed, repeated, counted or copied is told by its kind; what to do is told, the key is not."""
    found = masterkey.weakness(text)
    assert found is not None
    assert found[0] == received
    assert found[1] in (masterkey.HINT, "write it as base64, not as hexadecimal digits")
    assert len(text) < 9 or text not in "".join(found)


@given(st.binary(min_size=32, max_size=32).filter(lambda octets: len(set(octets)) >= masterkey.DISTINCT))
def test_only_patterns_are_refused(octets: bytes) -> None:
    """A key of many different octets is refused for a pattern alone, in either alphabet, with padding or without."""
    found = masterkey.weakness(b64(octets))
    again = masterkey.weakness(base64.urlsafe_b64encode(octets).decode().rstrip("="))
    assert found == again
    assert (found is None) == (masterkey._pattern(octets) is None)


def test_keys_of_a_generator_are_taken() -> None:
    """Two thousand random keys are all good."""
    assert [key for _ in range(2000) if masterkey.weakness(key := b64(os.urandom(32))) is not None] == []


def test_a_weak_key_can_still_be_changed() -> None:
    """Whoever has one can open the database with it, to change it: where that is asked for."""
    environment = {"INTAGLIO_KEYS__MASTER_KEY": b64(b"k" * 32)}
    assert load.load(None, environment, allow_weak_key=True).master_key is not None


# --- proxies


@capability("settings-wide-proxies", witness="networks that are too wide")
@pytest.mark.parametrize(
    "text",
    [
        "*", "0.0.0.0/0", "::/0", "0.0.0.0/1", "128.0.0.0/1", "8.0.0.0/7", "104.0.0.0/11", "2000::/3", "2600::/27",
        "::ffff:0:0/96", "::ffff:10.0.0.1", "10.0.0.1/8", "10.0.0.0/33", "proxy.example.com", "localhost", "",
        "10.0.0", "1.2.3.4:80", "::/1", "172.16.0.0/11", "192.160.0.0/11",
    ],
)  # fmt: skip
def test_a_network_with_strangers_in_it_is_no_proxy(text: str) -> None:
    """Everybody, half of everybody, names and addresses with host bits are refused."""
    assert networks.fault(text) is not None


@pytest.mark.parametrize(
    "text",
    ["192.0.2.7", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fd00::/8", "::1", "127.0.0.1", "104.16.0.0/13",
     "2606:4700::/32", "2a06:98c0::/29", "unix"],
)  # fmt: skip
def test_networks_of_proxies_are_taken(text: str) -> None:
    """One address, a private network, and the networks that delivery networks publish may be named."""
    assert networks.fault(text) is None


# --- lines


def test_lines_of_keys_are_found_behind_strings_and_lists() -> None:
    """A key is found by its line whatever stands before it: texts of several lines, lists, comments, inline tables."""
    text = (
        'top = """\n[not]\na = 1\n"""\n[one] # [two]\nlist = [\n  "x = 1", # c\n  "]",\n]\n'
        "\"quoted\" = '''\n[no]\n'''\n"
        "inline = { a = 1, b = [2] }\n\n[two]\r\n dotted.key = 5\n[[three]]\nlast = '#'\nvery.last=2"
    )
    assert lines.of_keys(text) == {
        "top": 1, "one": 5, "one.list": 6, "one.quoted": 10, "one.inline": 13, "two": 15, "two.dotted.key": 16,
        "three": 17, "three.last": 18, "three.very.last": 19,
    }  # fmt: skip


@given(st.text(alphabet="[]{}\"'=#.a\n\\ ", max_size=60))
def test_any_text_has_lines(text: str) -> None:
    """Finding lines never fails, and tells only lines that there are."""
    assert all(1 <= line <= text.count("\n") + 1 for line in lines.of_keys(text).values())


# --- the schema


@capability("settings-schema", witness="jsonschema")
def test_the_schema_takes_good_files_and_refuses_bad_ones() -> None:
    """The schema is one; it takes a good file, and refuses what it can know of: keys, types, bounds and choices."""
    schema = config_schema.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    judge = jsonschema.Draft202012Validator(schema)
    assert judge.is_valid(tomllib.loads(GOOD))
    assert judge.is_valid(tomllib.loads('[keys]\nmaster_key_file = "x"\n[server]\ntrusted_proxies = ["::1"]'))
    known_by_type = (
        "an unknown section", "an unknown key", "a value in place of a table", "a text in place of a number",
        "a number in place of a text", "a number that is too large", "a word that is none of those", "a flag in words",
    )  # fmt: skip
    assert [name for name in known_by_type if judge.is_valid(tomllib.loads(FAULTS[name][0]))] == []
