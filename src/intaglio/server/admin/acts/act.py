"""What an act is: a name, a place in the API, what is asked and told, the right that it needs, and who performs it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from intaglio.server.admin.acts.desk import Desk

Right = Literal["read", "write", "own"]
"""What an administrator needs: to read, to change things, or to say who administers."""

MOST = 1000
"""The longest page."""
PAGE = 50

Limit = Annotated[int, msgspec.Meta(ge=1, le=MOST, description="How many at most.")]
After = Annotated[str, msgspec.Meta(description="Begin behind this one: `next` of the page before.")]
Seen = Annotated[str, msgspec.Meta(description="The version that was seen; empty for whichever there is.")]


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an act is asked; words of its path come first, then the rest: by query for GET and DELETE, else as JSON."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What an act tells. None has a hash or a secret, but one that was made in this very act."""


class Nothing(Told, frozen=True, kw_only=True):
    """There is nothing to tell (204)."""


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that an operator may do.

    Words in braces in `path` are fields of `asked`; a field `etag` goes with If-Match. `status` is that of success,
    `created` the path of what was made, of fields of `asked` and `told`.
    `perform` raises what its docstring says, and `Denied` (`right-missing`) for who may not.
    """

    name: str
    method: Literal["GET", "POST", "PATCH", "DELETE"]
    path: str
    summary: str
    asked: type[Asked]
    told: type[Told]
    right: Right
    perform: Callable[[Any, Desk], Awaitable[Any]]
    status: int = 200
    created: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        """The fields of `asked` that stand in the path."""
        return tuple(part[1:-1] for part in self.path.split("/") if part.startswith("{"))


def given(asked: msgspec.Struct, *names: str) -> dict[str, Any]:
    """Return the fields of those names that were given at all."""
    return {name: value for name in names if (value := getattr(asked, name)) is not UNSET}


def or_none(value: Any | UnsetType) -> Any:
    """Return a value that was given, else None."""
    return None if value is UNSET else value


def cut(found: list[Any], limit: int) -> tuple[list[Any], bool]:
    """Return a page of what was found, one more being asked for than it holds, and whether there is more."""
    return found[:limit], len(found) > limit
