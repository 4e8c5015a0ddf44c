"""`intaglio connection` and `intaglio identity`: what is kept, what is refused, and what is never shown."""

from __future__ import annotations

import asyncio
import json
import pathlib
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from intaglio import codec
from intaglio.clock import SystemClock
from intaglio.server import compose
from intaglio.server.model import identities
from intaglio.server.model.identities import Identity
from intaglio.tokens import encryptionkeys
from tests.capability import capability
from tests.cli.conftest import Run

OP = "https://op.example"
NEEDED = ("--issuer", OP, "--client-id", "us")


@pytest.fixture
def acme(database: Run) -> Run:
    """Run commands on a database with the tenant `acme`."""
    assert database("tenant", "create", "acme").code == 0
    return database


def _json(ran: Any) -> Any:
    assert ran.code == 0, ran.err
    return json.loads(ran.out)


def _create(acme: Run, name: str = "op", *options: str, stdin: str = "") -> Any:
    return acme("connection", "create", name, "--tenant", "acme", *NEEDED, *options, stdin=stdin)


@capability("cli-connection", witness="exit code and JSON on stdout")
def test_a_connection_is_made_shown_changed_and_deleted(acme: Run) -> None:
    """Every field goes in and comes out, but for the secret and the keys."""
    options = (
        "--client-secret-file",
        "-",
        "--display-name",
        "Op & Co",
        "--scope",
        "openid email",
        "--dialect",
        "google",
    )
    more = (
        "--map",
        "email=claims.mail",
        "--domain",
        "Op.Example.",
        "--parameter",
        "prompt=select_account",
        "--log-out",
    )
    made = _json(_create(acme, "op", *options, *more, "--link-by-email", "--no-create-users", stdin="canary-secret\n"))
    assert made["callback_path"] == "/_intaglio/upstream/callback/acme/op"
    assert made["has_secret"] is True
    assert made["has_keys"] is False
    assert (made["domains"], made["scope"], made["rules"]) == (["op.example"], ["openid", "email"], "google")
    assert made["connection_id"].startswith("con_")
    shown = acme("connection", "show", "op", "--tenant", "acme")
    assert _json(shown) == made
    assert "canary" not in shown.out + shown.err
    assert "link_by_email" in shown.err
    changed = _json(acme("connection", "update", "op", "--tenant", "acme", "--disable", "--create-users"))
    assert changed["disabled_at"]
    assert changed["creates_users"] is True
    assert changed["mapping"] == {"email": "claims.mail"}
    back = _json(
        acme("connection", "update", "op", "--tenant", "acme", "--enable", "--client-secret-file", "/dev/null")
    )
    assert back["disabled_at"] is None
    assert back["has_secret"] is False
    listed = acme("connection", "list", "--tenant", "acme", "-o", "value")
    assert listed.out.split() == ["op"]
    assert acme("connection", "delete", "op", "--tenant", "acme", "--yes").code == 0
    assert "connection-unknown" in acme("connection", "show", "op", "--tenant", "acme").err
    log = acme("audit", "list", "--tenant", "acme")
    assert "connection.create" in log.out
    assert '"link_by_email": "true"' in log.out
    assert "connection.delete" in log.out
    assert "canary" not in log.out


