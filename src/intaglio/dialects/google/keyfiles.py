"""Names of service accounts, and the JSON file in which a key is handed out, as Google's libraries read it."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from intaglio.dialects.dialect import HandedKey
from intaglio.dialects.google import hosts

DEVELOPMENT = "intaglio.test"
"""The domain of accounts where the base address names no universe: a port of this machine."""
TOKEN_PATH = "/token"
AUTHORIZE_PATH = "/o/oauth2/v2/auth"
KEYS_PATH = "/robot/v1/metadata/x509/"


def address(account_id: str, project_id: str, base: str) -> str:
    """Return the e-mail address of an account of a project, in the universe of the base address."""
    if base == hosts.GOOGLE_BASE:
        return f"{account_id}@{project_id}.iam.gserviceaccount.com"
    universe = hosts.universe(base)
    return f"{account_id}@{project_id}.iam.{DEVELOPMENT if universe == hosts.OWN else universe}"


def write(key: HandedKey, base: str) -> dict[str, Any]:
    """Return the members of the key file; it holds the private key."""
    return {
        "type": "service_account",
        "project_id": key.project_id,
        "private_key_id": key.key_id,
        "private_key": key.private_pem.reveal(),
        "client_email": key.email,
        "client_id": key.unique_id,
        "auth_uri": base + AUTHORIZE_PATH,
        "token_uri": hosts.api(base, "oauth2") + TOKEN_PATH,
        "auth_provider_x509_cert_url": hosts.api(base, "www") + "/oauth2/v1/certs",
        "client_x509_cert_url": hosts.api(base, "www") + KEYS_PATH + quote(key.email, safe=""),
        "universe_domain": hosts.universe(base),
    }
