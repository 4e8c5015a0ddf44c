"""What a gate in front of a service has to know of a dialect, and what it says of whom it lets in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec


class AssertionQuery(msgspec.Struct, frozen=True):
    """Ask for the public keys of the assertions that gates sign; `form` is the dialect's name for the shape."""

    form: str = "jwks"


class AssertionFacts(msgspec.Struct, frozen=True):
    """What a gate says of a request that it lets through. Instants are epoch seconds, `lifetime` seconds."""

    issuer: str
    audience: str
    subject: str
    email: str
    now: int
    lifetime: int


class Running(msgspec.Struct, frozen=True):
    """How a service takes the ID tokens of its callers.

    `header` (lower case) is looked at before Authorization. `removed` stands in place of a signature that was checked.
    `challenge` is the WWW-Authenticate of a token that is not believed; any of `permissions` lets a caller in.
    """

    header: str
    removed: str
    challenge: str
    permissions: tuple[str, ...]


class Proxying(msgspec.Struct, frozen=True):
    """How an identity-aware proxy speaks to the application behind it.

    Every header that begins with `prefix` is its own. `subject_prefix` stands before subject and e-mail address.
    `issuer` names who signs the assertion, of the issuer of ID tokens; `claims` makes its claims. `audience` is the
    name of a service, of its project's number and its own. `refusal` says what was wrong with a token, of the code
    of the refusal, the audience that was expected and the one that was received.
    """

    prefix: str
    assertion_header: str
    email_header: str
    id_header: str
    subject_prefix: str
    lifetime: int
    permissions: tuple[str, ...]
    issuer: Callable[[str], str]
    audience: Callable[[int, str], str]
    claims: Callable[[AssertionFacts], dict[str, Any]]
    refusal: Callable[[str, str, str], str]


class Scheme(msgspec.Struct, frozen=True):
    """Whose tokens a route takes, and for which audiences; `jwks_uri` is empty where discovery finds the keys."""

    name: str
    issuer: str
    jwks_uri: str
    audiences: tuple[str, ...]


class Operation(msgspec.Struct, frozen=True):
    """One route of an API: any one of `schemes` lets a caller in; none means that everybody may call it."""

    method: str
    path: str
    schemes: tuple[Scheme, ...]


class Gateway(msgspec.Struct, frozen=True):
    """How an API gateway reads its description, and how it tells the service who calls.

    `read` returns the operations of an OpenAPI document and raises `Misconfigured` (`openapi-unusable`). The verified
    claims travel in each of `claims_headers`, as base64url of JSON. `refusal` returns status and words, of a code.
    """

    claims_headers: tuple[str, ...]
    read: Callable[[Mapping[str, Any]], tuple[Operation, ...]]
    refusal: Callable[[str], tuple[int, str]]


class Receiving(msgspec.Struct, frozen=True):
    """The receiving side of a dialect."""

    run: Running
    iap: Proxying
    gateway: Gateway
