"""Requests about policies as the IAM API has them (google.iam.v1.Policy): on accounts, services and projects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from intaglio.dialects.coding import Context
from intaglio.dialects.google import iamfields
from intaglio.protocol import faults, iam
from intaglio.wire.message import Request

MAX_PERMISSIONS = 100


def _of_resource(request: Request, ctx: Context) -> dict[str, Any]:
    kind = ctx.fixed["kind"]
    words = [ctx.words["project"], *([kind, ctx.words["name"]] if kind else [])]
    # SECURITY: a slash inside a word would make it the name of another kind of resource, of which another permission is
    # asked (test_a_slash_in_a_name_leads_nowhere).
    if not all(iamfields.BARE.fullmatch(word) for word in words):
        raise faults.NotFound(detail={"expected": "names without slash and colon", "received": "/".join(words)[:100]})
    return iamfields.asked(request, ctx) | {"resource": "/".join(["projects", *words])}


def read_policy(request: Request, ctx: Context) -> iam.PolicyGet:
    """Read the question for a policy."""
    return iam.PolicyGet(**_of_resource(request, ctx))


def read_set_policy(request: Request, ctx: Context) -> iam.PolicySet:
    """Read a policy that is to be written; without an etag it overwrites, as there."""
    body = iamfields.body(request)
    policy, mask = iamfields.members(body, "policy"), iamfields.text(body, "updateMask")
    if mask and "bindings" not in mask.split(","):
        raise iamfields.wrong("updateMask", "bindings among them", mask)
    _known(policy, {"bindings", "etag", "version"}, "policy")
    listed, version = policy.get("bindings", []), policy.get("version", 0)
    if not isinstance(listed, list):
        raise iamfields.wrong("policy.bindings", "a list")
    if isinstance(version, bool) or version not in (0, 1, 3):
        raise iamfields.wrong("policy.version", "0, 1 or 3", version)
    return iam.PolicySet(
        **_of_resource(request, ctx),
        given=tuple(_given(one, f"policy.bindings[{number}]") for number, one in enumerate(listed)),
        etag=iamfields.text(policy, "etag", 100) or None,
        keeps_conditions=version == 3,
    )


def _known(members: Mapping[str, Any], names: set[str], field: str) -> None:
    # SECURITY: a condition under a wrong name, passed over, would give without condition
    # (test_nothing_in_a_policy_is_passed_over). What is empty says nothing.
    for name, value in members.items():
        if name not in names and value not in ("", [], {}, None):
            raise iamfields.wrong(field, "no other members than " + ", ".join(sorted(names)), name)


def _given(binding: Any, field: str) -> iam.Given:
    if not isinstance(binding, dict):
        raise iamfields.wrong(field, "an object")
    members = binding.get("members", [])
    if not isinstance(members, list) or not all(isinstance(one, str) for one in members):
        raise iamfields.wrong(field + ".members", "a list of texts")
    condition = iamfields.members(binding, "condition")
    _known(binding, {"role", "members", "condition"}, field)
    _known(condition, {"title", "expression", "description", "location"}, field + ".condition")
    if (binding.get("condition") is not None) != bool(condition.get("expression")):
        raise iamfields.wrong(field + ".condition", "an expression")
    return iam.Given(
        role=iamfields.text(binding, "role"),
        members=tuple(members),
        title=iamfields.text(condition, "title"),
        expression=iamfields.text(condition, "expression", 8192),
        description=iamfields.text(condition, "description"),
    )


def read_test(request: Request, ctx: Context) -> iam.PermissionsTest:
    """Read permissions of which the caller wants to know whether it has them."""
    listed = iamfields.body(request).get("permissions", [])
    if not isinstance(listed, list) or len(listed) > MAX_PERMISSIONS or not all(isinstance(one, str) for one in listed):
        raise iamfields.wrong("permissions", f"a list of at most {MAX_PERMISSIONS} permissions")
    if any("*" in one for one in listed):
        raise iamfields.wrong("permissions", "permissions without wildcards")
    return iam.PermissionsTest(**_of_resource(request, ctx), permissions=tuple(dict.fromkeys(listed)))
