"""Administration as the IAM API has it: service accounts, keys, policies, and the project of a number.

iam.v1, cloudresourcemanager.v1, run.v1 (discovery documents), as far as identities are concerned; google.iam.v1.Policy.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from intaglio import codec
from intaglio.dialects import coding
from intaglio.dialects.coding import Context
from intaglio.dialects.google import errors, iamfields, iamforms, iampolicies
from intaglio.dialects.routes import Reader, Route, Writer
from intaglio.protocol import faults, iam
from intaglio.wire.message import Request

API = errors.GOOGLE_API
ACCOUNTS = "iam.serviceAccounts."
KEYS = "iam.serviceAccountKeys."
PROJECTS = "resourcemanager.projects."
SERVICES = "run.services."
PAGE, LARGEST_PAGE = 20, 100
ORIGINS = {"USER_MANAGED": ("created", "uploaded"), "SYSTEM_MANAGED": ("system",)}
FORMS = {"": "", "TYPE_NONE": "", "TYPE_X509_PEM_FILE": "certificate", "TYPE_RAW_PUBLIC_KEY": "key"}
MAX_BODY, MAX_POLICY = 64 * 1024, 1024 * 1024


def _of_project(request: Request, ctx: Context) -> dict[str, Any]:
    return iamfields.asked(request, ctx) | {"project": ctx.words["project"]}


def _of_account(request: Request, ctx: Context) -> dict[str, Any]:
    name = ctx.words["account"]
    # A method that is unknown here must not be taken for a part of the name.
    if not iamfields.BARE.fullmatch(name):
        raise faults.NotFound(detail={"expected": "a method of service accounts", "received": name[:100]})
    return _of_project(request, ctx) | {"name": name}


def read_create(request: Request, ctx: Context) -> iam.AccountCreate:
    """Read the creation of an account."""
    body = iamfields.body(request)
    said = iamfields.members(body, "serviceAccount")
    return iam.AccountCreate(
        **_of_project(request, ctx),
        account_id=iamfields.text(body, "accountId"),
        display_name=iamfields.text(said, "displayName"),
        description=iamfields.text(said, "description"),
    )


def read_get(request: Request, ctx: Context) -> iam.AccountGet:
    """Read the question for an account."""
    return iam.AccountGet(**_of_account(request, ctx))


def read_list(request: Request, ctx: Context) -> iam.AccountList:
    """Read the question for a page of accounts; the token of a page is the address behind which it begins."""
    query = coding.single(coding.query_params(request))
    size = query.get("pageSize") or "0"
    if not size.isascii() or not size.isdigit() or len(size) > 9:
        raise iamfields.wrong("pageSize", "a number", size)
    try:
        after = codec.decode_base64url(query.get("pageToken")).decode()
    except (codec.CodecError, UnicodeDecodeError) as exc:
        raise iamfields.wrong("pageToken", "the nextPageToken of another answer") from exc
    limit = min(int(size) or PAGE, LARGEST_PAGE)
    return iam.AccountList(**_of_project(request, ctx), limit=limit, after=after)


def read_patch(request: Request, ctx: Context) -> iam.AccountUpdate:
    """Read a change of the fields that the mask names."""
    body = iamfields.body(request)
    said, mask = iamfields.members(body, "serviceAccount"), iamfields.text(body, "updateMask").split(",")
    fields = {"displayName", "display_name", "description"}
    if not set(mask) <= fields:
        raise iamfields.wrong("updateMask", "displayName and description", ",".join(mask))
    named = {"displayName" if one == "display_name" else one for one in mask}
    return _update(request, ctx, {name: said.get(name, "") for name in named} | {"etag": said.get("etag", "")})


def read_put(request: Request, ctx: Context) -> iam.AccountUpdate:
    """Read a change of the whole."""
    body = iamfields.body(request)
    return _update(request, ctx, {"displayName": body.get("displayName", ""), "etag": body.get("etag", "")})


def _update(request: Request, ctx: Context, said: Mapping[str, Any]) -> iam.AccountUpdate:
    return iam.AccountUpdate(
        **_of_account(request, ctx),
        display_name=iamfields.text(said, "displayName") if "displayName" in said else None,
        description=iamfields.text(said, "description") if "description" in said else None,
        etag=iamfields.text(said, "etag"),
    )


def read_switch(request: Request, ctx: Context) -> iam.AccountSwitch:
    """Read that an account is to be disabled or enabled."""
    return iam.AccountSwitch(**_of_account(request, ctx), enabled=ctx.fixed["enabled"] == "true")


def read_delete(request: Request, ctx: Context) -> iam.AccountDelete:
    """Read that an account is to be deleted."""
    return iam.AccountDelete(**_of_account(request, ctx))


def read_undelete(request: Request, ctx: Context) -> iam.AccountUndelete:
    """Read that an account is to be had back."""
    return iam.AccountUndelete(**_of_account(request, ctx))


def read_key_create(request: Request, ctx: Context) -> iam.KeyCreate:
    """Read the creation of a key: RSA of 2048 bits, handed out as a JSON file, and nothing else."""
    body = iamfields.body(request)
    for field, only in (("keyAlgorithm", "KEY_ALG_RSA_2048"), ("privateKeyType", "TYPE_GOOGLE_CREDENTIALS_FILE")):
        unset = {"keyAlgorithm": "KEY_ALG_UNSPECIFIED", "privateKeyType": "TYPE_UNSPECIFIED"}[field]
        if iamfields.text(body, field) not in ("", unset, only):
            raise iamfields.wrong(field, only, body[field])
    return iam.KeyCreate(**_of_account(request, ctx))


def read_key_upload(request: Request, ctx: Context) -> iam.KeyUpload:
    """Read a certificate that somebody brings, base64 of its PEM."""
    text = iamfields.text(iamfields.body(request), "publicKeyData", 64 * 1024)
    try:
        certificate = base64.b64decode(text, validate=True).decode("ascii")
    except (binascii.Error, ValueError) as exc:
        raise iamfields.wrong("publicKeyData", "base64 of an X.509 certificate in PEM") from exc
    return iam.KeyUpload(**_of_account(request, ctx), certificate=certificate)


def read_key_list(request: Request, ctx: Context) -> iam.KeyList:
    """Read the question for an account's keys."""
    kinds = coding.query_params(request).every("keyTypes")
    for kind in kinds:
        if kind not in ORIGINS:
            raise iamfields.wrong("keyTypes", " or ".join(ORIGINS), kind)
    origins = frozenset(origin for kind in kinds for origin in ORIGINS[kind])
    return iam.KeyList(**_of_account(request, ctx), origins=origins)


