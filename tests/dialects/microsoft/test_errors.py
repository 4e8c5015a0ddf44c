"""Errors with their numbers: the JSON that SDKs read, redirects, and that every reason has an entry."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from intaglio.dialects.coding import Context
from intaglio.dialects.microsoft import aadsts, errors
from intaglio.errors import IntaglioError, ProtocolFault
from intaglio.protocol import reasons
from intaglio.protocol.authorize import AuthorizeAnswer, Problem
from intaglio.protocol.device import DeviceDenied, DeviceExpired, DevicePending
from intaglio.protocol.exchange import ClientCredentialsExchange, Presented
from intaglio.protocol.faults import BearerFault, ClientUnknown, NotFound, invalid_grant, invalid_request
from tests.capability import capability

pytestmark = capability("microsoft-errors", witness="the JSON on the wire")

CTX = Context(
    now=1_800_000_000,
    ref="ref_4aaedf7f005c7e",
    issuer="https://login.example.test/t/v2.0",
    base="https://login.example.test/t",
    tenant_id="fa15d692-e9c7-4460-a743-29f2956fd429",
)
REQUEST_ID = "0b0e4cf3-7a3a-4f6f-8f5b-0d1c2f3a4b5c"


def asked(request_id: str = REQUEST_ID) -> Context:
    """Return the context of a token request that its client named."""
    query = ClientCredentialsExchange(Presented("none", "app"), None, own=(("client-request-id", request_id),))
    return Context(CTX.now, CTX.ref, CTX.issuer, CTX.base, CTX.tenant_id, asked=query)


def written(fault: IntaglioError, ctx: Context = CTX) -> tuple[int, dict[str, Any]]:
    """Return status and members of a fault as it is written."""
    answer = errors.write(fault, ctx)
    return answer.status, json.loads(answer.body)


def client_fault(reason: str, **told: str) -> ProtocolFault:
    """Return the fault of a client that did not prove itself."""
    return ClientUnknown().because(reason, **told)


def test_error_has_every_member() -> None:
    """Microsoft's page: error, description, codes as numbers, time, trace, correlation, and where to look it up."""
    status, body = written(invalid_grant("a", "b", "code-used"), asked())
    assert status == 400
    assert list(body) == ("error error_description error_codes timestamp trace_id correlation_id error_uri".split())
    assert body["error"] == "invalid_grant"
    assert body["error_codes"] == [54005]
    assert body["timestamp"] == "2027-01-15 08:00:00Z"
    assert body["correlation_id"] == REQUEST_ID
    assert body["error_uri"] == "https://login.example.test/error?code=54005"
    assert body["error_description"] == (
        f"AADSTS54005: {aadsts.REDEEMED} Trace ID: {body['trace_id']} Correlation ID: {REQUEST_ID}"
        " Timestamp: 2027-01-15 08:00:00Z"
    )


def test_trace_leads_to_the_log() -> None:
    """The trace is a GUID that begins with the reference; unless the client named one, it is the correlation."""
    _, body = written(invalid_request("x"), asked("not a guid"))
    assert uuid.UUID(body["trace_id"]).hex.startswith("4aaedf7f005c7e")
    assert body["correlation_id"] == body["trace_id"]


@pytest.mark.parametrize(
    ("fault", "status", "error", "number"),
    [
        (client_fault("client-unknown", client_id="x"), 400, "unauthorized_client", 700016),
        (client_fault("client-disabled", client_id="x"), 400, "unauthorized_client", 7000112),
        (client_fault("secret-wrong", client_id="x"), 401, "invalid_client", 7000215),
        (client_fault("secret-expired", client_id="x"), 401, "invalid_client", 7000222),
        (client_fault("secret-missing"), 401, "invalid_client", 7000218),
        (client_fault("secret-unwanted"), 401, "invalid_client", 700025),
        (client_fault("assertion-invalid"), 401, "invalid_client", 700027),
        (client_fault("assertion-unknown-subject", what="subject", value="x"), 401, "invalid_client", 700213),
        (invalid_grant("", "", "code-unknown"), 400, "invalid_grant", 70000),
        (invalid_grant("", "", "code-expired"), 400, "invalid_grant", 70008),
        (invalid_grant("", "", "verifier-wrong"), 400, "invalid_grant", 501481),
        (invalid_grant("", "", "refresh-revoked"), 400, "invalid_grant", 50173),
        (invalid_grant("", "", "device-unknown"), 400, "bad_verification_code", 70018),
        (invalid_grant("", "", "user-disabled"), 400, "invalid_grant", 50057),
        (invalid_request("x", reason="parameter-missing", name="code"), 400, "invalid_request", 900144),
        (invalid_request("x"), 400, "invalid_request", 9002313),
        (DevicePending(), 400, "authorization_pending", 70016),
        (DeviceExpired(), 400, "expired_token", 70020),
        (DeviceDenied(), 400, "authorization_declined", 65004),
        (NotFound().because("tenant-unknown", tenant="nobody.test"), 400, "invalid_request", 90002),
        (IntaglioError("too_many_requests"), 429, "temporarily_unavailable", 90055),
    ],
)
def test_error_of_a_cause(fault: IntaglioError, status: int, error: str, number: int) -> None:
    """The status, the standard code that SDKs branch on, and the number that people look up."""
    got, body = written(fault)
    assert (got, body["error"], body["error_codes"]) == (status, error, [number])
    assert body["error_description"].startswith(f"AADSTS{number}: ")
    assert "{" not in body["error_description"]


