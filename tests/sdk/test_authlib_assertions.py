"""Authlib (PyPI), unmodified: a machine proves itself by private_key_jwt and by client_secret_jwt."""

from __future__ import annotations

import json
import time

import pytest
from authlib.integrations import requests_client
from authlib.oauth2.rfc7523 import ClientSecretJWT, PrivateKeyJWT
from joserfc.jwk import ECKey, OKPKey, RSAKey

from tests import live
from tests.capability import capability

pytestmark = [pytest.mark.sdk]
WITNESS = "Authlib (PyPI)"


@capability("auth-private-key-jwt", witness=WITNESS)
@capability("cli-client-update", witness=WITNESS)
@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "Ed25519"])
def test_proves_itself_by_a_key(filed: live.Dev, alg: str) -> None:
    """A key set from a file, and an assertion under each family of algorithms, twice."""
    parameters = {"kid": "one"}
    made = {
        "R": lambda: RSAKey.generate_key(2048, parameters),
        "P": lambda: RSAKey.generate_key(2048, parameters),
        "E": lambda: ECKey.generate_key("P-256", parameters),
    }
    key = OKPKey.generate_key("Ed25519", parameters) if alg == "Ed25519" else made[alg[0]]()
    client_id = f"robot-{alg.lower()}"
    words = ("--grant-type", "client_credentials", "--auth-method", "private_key_jwt", "--jwks-file", "-")
    document = json.dumps({"keys": [key.as_dict(private=False)]})
    live.cli(filed, "client", "create", "Robot", "--client-id", client_id, *words, stdin=document)

    def ask() -> str:
        method = PrivateKeyJWT(filed.issuer + "/token", headers={"kid": "one"}, alg=alg)
        session = requests_client.OAuth2Session(client_id, key, token_endpoint_auth_method="private_key_jwt")
        session.register_client_auth_method(method)
        token = session.fetch_token(filed.issuer + "/token", grant_type="client_credentials")
        return str(token["token_type"])

    assert ask() == "Bearer"
    assert ask() == "Bearer"


@capability("auth-client-secret-jwt", witness=WITNESS)
@capability("secrets-several", witness=WITNESS)
@capability("cli-client-update", witness=WITNESS)
def test_proves_itself_by_a_secret(filed: live.Dev) -> None:
    """The secret that was told once signs; one more is added, the first removed: the second signs, the first not."""
    words = ("--grant-type", "client_credentials", "--auth-method", "client_secret_jwt", "-o", "json")
    first = json.loads(live.cli(filed, "client", "create", "Signer", "--client-id", "signer", *words))
    second = json.loads(live.cli(filed, "client", "secret", "add", "signer", "--days", "30", "-o", "json"))

    def ask(secret: str) -> str:
        session = requests_client.OAuth2Session("signer", secret, token_endpoint_auth_method="client_secret_jwt")
        session.register_client_auth_method(ClientSecretJWT(filed.issuer + "/token"))
        return str(session.fetch_token(filed.issuer + "/token", grant_type="client_credentials")["token_type"])

    assert ask(first["client_secret"]) == ask(second["client_secret"]) == "Bearer"
    listed = json.loads(live.cli(filed, "client", "secret", "list", "signer", "-o", "json"))
    assert [one["signs"] for one in listed] == [True, True]
    live.cli(filed, "client", "secret", "remove", "signer", listed[0]["secret_id"])
    time.sleep(1.1)
    with pytest.raises(Exception, match="invalid_client"):
        ask(first["client_secret"])
    assert ask(second["client_secret"]) == "Bearer"
