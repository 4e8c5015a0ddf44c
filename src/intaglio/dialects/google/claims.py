"""The claims of a workload's ID token, in the `standard` format (Google's page on getting an ID token)."""

from __future__ import annotations

import hashlib
from typing import Any

from intaglio.dialects.standard import claims as standard
from intaglio.names import Subject
from intaglio.protocol.facts import Facts


def subject(user_id: str) -> Subject:
    """Return 21 digits, derived once from the user's UUID and never changed."""
    number = int.from_bytes(hashlib.sha256(b"intaglio/google/subject/" + user_id.encode()).digest())
    return Subject("1" + str(number % 10**20).zfill(20))


def id_token(facts: Facts) -> dict[str, Any]:
    """Return a workload's claims, or a person's: `aud` is one text, every instant a whole number."""
    if facts.workload is None:
        # Google names the authorized party of every token, a person's too.
        person = {"azp": facts.audience, "sub": facts.subject or subject(facts.person.user_id if facts.person else "")}
        return {**standard.id_token(facts), **person}
    return {
        "aud": facts.audience,
        "azp": facts.workload.unique_id,
        "email": facts.workload.email,
        "email_verified": True,
        "exp": facts.now + facts.lifetime,
        "iat": facts.now,
        "iss": facts.issuer,
        "sub": facts.workload.unique_id,
    }
