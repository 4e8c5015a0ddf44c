"""A master key in a PKCS#11 token: SoftHSM holds it, and its own program looks on."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

import pytest

from intaglio.errors import IntaglioError, Misconfigured
from intaglio.ids import Secret
from intaglio.server.admin import masterkey
from intaglio.server.keyring.hardwarekey import HardwareKey
from tests import softhsm
from tests.capability import capability
from tests.server.keyring import vaults
from tests.server.keyring.vaults import OLD, Base
from tests.softhsm import PIN

KEY = bytes(range(32))


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pathlib.Path]:
    """The library, with two fresh tokens, `intaglio` and `other`."""
    with softhsm.tokens(tmp_path_factory.mktemp("softhsm"), "intaglio", "other") as found:
        yield found


@pytest.fixture(scope="module")
def key(module: pathlib.Path) -> HardwareKey:
    """The master key in the first token."""
    made = HardwareKey(module, "intaglio", "master", Secret(PIN))
    made.make()
    return made


@pytest.fixture
def base() -> Iterator[Base]:
    """An empty database."""
    with vaults.base() as made:
        yield made


def code_of(key: HardwareKey, wrapped: str) -> str:
    """Return the code by which unwrapping is refused."""
    with pytest.raises(IntaglioError) as caught:
        key.unwrap(wrapped)
    assert PIN not in f"{caught.value!r}{caught.value.detail}{caught.value.hint}"
    return caught.value.code


def test_what_is_wrapped_is_unwrapped_by_the_same_key_alone(module: pathlib.Path, key: HardwareKey) -> None:
    """Each time another text; another key in the token, and one of the same label in another token, refuse it."""
    wrapped = key.wrap(KEY)
    assert key.unwrap(wrapped) == KEY
    assert key.wrap(KEY) != wrapped
    second = HardwareKey(module, "intaglio", "second", Secret(PIN))
    other = HardwareKey(module, "other", "master", Secret(PIN))
    for another in (second, other):
        another.make()
        assert code_of(another, wrapped) == "master-key-wrong"
    assert len({one.name for one in (key, second, other)}) == 3


def test_a_changed_text_is_refused(key: HardwareKey) -> None:
    """Every part of it counts, and no text makes it stumble."""
    iv, sealed = key.wrap(KEY).split(".")
    for text in (f"{iv}.{sealed[:-4]}AAAA", f"AAAA{iv[4:]}.{sealed}", f"{iv}.", f".{sealed}", "", ".", "ä.ö", sealed):
        assert code_of(key, text) == "master-key-wrong"


def test_what_is_missing_is_said(module: pathlib.Path, key: HardwareKey) -> None:
    """Library, token, key or PIN: `token-unusable`, with what was expected, never with the PIN."""
    wrapped = key.wrap(KEY)
    for found, expected in (
        (HardwareKey(module, "intaglio", "master", Secret("wrong-" + PIN)), "PIN"),
        (HardwareKey(module, "nowhere", "master", Secret(PIN)), "nowhere"),
        (HardwareKey(module, "intaglio", "nothing", Secret(PIN)), "nothing"),
    ):
        with pytest.raises(Misconfigured) as caught:
            found.unwrap(wrapped)
        assert caught.value.code == "token-unusable"
        assert expected in str(caught.value.detail["expected"])
        assert PIN not in f"{found!r}{caught.value!r}{caught.value.detail}"
    broken = HardwareKey(pathlib.Path(__file__), "intaglio", "master", Secret(PIN))
    assert code_of(broken, wrapped) == "token-unusable"


def test_a_label_that_is_taken_is_not_made_again(key: HardwareKey) -> None:
    """Two keys of one label would be one too many."""
    with pytest.raises(Misconfigured, match="master-key-exists"):
        key.make()
    assert key.unwrap(key.wrap(KEY)) == KEY


@capability("masterkey-pkcs11", witness="SoftHSM, through python-pkcs11")
def test_the_key_never_leaves_the_token(module: pathlib.Path, key: HardwareKey) -> None:
    """The token says itself that it may be used, and neither read nor taken out nor used for wrapping keys out."""
    import pkcs11
    from pkcs11 import Attribute

    with pkcs11.lib(str(module)).get_token(token_label="intaglio").open(user_pin=PIN) as session:
        (found,) = session.get_objects({Attribute.LABEL: "master"})
        assert (found[Attribute.SENSITIVE], found[Attribute.EXTRACTABLE]) == (True, False)
        assert (found[Attribute.NEVER_EXTRACTABLE], found[Attribute.ALWAYS_SENSITIVE]) == (True, True)
        assert found[Attribute.WRAP] is False
        with pytest.raises(pkcs11.AttributeSensitive):
            found[Attribute.VALUE]


@capability("masterkey-pkcs11", witness="SoftHSM")
def test_a_database_moves_into_the_token(base: Base, key: HardwareKey) -> None:
    """From a file's key to the token's; then the file's opens nothing. A new database may begin with it as well."""
    sealed = base.open(OLD).seal(b"x", "a")
    base.run(masterkey.rotate(base.store, base.lock(OLD), key, base.actor()))
    base.run(masterkey.retire(base.store, base.lock(key), "", base.actor()))
    assert base.open(key).open(sealed, "a") == b"x"
    assert base.is_refused(OLD) == "master-key-wrong"
    with vaults.base() as empty:
        text = empty.open(key).seal(b"x", "a")
        assert empty.open(key).open(text, "a") == b"x"


def test_the_token_is_asked_once_a_process(base: Base, key: HardwareKey, module: pathlib.Path) -> None:
    """New keys of the vault come under the key that was unwrapped before, though the token is away by then."""
    base.open(key)
    pin = [PIN]
    lock = base.lock(HardwareKey(module, "intaglio", "master", _Pin(pin)))
    vault = base.run(lock.open(base.clock.now()))
    pin[0] = "wrong-" + PIN
    base.put(lock.again(vaults.with_next(vault.bundle), base.rows()[key.name]))
    base.run(lock.look(vault, base.clock.now()))
    assert len(vault.bundle.keys) == 2


class _Pin(Secret):
    """A PIN that changes."""

    __slots__ = ("_held",)

    def __init__(self, held: list[str]) -> None:
        super().__init__("")
        self._held = held

    def reveal(self) -> str:
        """Return the present one."""
        return self._held[0]
