"""What a request demands of the sign-in itself: how strong it is, who it is, and whether an account is to be made.

OpenID Connect Core 3.1.2.2 and 5.5.1 (`sub`, `acr`), OpenID Connect Core Error Code unmet_authentication_requirements
1.0, Initiating User Registration via OpenID Connect 1.0 section 4.
"""

from __future__ import annotations

from intaglio.protocol.authorize import ACR_VALUES, AuthorizeQuery, Problem
from intaglio.server.model.sessions import Session
from intaglio.server.provider.scene import Scene


def _essential_acrs(query: AuthorizeQuery) -> tuple[str, ...] | None:
    """Return the classes of which the sign-in must have one, None if any will do."""
    asked = query.claims.id_token.get("acr")
    # Core 5.5.1.1: asked for in any other way, `acr_values` included, it is a wish that changes nothing.
    if asked is None or not asked.essential or not asked.wanted:
        return None
    return tuple(value for value in asked.wanted if isinstance(value, str))


def problem(query: AuthorizeQuery, scene: Scene) -> Problem | None:
    """Return what no sign-in here could ever satisfy, or None."""
    acrs = _essential_acrs(query)
    # Core 5.5.1.1: what is essential and cannot be met is a failed authentication, not a weaker one.
    if acrs is not None and not set(acrs) & set(ACR_VALUES):
        return Problem(
            "unmet_authentication_requirements",
            "No sign-in here has an acr that the request demands.",
            " ".join(ACR_VALUES),
            " ".join(acrs)[:200],
        )
    if "create" in query.prompt and not scene.tenant.sign_up:
        return Problem("invalid_request", "prompt 'create' is not supported: nobody can sign up here.")
    return None


def unmet(query: AuthorizeQuery, session: Session) -> bool:
    """Tell whether the session is not as strong as the request demands."""
    acrs = _essential_acrs(query)
    return acrs is not None and session.acr not in acrs


def names_another(query: AuthorizeQuery, subject: str) -> bool:
    """Tell whether the request is about somebody else: `sub` with a value binds it to one person."""
    # Core 3.1.2.2: no answer for another person, however they signed in.
    asked = (query.claims.id_token.get("sub"), query.claims.userinfo.get("sub"))
    return any(one is not None and one.wanted and subject not in one.wanted for one in asked)


def sign_in_page(query: AuthorizeQuery, scene: Scene, *, authenticated: bool) -> str:
    """Return the page on which somebody who is to sign in begins: `create` where the request wants a new account."""
    return "create" if "create" in query.prompt and scene.tenant.sign_up and not authenticated else "login"
