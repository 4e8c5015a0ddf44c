"""Clients that register themselves, and manage what they registered (RFC 7591, RFC 7592, OIDC Registration 1.0)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from intaglio.server import compose
from intaglio.server.admin import registrationtokens
from intaglio.server.model import clients
from intaglio.server.settings.records import Outgoing
from tests import assertions, harness
from tests.capability import capability
from tests.web import markup

NOW = harness.NOW
WITNESS = "the registration endpoint's answers"
URI = "https://app.example/cb"
BASIC: dict[str, Any] = {"redirect_uris": [URI]}
KEYS = {"keys": [assertions.jwk_of(assertions.RSA, kid="k")]}
ENCRYPTING = {"keys": [assertions.jwk_of(assertions.RSA, kid="e", use="enc")]}


def opened(site: harness.Site, registration: str = "open", **changes: Any) -> None:
    """Let clients register themselves."""
    site.change_tenant(registration=registration, **changes)


def register(site: harness.Site, token: str = "", **metadata: Any) -> harness.Answer:
    """Register a client."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return site.post("~/register", payload=BASIC | metadata, headers=headers)


def registered(site: harness.Site, **metadata: Any) -> dict[str, Any]:
    """Register a client where everybody may; it has to succeed."""
    answer = register(site, **metadata)
    assert answer.status == 201, answer.text
    return dict(answer.json())


def manage(site: harness.Site, made: dict[str, Any], method: str = "GET", **given: Any) -> harness.Answer:
    """Use the address of a registration with its token."""
    token = given.pop("token", made.get("registration_access_token"))
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return site.request(method, made["registration_client_uri"], headers=headers, **given)


def told(answer: harness.Answer) -> tuple[int, str]:
    """Return the status and the error of an answer."""
    return answer.status, answer.error


def initial(site: harness.Site, **given: Any) -> str:
    """Return a new initial access token."""
    made = site.run(registrationtokens.create(site.store, site.clock, site.client("web").tenant_id, **given))
    return made.secret.reveal()


def count(site: harness.Site) -> int:
    """Return how many clients there are."""
    return len(site.read(clients.page, site.client("web").tenant_id, "", 1000))


def named(metadata: Any) -> str:
    """Return a name that is the same in each process: keys are made anew, so that only their kind is told."""
    shown = json.dumps(metadata)
    return shown[:60] if '"kty"' not in shown else " ".join(metadata) + " with a key"


# --- what comes back


@capability("registration-open", witness=WITNESS)
def test_a_client_registers_itself_and_signs_people_in(site: harness.Site) -> None:
    """RFC 7591 3.2.1: 201, an id, a secret that works, and where to manage it; and a whole sign-in with it."""
    opened(site)
    answer = register(site, client_name="My app", redirect_uris=["http://127.0.0.1:9999/cb"])
    made = answer.json()
    assert (answer.status, answer.header("cache-control")) == (201, "no-store")
    assert answer.header("content-type") == "application/json"
    assert made["client_id_issued_at"] == NOW + 1
    assert made["client_secret_expires_at"] == 0
    assert made["registration_client_uri"] == f"http://localhost:8080/default/register/{made['client_id']}"
    assert len(made["client_secret"]) >= 43
    app = harness.App(site, made["client_id"], made["client_secret"])
    tokens = app.tokens(scope="openid email")
    assert tokens["token_type"] == "Bearer"


@capability("registration-metadata", witness=WITNESS)
def test_defaults_are_those_of_the_specification(site: harness.Site) -> None:
    """OpenID Connect Registration 2: what is left out has its default, and is told."""
    opened(site)
    made = registered(site)
    expected = {
        "redirect_uris": [URI],
        "response_types": ["code"],
        "grant_types": ["authorization_code"],
        "application_type": "web",
        "token_endpoint_auth_method": "client_secret_basic",
        "id_token_signed_response_alg": "RS256",
        "subject_type": "public",
        "require_auth_time": False,
        "scope": "openid profile email phone address",
    }
    assert {name: made[name] for name in expected} == expected
    assert not [name for name, value in made.items() if value is None or value == ""]


