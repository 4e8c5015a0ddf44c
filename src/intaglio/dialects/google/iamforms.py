"""Answers of the IAM API: what administration is told, in the API's shapes (iam.v1, cloudresourcemanager.v1)."""

from __future__ import annotations

import base64
from typing import Any

from intaglio import codec
from intaglio.dialects.coding import Context
from intaglio.dialects.google.iamcredentials import answer, instant
from intaglio.protocol import iam
from intaglio.wire.message import Response

FOREVER = "9999-12-31T23:59:59Z"


def _account(told: iam.AccountTold) -> dict[str, Any]:
    members: dict[str, Any] = {
        "name": f"projects/{told.project_id}/serviceAccounts/{told.email}",
        "projectId": told.project_id,
        "uniqueId": told.unique_id,
        "email": told.email,
        "etag": told.etag,
        "oauth2ClientId": told.unique_id,
    }
    members |= {"displayName": told.display_name} if told.display_name else {}
    members |= {"description": told.description} if told.description else {}
    return members | ({"disabled": True} if told.disabled else {})


def account(told: iam.AccountTold, ctx: Context) -> Response:
    """Write an account."""
    return answer(_account(told))


def restored(told: iam.AccountRestored, ctx: Context) -> Response:
    """Write an account that is back."""
    return answer({"restoredAccount": _account(told.account)})


def accounts(told: iam.AccountsTold, ctx: Context) -> Response:
    """Write a page of accounts."""
    token = {"nextPageToken": codec.encode_base64url(told.after.encode())} if told.after else {}
    return answer({"accounts": [_account(one) for one in told.accounts], **token})


def _key(told: iam.KeyTold) -> dict[str, Any]:
    system = told.origin == "system"
    members: dict[str, Any] = {
        "name": f"projects/{told.project_id}/serviceAccounts/{told.email}/keys/{told.key_id}",
        "keyAlgorithm": "KEY_ALG_RSA_2048",
        "keyOrigin": "USER_PROVIDED" if told.origin == "uploaded" else "GOOGLE_PROVIDED",
        "keyType": "SYSTEM_MANAGED" if system else "USER_MANAGED",
        "validAfterTime": instant(told.created_at),
        "validBeforeTime": FOREVER if told.expires_at is None else instant(told.expires_at),
    }
    members |= {"publicKeyData": _base64(told.public.encode())} if told.public else {}
    return members | ({"disabled": True} if told.disabled else {})


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")


def key(told: iam.KeyTold, ctx: Context) -> Response:
    """Write a key."""
    return answer(_key(told))


def keys(told: iam.KeysTold, ctx: Context) -> Response:
    """Write keys."""
    return answer({"keys": [_key(one) for one in told.keys]})


def handed(told: iam.KeyHanded, ctx: Context) -> Response:
    """Write a new key with the file in which it is handed out."""
    private = {"privateKeyType": "TYPE_GOOGLE_CREDENTIALS_FILE", "privateKeyData": _base64(told.file)}
    return answer(_key(told.key) | private)


def policy(told: iam.PolicyTold, ctx: Context) -> Response:
    """Write a policy: version 3 where there is a condition, so that no writer loses one unseen."""
    bindings = [_binding(one) for one in told.given]
    version = 3 if any("condition" in one for one in bindings) else 1
    return answer({"version": version, "etag": told.etag, "bindings": bindings})


def _binding(given: iam.Given) -> dict[str, Any]:
    members: dict[str, Any] = {"role": given.role, "members": list(given.members)}
    if given.expression:
        condition = {"title": given.title, "expression": given.expression}
        members["condition"] = condition | ({"description": given.description} if given.description else {})
    return members


def permissions(told: iam.PermissionsTold, ctx: Context) -> Response:
    """Write the permissions that the caller has."""
    return answer({"permissions": list(told.permissions)} if told.permissions else {})


def project(told: iam.ProjectTold, ctx: Context) -> Response:
    """Write a project."""
    return answer(
        {
            "projectNumber": str(told.number),
            "projectId": told.project_id,
            "lifecycleState": "ACTIVE",
            "name": told.name,
            "createTime": instant(told.created_at),
        }
    )


def impersonable(told: iam.ImpersonableTold, ctx: Context) -> Response:
    """Write the accounts that the caller may become."""
    return answer({"accounts": [{"email": email, "uniqueId": number} for email, number in told.accounts]})


def done(told: iam.Done, ctx: Context) -> Response:
    """Write that it is done."""
    return answer({})
