"""Administration as part of the server: which requests are for it.

What answers them is loaded when the first one comes.

SECURITY: the API is closed, and nothing tells that it is there, until somebody administers
(test_the_api_is_closed_until_there_is_an_administrator).
"""

from __future__ import annotations

from intaglio.errors import IntaglioError
from intaglio.protocol.administration import API, WELCOME
from intaglio.server.http.app import Front
from intaglio.server.http.dispatch import Hall
from intaglio.server.http.tenancy import Listener
from intaglio.server.model import administrators
from intaglio.wire.message import Request, Response


class AdministrationFront:
    """Answers what is for administration at one listener, and leaves the rest to the front behind it.

    That is the standard one, or where it stands `apart` one of its own; people sign in under `sign_in_at` then.
    """

    def __init__(self, *, apart: bool = False, sign_in_at: str = "", behind: Front | None = None) -> None:
        self._listener = "admin" if apart else "standard"
        self._sign_in_at = sign_in_at
        self._behind = behind

    async def answer(self, request: Request, listener: Listener, hall: Hall) -> Response | None:
        """Return an answer, or None if the path is not one of its own."""
        if listener.name == self._listener:
            if request.path.startswith(WELCOME):
                from intaglio.server.adminapi import welcome  # noqa: PLC0415

                return await welcome.answer(request, listener, hall, self._sign_in_at or listener.base_url)
            if await self._is_open(request, hall):
                from intaglio.server.adminapi import api  # noqa: PLC0415

                return await api.answer(request, listener, hall)
        return await self._behind.answer(request, listener, hall) if self._behind is not None else None

    async def refused(self, error: Exception, request: Request, listener: Listener, hall: Hall) -> Response | None:
        """Return the answer to a request that could not even be read, or None if the path is not one of its own."""
        if listener.name == self._listener and await self._shows(request, hall):
            from intaglio.server.adminapi import api  # noqa: PLC0415

            return api.refused(error, request, listener)
        return await self._behind.refused(error, request, listener, hall) if self._behind is not None else None

    async def _shows(self, request: Request, hall: Hall) -> bool:
        try:
            return await self._is_open(request, hall)
        except IntaglioError:
            # Nobody knows. Where there is nothing but administration, that it is there is no secret.
            return self._listener == "admin"

    async def _is_open(self, request: Request, hall: Hall) -> bool:
        return request.path.startswith(API + "/") and await hall.house.store.read(administrators.is_there)