EVERYTHING: dict[str, Any] = {
    "redirect_uris": [URI, "https://app.example/other?a=b"],
    "response_types": ["code", "id_token", "id_token token", "code id_token", "code token", "code id_token token"],
    "grant_types": ["authorization_code", "implicit", "refresh_token"],
    "application_type": "web",
    "contacts": ["ops@app.example"],
    "client_name": "Everything",
    "logo_uri": "https://app.example/logo.png",
    "client_uri": "https://app.example/",
    "policy_uri": "https://app.example/policy",
    "tos_uri": "https://app.example/terms",
    "scope": "openid email offline_access",
    "subject_type": "pairwise",
    "id_token_signed_response_alg": "ES256",
    "userinfo_signed_response_alg": "PS256",
    "request_object_signing_alg": "RS256",
    "request_object_encryption_alg": "ECDH-ES",
    "request_object_encryption_enc": "A256GCM",
    "token_endpoint_auth_method": "private_key_jwt",
    "token_endpoint_auth_signing_alg": "RS256",
    "default_max_age": 3600,
    "require_auth_time": True,
    "default_acr_values": ["1", "2"],
    "initiate_login_uri": "https://app.example/login",
    "request_uris": ["https://app.example/request.jwt#abc"],
    "post_logout_redirect_uris": ["https://app.example/bye"],
    "backchannel_logout_uri": "https://app.example/back",
    "backchannel_logout_session_required": True,
    "frontchannel_logout_uri": "https://app.example/front",
    "frontchannel_logout_session_required": True,
    "jwks": {"keys": [*KEYS["keys"], *ENCRYPTING["keys"]]},
    "id_token_encrypted_response_alg": "RSA-OAEP-256",
    "id_token_encrypted_response_enc": "A256GCM",
    "userinfo_encrypted_response_alg": "RSA-OAEP",
    "userinfo_encrypted_response_enc": "A128CBC-HS256",
}


@capability("registration-metadata", witness=WITNESS)
@capability("registration-management", witness=WITNESS)
def test_every_value_is_kept_and_read_back(site: harness.Site) -> None:
    """All metadata come back as they were given, in the answer, when read, and when they replace themselves."""
    opened(site)
    made = registered(site, **EVERYTHING)
    assert {name: made[name] for name in EVERYTHING} == EVERYTHING
    assert "client_secret" not in made
    read = manage(site, made)
    assert read.json() == made
    again = manage(site, made, "PUT", payload=EVERYTHING | {"client_id": made["client_id"]})
    assert (again.status, again.json()) == (200, made)


@pytest.mark.parametrize(
    ("response_types", "grants"),
    [
        (["id_token"], ["implicit"]),
        (["token id_token"], ["implicit"]),
        (["id_token code"], ["authorization_code", "implicit"]),
        (["code", "id_token"], ["authorization_code", "implicit"]),
    ],
)
def test_grant_types_that_are_left_out_follow(site: harness.Site, response_types: list[str], grants: list[str]) -> None:
    """OpenID Connect Registration 2: the grant types that the response types need; the words' order means nothing."""
    opened(site)
    made = registered(site, response_types=response_types)
    assert made["grant_types"] == grants
    assert made["response_types"] == [" ".join(sorted(value.split())) for value in response_types]


def test_a_machine_registers_itself(site: harness.Site) -> None:
    """A client without people needs no redirect URI and gets no response type."""
    opened(site)
    made = registered(site, redirect_uris=[], grant_types=["client_credentials"])
    assert "response_types" not in made
    form = {"grant_type": "client_credentials"}
    headers = {"authorization": harness.basic(made["client_id"], made["client_secret"])}
    assert site.post("~/token", form, headers=headers).status == 200


@capability("auth-client-secret-jwt", witness="PyJWT")
def test_a_secret_that_came_of_registration_signs(site: harness.Site) -> None:
    """client_secret_jwt with the secret that registration gave."""
    opened(site)
    made = registered(
        site, redirect_uris=[], grant_types=["client_credentials"], token_endpoint_auth_method="client_secret_jwt"
    )
    one = {"iss": made["client_id"], "sub": made["client_id"]}
    good = assertions.signed(made["client_secret"], "HS256", **one)
    assert assertions.ask(site, good).status == 200


def test_a_public_client_gets_no_secret(site: harness.Site) -> None:
    """RFC 9700 2.1.1: PKCE is required of it, and it has no secret."""
    opened(site)
    made = registered(site, token_endpoint_auth_method="none")
    assert "client_secret" not in made
    assert "client_secret_expires_at" not in made
    assert site.client(made["client_id"]).require_pkce


