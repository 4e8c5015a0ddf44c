"""A service account's assertion for a token: whoever holds the account's key is the account.

RFC 7523 sections 2.1 and 3. An assertion with a `jti` is good once; one without it until it expires, an hour at most,
for the official clients send none.
"""

from __future__ import annotations

from intaglio import ids
from intaglio.errors import ProtocolFault
from intaglio.protocol.facts import Workload
from intaglio.protocol.impersonation import AssertionAnswer, AssertionExchange, mark
from intaglio.protocol.principals import Bearing
from intaglio.server.model import assertions
from intaglio.server.model.audit import Entry
from intaglio.server.workload import accounts, idtokens, proofs
from intaglio.server.workload.place import Place, Works
from intaglio.server.workload.proofs import Proof

ID_TOKEN, ACCESS_TOKEN = "assert.id_token", "assert.access_token"
"""What the log calls each exchange."""

LIFETIME = 3600
MAX_AUDIENCE = 2048
LONGEST_JTI = 255
MAX_TOLD = 8192
"""Characters that the log keeps of each thing that was asked for."""


async def exchange(query: AssertionExchange, place: Place, works: Works) -> AssertionAnswer:
    """Return an ID token where the assertion names a `target_audience`, an access token where it names scopes.

    Raises `ProtocolFault` as `proofs.check` does, `invalid_scope` for neither or for a word that is no scope,
    `invalid_grant` for an assertion to somebody else, and for one that was used before.
    """
    proof = await proofs.check(query.assertion.reveal(), place, works)
    target = _target(proof)
    if not target:
        _check_scope(proof, place)
    _check_audience(proof, place)
    await _use(proof, place, works)
    return await (_id_token(proof, target, place, works) if target else _access_token(proof, place, works))


def _target(proof: Proof) -> str:
    target = proof.claims.get("target_audience", "")
    if not isinstance(target, str) or len(target) > MAX_AUDIENCE or not (target.isprintable() or not target):
        raise _no_scope("a target_audience of printable text", "another value")
    return target


def _no_scope(expected: str, received: str) -> ProtocolFault:
    detail = {"expected": expected, "received": received}
    return ProtocolFault("invalid_scope", "Invalid OAuth scope or ID token audience provided.", detail=detail)


def _check_scope(proof: Proof, place: Place) -> None:
    unknown = [word for word in proof.scope if not place.vocabulary.calling.knows_scope(word)]
    if unknown or not proof.scope:
        raise _no_scope("scopes, or a target_audience", unknown[0][:100] if unknown else "neither")
    # SECURITY: the server signs with its key for anybody who may have that, through whomever; an access token made of
    # it would have lost the way (test_what_the_server_signed_is_no_credential).
    if not proof.own_key:
        detail = {"expected": "a key that the workload holds", "received": "the key that the server keeps"}
        public = "An assertion that the server signed gives ID tokens only; ask for an access token by impersonation."
        raise ProtocolFault("unauthorized_client", public, detail=detail)


def _check_audience(proof: Proof, place: Place) -> None:
    told = proofs.audiences(proof.claims)
    own = frozenset(place.tenant.assertion_audiences)
    ours = own or place.vocabulary.calling.assertion_audiences(place.base)
    # CVE-2025-27370, CVE-2025-27371: one that names anybody else as well may have been given to us by them.
    if not told or not told <= ours:
        public = "Invalid JWT: Failed audience check."
        raise proofs.unproven(public, " ".join(sorted(ours)), " ".join(sorted(told))[:200] or "none")


async def _use(proof: Proof, place: Place, works: Works) -> None:
    jti = proof.claims.get("jti")
    if jti is None:
        return
    if not isinstance(jti, str) or not 0 < len(jti) <= LONGEST_JTI:
        raise proofs.unproven("Invalid JWT: jti is not usable.", f"a jti of 1 to {LONGEST_JTI} characters")
    digest = assertions.digest(place.tenant.tenant_id, f"account {proof.account.unique_id}", jti)
    if not await works.store.write(assertions.use, digest, proof.expires_at + proofs.LEEWAY + 1):
        raise proofs.unproven("Invalid JWT: it was used before.", "an assertion that was not used before", "a used one")


async def _id_token(proof: Proof, target: str, place: Place, works: Works) -> AssertionAnswer:
    await _note(proof, ID_TOKEN, {"audience": target}, place, works)
    account = proof.account
    # VENDOR: the authorized party of such a token is the address.
    workload = Workload(account.email, account.unique_id, account.project_id, party_by_email=True)
    return AssertionAnswer(id_token=await idtokens.mint(workload, target, place, works))


async def _access_token(proof: Proof, place: Place, works: Works) -> AssertionAnswer:
    token_id = ids.opaque(12)
    await _note(proof, ACCESS_TOKEN, {"scope": " ".join(proof.scope), "token_id": token_id}, place, works)
    ends = place.now + LIFETIME
    bearing = Bearing(accounts.principal(proof.account), proof.scope, place.now, ends, token_id)
    prefix = place.vocabulary.token_prefix
    token = works.tokens.issue(bearing, place.tenant.tenant_id, place.issuer, prefix)
    return AssertionAnswer(access_token=token, expires_in=LIFETIME, scope=proof.scope)


async def _note(proof: Proof, action: str, told: dict[str, str], place: Place, works: Works) -> None:
    principal = accounts.principal(proof.account)
    detail = {"key": proof.key.key_id, "key_origin": proof.key.origin, **told}
    entry = Entry(
        tenant_id=place.tenant.tenant_id,
        entry_id=ids.ordered(place.now),
        at=place.now,
        action=action,
        principal=place.vocabulary.display(principal),
        resource=proof.account.resource,
        outcome="allowed",
        ref=place.ref,
        peer=place.peer,
        chain=(mark(principal),),
        detail={name: value[:MAX_TOLD] for name, value in detail.items()},
    )
    await works.trail.note(entry)