def _of_key(request: Request, ctx: Context) -> dict[str, Any]:
    return _of_account(request, ctx) | {"key_id": ctx.words["key"]}


def read_key_get(request: Request, ctx: Context) -> iam.KeyGet:
    """Read the question for a key."""
    form = coding.query_params(request).get("publicKeyType")
    if form not in FORMS:
        raise iamfields.wrong("publicKeyType", "TYPE_X509_PEM_FILE or TYPE_RAW_PUBLIC_KEY", form)
    return iam.KeyGet(**_of_key(request, ctx), form=FORMS[form])


def read_key_switch(request: Request, ctx: Context) -> iam.KeySwitch:
    """Read that a key is to be disabled or enabled."""
    return iam.KeySwitch(**_of_key(request, ctx), enabled=ctx.fixed["enabled"] == "true")


def read_key_delete(request: Request, ctx: Context) -> iam.KeyDelete:
    """Read that a key is to be deleted."""
    return iam.KeyDelete(**_of_key(request, ctx))


def read_project(request: Request, ctx: Context) -> iam.ProjectGet:
    """Read the question for a project."""
    if not iamfields.BARE.fullmatch(ctx.words["project"]):
        raise faults.NotFound(detail={"expected": "a method of projects", "received": ctx.words["project"][:100]})
    return iam.ProjectGet(**_of_project(request, ctx))


