"""google-auth, unmodified, one flow a run: `client.py FLOW '{"parameter": …}'`; the answer is a line of JSON."""

from __future__ import annotations

import json
import sys
from typing import Any

import google.auth
from google.auth import compute_engine, impersonated_credentials, jwt
from google.auth.compute_engine import _metadata
from google.auth.transport import requests
from google.oauth2 import id_token, service_account

PLATFORM = "https://www.googleapis.com/auth/cloud-platform"
IDENTITY = "instance/service-accounts/default/identity"
REQUEST = requests.Request()


def _refreshed(credentials: Any) -> dict[str, Any]:
    credentials.refresh(REQUEST)
    expiry = credentials.expiry
    return {"token": credentials.token, "expiry": expiry.isoformat() + "Z" if expiry else None}


def fetch(audience: str) -> dict[str, Any]:
    """Find out where an ID token comes from, as the library does by itself."""
    return {"token": id_token.fetch_id_token(REQUEST, audience)}


def identity(audience: str, format: str = "full", *, licenses: bool = False) -> dict[str, Any]:  # noqa: A002
    """Get an ID token from the metadata server; what the library's class has no option for, by its own transport."""
    if (format, licenses) == ("full", False):
        made = compute_engine.IDTokenCredentials(REQUEST, audience, use_metadata_identity_endpoint=True)
        return _refreshed(made)
    asked = {"audience": audience, "format": format} | ({"licenses": "TRUE"} if licenses else {})
    return {"token": _metadata.get(REQUEST, IDENTITY, params=asked)}


def access() -> dict[str, Any]:
    """Get an access token of whatever the environment is (application default credentials)."""
    credentials, project = google.auth.default(scopes=[PLATFORM])
    told = _refreshed(credentials)
    return told | {"project": project, "universe": credentials.universe_domain}


def _impersonated(target: str, delegates: list[str] | None, lifetime: int) -> impersonated_credentials.Credentials:
    source, _ = google.auth.default(scopes=[PLATFORM])
    return impersonated_credentials.Credentials(source, target, [PLATFORM], delegates=delegates, lifetime=lifetime)


def impersonate(
    target: str, audience: str, *, include_email: bool = False, delegates: list[str] | None = None
) -> dict[str, Any]:
    """Get an ID token of another account."""
    made = _impersonated(target, delegates, 3600)
    return _refreshed(impersonated_credentials.IDTokenCredentials(made, audience, include_email=include_email))


def impersonate_access(target: str, lifetime: int = 3600, delegates: list[str] | None = None) -> dict[str, Any]:
    """Get an access token of another account."""
    return _refreshed(_impersonated(target, delegates, lifetime))


def sign(target: str, text: str) -> dict[str, Any]:
    """Have a text signed with another account's key."""
    signature: bytes = _impersonated(target, None, 3600).sign_bytes(text.encode())
    return {"signature": signature.hex()}


def key(file: str, audience: str) -> dict[str, Any]:
    """Get an ID token by the key of an account."""
    made = service_account.IDTokenCredentials.from_service_account_file(file, target_audience=audience)
    return _refreshed(made)


def key_access(file: str) -> dict[str, Any]:
    """Get an access token by the key of an account."""
    return _refreshed(service_account.Credentials.from_service_account_file(file, scopes=[PLATFORM]))


def own_assertion(file: str, audience: str) -> dict[str, Any]:
    """Sign a token for an API with an account's own key; nobody is asked."""
    return _refreshed(jwt.Credentials.from_service_account_file(file, audience=audience))


def _believed(token: str, audience: str, how: str) -> Any:
    if how == "iap":
        certificates = "https://www.gstatic.com/iap/verify/public_key"
        return id_token.verify_token(token, REQUEST, audience=audience, certs_url=certificates)
    if how == "v3":
        certificates = "https://www.googleapis.com/oauth2/v3/certs"
        return id_token.verify_token(token, REQUEST, audience=audience, certs_url=certificates)
    return id_token.verify_oauth2_token(token, REQUEST, audience=audience)


def verify(how: str = "") -> None:
    """Verify one token a line, `{"token", "audience"}`, in one process."""
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            _tell({"claims": _believed(asked["token"], asked["audience"], how)})
        except Exception as error:  # noqa: BLE001 - whatever the library refuses with
            _tell({"refused": f"{type(error).__name__}: {error}"})


def _tell(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


FLOWS = (fetch, identity, access, impersonate, impersonate_access, sign, key, key_access, own_assertion, verify)

if __name__ == "__main__":
    chosen = next(flow for flow in FLOWS if flow.__name__ == sys.argv[1])
    told = chosen(**json.loads(sys.argv[2]))  # type: ignore[operator]
    if told is not None:
        _tell(told)
