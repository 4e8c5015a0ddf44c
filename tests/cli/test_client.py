"""`intaglio client`: every field, changes, several secrets, and tokens for registration."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from intaglio.cli.faults import Exit
from intaglio.tokens import certificates, pem
from intaglio.tokens import jwk as keys
from tests.capability import capability
from tests.cli.conftest import Run

WITNESS = "the process's output"
URI = "https://app.example/cb"
KEY = ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def tenant(database: Run) -> Run:
    """Return `run` with a tenant called acme."""
    assert database("tenant", "create", "acme").code == Exit.OK
    return database


def _b64(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def jwk(**members: Any) -> dict[str, Any]:
    """Return a public key."""
    numbers = KEY.public_key().public_numbers()
    found = {"kty": "EC", "crv": "P-256", "x": _b64(numbers.x.to_bytes(32)), "y": _b64(numbers.y.to_bytes(32))}
    return found | members


JWKS = json.dumps({"keys": [jwk(kid="s"), jwk(kid="e", use="enc")]})
CERTIFICATE = pem.certificate_to_pem(
    certificates.self_signed(keys.generate("RS256"), common_name="app", not_before=0, lifetime=10**9)
)


def create(tenant: Run, *words: str, stdin: str = "") -> dict[str, Any]:
    """Create a client and return what was written."""
    ran = tenant("client", "create", "App", "--tenant", "acme", *words, "-o", "json", stdin=stdin)
    assert ran.code == Exit.OK, ran.err
    return dict(json.loads(ran.out))


def update(tenant: Run, client_id: str, *words: str, stdin: str = "") -> dict[str, Any]:
    """Change a client and return what was written."""
    ran = tenant("client", "update", client_id, "--tenant", "acme", *words, "-o", "json", stdin=stdin)
    assert ran.code == Exit.OK, ran.err
    return dict(json.loads(ran.out))


EVERYTHING = {
    "--redirect-uri": URI,
    "--post-logout-redirect-uri": "https://app.example/bye",
    "--auth-method": "private_key_jwt",
    "--auth-signing-alg": "ES256",
    "--response-type": "code",
    "--response-mode": "form_post",
    "--scope": "openid email",
    "--alg": "ES256",
    "--consent": "implicit",
    "--refresh-policy": "keep",
    "--origin": "https://app.example",
    "--client-uri": "https://app.example/",
    "--logo-uri": "https://app.example/logo.png",
    "--policy-uri": "https://app.example/policy",
    "--tos-uri": "https://app.example/terms",
    "--contact": "ops@app.example",
    "--jwks-file": "-",
    "--id-token-encryption-alg": "ECDH-ES",
    "--id-token-encryption-enc": "A256GCM",
    "--encrypt-id-token": "always",
    "--userinfo-alg": "RS256",
    "--userinfo-encryption-alg": "ECDH-ES+A128KW",
    "--userinfo-encryption-enc": "A128GCM",
    "--request-object-alg": "ES256",
    "--request-object-encryption-alg": "ECDH-ES",
    "--request-object-encryption-enc": "A192GCM",
    "--request-uri": "https://app.example/request.jwt",
    "--subject-type": "pairwise",
    "--default-max-age": "600",
    "--acr-value": "1",
    "--initiate-login-uri": "https://app.example/login",
    "--backchannel-logout-uri": "https://app.example/back",
    "--frontchannel-logout-uri": "https://app.example/front",
    "--id-token-lifetime": "600",
}


@capability("cli-client-update", witness=WITNESS)
def test_every_field_is_kept_and_shown(tenant: Run) -> None:
    """Each option of `create` is a field of the client, and `show` shows it."""
    words = [word for pair in EVERYTHING.items() for word in pair] + ["--require-auth-time", "--backchannel-session"]
    made = create(tenant, *words, stdin=JWKS)
    shown = json.loads(tenant("client", "show", made["client_id"], "--tenant", "acme", "-o", "json").out)
    assert {name: shown[name] for name in made} == made
    assert "client_secret" not in made
    assert made["sector_identifier"] == "app.example"
    assert made["jwks"] == json.loads(JWKS)
    assert made["response_modes"] == ["form_post"]
    assert made["encrypt_id_token"] == "always"
    assert made["require_auth_time"] is True
    assert made["backchannel_logout_session_required"] is True
    assert made["frontchannel_logout_session_required"] is False
    assert made["lifetimes"]["id_token"] == 600
    given = {value for option, value in EVERYTHING.items() if option not in ("--jwks-file", "--scope")}
    assert not [value for value in given if f'"{value}"' not in json.dumps(made) and value != "600"]


def test_grant_types_follow_response_types(tenant: Run) -> None:
    """Where no grant type is given, those that the response types need."""
    made = create(tenant, "--redirect-uri", URI, "--response-type", "code id_token", "--response-type", "code")
    assert made["grant_types"] == ["authorization_code", "implicit"]
    assert made["response_types"] == ["code id_token", "code"]


@capability("cli-client-update", witness=WITNESS)
def test_a_client_is_changed(tenant: Run) -> None:
    """What is given takes the place of what was there, the rest stays; an empty text takes away."""
    made = create(tenant, "--redirect-uri", URI, "--contact", "ops@app.example", "--id-token-lifetime", "600")
    client_id = made["client_id"]
    changed = update(tenant, client_id, "--name", "Renamed", "--redirect-uri", "https://app.example/new")
    assert changed["client_name"] == "Renamed"
    assert changed["redirect_uris"] == ["https://app.example/new"]
    assert changed["contacts"] == ["ops@app.example"]
    assert changed["created_at"] == made["created_at"]
    assert changed["secrets"] == made["secrets"]
    assert "client_secret" not in changed
    again = update(tenant, client_id, "--contact", "", "--access-token-lifetime", "900", "--native")
    assert again["contacts"] == []
    assert again["application_type"] == "native"
    assert (again["lifetimes"]["id_token"], again["lifetimes"]["access_token"]) == (600, 900)
    hybrid = update(
        tenant, client_id, "--grant-type", "authorization_code", "--grant-type", "implicit", "--web",
        "--response-type", "code id_token",
    )  # fmt: skip
    assert hybrid["response_types"] == ["code id_token"]
    keyed = update(tenant, client_id, "--auth-method", "private_key_jwt", "--jwks-file", "-", stdin=JWKS)
    assert keyed["jwks"] == json.loads(JWKS)
    certified = update(tenant, client_id, "--jwks-file", "-", stdin=f"Bag Attributes\n{CERTIFICATE}")
    (key,) = certified["jwks"]["keys"]
    assert (key["kid"], key["kty"], len(key["x5c"])) == (key["x5t"], "RSA", 1)
    emptied = tenant("client", "update", client_id, "--tenant", "acme", "--jwks-file", "", "-o", "json")
    assert emptied.code == Exit.USAGE
    assert "keys-missing" in emptied.err


@capability("cli-client-update", witness=WITNESS)
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--response-type", "id_token"], "response-types-invalid"),
        (["--auth-method", "private_key_jwt"], "keys-missing"),
        (["--jwks-uri", "http://app.example/jwks"], "uri-invalid"),
        (["--id-token-encryption-alg", "RSA-OAEP"], "keys-missing"),
        (["--encrypt-id-token", "always"], "keys-missing"),
        (["--redirect-uri", "https://app.example/#x"], "redirect-uri-invalid"),
        (["--sector-identifier-uri", "https://127.0.0.1/sector"], "address-silent"),
        (
            ["--subject-type", "pairwise", "--redirect-uri", URI, "--redirect-uri", "https://b.example/"],
            "sector-missing",
        ),
    ],
    ids=str,
)
def test_a_change_that_is_refused_changes_nothing(tenant: Run, words: list[str], code: str) -> None:
    """The rules of a new client are those of a changed one."""
    made = create(tenant, "--redirect-uri", URI)
    before = tenant("client", "show", made["client_id"], "--tenant", "acme", "-o", "json").out
    ran = tenant("client", "update", made["client_id"], "--tenant", "acme", *words)
    assert ran.code == Exit.USAGE
    assert f"({code})" in ran.err
    assert tenant("client", "show", made["client_id"], "--tenant", "acme", "-o", "json").out == before


def test_an_unknown_client_is_not_found(tenant: Run) -> None:
    """Nothing is made by an update."""
    assert tenant("client", "update", "nobody", "--tenant", "acme", "--name", "x").code == Exit.NOT_FOUND
    assert tenant("client", "secret", "add", "nobody", "--tenant", "acme").code == Exit.NOT_FOUND


@capability("secrets-several", witness=WITNESS)
@capability("cli-client-update", witness=WITNESS)
def test_secrets_are_exchanged_without_a_gap(tenant: Run) -> None:
    """One more beside the first, told once; listed without being shown; removed by its name."""
    made = create(tenant, "--redirect-uri", URI, "--auth-method", "client_secret_jwt")
    client_id, of = made["client_id"], ("--tenant", "acme")
    added = json.loads(tenant("client", "secret", "add", client_id, *of, "--days", "7", "-o", "json").out)
    assert len(added["client_secret"]) >= 43
    assert added["expires_at"] - added["created_at"] == 7 * 86_400
    ran = tenant("client", "secret", "list", client_id, *of, "-o", "json")
    listed = json.loads(ran.out)
    assert [one["signs"] for one in listed] == [True, True]
    assert added["client_secret"] not in ran.out + ran.err
    assert made["client_secret"] not in ran.out + ran.err
    removed = tenant("client", "secret", "remove", client_id, listed[0]["secret_id"], *of, "-o", "json")
    assert [one["secret_id"] for one in json.loads(removed.out)] == [added["secret_id"]]
    again = tenant("client", "secret", "remove", client_id, listed[0]["secret_id"], *of)
    assert again.code == Exit.NOT_FOUND
    for number in range(9):
        assert tenant("client", "secret", "add", client_id, *of).code == Exit.OK, number
    assert "(too-many)" in tenant("client", "secret", "add", client_id, *of).err


@pytest.mark.parametrize("kind", ["short", "public key"])
def test_a_secret_that_cannot_sign_is_refused(tenant: Run, kind: str) -> None:
    """RFC 7518 3.2, RFC 8725 2.1: too short for HS256, or a public key; and it is not told."""
    der = KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    secret = "only-twenty-letters-" if kind == "short" else base64.b64encode(der).decode()
    words = ("--redirect-uri", URI, "--auth-method", "client_secret_jwt", "--secret-file", "-")
    ran = tenant("client", "create", "App", "--tenant", "acme", *words, stdin=secret)
    assert ran.code == Exit.USAGE
    assert "(secret-invalid)" in ran.err
    assert secret not in ran.out + ran.err


def test_a_client_without_use_for_a_secret_gets_none(tenant: Run) -> None:
    """A key pair alone, and a public client."""
    keyed = create(tenant, "--redirect-uri", URI, "--auth-method", "private_key_jwt", "--jwks-file", "-", stdin=JWKS)
    assert keyed["secrets"] == []
    ran = tenant("client", "secret", "add", keyed["client_id"], "--tenant", "acme")
    assert "(secret-unused)" in ran.err


@capability("initial-access-token", witness=WITNESS)
@capability("cli-client-update", witness=WITNESS)
def test_registration_tokens_are_made_listed_and_removed(tenant: Run) -> None:
    """Told once, listed with what is left of them, removed by name; closed registration is pointed out."""
    of = ("--tenant", "acme")
    ran = tenant("client", "registration-token", "create", *of, "--name", "Partner", "--uses", "5", "-o", "json")
    made = json.loads(ran.out)
    assert made["initial_access_token"].startswith("ig_iat_")
    assert made["expires_at"] - made["created_at"] == 86_400
    assert "intaglio tenant update acme --registration token" in ran.err
    listed = tenant("client", "registration-token", "list", *of, "-o", "json")
    assert made["initial_access_token"] not in listed.out
    [one] = json.loads(listed.out)
    assert (one["token_id"], one["name"], one["uses_left"]) == (made["token_id"], "Partner", 5)
    assert tenant("client", "registration-token", "remove", made["token_id"], *of).code == Exit.OK
    assert tenant("client", "registration-token", "remove", made["token_id"], *of).code == Exit.NOT_FOUND
    assert json.loads(tenant("client", "registration-token", "list", *of, "-o", "json").out) == []


@pytest.mark.parametrize("words", [["--uses", "0"], ["--uses", "9999999"], ["--hours", "0"], ["--hours", "99999"]])
def test_a_registration_token_that_is_refused(tenant: Run, words: list[str]) -> None:
    """No use, no end."""
    assert tenant("client", "registration-token", "create", "--tenant", "acme", *words).code == Exit.USAGE
