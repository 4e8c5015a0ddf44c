"""Consent of an administrator for everybody in a tenant (Microsoft's page "Permissions and consent", admin consent)."""

from __future__ import annotations

from intaglio.dialects import coding
from intaglio.dialects.coding import Context
from intaglio.dialects.microsoft import signin
from intaglio.protocol.authorize import AuthorizeQuery
from intaglio.wire.message import Request
from intaglio.wire.params import Params

NAMES = ("client_id", "redirect_uri", "state", "scope")
DEFAULT = "/.default"
ADMINISTRATORS = frozenset(
    {
        "62e90394-69f5-4237-9190-012177145e10",
        "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",
        "158c047a-c907-4556-b7ef-446551a6b5f7",
    }
)
"""The directory roles whose members consent for everybody, by the templates of the roles."""


def administers(groups: tuple[str, ...]) -> bool:
    """Tell whether one of a person's groups is a directory role that may consent for everybody."""
    return not ADMINISTRATORS.isdisjoint(groups)


def read(request: Request, ctx: Context) -> AuthorizeQuery:
    """Read a request for an administrator's consent: to the named scopes, else to all that the application has."""
    found = coding.single(coding.query_params(request))
    told = {name: found.get(name) for name in NAMES if found.get(name)}
    told["scope"] = " ".join(word for word in coding.scope_words(told.get("scope", "")) if not word.endswith(DEFAULT))
    usual = {"response_type": "code", "prompt": "consent"}
    return signin.read_parameters(Params((told | usual).items()), ctx.variant, for_everybody=True)