# --- what is refused

METADATA = (400, "invalid_client_metadata")
REDIRECT = (400, "invalid_redirect_uri")


@capability("registration-metadata", witness=WITNESS)
@pytest.mark.parametrize(
    "redirect_uris",
    [
        [],
        None,
        ["https://app.example/cb#fragment"],
        ["https://app.example/cb#"],
        ["http://app.example/cb"],
        ["https://user@app.example/cb"],
        ["https://*.app.example/cb"],
        ["javascript:alert(1)"],
        ["com.example.app:/cb"],
        ["/cb"],
        [7],
        "https://app.example/cb",
        [URI] + [f"https://app.example/{number}" for number in range(60)],
    ],
    ids=named,
)
def test_redirect_uris_that_are_refused(site: harness.Site, redirect_uris: Any) -> None:
    """RFC 6749 3.1.2, OpenID Connect Registration 2: fragments and everything that could lead elsewhere."""
    opened(site)
    before = count(site)
    answer = register(site, redirect_uris=redirect_uris)
    assert told(answer) in (REDIRECT, METADATA)
    assert told(answer) == REDIRECT or len(redirect_uris or []) > 50
    assert count(site) == before


@capability("registration-metadata", witness=WITNESS)
@pytest.mark.parametrize(
    "metadata",
    [
        {"response_types": ["code"], "grant_types": ["implicit"]},
        {"response_types": ["id_token"], "grant_types": ["authorization_code"]},
        {"response_types": ["code id_token"], "grant_types": ["authorization_code"]},
        {"response_types": ["none"]},
        {"response_types": ["code code"]},
        {"response_types": "code"},
        {"grant_types": ["password"]},
        {"grant_types": ["client_credentials"], "token_endpoint_auth_method": "none"},
        {"grant_types": []},
        {"application_type": "desktop"},
        {"token_endpoint_auth_method": "tls_client_auth"},
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks": ENCRYPTING},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks": KEYS, "token_endpoint_auth_signing_alg": "ES256"},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks": KEYS, "token_endpoint_auth_signing_alg": "HS256"},
        {"token_endpoint_auth_method": "client_secret_jwt", "token_endpoint_auth_signing_alg": "RS256"},
        {"token_endpoint_auth_method": "client_secret_jwt", "token_endpoint_auth_signing_alg": "none"},
        {"id_token_signed_response_alg": "none"},
        {"id_token_signed_response_alg": "HS256"},
        {"id_token_signed_response_alg": 7},
        {"userinfo_signed_response_alg": "none"},
        {"request_object_signing_alg": "HS512"},
        {"request_object_encryption_alg": "RSA-OAEP"},
        {"id_token_encrypted_response_alg": "RSA-OAEP"},
        {"id_token_encrypted_response_alg": "RSA1_5", "jwks": ENCRYPTING},
        {"id_token_encrypted_response_alg": "dir", "jwks": ENCRYPTING},
        {"id_token_encrypted_response_alg": "ECDH-ES", "jwks": ENCRYPTING},
        {"id_token_encrypted_response_alg": "RSA-OAEP", "id_token_encrypted_response_enc": "A1", "jwks": ENCRYPTING},
        {"id_token_encrypted_response_enc": "A128GCM"},
        {"userinfo_encrypted_response_alg": "RSA-OAEP", "jwks": {"keys": [KEYS["keys"][0] | {"use": "sig"}]}},
        {"jwks": KEYS, "jwks_uri": "https://app.example/jwks"},
        {"jwks": {"keys": [KEYS["keys"][0] | {"d": "AQAB"}]}},
        {"jwks": {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}},
        {"jwks": {"keys": []}},
        {"jwks": {}},
        {"jwks": []},
        {"jwks_uri": "http://app.example/jwks"},
        {"jwks_uri": "file:///etc/passwd"},
        {"subject_type": "persistent"},
        {"subject_type": "pairwise", "redirect_uris": [URI, "https://other.example/cb"]},
        {"default_max_age": -1},
        {"default_max_age": "60"},
        {"default_max_age": True},
        {"require_auth_time": "yes"},
        {"default_acr_values": ["a b"]},
        {"client_name": "a\u202eb"},
        {"client_name": "x" * 300},
        {"contacts": ["a\nb"]},
        {"logo_uri": "javascript:alert(1)"},
        {"logo_uri": "data:image/png;base64,AAAA"},
        {"policy_uri": "http://app.example/"},
        {"tos_uri": "https://user:pw@app.example/"},
        {"client_uri": "//app.example"},
        {"initiate_login_uri": "http://app.example/"},
        {"request_uris": ["ftp://app.example/x"]},
        {"frontchannel_logout_uri": "https://other.example/out"},
        {"backchannel_logout_uri": "http://app.example/out"},
        {"scope": "openid admin:everything"},
        {"scope": "offline_access"},
    ],
    ids=named,
)
def test_metadata_that_is_refused(site: harness.Site, metadata: dict[str, Any]) -> None:
    """RFC 7591 3.2.2: values that are not there, do not go together, or would be unsafe."""
    opened(site)
    before = count(site)
    answer = register(site, **metadata)
    assert told(answer) == METADATA, answer.text
    assert answer.header("cache-control") == "no-store"
    assert count(site) == before


