"""The smallest HTTP/1.1 client that a race needs: open first, then send when told, and read one answer."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

PATIENCE = 20.0


class Answer(msgspec.Struct, frozen=True):
    """An answer: status, headers in lower case in order, body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """Return the first header of that name, or empty text."""
        return next((value for key, value in self.headers if key == name), "")

    def json(self) -> dict[str, Any]:
        """Return the body's members."""
        return json.loads(self.body)

    @property
    def sent_back(self) -> dict[str, str]:
        """The parameters in the query of the address that the answer redirects to."""
        return {name: values[0] for name, values in parse_qs(urlsplit(self.header("location")).query).items()}


class Connection:
    """One connection that is kept open."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, port: int, source: str = "127.0.0.1") -> Connection:
        """Connect to a port of this machine, from one of its loopback addresses."""
        return cls(*await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0)))

    async def ask(self, octets: bytes) -> Answer:
        """Send a request and return its answer."""
        self.writer.write(octets)
        async with asyncio.timeout(PATIENCE):
            return await self.read()

    async def read(self) -> Answer:
        """Return the next answer; raises IncompleteReadError where the server goes away."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")[:-2]
        headers = tuple((name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines))
        length = next((int(value) for name, value in headers if name == "content-length"), 0)
        return Answer(int(first.split()[1]), headers, await self.reader.readexactly(length))

    def close(self) -> None:
        """Hang up."""
        self.writer.close()


def request(method: str, target: str, headers: dict[str, str] | None = None, body: str | None = None) -> bytes:
    """Return a request's octets; a body is a form unless a header says something else."""
    fields = {"host": "127.0.0.1"} | (headers or {})
    if body is not None:
        fields = {"content-type": "application/x-www-form-urlencoded"} | fields | {"content-length": str(len(body))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{method} {target} HTTP/1.1\r\n{lines}\r\n{body or ''}".encode()


async def once(port: int, octets: bytes) -> Answer:
    """Send one request on a connection of its own."""
    connection = await Connection.open(port)
    try:
        return await connection.ask(octets)
    finally:
        connection.close()
