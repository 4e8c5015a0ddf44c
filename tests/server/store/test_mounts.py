"""Which file system holds a path."""

from __future__ import annotations

import pytest

from intaglio.errors import Misconfigured
from intaglio.server.store import mounts

MOUNTINFO = r"""22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/root rw
30 22 0:25 / /home rw,nosuid shared:5 - nfs4 server:/export/home rw,vers=4.2
31 30 0:26 / /home/alice/local rw - xfs /dev/sdb rw
32 22 0:27 / /mnt/with\040space rw master:2 - fuse.sshfs alice@host: rw
33 22 0:28 / /data rw - ext4 /dev/sdc rw
34 22 0:29 / /data rw - 9p share rw
nonsense
"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/var/lib/store.db", "ext4"),
        ("/home/alice/store.db", "nfs4"),
        ("/home/alice/local/store.db", "xfs"),
        ("/homes/store.db", "ext4"),
        ("/mnt/with space/store.db", "fuse.sshfs"),
        ("/data/store.db", "9p"),
        ("/data", "9p"),
    ],
)
def test_file_system_is_that_of_the_nearest_mount(path: str, expected: str) -> None:
    """The longest mount point that holds the path counts, the last of several at one place, by whole names."""
    assert mounts.file_system(path, MOUNTINFO) == expected


def test_file_system_is_unknown_without_mounts() -> None:
    """Nothing is known of a path in an empty or broken table."""
    assert mounts.file_system("/var", "nonsense - more\n") == ""


def test_network_file_system_is_refused(tmp_path, monkeypatch) -> None:
    """A database under a network mount is refused with what was expected and received."""
    table = tmp_path / "mountinfo"
    table.write_text(f"40 22 0:30 / {tmp_path.resolve()} rw - cifs //server/share rw\n")
    monkeypatch.setattr(mounts, "_MOUNTS", table)
    with pytest.raises(Misconfigured) as met:
        mounts.refuse_network(tmp_path / "folder" / "store.db")
    assert met.value.code == "storage-on-network"
    assert met.value.detail == {"expected": "a local file system", "received": "cifs"}
    assert "PostgreSQL" in met.value.hint


def test_unknown_mounts_are_allowed(tmp_path, monkeypatch) -> None:
    """Where the table of mounts cannot be read nothing is refused."""
    monkeypatch.setattr(mounts, "_MOUNTS", tmp_path / "absent")
    mounts.refuse_network(tmp_path / "store.db")
