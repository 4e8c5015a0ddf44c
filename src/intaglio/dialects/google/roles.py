"""Predefined roles with what they grant, as far as identities are concerned (Google's page; IAM roles reference)."""

from __future__ import annotations

from collections.abc import Mapping

from intaglio.dialects.dialect import Permissions

GET_ID_TOKEN = "iam.serviceAccounts.getOpenIdToken"
GET_ACCESS_TOKEN = "iam.serviceAccounts.getAccessToken"
DELEGATE = "iam.serviceAccounts.implicitDelegation"
SIGN_BLOB = "iam.serviceAccounts.signBlob"
SIGN_JWT = "iam.serviceAccounts.signJwt"
ACT_AS = "iam.serviceAccounts.actAs"
RUN = "run.routes.invoke"
FUNCTION = "cloudfunctions.functions.invoke"
THROUGH_PROXY = "iap.webServiceVersions.accessViaIAP"

PERMISSIONS = Permissions(
    id_token=GET_ID_TOKEN,
    access_token=GET_ACCESS_TOKEN,
    delegate=DELEGATE,
    sign_blob=SIGN_BLOB,
    sign_jwt=SIGN_JWT,
    invoke=(RUN, FUNCTION, THROUGH_PROXY),
    takeover=(
        "iam.serviceAccounts.setIamPolicy",
        "iam.serviceAccountKeys.create",
        "iam.serviceAccountKeys.upload",
        "resourcemanager.projects.setIamPolicy",
    ),
)

_READ = ("iam.serviceAccounts.get", "iam.serviceAccounts.list")
_PROJECT = ("resourcemanager.projects.get",)
_ADMIN = (
    *_READ,
    *(f"iam.serviceAccounts.{verb}" for verb in ("create", "update", "disable", "enable", "delete", "undelete")),
    "iam.serviceAccounts.getIamPolicy",
    "iam.serviceAccounts.setIamPolicy",
)
_READ_KEYS = ("iam.serviceAccountKeys.get", "iam.serviceAccountKeys.list")
_KEY_ADMIN = (
    *_READ_KEYS,
    *(f"iam.serviceAccountKeys.{verb}" for verb in ("create", "upload", "disable", "enable", "delete")),
)
_POLICIES = (
    "resourcemanager.projects.getIamPolicy",
    "resourcemanager.projects.setIamPolicy",
    "run.services.getIamPolicy",
    "run.services.setIamPolicy",
)

_POOL_KINDS = ("workloadIdentityPools", "workloadIdentityPoolProviders")
_POOLS = tuple(f"iam.{kind}.{verb}" for kind in _POOL_KINDS for verb in ("get", "list"))
_POOL_ADMIN = (
    *_POOLS,
    *(f"iam.{kind}.{verb}" for kind in _POOL_KINDS for verb in ("create", "update", "delete", "undelete")),
)

ROLES: Mapping[str, tuple[str, ...]] = {
    "roles/run.invoker": (RUN,),
    "roles/cloudfunctions.invoker": (FUNCTION,),
    "roles/iap.httpsResourceAccessor": (THROUGH_PROXY,),
    "roles/iam.serviceAccountOpenIdTokenCreator": (GET_ID_TOKEN,),
    "roles/iam.serviceAccountTokenCreator": (
        *_READ,
        GET_ACCESS_TOKEN,
        GET_ID_TOKEN,
        DELEGATE,
        SIGN_BLOB,
        SIGN_JWT,
    ),
    "roles/iam.workloadIdentityUser": (*_READ, GET_ACCESS_TOKEN, GET_ID_TOKEN),
    "roles/iam.workloadIdentityPoolViewer": (*_POOLS, *_PROJECT),
    # Whoever changes a provider decides who is whom in its pool: as much as all that the pool was granted.
    "roles/iam.workloadIdentityPoolAdmin": (*_POOL_ADMIN, *_PROJECT),
    "roles/iam.serviceAccountUser": (*_READ, ACT_AS),
    "roles/iam.serviceAccountViewer": (*_READ, *_READ_KEYS, "iam.serviceAccounts.getIamPolicy", *_PROJECT),
    "roles/iam.serviceAccountAdmin": (*_ADMIN, *_PROJECT),
    "roles/iam.serviceAccountKeyAdmin": (*_READ, *_KEY_ADMIN, *_PROJECT),
    # As there: an owner may let somebody become an account, which is in the audit log, but becomes none by itself.
    "roles/owner": (*_ADMIN, *_KEY_ADMIN, *_POLICIES, *_POOL_ADMIN, *_PROJECT, ACT_AS),
    "roles/viewer": (*_READ, *_READ_KEYS, *_POOLS, *_PROJECT),
}


def custom(project_id: str, name: str) -> str:
    """Return the whole name of a role that a project made for itself."""
    return f"projects/{project_id}/roles/{name}"
