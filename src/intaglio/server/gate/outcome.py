"""What the gate decides: a request may pass, with what is told to the service, or it may not."""

from __future__ import annotations

from typing import Protocol

import msgspec

from intaglio.server.gate.asked import Asked
from intaglio.wire.message import NO_STORE, Headers, Response


class Passed(msgspec.Struct, frozen=True):
    """A request may pass. `told` are the headers that the service gets in place of whatever came under these names.

    An empty text in `told` means that the header is left out. `who` is for the log.
    """

    told: Headers
    who: str

    def __repr__(self) -> str:
        return f"Passed({self.who})"


class Refused(msgspec.Struct, frozen=True):
    """A request may not pass: the answer, and for the log the code and whom it was about."""

    response: Response
    code: str
    who: str = ""


Outcome = Passed | Refused


class Mode(Protocol):
    """Decides for one service. Nothing that it decided is kept for longer than a second."""

    def owns(self, name: str) -> bool:
        """Tell whether a header (lower case) is the gate's to write, whoever sent it."""
        ...

    @property
    def cookies(self) -> tuple[str, ...]:
        """How the names of the gate's own cookies begin: they never reach the service."""
        ...

    async def decide(self, asked: Asked, now: int) -> Outcome:
        """Return whether the request may pass; raises `Unavailable` where that cannot be found out."""
        ...

    async def page(self, asked: Asked, body: bytes, now: int) -> Response | None:
        """Answer a page of the gate's own; None if there is none of that name."""
        ...


def page(status: int, title: str, sentence: str, headers: Headers = ()) -> Response:
    """Return a small page for people. The texts are this project's own, never a request's."""
    body = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><h1>{title}</h1><p>{sentence}</p></html>\n"
    )
    kept = (("content-type", "text/html; charset=utf-8"), ("content-security-policy", "default-src 'none'"))
    return Response(status, (*kept, *NO_STORE, *headers), body.encode())


def words(status: int, sentence: str, headers: Headers = ()) -> Response:
    """Return a sentence for programs."""
    kept = (("content-type", "text/plain; charset=utf-8"), ("x-content-type-options", "nosniff"))
    return Response(status, (*kept, *NO_STORE, *headers), f"{sentence}\n".encode())
