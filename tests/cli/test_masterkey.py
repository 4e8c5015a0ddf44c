"""`intaglio masterkey`: what it makes, shows, changes and refuses, without a word of any key."""

from __future__ import annotations

import base64
import json
import pathlib
import sqlite3
import stat

import pytest

from intaglio.server.keyring import unlocking
from intaglio.server.keyring.vault import Vault
from tests import live, softhsm
from tests.capability import capability
from tests.cli.conftest import Run


@pytest.fixture
def keyed(database: Run, tmp_path: pathlib.Path) -> Run:
    """Return `run` with a database that has a tenant, a signing key and a client with a secret; `new.key` is there."""
    assert database("tenant", "create", "acme").code == 0
    assert database("key", "rotate", "--tenant", "acme").code == 0
    made = ("client", "create", "Shop", "--tenant", "acme", "--client-id", "shop")
    assert database(*made, "--redirect-uri", "https://shop.example.com/cb").code == 0
    assert database("masterkey", "make", "new.key").code == 0
    return database


def use(monkeypatch: pytest.MonkeyPatch, file: str) -> None:
    """Let the commands that follow have another master key."""
    monkeypatch.delenv("INTAGLIO_KEYS__MASTER_KEY")
    monkeypatch.setenv("INTAGLIO_KEYS__MASTER_KEY_FILE", file)


def test_a_master_key_is_made_for_its_owner_alone(database: Run, tmp_path: pathlib.Path) -> None:
    """32 random octets in a file of mode 0600, never over another file, never on stdout unasked."""
    made = database("masterkey", "make", "a.key")
    assert (made.code, made.out) == (0, "")
    octets = base64.b64decode((tmp_path / "a.key").read_text(), validate=False)
    assert len(octets) == 32
    assert stat.S_IMODE((tmp_path / "a.key").stat().st_mode) == 0o600
    again = database("masterkey", "make", "a.key")
    assert (again.code, "output-exists" in again.err) == (8, True)
    assert database("masterkey", "make").code == 2
    assert database("masterkey", "make", "b.key", "--in-token").code == 2
    assert not (tmp_path / "b.key").exists()


