"""The routes of the metadata server, and the face of all that lies below its root."""

from __future__ import annotations

from intaglio.dialects.google import metadata
from intaglio.dialects.routes import Reader, Route, Surface, Writer

ACCOUNT = metadata.TREE + "/instance/service-accounts/{account}"
DEEPEST = 8
"""Names in the longest path of the tree that is looked up."""

SERVER = Surface("metadata", metadata.write_fault, metadata.HEADERS, pages=False)


def answers(path: str) -> bool:
    """Tell whether a path belongs to the metadata server, a route or not."""
    return path in ("/", metadata.ROOT) or path.startswith(metadata.ROOT + "/")


def _get(path: str, read: Reader, write: Writer, **fixed: str) -> Route:
    return Route(("GET",), path, read, write, SERVER, fixed=fixed, safe=True)


def _mint(path: str, read: Reader, write: Writer) -> Route:
    # VENDOR: one client posts the certificates to which it would have a token bound; it takes one that is not.
    return Route(("GET", "POST"), path, read, write, SERVER, safe=True)


def _paths() -> list[Route]:
    names = ["/".join(f"{{name{number}}}" for number in range(depth)) for depth in range(1, DEEPEST + 1)]
    paths = [metadata.TREE, metadata.TREE + "/", *(f"{metadata.TREE}/{one}{end}" for one in names for end in ("", "/"))]
    return [
        Route(("GET",), path, metadata.read_tree, metadata.write_tree, SERVER, safe=True, waits=True) for path in paths
    ]


ROUTES = (
    _mint(ACCOUNT + "/identity", metadata.read_identity, metadata.write_identity),
    _mint(ACCOUNT + "/token", metadata.read_token, metadata.write_token),
    _get("/", metadata.read_ping, metadata.write_answered),
    _get(metadata.ROOT, metadata.read_moved, metadata.write_tree),
    _get(metadata.ROOT + "/", metadata.read_fixed, metadata.write_answered, text="v1/\n"),
    *_paths(),
)
"""The routes of the metadata server; those that are asked for most come first."""