@pytest.mark.parametrize("uri", ["http://localhost/cb", "http://127.0.0.1/cb", "https://localhost/cb"])
def test_implicit_web_clients_lead_to_no_loopback(site: harness.Site, uri: str) -> None:
    """OpenID Connect Registration 2: https and no localhost for a web client with the implicit grant."""
    opened(site, development=False)
    assert told(register(site, response_types=["id_token"], redirect_uris=[uri])) == REDIRECT
    native = {"response_types": ["id_token"], "redirect_uris": [uri], "application_type": "native"}
    assert register(site, **native).status == 201


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "application/json"),
        (b"[]", "application/json"),
        (b'"x"', "application/json"),
        (b"{", "application/json"),
        (b'{"redirect_uris": ["https://a.example/cb"], "redirect_uris": ["https://b.example/cb"]}', "application/json"),
        (b"{" + b'"a":{' * 100 + b"}" * 101, "application/json"),
        (b"redirect_uris=https://a.example", "application/x-www-form-urlencoded"),
        (json.dumps(BASIC).encode(), "text/plain"),
    ],
)
def test_bodies_that_are_refused(site: harness.Site, body: bytes, kind: str) -> None:
    """Anything but one JSON object with each member once."""
    opened(site)
    answer = site.request("POST", "~/register", body=body, headers={"content-type": kind})
    assert told(answer) == METADATA


def test_a_huge_body(site: harness.Site) -> None:
    """A document of more than 64 KiB is not read."""
    opened(site)
    assert register(site, client_name="x" * 70_000).status == 413


@pytest.mark.parametrize(
    "members",
    [
        {"client_id": "web"},
        {"client_id": "chosen", "client_secret": "chosen-by-the-client-itself-0123456789"},
        {"tenant_id": "other"},
        {"development": True, "consent": "implicit", "require_pkce": False},
        {"registration_digest": "AAAA", "registration_access_token": "mine"},
        {"secrets": [{"digest": "AAAA", "created_at": 0}]},
        {"lifetimes": {"id_token": 86400}, "allowed_origins": ["https://evil.example"]},
        {"sector_identifier": "victim.example", "disabled_at": 0, "created_at": 0},
        {"token_endpoint_auth_methods": ["none"]},
    ],
    ids=named,
)
def test_nothing_else_can_be_set(site: harness.Site, members: dict[str, Any]) -> None:
    """CWE-915: members that are no metadata, the record's own names among them, change nothing."""
    opened(site)
    made = registered(site, **members)
    record, plain = site.client(made["client_id"]), site.client(registered(site)["client_id"])
    own = ("client_id", "client_name", "secrets", "registration_digest")
    for name in set(record.__struct_fields__) - set(own):
        assert getattr(record, name) == getattr(plain, name), name
    assert made["client_id"] not in ("web", "chosen")
    assert made["client_secret"] != members.get("client_secret")
    assert made["registration_access_token"] != "mine"
    assert not record.development
    assert record.consent == "ask"


# --- who may


