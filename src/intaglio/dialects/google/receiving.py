"""The receiving side: what a service, a proxy and a gateway of this dialect look at and say.

Google's pages on authenticating to Cloud Run, on signed headers of Identity-Aware Proxy and on API Gateway.
"""

from __future__ import annotations

from typing import Any

from intaglio.dialects.coding import Context
from intaglio.dialects.google import certificates, gateway, hosts, roles
from intaglio.dialects.standard import discovery
from intaglio.protocol.discovery import KeysAnswer
from intaglio.protocol.gate import AssertionFacts, AssertionQuery, Gateway, Proxying, Receiving, Running
from intaglio.tokens import pem
from intaglio.wire.message import Request, Response

ASSERTION_OF_VENDOR = "https://cloud.google.com/iap"

MALFORMED = frozenset({"token-malformed", "token-opaque", "token-encrypted", "token-json-serialized", "token-saml"})


def assertion_issuer(issuer: str) -> str:
    """Return who signs assertions, of the issuer of ID tokens: another name, so that neither passes for the other."""
    return ASSERTION_OF_VENDOR if hosts.is_google(issuer) else hosts.api(issuer, "cloud") + "/iap"


def assertion_audience(number: int, service: str) -> str:
    """Return the name of a service as assertions have it."""
    return f"/projects/{number}/locations/global/services/{service}"


def assertion(facts: AssertionFacts) -> dict[str, Any]:
    """Return the claims of an assertion (Google's page on signed headers, verifying the payload)."""
    return {
        "iss": facts.issuer,
        "aud": facts.audience,
        "azp": facts.audience,
        "sub": facts.subject,
        "email": facts.email,
        "iat": facts.now,
        "exp": facts.now + facts.lifetime,
    }


def refusal(code: str, expected: str, received: str) -> str:
    """Return what the proxy says of a token that it does not believe."""
    if code == "":
        why = "empty token"
    elif code in MALFORMED:
        why = "Unable to parse JWT"
    elif code == "audience-mismatch":
        why = (
            "JWT audience doesn't match this application "
            f"('aud' claim ({received}) doesn't match expected value ({expected}))"
        )
    elif code == "token-expired":
        why = "Expired JWT"
    else:
        why = "JWT could not be verified"
    return f"Invalid IAP credentials: {why}"


RECEIVING = Receiving(
    run=Running(
        header="x-serverless-authorization",
        removed="SIGNATURE_REMOVED_BY_GOOGLE",
        challenge='Bearer error="invalid_token" error_description="The access token could not be verified"',
        permissions=(roles.RUN, roles.FUNCTION),
    ),
    iap=Proxying(
        prefix="x-goog-",
        assertion_header="x-goog-iap-jwt-assertion",
        email_header="x-goog-authenticated-user-email",
        id_header="x-goog-authenticated-user-id",
        subject_prefix="accounts.google.com:",
        lifetime=600,
        permissions=(roles.THROUGH_PROXY,),
        issuer=assertion_issuer,
        audience=assertion_audience,
        claims=assertion,
        refusal=refusal,
    ),
    gateway=Gateway(
        claims_headers=("x-apigateway-api-userinfo", "x-endpoint-api-userinfo"),
        read=gateway.read,
        refusal=gateway.refusal,
    ),
)


def read_keys(request: Request, ctx: Context) -> AssertionQuery:
    """Read a request for the keys of assertions; the route states their form."""
    return AssertionQuery(ctx.fixed.get("form", "jwks"))


def write_keys(answer: KeysAnswer, ctx: Context) -> Response:
    """Write the keys of assertions: `pem` is a map from kid to public key, `jwks` a JWK Set."""
    if answer.form == "pem":
        keys: dict[str, Any] = {
            certificates.kid(key): pem.public_to_pem(pem.public_from_pem(key.pem, key.alg)) for key in answer.keys
        }
        return discovery.document(keys, answer.max_age)
    members = [{**key.members, "use": "sig", "alg": key.alg, "kid": certificates.kid(key)} for key in answer.keys]
    return discovery.document({"keys": members}, answer.max_age)