def test_what_was_sent_comes_back_in_one_line() -> None:
    """A text that repeats a value of the request holds no line of its own and is bounded."""
    sent = "x\r\nSet-Cookie: a=b" + "y" * 500
    _, body = written(client_fault("client-unknown", client_id=sent))
    assert "\n" not in body["error_description"]
    assert "y" * 200 not in body["error_description"]


def test_braces_in_a_value_are_only_text() -> None:
    """A value never becomes a template."""
    _, body = written(invalid_request("x", reason="parameter-missing", name="{public.__class__}"))
    assert "'{public.__class__}'" in body["error_description"]


def test_unknown_tenant_in_the_metadata() -> None:
    """The metadata's addresses call it `invalid_tenant`, with 400; another path is not found as anywhere."""
    answer = errors.write_metadata(NotFound().because("tenant-unknown", tenant="x"), CTX)
    assert (answer.status, json.loads(answer.body)["error"]) == (400, "invalid_tenant")
    assert errors.write_metadata(NotFound(), CTX).status == 404


def test_bearer_faults_are_the_standards() -> None:
    """RFC 6750: a challenge, and `invalid_token`."""
    answer = errors.write(BearerFault(), CTX)
    assert (answer.status, json.loads(answer.body)["error"]) == (401, "invalid_token")
    assert any(name == "www-authenticate" for name, _ in answer.headers)


def test_only_a_401_challenges() -> None:
    """RFC 9110 15.5.2: a challenge goes with 401, not with the 400 of an unknown application."""
    names = [name for name, _ in errors.write(client_fault("client-unknown"), CTX).headers]
    assert "www-authenticate" not in names
    assert "www-authenticate" in [name for name, _ in errors.write(client_fault("secret-wrong"), CTX).headers]


def test_error_by_redirect() -> None:
    """The number in the description and at error_uri, from where SDKs for browsers read it; the state stays."""
    kept = (("error", "unauthorized_client"), ("error_description", "x"), ("state", "s"))
    problem = Problem("unauthorized_client", "x", reason="response-type-disabled", told={"response_type": "id_token"})
    told = dict(errors.fields(AuthorizeAnswer("https://app.test/cb", "query", kept, problem), CTX))
    assert (told["error"], told["state"]) == ("unsupported_response_type", "s")
    assert told["error_description"].startswith("AADSTS700054: response_type 'id_token' is not enabled")
    assert told["error_uri"] == "https://login.example.test/error?code=700054"


def test_missing_consent_says_so_beside_the_error() -> None:
    """`suberror` is what SDKs ask the person for consent by."""
    problem = Problem("consent_required", "x", reason="consent-required")
    told = dict(errors.fields(AuthorizeAnswer("https://app.test/cb", "query", (("error", "x"),), problem), CTX))
    assert (told["error"], told["suberror"]) == ("consent_required", "consent_required")


def test_pages_have_the_number() -> None:
    """An address that does not match is shown on a page, with its number; other faults as they are elsewhere."""
    fault = invalid_request("x", reason="redirect-unregistered", redirect_uri="https://evil.test/", client_id="app")
    page = errors.write_page(fault, CTX)
    assert page.sentence.startswith("AADSTS50011: The redirect URI 'https://evil.test/'")
    assert (page.status, page.code, page.ref) == (400, "invalid_request", CTX.ref)
    assert errors.write_page(invalid_request("Something else."), CTX).sentence == "Something else."


WITHOUT = ("encryption-", "request-object-", "pushed-", "organization-", "connection-", "audience-not-", "interaction-")
"""How reasons begin for which Microsoft has no number, or which come of what its dialect does not have."""


def test_every_reason_has_a_number() -> None:
    """What the provider gives a word for is told by number, and nothing is listed that nobody says."""
    left = set(reasons.REASONS) - set(aadsts.BY_REASON)
    assert [word for word in left if not word.startswith(WITHOUT)] == []
    assert set(aadsts.BY_REASON) <= set(reasons.REASONS)


def test_numbers_can_be_looked_up() -> None:
    """The page behind error_uri knows every number that is told, and no other."""
    for entry in (*aadsts.BY_REASON.values(), *aadsts.BY_CODE.values(), aadsts.MALFORMED):
        assert aadsts.meaning(entry.number)
    assert aadsts.meaning(1) == ""
