"""auth0-python, unmodified: told steps line by line, `{"do": STEP, …}`, it answers each with a line of JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from auth0.authentication import GetToken, RevokeToken, Users
from auth0.authentication.exceptions import Auth0Error, TokenValidationError
from auth0.authentication.token_verifier import AsymmetricSignatureVerifier, TokenVerifier
from auth0.management.core.api_error import ApiError

given: dict[str, Any] = {}


def _kit(kind: Any) -> Any:
    key = given.get("key")
    return kind(given["domain"], given["clientId"], given.get("secret"), client_assertion_signing_key=key)


def _told(answer: dict[str, Any]) -> dict[str, Any]:
    names = {"idToken": "id_token", "accessToken": "access_token", "refreshToken": "refresh_token"}
    names |= {"expiresIn": "expires_in", "scope": "scope", "type": "token_type"}
    return {name: answer.get(member) for name, member in names.items()}


def _verified(token: str, asked: dict[str, Any]) -> None:
    issuer = f"https://{given['domain']}/"
    keys = AsymmetricSignatureVerifier(issuer + ".well-known/jwks.json")
    verifier = TokenVerifier(keys, issuer=issuer, audience=given["clientId"])
    verifier.verify(token, asked.get("nonce"), asked.get("maxAge"), asked.get("organization"))


def open_(asked: dict[str, Any]) -> dict[str, Any]:
    """Keep where the issuer is and who the application is."""
    given.clear()
    given.update(asked)
    return {}


def redeem(asked: dict[str, Any]) -> dict[str, Any]:
    """Exchange a code; the kit's own verifier has to believe the token."""
    code, redirect_uri, verifier = asked["code"], asked["redirectUri"], asked.get("verifier")
    if verifier:
        answer = _kit(GetToken).authorization_code_pkce(verifier, code, redirect_uri)
    else:
        answer = _kit(GetToken).authorization_code(code, redirect_uri)
    _verified(answer["id_token"], asked)
    return _told(answer)


def refresh(asked: dict[str, Any]) -> dict[str, Any]:
    """Exchange a refresh token."""
    answer = _kit(GetToken).refresh_token(asked["refreshToken"])
    _verified(answer["id_token"], {})
    return _told(answer)


def revoke(asked: dict[str, Any]) -> dict[str, Any]:
    """Revoke a refresh token."""
    _kit(RevokeToken).revoke_refresh_token(asked["refreshToken"])
    return {}


def machine(asked: dict[str, Any]) -> dict[str, Any]:
    """Get the application's own token for an API."""
    return _told(_kit(GetToken).client_credentials(asked["audience"]))


def userinfo(asked: dict[str, Any]) -> dict[str, Any]:
    """Ask who the access token's person is."""
    found: dict[str, Any] = Users(given["domain"]).userinfo(asked["accessToken"])
    return found


def lifetime(asked: dict[str, Any]) -> dict[str, Any]:
    """Change how long the ID tokens of an application live; read the setting before and after."""
    # A hundred models come with these; they cost a second, so only who needs them waits for them.
    from auth0.management import ManagementClient
    from auth0.management.types.client_jwt_configuration import ClientJwtConfiguration

    wanted = {"domain": given["domain"], "client_id": given["clientId"], "client_secret": given["secret"]}
    clients = ManagementClient(**wanted).clients
    before = clients.get(asked["client"])
    change = ClientJwtConfiguration(lifetime_in_seconds=asked["seconds"])
    after = clients.update(asked["client"], jwt_configuration=change)
    found = (before, after, clients.get(asked["client"]))
    return {"name": before.name, "lifetimes": [one.jwt_configuration.lifetime_in_seconds for one in found]}


STEPS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "open": open_,
    "redeem": redeem,
    "refresh": refresh,
    "revoke": revoke,
    "machine": machine,
    "userinfo": userinfo,
    "lifetime": lifetime,
}


def main() -> None:
    """Do what is told, line by line."""
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            answer = STEPS[asked.pop("do")](asked)
        except Auth0Error as refused:
            answer = {"failed": refused.error_code, "message": refused.message, "status": refused.status_code}
        except TokenValidationError as refused:
            answer = {"failed": "token", "message": str(refused)}
        except ApiError as refused:
            answer = {"failed": "api", "message": str(refused.body), "status": refused.status_code}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
