"""The two logout addresses: the older one, which goes by a list, and that of OpenID Connect.

Auth0's pages "Auth0 Logout" and "OIDC Logout" (Authentication API); OpenID Connect RP-Initiated Logout 1.0 section 2.
"""

from __future__ import annotations

import msgspec

from intaglio.dialects import coding
from intaglio.dialects.coding import Context
from intaglio.dialects.standard import logout
from intaglio.protocol.logout import LogoutQuery
from intaglio.wire.message import Request

TENANT_LIST = "allowed_logout_urls"
"""The tenant's setting with the addresses that a logout without an application may lead to."""


def read_older(request: Request, ctx: Context) -> LogoutQuery:
    """Read a logout request of the older form: it ends the session without asking, and goes to `returnTo`."""
    found = coding.query_params(request)
    query = logout.query(found, "returnTo")
    # VENDOR: `federated` has no value: that it is there says that the other provider is left as well.
    elsewhere = "federated" in found
    return msgspec.structs.replace(
        query, id_token_hint="", state="", asks=False, listed_as=TENANT_LIST, elsewhere=elsewhere
    )


def read(request: Request, ctx: Context) -> LogoutQuery:
    """Read a logout request of OpenID Connect; `logout_hint` is the session's `sid` here."""
    found = coding.form_params(request) if request.method == "POST" else coding.query_params(request)
    query = logout.query(found, "post_logout_redirect_uri")
    return msgspec.structs.replace(query, session_hint=found.get("logout_hint")[:256], elsewhere="federated" in found)
