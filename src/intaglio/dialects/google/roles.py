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
)

_READ = ("iam.serviceAccounts.get", "iam.serviceAccounts.list")

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
    "roles/iam.serviceAccountUser": (*_READ, ACT_AS),
}