def test_registration_is_closed(site: harness.Site) -> None:
    """Where the tenant does not let clients register themselves, none does, and discovery names no endpoint."""
    assert told(register(site)) == (404, "not_found")
    assert "registration_endpoint" not in site.get("~/.well-known/openid-configuration").json()
    opened(site)
    listed = site.get("~/.well-known/openid-configuration").json()
    assert listed["registration_endpoint"] == "http://localhost:8080/default/register"
    other = site.get("http://localhost:8083/.well-known/openid-configuration").json()
    assert other["registration_endpoint"] == "http://localhost:8083/oidc/register"


@capability("initial-access-token", witness=WITNESS)
def test_an_initial_access_token_is_needed(site: harness.Site) -> None:
    """RFC 7591 3: without one, with another, with one that has expired or of another tenant: 401."""
    opened(site, "token")
    token = initial(site, uses=2, lifetime=60)
    assert register(site).status == 401
    assert "Bearer" in (register(site).header("www-authenticate") or "")
    for wrong in ("x", token[:-1], token + "x", token.upper(), "ig_iat_" + "A" * 43):
        assert told(register(site, wrong)) == (401, "invalid_token")
    other = site.add_tenant("other", registration="token")
    elsewhere = site.run(registrationtokens.create(site.store, site.clock, other.tenant_id)).secret.reveal()
    assert told(register(site, elsewhere)) == (401, "invalid_token")
    assert register(site, token).status == 201
    site.clock.advance(60)
    assert told(register(site, token)) == (401, "invalid_token")


@capability("initial-access-token", witness=WITNESS)
def test_an_initial_access_token_is_counted(site: harness.Site) -> None:
    """As many clients register as it has uses, at once as well; what is refused costs none."""
    opened(site, "token")
    token = initial(site, uses=3)
    for _ in range(5):
        assert told(register(site, token, response_types=["nonsense"])) == METADATA
    headers = [("authorization", f"Bearer {token}"), ("content-type", "application/json")]
    body = json.dumps(BASIC).encode()

    async def many() -> list[harness.Answer]:
        calls = (site.exchange("POST", f"{site.base}/default/register", headers=headers, body=body) for _ in range(20))
        return await asyncio.gather(*calls)

    assert sorted(answer.status for answer in site.run(many())) == [201] * 3 + [401] * 17


def test_nothing_is_fetched_for_strangers(site: harness.Site) -> None:
    """Who may not register makes this server call nowhere."""
    elsewhere = assertions.Elsewhere()
    site.house.outgoing = elsewhere
    opened(site, "token")
    sector = {"sector_identifier_uri": "https://app.example/sector"}
    assert register(site, "x", **sector).status == 401
    assert register(site, **sector).status == 401
    site.change_tenant(registration="closed")
    assert register(site, **sector).status == 404
    assert elsewhere.asked == []


# --- managing


@capability("registration-management", witness=WITNESS)
def test_a_registration_is_replaced(site: harness.Site) -> None:
    """RFC 7592 2.2: what is sent replaces what was there; what is left out has its default again; at once."""
    opened(site)
    made = registered(site, client_name="Before", policy_uri="https://app.example/policy")
    body = {"client_id": made["client_id"], "redirect_uris": ["https://app.example/new"], "client_name": "After"}
    answer = manage(site, made, "PUT", payload=body | {"client_secret": made["client_secret"]})
    assert answer.status == 200, answer.text
    now = answer.json()
    assert (now["client_name"], now["redirect_uris"]) == ("After", ["https://app.example/new"])
    assert "policy_uri" not in now
    assert "client_secret" not in now
    assert now["client_id_issued_at"] == made["client_id_issued_at"]
    assert manage(site, made).json() == now
    app = harness.App(site, made["client_id"], made["client_secret"])
    gone = app.authorize(harness.Browser(site), redirect_uri=URI)
    assert gone.is_page
    assert gone.error == "invalid_request"


def test_a_client_that_needs_a_secret_from_now_on_gets_one(site: harness.Site) -> None:
    """From public to secret, and from a hashed secret to one that signs: the new one is told once."""
    opened(site)
    made = registered(site, token_endpoint_auth_method="none")
    body = BASIC | {"client_id": made["client_id"]}
    basic = manage(site, made, "PUT", payload=body | {"token_endpoint_auth_method": "client_secret_basic"}).json()
    assert len(basic["client_secret"]) >= 43
    same = manage(site, made, "PUT", payload=body | {"token_endpoint_auth_method": "client_secret_post"}).json()
    assert "client_secret" not in same
    signing = manage(site, made, "PUT", payload=body | {"token_endpoint_auth_method": "client_secret_jwt"}).json()
    assert signing["client_secret"] not in (basic["client_secret"], "")


