"""The ASGI application: the routes, readers and writers of the metadata server, answered by asking the server.

ASGI 3 HTTP connection scope.
"""

from __future__ import annotations

import asyncio
import hashlib
import platform
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from intaglio import ids
from intaglio.clock import Clock
from intaglio.dialects.coding import Context
from intaglio.dialects.google import instances as spelling
from intaglio.dialects.google import metadata, metadatapaths, upstream
from intaglio.dialects.routes import Found, Table
from intaglio.errors import Denied, IntaglioError, ProtocolFault
from intaglio.protocol.faults import MethodNotAllowed, NotFound
from intaglio.protocol.identity import (
    Answered,
    IdentityQuery,
    Minted,
    TokenAnswer,
    TokenQuery,
    TreeAnswer,
    TreeQuery,
)
from intaglio.protocol.instances import Asked, Attached, Instance
from intaglio.server.agent.accounts import Accounts
from intaglio.server.agent.desk import Desk
from intaglio.server.http import faults, framework
from intaglio.server.http.framework import Disconnected, Receive, Scope, Send
from intaglio.server.http.waiting import Waiting
from intaglio.server.workload import instances
from intaglio.wire.message import Request, Response

BODY_LIMIT = 64 * 1024
LOOK_SECONDS = 1.0
ZONE, MACHINE = "local1-a", "this-machine"
ALWAYS = (("x-content-type-options", "nosniff"),)


class Setting(msgspec.Struct, frozen=True):
    """What the operator decided: the server's address, the platform that is played, and the project.

    `here` is the address at which it is asked; `started_at` is in epoch seconds.
    """

    server: str
    here: str
    profile: str = "gce"
    project_id: str = ""
    project_number: int = 0
    started_at: int = 0


class AgentApp:
    """Answers the local processes."""

    def __init__(self, setting: Setting, accounts: Accounts, desk: Desk, clock: Clock) -> None:
        self._setting = setting
        self._accounts = accounts
        self._desk = desk
        self._clock = clock
        self._table = Table(metadatapaths.ROUTES)
        self.waiting = Waiting()
        self._acts: dict[type, Callable[[Any, str], Awaitable[Any]]] = {
            IdentityQuery: self._identity,
            TokenQuery: self._token,
            TreeQuery: self._tree,
            TreeAnswer: self._same,
            Answered: self._same,
        }

    def __repr__(self) -> str:
        return "AgentApp(…)"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection scope; only HTTP is spoken."""
        if scope["type"] != "http":
            return
        request = framework.read_head(scope)
        try:
            response = await self._answer(request, scope, receive)
        except (Disconnected, asyncio.CancelledError):
            return
        await framework.send(send, response, (*metadata.HEADERS, *ALWAYS), head=request.method == "HEAD")

    async def _answer(self, request: Request, scope: Scope, receive: Receive) -> Response:
        ctx = Context(now=self._clock.now(), ref=ids.reference(), issuer=self._setting.server, base=self._setting.here)
        try:
            if request.method not in ("GET", "HEAD", "OPTIONS"):
                await framework.read_body(receive, request.header("content-length"), BODY_LIMIT)
            return await self._beats(request, scope, receive, ctx)
        except Disconnected:
            raise
        except Exception as error:  # noqa: BLE001 - the last line of defence: logged with its reference, never shown
            return _fault(error, request, ctx)

    async def _beats(self, request: Request, scope: Scope, receive: Receive, ctx: Context) -> Response:
        found = self._table.find(request.method, request.path)
        route = found.route
        if route is None:
            raise _no_route(found, request)
        ctx = msgspec.structs.replace(ctx, words=found.words, fixed=route.fixed)
        query = route.read(request, ctx)
        acting = self._acts[type(query)](query, self._account(scope, query))
        waits = route.waits and query.wait
        answer = await (self.waiting.hold(acting, receive) if waits else acting)
        assert route.write is not None
        written = route.write(answer, ctx)
        assert isinstance(written, Response)
        return written

    def _account(self, scope: Scope, query: Any) -> str:
        """Return the account of whoever asks; raises `ProtocolFault` (`access_denied`) where there is none.

        The ping tells nothing, and is answered to everybody.
        """
        if isinstance(query, Answered):
            return ""
        client, server = scope.get("client"), scope.get("server")
        email = self._accounts.of(tuple(client), tuple(server)) if client and server else None
        if email is None:
            raise ProtocolFault("access_denied", "No service account is meant for this user.")
        return email

    def _instance(self, email: str) -> Instance:
        setting, name = self._setting, platform.node() or "localhost"
        return Instance(
            profile=setting.profile,
            base=setting.server,
            project_id=setting.project_id or upstream.project_of(email),
            project_number=setting.project_number,
            instance_id=int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) >> 1,
            name=name,
            zone=ZONE,
            machine_type=MACHINE,
            created_at=setting.started_at,
            accounts=(Attached(email, "", spelling.SCOPES),),
        )

    def _named(self, account: str, email: str, what: str) -> str:
        """Return the account that a question means, if it is the asker's and the platform gives such a token."""
        path = ("instance", "service-accounts", account, what)
        # SECURITY: an account is named in the path, and given only where the tree of this very asker has it.
        if not isinstance(instances.find(spelling.tree(self._instance(email)), path), Asked):
            raise NotFound(detail={"expected": email, "received": account[:100]})
        return email

    async def _identity(self, query: IdentityQuery, email: str) -> Minted:
        account = self._named(query.account, email, "identity")
        return Minted(await self._desk.id_token(account, query.audience))

    async def _token(self, query: TokenQuery, email: str) -> TokenAnswer:
        kept = await self._desk.access_token(self._named(query.account, email, "token"), query.scopes)
        return TokenAnswer(kept.text, kept.expires_at - self._clock.now())

    async def _tree(self, query: TreeQuery, email: str) -> TreeAnswer:
        found = instances.answer(spelling.tree(self._instance(email)), query)
        known, loop = query.last_etag or found.etag, asyncio.get_running_loop()
        ends_at = loop.time() + (query.wait_seconds or 0)
        while query.wait and found.etag == known and (left := ends_at - loop.time()) > 0:
            await asyncio.sleep(min(LOOK_SECONDS, left))
            found = instances.answer(spelling.tree(self._instance(email)), query)
        return found

    async def _same(self, query: Any, email: str) -> Any:
        del email
        return query


def _no_route(found: Found, request: Request) -> IntaglioError:
    if not found.allowed:
        return NotFound(detail={"received": request.path[:200]})
    fault = MethodNotAllowed(detail={"expected": " ".join(found.allowed), "received": request.method})
    fault.allowed = found.allowed
    return fault


def _fault(error: Exception, request: Request, ctx: Context) -> Response:
    known = error if isinstance(error, IntaglioError) else faults.unexpected(error, ctx.ref, request)
    faults.log(known, ctx.ref, request, ctx.issuer)
    if isinstance(known, Denied):
        # Asking again would change nothing: it is no fault of the connection.
        known = ProtocolFault("access_denied", "The server gives no token for this account to this machine.")
    response = metadata.write_fault(faults.public_form(known), ctx)
    if isinstance(known, MethodNotAllowed):
        allow = ("allow", ", ".join(known.allowed))
        return msgspec.structs.replace(response, headers=(*response.headers, allow))
    return response
