"""Which file system holds a path: SQLite's write-ahead log needs shared memory and locks that networks do not give.

SQLite, "Write-Ahead Logging", section 1: WAL does not work over a network file system.
"""

from __future__ import annotations

import re
from pathlib import Path

from intaglio.errors import Misconfigured

NETWORK_FILE_SYSTEMS = frozenset(
    """9p afs beegfs ceph cifs coda davfs fuse.ceph fuse.davfs fuse.davfs2 fuse.gcsfuse fuse.glusterfs fuse.juicefs
    fuse.mount-s3 fuse.rclone fuse.s3fs fuse.smbnetfs fuse.sshfs glusterfs lustre ncpfs nfs nfs4 smb smb2 smb3
    smbfs""".split()
)
_MOUNTS = Path("/proc/self/mountinfo")
_OCTAL = re.compile(r"\\([0-7]{3})")


def file_system(path: str, mountinfo: str) -> str:
    """Return the type of the file system that holds an absolute path, or an empty string. See proc(5), mountinfo."""
    best = ("", "")
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        fields = left.split(" ")
        if len(fields) < 6 or not right:
            continue
        point = _OCTAL.sub(lambda found: chr(int(found[1], 8)), fields[4])
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        # The last of several mounts at one point covers the others.
        if inside and len(point) >= len(best[0]):
            best = (point, right.split(" ")[0])
    return best[1]


def refuse_network(path: Path) -> None:
    """Raise `Misconfigured` (`storage-on-network`) if a database file would lie on a network file system."""
    try:
        mountinfo = _MOUNTS.read_text("utf-8", "surrogateescape")
    except OSError:
        # Not Linux, or no /proc: nothing can be known.
        return
    kind = file_system(str(path.resolve()), mountinfo)
    if kind in NETWORK_FILE_SYSTEMS:
        raise Misconfigured(
            "storage-on-network",
            "SQLite cannot keep its promises on a network file system.",
            detail={"expected": "a local file system", "received": kind},
            hint="Move the database to a local disk, or use PostgreSQL.",
        )