REFUSED: dict[str, tuple[tuple[str, ...], str]] = {
    "an issuer in the clear": (("--issuer", "http://op.example"), "uri-invalid"),
    "an issuer with a query": (("--issuer", "https://op.example/?a=b"), "uri-invalid"),
    "an issuer that is a script": (("--issuer", "javascript:alert(1)"), "uri-invalid"),
    "an issuer with a name in it": (("--issuer", "https://user@op.example"), "uri-invalid"),
    "no openid": (("--scope", "email"), "scope-invalid"),
    "a claim of the issuer": (("--map", "sub=claims.sub"), "claim-invalid"),
    "an expression that is none": (("--map", "email=claims."), "expression-invalid"),
    "an expression over something else": (("--map", "email=user.email"), "expression-invalid"),
    "a domain that is none": (("--domain", "localhost"), "host-invalid"),
    "a domain with a path": (("--domain", "op.example/x"), "host-invalid"),
    "a client that is not there": (("--for-client", "nobody"), "client-unknown"),
    "a parameter of the sign-in": (("--parameter", "state=x"), "parameter-invalid"),
    "another redirect": (("--parameter", "redirect_uri=https://evil.example"), "parameter-invalid"),
    "a name with a control character": (("--display-name", "Op\u202eexe"), "name-invalid"),
    "keys that are none": (("--decryption-keys-file", "-"), "keys-invalid"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_no_connection_can_be(acme: Run, case: str) -> None:
    """Each field is checked when the connection is made; nothing is kept."""
    options, code = REFUSED[case]
    ran = _create(acme, "op", *options, stdin='{"keys": [{"kty": "oct", "k": "canary"}]}')
    assert ran.code != 0
    assert code in ran.err
    assert "canary" not in ran.err
    assert _json(acme("connection", "list", "--tenant", "acme")) == []


@pytest.mark.parametrize("name", ["Op", "op/x", "../op", "", "op x", "ö", "x" * 61])
def test_a_name_is_a_plain_word(acme: Run, name: str) -> None:
    """It stands in addresses and on pages."""
    assert "connection-name-invalid" in _create(acme, name).err


def test_names_and_domains_are_taken_once(acme: Run) -> None:
    """A domain leads to one provider, and an issuer is never exchanged under the people who came from it."""
    assert _create(acme, "one", "--domain", "op.example").code == 0
    assert "connection-exists" in _create(acme, "one").err
    assert "domain-taken" in _create(acme, "two", "--domain", "op.example").err
    assert _create(acme, "two").code == 0
    assert "domain-taken" in acme("connection", "update", "two", "--tenant", "acme", "--domain", "op.example").err
    other = ("connection", "update", "two", "--tenant", "acme", "--issuer", "https://evil.example")
    assert "issuer-fixed" in acme(*other).err
    assert "connection-incomplete" in acme("connection", "create", "three", "--tenant", "acme", "--issuer", OP).err


def test_an_issuer_of_several_tenants_is_taken(acme: Run) -> None:
    """With the placeholder of the rules that know one."""
    several = ("--dialect", "microsoft", "--issuer", "https://login.microsoftonline.com/{tenantid}/v2.0")
    assert _json(_create(acme, "ms", *several))["rules"] == "microsoft"
    common = ("--dialect", "microsoft", "--issuer", "https://login.microsoftonline.com/common/v2.0")
    assert "issuer-unusable" in _create(acme, "ms2", *common).err


def test_no_call_leads_to_a_private_place(acme: Run) -> None:
    """`test` calls where a sign-in would, and no further than the settings let it."""
    assert _create(acme, "inside", "--issuer", "https://127.0.0.1:9").code == 0
    ran = acme("connection", "test", "inside", "--tenant", "acme")
    assert ran.code != 0
    assert "destination-refused" in ran.err


@capability("cli-identity", witness="exit code and JSON on stdout")
def test_who_somebody_is_elsewhere_is_listed_and_forgotten(acme: Run, tmp_path: pathlib.Path) -> None:
    """An identity is named by issuer and subject; it is another user's to nobody."""
    assert _create(acme).code == 0
    for name in ("una", "bob"):
        assert acme("user", "create", name, "--no-password", "--tenant", "acme").code == 0
    users = {name: _json(acme("user", "show", name, "--tenant", "acme")) for name in ("una", "bob")}
    connection = _json(acme("connection", "show", "op", "--tenant", "acme"))["connection_id"]
    known = Identity(users["una"]["tenant_id"], OP, "s-1", users["una"]["user_id"], connection, 1, 2)

    async def write() -> None:
        store = await compose.open_store(f"sqlite:///{tmp_path}/cli.db", SystemClock(), create=False)
        await store.write(identities.insert, known)
        await store.close()

    asyncio.run(write())
    (listed,) = _json(acme("identity", "list", "una", "--tenant", "acme"))
    assert (listed["issuer"], listed["subject"], listed["connection"]) == (OP, "s-1", "op")
    assert _json(acme("identity", "list", "bob", "--tenant", "acme")) == []
    named = ("--issuer", OP, "--subject", "s-1", "--tenant", "acme")
    assert "identity-unknown" in acme("identity", "unlink", "bob", *named).err
    assert acme("identity", "unlink", "una", *named).code == 0
    assert "identity-unknown" in acme("identity", "unlink", "una", *named).err
    log = acme("audit", "list", "--tenant", "acme")
    assert "identity.unlink" in log.out


def test_keys_are_kept_and_not_shown(acme: Run) -> None:
    """A key set with a private key goes in; it is told that there is one."""
    own = ec.generate_private_key(ec.SECP256R1())
    public = encryptionkeys.public_members(encryptionkeys.DecryptionKey(own).public())
    secret = codec.encode_base64url(own.private_numbers().private_value.to_bytes(32, "big"))
    text = json.dumps({"keys": [public | {"d": secret}]})
    made = _create(acme, "op", "--decryption-keys-file", "-", stdin=text)
    assert _json(made)["has_keys"] is True
    assert secret not in made.out + made.err
