"""Mode endpoints: an API gateway that takes for each route the tokens which the API's description names.

RFC 6750 sections 2.1 and 3.1, RFC 7519 section 4.1.3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from intaglio import codec
from intaglio.errors import Refused as TokenFault
from intaglio.errors import Unavailable
from intaglio.protocol.gate import Gateway, Operation, Scheme
from intaglio.server.gate import credential
from intaglio.server.gate.asked import Asked
from intaglio.server.gate.believing import Believer
from intaglio.server.gate.outcome import Outcome, Passed, Refused
from intaglio.server.gate.routes import Routes
from intaglio.tokens.claims import IDToken
from intaglio.wire.message import NO_STORE, Response

AUTHORIZATION = "authorization"


class EndpointsMode:
    """Lets through who shows a token that the route takes, and passes the claims on."""

    cookies: tuple[str, ...] = ()

    def __init__(self, words: Gateway, operations: Sequence[Operation], believers: Mapping[Scheme, Believer]) -> None:
        self._words = words
        self._routes = Routes(operations)
        self._believers = believers

    def owns(self, name: str) -> bool:
        """Tell whether a header is one that tells the service who calls."""
        return name in self._words.claims_headers

    async def decide(self, asked: Asked, now: int) -> Outcome:
        """Return whether the request may pass; raises `Unavailable`."""
        match = self._routes.find(asked.method, asked.path)
        if match.operation is None:
            return self._refused(match.code, asked)
        nothing = tuple((name, "") for name in self._words.claims_headers)
        if not match.operation.schemes:
            return Passed(nothing, "anybody")
        carried = credential.find(asked, (AUTHORIZATION,))
        if carried is None:
            return self._refused("", asked)
        if carried.token is None:
            return self._refused("token-malformed", asked)
        token, code = await self._believed(carried.token, match.operation, now)
        if token is None:
            return self._refused(code, asked)
        told = codec.encode_base64url(codec.encode_json(token.claims))
        return Passed(tuple((name, told) for name in self._words.claims_headers), f"{token.iss} {token.sub}")

    async def page(self, asked: Asked, body: bytes, now: int) -> Response | None:
        """Answer None: this mode has no pages."""
        return None

    async def _believed(self, text: str, operation: Operation, now: int) -> tuple[IDToken | None, str]:
        """Return the token by the first scheme that takes it, or the code of the refusal that says most."""
        code = "issuer-mismatch"
        for scheme in operation.schemes:
            try:
                return await self._believers[scheme].token(text, scheme.audiences, now), ""
            except TokenFault as fault:
                # A key of another issuer is no news: another scheme may know it.
                code = fault.code if fault.code != "key-unknown" or code == "issuer-mismatch" else code
            except Unavailable as fault:
                code = fault.code
        return None, code

    def _refused(self, code: str, asked: Asked) -> Refused:
        status, sentence = self._words.refusal(code)
        headers: tuple[tuple[str, str], ...] = ()
        if status == 401:
            error = ', error="invalid_token"' if code else ""
            headers = (("www-authenticate", f'Bearer realm="{_realm(asked.host)}"{error}'),)
        body = codec.encode_json({"message": sentence, "code": status})
        response = Response(status, (("content-type", "application/json"), *NO_STORE, *headers), body)
        return Refused(response, code or "token-missing")


def _realm(host: str) -> str:
    return "".join(letter for letter in host if letter.isalnum() or letter in ".:-[]")
