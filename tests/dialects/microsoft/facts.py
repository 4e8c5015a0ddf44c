"""What is known of a member, a guest and a personal account, and the two samples of Microsoft's page."""

from __future__ import annotations

import os
import pathlib
import re
from typing import Any

import msgspec
import pytest

from intaglio import codec
from intaglio.protocol.circumstances import Circumstances
from intaglio.protocol.facts import Facts, Membership, Person

TENANT = "fa15d692-e9c7-4460-a743-29f2956fd429"
PERSONAL = "9188040d-6c67-4c5b-b112-36a304b66dad"
HOME = "72f988bf-86f1-41af-91ab-2d7cd011db47"
CLIENT = "b14a7505-96e9-4927-91e8-0601d0fc9caa"
USER = "05833b6b-aa1d-42d4-9ec0-1b2bb9194438"
NOW = 1_800_000_000
LINCOLN = {"name": "Abe Lincoln", "given_name": "Abe", "family_name": "Lincoln", "email": "abe@contoso.test"}
MEMBER = Facts(
    issuer=f"https://login.example.test/{TENANT}/v2.0",
    tenant_id=TENANT,
    tenant_slug="contoso",
    owner="default",
    audience=CLIENT,
    now=NOW,
    lifetime=3600,
    alg="RS256",
    person=Person(USER, "abe", LINCOLN),
    scope=("openid", "profile"),
    nonce="123523",
    auth_time=NOW - 10,
    acr="1",
    amr=("pwd",),
    session_id="a-session",
    subject="5_J9rSss8-jvt_Icu6ueRNL8xXb8LF4Fsg_KooC2RJQ",
    circumstances=Circumstances(peer="131.107.222.22"),
    variant="2.0",
    token_id="4f8ab1c0-2f5b-4c0e-9a53-2c9c64a4b0ff",
    tenant_domains=("contoso.test",),
)
"""A member through v2.0."""


def of(facts: Facts = MEMBER, **changes: Any) -> Facts:
    """Return facts with changes."""
    return msgspec.structs.replace(facts, **changes)


def v1(facts: Facts = MEMBER, **changes: Any) -> Facts:
    """Return facts of v1.0."""
    return of(facts, variant="1.0", issuer=f"https://login.example.test/{facts.tenant_id}/", **changes)


def guest(**changes: Any) -> Facts:
    """Return facts of a guest from another tenant."""
    told = {"email": "abeli@microsoft.com", "preferred_username": "AbeLi@microsoft.com", "tid": HOME, "oid": USER}
    came = Circumstances(idp=f"https://login.example.test/{HOME}/v2.0", told=told, peer="131.107.222.22")
    return of(circumstances=came, amr=("rsa",), **changes)


def personal(**changes: Any) -> Facts:
    """Return facts of somebody who belongs to no organisation."""
    person = Person("00000000-0000-0000-66f3-3332eca7ea81", "AbeLi@microsoft.com", LINCOLN)
    issuer = f"https://login.example.test/{PERSONAL}/v2.0"
    return of(person=person, tenant_id=PERSONAL, issuer=issuer, lifetime=86400, **changes)


def groups(count: int, kind: str = "security", **members: Any) -> tuple[Membership, ...]:
    """Return that many groups."""
    return tuple(Membership(f"00000000-0000-4000-8000-{n:012}", f"Group {n}", kind, **members) for n in range(count))


def samples() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return header and payload of the page's two samples, v1.0's first, or skip where the page is not at hand."""
    folder = os.environ.get("INTAGLIO_SEEDS")
    if folder is None:
        pytest.skip("INTAGLIO_SEEDS names no folder, so Microsoft's page with the samples is not at hand")
    (path,) = pathlib.Path(folder).glob("001_*.txt")
    tokens = re.findall(r"^eyJ\S+$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(tokens) == 2
    # The v1.0 sample is padded, which RFC 7515 forbids: taken off here, for this is about what it says.
    parts = [[part.rstrip("=") for part in token.split(".")] for token in tokens]
    return [(_decoded(head), _decoded(payload)) for head, payload, _ in parts]


def _decoded(part: str) -> dict[str, Any]:
    return codec.decode_json_object(codec.decode_base64url(part))
