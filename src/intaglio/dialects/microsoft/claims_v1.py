"""The claims of v1.0 ID tokens: most of what is known is there, whether or not the request asked for it.

Microsoft's pages "ID tokens" (Sample v1.0 ID token) and "ID token claims reference".
"""

from __future__ import annotations

from typing import Any

from intaglio.dialects.microsoft import account, authority, claimset, groups, opaque, optional
from intaglio.protocol.facts import Facts

DEFAULT = ("family_name", "given_name", "nickname", "ipaddr", "onprem_sid", "in_corp")
"""Claims that are optional in v2.0 and always there in v1.0, where they are known."""
PROFILE = frozenset("family_name given_name name nickname oid onprem_sid unique_name upn".split())
"""Claims that need the scope `profile`, which this version asks for by itself."""


def claims(facts: Facts) -> dict[str, Any]:
    """Return the claims: who, from whom, when, and the others in the order of the alphabet."""
    person, listed = account.person(facts), optional.listed(facts)
    upn = listed.get("upn")
    others = {
        **claimset.always(facts),
        "aio": opaque.aio(facts.token_id),
        "rh": opaque.rh(facts.tenant_id, facts.audience),
        "uti": opaque.uti(facts.token_id),
        "amr": list(facts.amr),
        "idp": account.provider(facts),
        "email": account.email(facts) if account.is_guest(facts) else "",
        "name": person.claims.get("name") or person.username,
        "oid": person.user_id,
        "unique_name": account.sign_in_name(facts),
        "upn": account.principal_name(facts, upn.properties if upn is not None else ()),
        "ver": authority.V1,
        **{name: optional.VALUES[name](facts) for name in DEFAULT},
        **claimset.wanted(facts, optional.wanted(facts)),
        **groups.claims(facts),
    }
    # SECURITY: this version tells the profile without being asked, and still not to an application that may not have
    # it, or against the person's word (test_the_version_of_the_endpoints_spares_no_consent).
    free = frozenset(PROFILE if "profile" in facts.scope else facts.requested)
    return claimset.ordered(facts, {name: one for name, one in others.items() if name not in PROFILE or name in free})