@pytest.mark.parametrize(
    ("members", "error"),
    [
        ({"client_id": "web"}, "invalid_request"),
        ({"client_id": None}, "invalid_request"),
        ({"client_secret": "another"}, "invalid_client_metadata"),
        ({"client_secret": 7}, "invalid_client_metadata"),
        ({"registration_access_token": "x"}, "invalid_request"),
        ({"registration_client_uri": "x"}, "invalid_request"),
        ({"client_secret_expires_at": 0}, "invalid_request"),
        ({"client_id_issued_at": 0}, "invalid_request"),
        ({"redirect_uris": ["https://app.example/#"]}, "invalid_redirect_uri"),
        ({"scope": "admin"}, "invalid_client_metadata"),
    ],
    ids=named,
)
def test_replacements_that_are_refused(site: harness.Site, members: dict[str, Any], error: str) -> None:
    """RFC 7592 2.2: another client_id or secret, and what is ours to say; nothing is changed."""
    opened(site)
    made = registered(site)
    before = site.client(made["client_id"])
    answer = manage(site, made, "PUT", payload=BASIC | {"client_id": made["client_id"]} | members)
    assert told(answer) == (400, error)
    assert site.client(made["client_id"]) == before


def test_a_replacement_keeps_what_is_no_metadata(site: harness.Site) -> None:
    """What an operator set on the client stays."""
    opened(site)
    made = registered(site)
    site.change_client(made["client_id"], development=True)
    manage(site, made, "PUT", payload=BASIC | {"client_id": made["client_id"], "development": False})
    record = site.client(made["client_id"])
    assert record.development
    assert record.registration_digest


@capability("registration-management", witness=WITNESS)
def test_a_deleted_client_is_gone(site: harness.Site) -> None:
    """RFC 7592 2.3: 204; its tokens, its codes and its secret are worth nothing, at once."""
    opened(site)
    made = registered(
        site, redirect_uris=["http://127.0.0.1:9999/cb"], grant_types=["authorization_code", "refresh_token"]
    )
    app = harness.App(site, made["client_id"], made["client_secret"])
    tokens, code = app.tokens(), app.code()
    assert app.userinfo(tokens["access_token"]).status == 200
    answer = manage(site, made, "DELETE")
    assert (answer.status, answer.body, answer.header("cache-control")) == (204, b"", "no-store")
    assert app.userinfo(tokens["access_token"]).status == 401
    assert harness.App(site).introspect(tokens["access_token"]) == {"active": False}
    assert told(app.redeem(code)) == (401, "invalid_client")
    assert told(app.refresh(tokens["refresh_token"])) == (401, "invalid_client")
    assert app.authorize(harness.Browser(site)).is_page
    assert told(manage(site, made)) == (401, "invalid_token")
    assert told(manage(site, made, "DELETE")) == (401, "invalid_token")


@capability("registration-management", witness=WITNESS)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_another_token_is_refused(site: harness.Site, method: str) -> None:
    """RFC 7592 2.1: a wrong token, a changed one, another client's, an initial one: 401, and nothing happens."""
    opened(site)
    made, other = registered(site), registered(site)
    token = made["registration_access_token"]
    payload = {"payload": BASIC | {"client_id": made["client_id"], "client_name": "Taken"}} if method == "PUT" else {}
    wrong = [token[:-1], token + "x", token.swapcase(), other["registration_access_token"], initial(site), "x" * 50]
    for guess in [*wrong, *(f"ig_rat_{number:043}" for number in range(50))]:
        answer = manage(site, made, method, token=guess, **payload)
        assert told(answer) == (401, "invalid_token")
        assert "Bearer" in (answer.header("www-authenticate") or "")
    none = manage(site, made, method, token="", **payload)
    assert none.status == 401
    assert manage(site, made).status == 200


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_clients_of_operators_are_not_managed_so(site: harness.Site, method: str) -> None:
    """A client that an operator made has no such token: none opens it, the empty one neither."""
    opened(site)
    where = {"registration_client_uri": "http://localhost:8080/default/register/web"}
    for token in ("web-secret", registered(site)["registration_access_token"], "\0", "A" * 43):
        answer = manage(site, where, method, token=token)
        assert told(answer) == (401, "invalid_token")
    assert site.client("web").client_name == "Example web app"


