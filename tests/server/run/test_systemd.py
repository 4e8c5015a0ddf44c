"""What systemd tells a service and is told, over a socket and descriptors as it makes them."""

from __future__ import annotations

import os
import pathlib
import socket
from collections.abc import Iterator

import pytest

from intaglio.errors import Misconfigured
from intaglio.server.run import systemd

PID = 4711


@pytest.fixture
def heard(tmp_path: pathlib.Path) -> Iterator[socket.socket]:
    """The socket on which a manager hears its services."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(2)
        yield listening


def test_each_word_is_one_datagram(heard: socket.socket) -> None:
    """Ready, alive and stopping arrive as systemd writes them; signs of life are due three times in its patience."""
    told = {"NOTIFY_SOCKET": str(heard.getsockname()), "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(PID)}
    made = systemd.notifier(told, PID)
    made.ready()
    made.beat()
    made.stopping()
    assert [heard.recv(64) for _ in range(3)] == [b"READY=1", b"WATCHDOG=1", b"STOPPING=1"]
    assert made.every_seconds == 10
    assert str(heard.getsockname()) not in repr(made)


def test_a_name_without_a_file() -> None:
    """An address that begins with @ is one of the abstract namespace."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        name = f"intaglio-test-{os.getpid()}"
        listening.bind(f"\0{name}")
        listening.settimeout(2)
        systemd.notifier({"NOTIFY_SOCKET": f"@{name}"}, PID).ready()
        assert listening.recv(64) == b"READY=1"


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"},
        {"WATCHDOG_USEC": "soon"},
        {"NOTIFY_SOCKET": "/nowhere/at/all"},
    ],
    ids=["nobody", "another process", "no number", "nobody hears"],
)
def test_nobody_is_told(told: dict[str, str]) -> None:
    """Where nobody asked, or nobody listens, nothing happens and no sign of life is due."""
    made = systemd.notifier(told, PID)
    made.ready()
    made.beat()
    assert made.every_seconds == 0


@pytest.mark.parametrize(
    "told",
    [{}, {"LISTEN_FDS": "1"}, {"LISTEN_FDS": "1", "LISTEN_PID": "1"}, {"LISTEN_FDS": "x", "LISTEN_PID": str(PID)}],
)
def test_sockets_of_others_are_left_alone(told: dict[str, str]) -> None:
    """Descriptors that were meant for another process, or for nobody, are not touched."""
    assert systemd.handed_over(told, PID) == []


def test_a_socket_is_taken_by_its_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket that was handed over goes to the address of its port; one for nothing is refused with its port."""
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second:
        ports = [one.getsockname()[1] for one in (first, second)]
        given = []
        for one in (first, second):
            monkeypatch.setattr(systemd, "FIRST", os.dup(one.fileno()))
            given += systemd.handed_over({"LISTEN_FDS": "1", "LISTEN_PID": str(PID)}, PID)
        assert not any(os.get_inheritable(one.fileno()) for one in given)
        assert systemd.take(given, 1) is None
        taken = systemd.take(given, ports[1])
        assert taken is not None
        assert taken.getsockname()[1] == ports[1]
        with pytest.raises(Misconfigured) as refused:
            systemd.refuse_rest(given)
        assert refused.value.code == "socket-unusable"
        assert f"port {ports[0]}" in str(refused.value.detail["received"])
        for one in (taken, *given):
            one.close()
    systemd.refuse_rest([])


def test_what_is_no_socket_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    """A file, a socket of another kind and a closed descriptor are refused."""
    file = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        for descriptor in (file, os.dup(other.fileno()), 10_000):
            monkeypatch.setattr(systemd, "FIRST", descriptor)
            with pytest.raises(Misconfigured) as refused:
                systemd.handed_over({"LISTEN_FDS": "1", "LISTEN_PID": str(PID)}, PID)
            assert refused.value.code == "socket-unusable"
    os.close(file)