@capability("masterkey-envelope", witness="the command line")
def test_it_is_rotated_and_retired(keyed: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Either key works between the two; then the new one alone."""
    done = keyed("masterkey", "rotate", "--new-key-file", "new.key", "-o", "json")
    assert done.code == 0
    names = json.loads(done.out)
    assert names["again"] is False
    assert keyed("key", "rotate", "--tenant", "acme", "--alg", "ES256").code == 0
    refused = keyed("masterkey", "reseal")
    assert (refused.code, "master-key-changing" in refused.err) == (2, True)
    use(monkeypatch, "new.key")
    assert keyed("key", "rotate", "--tenant", "acme", "--alg", "PS256").code == 0
    asked = keyed("masterkey", "retire")
    assert "confirmation-missing" in asked.err
    retired = keyed("masterkey", "retire", "--yes", "-o", "value")
    assert retired.out.strip() == names["old"]
    shown = json.loads(keyed("masterkey", "show", "-o", "json").out)
    assert [one["name"] for one in shown["wrappings"]] == [names["new"]]
    assert [key["state"] for key in shown["keys"]] == ["sealing"]
    monkeypatch.delenv("INTAGLIO_KEYS__MASTER_KEY_FILE")
    monkeypatch.setenv("INTAGLIO_KEYS__MASTER_KEY", live.MASTER_KEY)
    old = keyed("key", "list", "--tenant", "acme")
    assert "master-key-wrong" in old.err
    assert names["new"] in old.err
    assert live.MASTER_KEY not in old.err


@pytest.mark.parametrize(
    "text", ["", "canary", base64.b64encode(b"canary-canary-canary-canary-cana").decode(), "A" * 44]
)
def test_weak_keys_are_refused(keyed: Run, text: str) -> None:
    """What somebody typed or repeated is no master key, and is not repeated in the answer."""
    refused = keyed("masterkey", "rotate", "--new-key-file", "-", stdin=text)
    assert (refused.code, "master-key-weak" in refused.err) == (2, True)
    assert "canary" not in refused.err
    assert json.loads(keyed("masterkey", "show", "-o", "json").out)["wrappings"][0]["configured"]


def test_a_weak_key_can_be_changed(database: Run, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database of before may have one: nothing starts with it, but it is shown, and rotated away from."""
    weak = bytes(range(32))
    store = sqlite3.connect(tmp_path / "cli.db")
    with store:
        proof = Vault(weak).seal(unlocking.PROOF_TEXT, unlocking.PROOF)
        store.execute("INSERT INTO installation_facts VALUES (?, ?)", (unlocking.PROOF, proof))
    store.close()
    monkeypatch.setenv("INTAGLIO_KEYS__MASTER_KEY", base64.b64encode(weak).decode())
    assert database("masterkey", "make", "new.key").code == 0
    assert database("tenant", "list").code == 2
    shown = json.loads(database("masterkey", "show", "-o", "json").out)
    assert shown["derived"] is True
    assert database("masterkey", "rotate", "--new-key-file", "new.key").code == 0
    use(monkeypatch, "new.key")
    assert database("tenant", "list").code == 0


def test_one_new_key_is_named(keyed: Run) -> None:
    """A file or a configuration, not both, not neither; and not the present one."""
    assert keyed("masterkey", "rotate").code == 2
    refused = keyed("masterkey", "rotate", "--new-key-file", "-", stdin=live.MASTER_KEY)
    assert "master-key-same" in refused.err


@capability("masterkey-recover", witness="the command line")
def test_a_lost_master_key_is_explained_and_recovered(keyed: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is taken away it is told what; afterwards every command works, and nothing is left to recover."""
    nothing = keyed("masterkey", "recover", "--yes")
    assert "nothing-to-recover" in nothing.err
    use(monkeypatch, "new.key")
    shown = keyed("masterkey", "show", "-o", "json")
    assert json.loads(shown.out)["keys"] is None
    assert "warning" in shown.err
    asked = keyed("masterkey", "recover")
    assert asked.code != 0
    assert "1 clients need a new secret" in asked.err
    assert "shop" in asked.err
    assert "master-key-wrong" in keyed("key", "list", "--tenant", "acme").err
    done = keyed("masterkey", "recover", "--yes", "-o", "json")
    assert done.code == 0
    lost = json.loads(done.out)
    assert [name.rpartition("/")[2] for name in lost["clients"]] == ["shop"]
    assert lost["signing_keys"] == 1
    assert keyed("key", "rotate", "--tenant", "acme").code == 0
    states = [key["state"] for key in json.loads(keyed("key", "list", "--tenant", "acme", "-o", "json").out)]
    assert sorted(states) == ["current", "previous"]
    assert keyed("client", "secret", "add", "shop", "--tenant", "acme").code == 0
    assert "nothing-to-recover" in keyed("masterkey", "recover", "--yes").err


@capability("masterkey-pkcs11", witness="SoftHSM")
def test_a_token_holds_the_master_key(keyed: Run, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is made in the token, the database moves there, and every command works with it; the PIN is not shown."""
    (tmp_path / "pin").write_text(softhsm.PIN)
    (tmp_path / "pin").chmod(0o600)
    with softhsm.tokens(tmp_path, "hsm") as module:
        token = f'pkcs11_module = "{module}"\npkcs11_token = "hsm"\npkcs11_label = "master"\npkcs11_pin_file = "pin"\n'
        (tmp_path / "token.toml").write_text(f"[keys]\n{token}")
        both = keyed("config", "check", "--config", "token.toml")
        assert "either a master key or a token" in both.err
        held = live.MASTER_KEY
        monkeypatch.delenv("INTAGLIO_KEYS__MASTER_KEY")
        assert keyed("masterkey", "make", "--in-token", "--config", "token.toml").code == 0
        assert "master-key-exists" in keyed("masterkey", "make", "--in-token", "--config", "token.toml").err
        monkeypatch.setenv("INTAGLIO_KEYS__MASTER_KEY", held)
        moved = keyed("masterkey", "rotate", "--new-config", "token.toml", "-o", "value")
        assert moved.out.strip() == "pkcs11:token=hsm;object=master"
        monkeypatch.delenv("INTAGLIO_KEYS__MASTER_KEY")
        assert keyed("masterkey", "retire", "--yes", "--config", "token.toml").code == 0
        assert keyed("key", "rotate", "--tenant", "acme", "--config", "token.toml").code == 0
        shown = keyed("config", "show", "--config", "token.toml", "-o", "json")
        assert softhsm.PIN not in shown.out
        assert "(set)" in shown.out
        (tmp_path / "pin").write_text("wrong-pin")
        wrong = keyed("key", "list", "--tenant", "acme", "--config", "token.toml")
        assert "token-unusable" in wrong.err
        assert "wrong-pin" not in wrong.err
        never = keyed("masterkey", "recover", "--yes", "--config", "token.toml")
        assert "token-unusable" in never.err


@pytest.mark.parametrize("lacking", ["module", "token", "label", "pin"])
def test_a_token_is_configured_whole(keyed: Run, tmp_path: pathlib.Path, lacking: str) -> None:
    """Each key that is missing is named, with the line of the file."""
    values = {"module": "/nowhere.so", "token": "hsm", "label": "master", "pin": "canary-pin"}
    lines = [f'pkcs11_{name} = "{value}"' for name, value in values.items() if name != lacking]
    (tmp_path / "token.toml").write_text("[keys]\n" + "\n".join(lines) + "\n")
    refused = keyed("config", "check", "--config", "token.toml")
    assert refused.code == 2
    assert f"keys.pkcs11_{lacking}" in refused.err
    assert "canary-pin" not in refused.err