def read_impersonable(request: Request, ctx: Context) -> iam.Impersonable:
    """Read the question which accounts the caller may become."""
    return iam.Impersonable(**iamfields.asked(request, ctx))


def _route(method: str, path: str, read: Reader, write: Writer, permission: str, **fixed: str) -> Route:
    safe = method == "GET"
    told = {"permission": permission, **fixed}
    # Everything else fits into the usual bound; a body is read before anybody knows whose it is.
    limit = MAX_POLICY if read is iampolicies.read_set_policy else MAX_BODY
    return Route((method,), path, read, write, API, fixed=told, safe=safe, limit=limit)


_ACCOUNTS = "/v1/projects/{project}/serviceAccounts"
_ACCOUNT = _ACCOUNTS + "/{account}"
_KEY = _ACCOUNT + "/keys/{key}"


def _policies(path: str, kind: str, prefix: str) -> tuple[Route, ...]:
    told = {"kind": kind}
    shown, held = iamforms.policy, iamforms.permissions
    return (
        _route("POST", path + ":getIamPolicy", iampolicies.read_policy, shown, prefix + "getIamPolicy", **told),
        _route("GET", path + ":getIamPolicy", iampolicies.read_policy, shown, prefix + "getIamPolicy", **told),
        _route("POST", path + ":setIamPolicy", iampolicies.read_set_policy, shown, prefix + "setIamPolicy", **told),
        _route("POST", path + ":testIamPermissions", iampolicies.read_test, held, "", **told),
    )


_TOLD, _KEY_TOLD, _DONE = iamforms.account, iamforms.key, iamforms.done

ROUTES = (
    *_policies("/v1/projects/{project}/locations/{location}/services/{name}", "services", SERVICES),
    *_policies("/v1/projects/{project}/serviceAccounts/{name}", "serviceAccounts", ACCOUNTS),
    *_policies("/v1/projects/{project}", "", PROJECTS),
    _route("POST", _ACCOUNT + ":disable", read_switch, _DONE, ACCOUNTS + "disable", enabled="false"),
    _route("POST", _ACCOUNT + ":enable", read_switch, _DONE, ACCOUNTS + "enable", enabled="true"),
    _route("POST", _ACCOUNT + ":undelete", read_undelete, iamforms.restored, ACCOUNTS + "undelete"),
    _route("POST", _ACCOUNTS, read_create, _TOLD, ACCOUNTS + "create"),
    _route("GET", _ACCOUNTS, read_list, iamforms.accounts, ACCOUNTS + "list"),
    _route("GET", _ACCOUNT, read_get, _TOLD, ACCOUNTS + "get"),
    _route("PATCH", _ACCOUNT, read_patch, _TOLD, ACCOUNTS + "update"),
    _route("PUT", _ACCOUNT, read_put, _TOLD, ACCOUNTS + "update"),
    _route("DELETE", _ACCOUNT, read_delete, _DONE, ACCOUNTS + "delete"),
    _route("POST", _ACCOUNT + "/keys:upload", read_key_upload, _KEY_TOLD, KEYS + "upload"),
    _route("POST", _ACCOUNT + "/keys", read_key_create, iamforms.handed, KEYS + "create"),
    _route("GET", _ACCOUNT + "/keys", read_key_list, iamforms.keys, KEYS + "list"),
    _route("POST", _KEY + ":disable", read_key_switch, _DONE, KEYS + "disable", enabled="false"),
    _route("POST", _KEY + ":enable", read_key_switch, _DONE, KEYS + "enable", enabled="true"),
    _route("GET", _KEY, read_key_get, _KEY_TOLD, KEYS + "get"),
    _route("DELETE", _KEY, read_key_delete, _DONE, KEYS + "delete"),
    _route("GET", "/v1/accounts:impersonable", read_impersonable, iamforms.impersonable, ACCOUNTS + "getOpenIdToken"),
    _route("GET", "/v1/projects/{project}", read_project, iamforms.project, PROJECTS + "get"),
)
"""They stand behind every other method of an account: the bare names among them take whatever stands there."""