def test_a_registration_is_its_tenants(site: harness.Site) -> None:
    """The same address at another tenant opens nothing."""
    opened(site)
    made = registered(site)
    site.add_tenant("other", registration="open")
    elsewhere = made | {"registration_client_uri": made["registration_client_uri"].replace("/default/", "/other/")}
    assert told(manage(site, elsewhere)) == (401, "invalid_token")


def test_a_disabled_client_manages_nothing(site: harness.Site) -> None:
    """Whom an operator has switched off cannot switch itself on."""
    opened(site)
    made = registered(site)
    site.change_client(made["client_id"], disabled_at=NOW)
    assert told(manage(site, made)) == (401, "invalid_token")


def test_tokens_and_secrets_are_kept_as_hashes(site: harness.Site) -> None:
    """What is stored of a registration holds neither its token nor its secret."""
    opened(site)
    made = registered(site)
    stored = msgspec.json.encode(site.client(made["client_id"]))
    assert made["client_secret"].encode() not in stored
    assert made["registration_access_token"].encode() not in stored


def test_other_methods(site: harness.Site) -> None:
    """The endpoints answer their methods, and name them."""
    opened(site)
    made = registered(site)
    assert site.get("~/register").status == 405
    patched = manage(site, made, "PATCH")
    assert patched.status == 405
    assert "PUT" in (patched.header("allow") or "")


# --- what has to be fetched


@capability("sector-identifier", witness=WITNESS)
def test_a_sector_knows_its_redirect_uris(site: harness.Site) -> None:
    """OpenID Connect Core 8.1: redirect URIs of several hosts share the subjects of one sector."""
    opened(site)
    uris = ["https://a.example/cb", "https://b.example/cb"]
    elsewhere = assertions.Elsewhere(sector=[*uris, "https://c.example/cb"])
    site.house.outgoing = elsewhere
    uri = "https://sector.example/sector"
    made = registered(site, redirect_uris=uris, subject_type="pairwise", sector_identifier_uri=uri)
    assert made["sector_identifier_uri"] == uri
    assert site.client(made["client_id"]).sector_identifier == "sector.example"
    assert elsewhere.asked == [uri]


def test_the_sector_of_one_host(site: harness.Site) -> None:
    """OpenID Connect Core 8.1: without the document it is the host of the redirect URIs."""
    opened(site)
    made = registered(site, subject_type="pairwise", redirect_uris=[URI, "https://app.example/2"])
    assert site.client(made["client_id"]).sector_identifier == "app.example"


@capability("sector-identifier", witness=WITNESS)
@pytest.mark.parametrize(
    "document",
    [
        [],
        ["https://app.example/other"],
        [URI + "/"],
        [URI, 7],
        {"redirect_uris": [URI]},
        URI,
        b"not json",
        b'["https://app.example/cb"',
        [URI, "x" * 70_000],
        None,
    ],
    ids=["empty", "another", "a slash more", "a number", "object", "text", "no JSON", "cut", "huge", "silent"],
)
def test_a_sector_that_is_refused(site: harness.Site, document: Any) -> None:
    """Registration 5, NOP 9.11.4: a JSON array of strings that holds every redirect URI, in that direction."""
    opened(site)
    site.house.outgoing = assertions.Elsewhere(sector=document)
    before = count(site)
    answer = register(site, sector_identifier_uri="https://sector.example/sector")
    assert told(answer) == METADATA
    assert count(site) == before


def test_keys_at_an_address_are_looked_at_where_something_is_encrypted(site: harness.Site) -> None:
    """A key that content can be encrypted to has to be there when the client is saved."""
    opened(site)
    elsewhere = assertions.Elsewhere(good=ENCRYPTING, bad={"keys": [KEYS["keys"][0] | {"use": "sig"}]})
    site.house.outgoing = elsewhere
    wanted = {"id_token_encrypted_response_alg": "RSA-OAEP"}
    assert told(register(site, jwks_uri="https://app.example/bad", **wanted)) == METADATA
    assert told(register(site, jwks_uri="https://app.example/silent", **wanted)) == METADATA
    made = registered(site, jwks_uri="https://app.example/good", **wanted)
    assert made["id_token_encrypted_response_enc"] == "A128CBC-HS256"
    assert len(elsewhere.asked) == 3
    registered(site, jwks_uri="https://app.example/unasked")
    assert len(elsewhere.asked) == 3


