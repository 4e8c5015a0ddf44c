"""The claims of v2.0 ID tokens: few, what the scopes release, and what the application has on its list.

Microsoft's pages "ID tokens" (Sample v2.0 ID token) and "ID token claims reference".
"""

from __future__ import annotations

from typing import Any

from intaglio.dialects.microsoft import account, authority, claimset, groups, opaque, optional
from intaglio.protocol.facts import Facts


def claims(facts: Facts) -> dict[str, Any]:
    """Return the claims: who, from whom, when, and the others in the order of the alphabet."""
    others = {
        **claimset.always(facts),
        "aio": opaque.aio(facts.token_id),
        "rh": opaque.rh(facts.tenant_id, facts.audience),
        "uti": opaque.uti(facts.token_id),
        "idp": account.provider(facts),
        "ver": authority.V2,
        **_of_scopes(facts),
        **_of_list(facts),
        **groups.claims(facts),
    }
    return claimset.ordered(facts, others)


def of_personal_account(facts: Facts) -> dict[str, Any]:
    """Return the claims of somebody who belongs to no organisation, in the order of the sample."""
    told = {**claimset.always(facts), **_of_scopes(facts)}
    first = {
        "ver": authority.V2,
        "iss": facts.issuer,
        "sub": facts.subject,
        "aud": facts.audience,
        **claimset.times(facts, "exp", "iat", "nbf"),
    }
    middle = {name: told.pop(name, None) for name in ("name", "preferred_username", "oid", "email")}
    last = {"tid": facts.tenant_id, "nonce": facts.nonce, "aio": opaque.aio(facts.token_id)}
    more = {name: value for name, value in sorted({**told, **_of_list(facts)}.items()) if name not in last}
    return claimset.present({**first, **middle, **more, **last})


def _of_scopes(facts: Facts) -> dict[str, Any]:
    person, found = account.person(facts), {}
    if "profile" in facts.scope:
        found = {
            "name": person.claims.get("name") or person.username,
            "oid": person.user_id,
            "preferred_username": account.sign_in_name(facts),
        }
    if "email" in facts.scope or account.is_guest(facts):
        found["email"] = account.email(facts)
    return found


def _of_list(facts: Facts) -> dict[str, Any]:
    # What a request names has come through the scopes already; of a list some claims need the scope besides.
    free = facts.requested.keys() | ({*optional.PROFILE} if "profile" in facts.scope else set())
    wanted = optional.wanted(facts)
    return claimset.wanted(facts, {k: one for k, one in wanted.items() if k in free or k not in optional.PROFILE})
