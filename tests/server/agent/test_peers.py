"""Whose socket it is: read as Linux writes it, and nobody's where that is not certain."""

from __future__ import annotations

import os
import pathlib
import socket

import pytest

from intaglio.server.agent import peers
from tests.capability import capability

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
ROW = (
    "   0: {local} {remote} {state} 00000000:00000000 00:00000000 00000000 {uid:>5}        0 12345 1 0 20 4 30 10 -1\n"
)
PEER, OWN = ("127.0.0.1", 0xC350), ("127.0.0.1", 0x1FF5)
LOCAL, REMOTE = "0100007F:C350", "0100007F:1FF5"
MAPPED = ("0000000000000000FFFF00000100007F:C350", "0000000000000000FFFF00000100007F:1FF5")
LINK = ("169.254.169.254", 80)


def _tables(folder: pathlib.Path, *rows: tuple[str, str, str, int], six: tuple[tuple[str, str, str, int], ...] = ()):
    for name, given in (("tcp", rows), ("tcp6", six)):
        lines = [ROW.format(local=local, remote=remote, state=state, uid=uid) for local, remote, state, uid in given]
        (folder / name).write_text(HEAD + "".join(lines), encoding="ascii")
    return folder


def test_the_row_of_the_other_end_counts(tmp_path: pathlib.Path) -> None:
    """Not our own end of the same connection, which is another user's."""
    folder = _tables(tmp_path, (REMOTE, LOCAL, "01", 0), (LOCAL, REMOTE, "01", 1000))
    assert peers.user_of(PEER, OWN, folder) == 1000


@pytest.mark.parametrize("state", ["02", "04", "05", "06", "07", "08", "0A"])
def test_a_socket_that_closes_is_nobodys(tmp_path: pathlib.Path, state: str) -> None:
    """A connection in TIME_WAIT is listed as root's: it must not be taken for root."""
    assert peers.user_of(PEER, OWN, _tables(tmp_path, (LOCAL, REMOTE, state, 0))) is None


def test_two_answers_are_none(tmp_path: pathlib.Path) -> None:
    """Two rows of the same addresses with different users: nobody."""
    folder = _tables(tmp_path, (LOCAL, REMOTE, "01", 1000), six=((*MAPPED, "01", 1001),))
    assert peers.user_of(PEER, OWN, folder) is None


@pytest.mark.parametrize(
    ("peer", "own"),
    [
        (("127.0.0.1", 0xC351), OWN),
        (PEER, ("127.0.0.1", 0x1FF6)),
        (("127.0.0.2", 0xC350), OWN),
        (PEER, LINK),
        (("nonsense", 1), OWN),
    ],
)
def test_another_connection_is_not_this_one(
    tmp_path: pathlib.Path, peer: tuple[str, int], own: tuple[str, int]
) -> None:
    """All four numbers have to be right."""
    assert peers.user_of(peer, own, _tables(tmp_path, (LOCAL, REMOTE, "01", 1000))) is None


def test_a_program_that_speaks_ipv6_sockets_to_ipv4(tmp_path: pathlib.Path) -> None:
    """It stands in the other table, its addresses mapped."""
    assert peers.user_of(PEER, OWN, _tables(tmp_path, six=((*MAPPED, "01", 33),))) == 33


def test_no_table_is_nobody(tmp_path: pathlib.Path) -> None:
    """Where the kernel says nothing, nothing is given."""
    assert peers.user_of(PEER, OWN, tmp_path / "absent") is None
    (tmp_path / "tcp").write_bytes(b"\xff\n\xff")
    assert peers.user_of(PEER, OWN, tmp_path) is None


@capability("agent-accounts", witness="the kernel")
@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_the_kernel_names_this_process(family: socket.AddressFamily, host: str) -> None:
    """A connection of our own is ours; once it is closed it is nobody's."""
    with socket.socket(family) as listening:
        try:
            listening.bind((host, 0))
        except OSError:
            pytest.skip("no such address on this machine")
        listening.listen()
        client = socket.create_connection(listening.getsockname()[:2])
        accepted, peer = listening.accept()
        own = accepted.getsockname()
        assert peers.user_of(peer[:2], own[:2]) == os.getuid()
        client.close()
        assert peers.user_of(peer[:2], own[:2]) is None
        accepted.close()