# --- what people see

SHOWN = {
    "redirect_uris": ["http://127.0.0.1:9999/cb"],
    "client_name": "Shown",
    "logo_uri": "https://pictures.example/logo.png",
    "client_uri": "https://app.example/",
    "policy_uri": "https://app.example/policy",
    "tos_uri": "https://app.example/terms",
}


@capability("registration-pages", witness="the pages' markup and policy")
@pytest.mark.parametrize("step", ["login", "consent"])
def test_logo_policy_and_terms_are_shown(site: harness.Site, step: str) -> None:
    """OpenID Connect Registration 2: on both pages; the browser asks no other host for the picture."""
    opened(site)
    made = registered(site, **SHOWN)
    app, browser = harness.App(site, made["client_id"], made["client_secret"]), harness.Browser(site)
    page = browser.follow(app.authorize(browser))
    if step == "consent":
        page = browser.sign_in(page)
    images = [one.attributes.get("src", "") for one in markup.tagged(markup.read(page.body), "img")]
    assert [one for one in images if "logo" in one and made["client_id"] in one]
    assert not [one for one in images if "pictures.example" in one]
    links = {one.attributes.get("href") for one in markup.tagged(markup.read(page.body), "a")}
    assert {SHOWN["client_uri"], SHOWN["policy_uri"], SHOWN["tos_uri"]} <= links
    assert "img-src 'self' data:;" in (page.header("content-security-policy") or "")


# --- attacks

INWARD = [
    "https://127.0.0.1/x",
    "https://localhost/x",
    "https://[::1]/x",
    "https://169.254.169.254/latest/meta-data",
    "https://[::ffff:169.254.169.254]/latest",
    "https://[64:ff9b::a9fe:a9fe]/latest",
    "https://10.0.0.1/x",
    "https://192.168.0.1:8443/x",
    "https://100.64.0.1/x",
    "https://[fd00::1]/x",
    "https://0.0.0.0/x",
    "http://127.0.0.1:8080/x",
]


@pytest.mark.parametrize("field", ["sector_identifier_uri", "jwks_uri"])
def test_ssrf_tells_nothing(site: harness.Site, field: str) -> None:
    """CVE-2026-55671, CVE-2020-10770: an address inside is not called, and looks like one that does not answer."""
    opened(site)
    site.house.outgoing = compose.Outward(Outgoing(time_limit_seconds=2))
    wanted = {} if field == "sector_identifier_uri" else {"id_token_encrypted_response_alg": "RSA-OAEP"}
    texts = set()
    for uri in [*INWARD, "https://nobody.invalid/x"]:
        answer = register(site, **wanted, **{field: uri})
        assert told(answer) == METADATA, uri
        texts.add(answer.json()["error_description"])
    assert texts == {f"What {field} leads to cannot be used. Expected: an answer."}


@pytest.mark.parametrize("uri", INWARD)
def test_keys_are_not_fetched_from_inside(site: harness.Site, uri: str) -> None:
    """The address of keys that are needed later is judged when they are fetched: the client does not get in."""
    site.house.outgoing = compose.Outward(Outgoing(time_limit_seconds=2))
    assertions.pair_client(site, jwks="", jwks_uri=uri)
    assert told(assertions.ask(site, assertions.signed())) == (401, "invalid_client")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(metadata=st.dictionaries(st.sampled_from(sorted(EVERYTHING)), VALUES, max_size=4))
def test_any_metadata_is_kept_or_refused(site: harness.Site, metadata: dict[str, Any]) -> None:
    """Whatever JSON comes as metadata, it is registered or refused as metadata, and never fails here."""
    if site.house.clock.now() == NOW:
        opened(site)
    answer = site.post("~/register", payload=BASIC | metadata)
    assert told(answer) in ((201, ""), METADATA, REDIRECT), answer.text
    if answer.status == 201:
        made = answer.json()
        again = manage(site, made)
        assert again.status == 200
        assert again.json() == {name: value for name, value in made.items() if not name.startswith("client_secret")}
