"""A client certificate as a credential: the chain, the proof that its key signed, and what is believed of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from intaglio.protocol.principals import Origin
from tests import authorities, foreign, harness
from tests.authorities import OTHER_ROOT, ROOT
from tests.capability import capability
from tests.foreign import log, opened, told

NOW = harness.NOW
UNTRUSTED = (400, "invalid_grant", "Unable to verify the client certificate.")


def plant(site: harness.Site, **changes: Any) -> None:
    """Put a provider of client certificates into a site."""
    usual = {
        "issuer": "",
        "jwks": "",
        "trust_anchors": ROOT.pem,
        "attribute_mapping": {"google.subject": "assertion.subject.dn.cn"},
    }
    foreign.plant(site, **(usual | changes))


@capability("federated-certificate", witness="PyJWT and pyca/cryptography")
def test_a_certificate(site: harness.Site) -> None:
    """Who holds the key of a certificate under the anchors gets in as what it says; good for an hour."""
    plant(
        site,
        attribute_mapping={
            "google.subject": "assertion.subject.dn.cn",
            "attribute.o": "assertion.subject.dn.o",
            "attribute.uri": "assertion.san.uri[0]",
            "attribute.dns": "assertion.san.dns[0]",
            "attribute.serial": "assertion.serialNumberHex",
            "attribute.print": "assertion.sha256Fingerprint",
            "attribute.ca": "assertion.issuer.dn.cn",
        },
        attribute_condition="assertion.subject.dn.o == 'Acme'",
    )
    names = [(NameOID.ORGANIZATION_NAME, "Acme"), (NameOID.COMMON_NAME, "cart")]
    alternatives = [x509.DNSName("cart.acme.example"), x509.UniformResourceIdentifier("spiffe://acme/cart")]
    holder = authorities.make(names, ROOT, alternatives=alternatives)
    answer = foreign.exchange(site, holder.proof())
    found = opened(site, answer)
    assert answer.json()["expires_in"] == 3600
    assert found.principal.id == "cart"
    assert found.principal.attributes == {
        "o": "Acme",
        "uri": "spiffe://acme/cart",
        "dns": "cart.acme.example",
        "serial": "1234",
        "print": holder.certificate.fingerprint(hashes.SHA256()).hex(),
        "ca": "Acme root",
    }
    assert found.origin == Origin("CN=Acme root", "CN=cart,O=Acme", "proof-1")


def test_an_intermediate_travels_along(site: harness.Site) -> None:
    """The chain in x5c leads to the anchor; without the intermediate it does not."""
    plant(site)
    between = authorities.make(authorities.cn("between"), ROOT, ca=True, path=0)
    leaf = authorities.make(authorities.cn("cart"), between)
    assert len(leaf.x5c) == 2
    assert foreign.exchange(site, leaf.proof()).status == 200
    assert told(foreign.exchange(site, leaf.proof({"x5c": leaf.x5c[:1]}, jti="2"))) == UNTRUSTED


def test_it_ends_with_the_certificate(site: harness.Site) -> None:
    """Never later than that."""
    plant(site)
    leaf = authorities.make(authorities.cn("cart"), ROOT, ends_at=NOW + 500)
    assert foreign.exchange(site, leaf.proof()).json()["expires_in"] == 500


def test_a_proof_is_used_once(site: harness.Site) -> None:
    """Whoever picks one up comes too late."""
    plant(site)
    proof = authorities.make(authorities.cn("cart"), ROOT).proof()
    assert foreign.exchange(site, proof).status == 200
    assert told(foreign.exchange(site, proof)) == UNTRUSTED
    assert len(log(site)) == 1


def _leaves() -> dict[str, str]:
    other = authorities.make(authorities.cn("cart"), ROOT)
    between = authorities.make(authorities.cn("between"), ROOT, ca=True, path=0)
    below = authorities.make(authorities.cn("below"), between, ca=True)
    leaf = authorities.make(authorities.cn("cart"), ROOT)
    forged = authorities.make(authorities.cn("cart"), OTHER_ROOT)
    return {
        "another root of the same name": forged.proof(),
        "its root brought along": forged.proof({"x5c": [*forged.x5c, *OTHER_ROOT.x5c]}),
        "a leaf that signs leaves": authorities.make(authorities.cn("evil"), leaf).proof(),
        "a path too long": authorities.make(authorities.cn("cart"), below).proof(),
        "expired": authorities.make(authorities.cn("cart"), ROOT, ends_at=NOW - 1).proof(),
        "not yet": authorities.make(authorities.cn("cart"), ROOT, begins_at=NOW + 1).proof(),
        "a server's": authorities.make(authorities.cn("cart"), ROOT, usage=authorities.SERVER).proof(),
        "another key": leaf.proof(key=other.key),
        "another leaf first": leaf.proof({"x5c": [*other.x5c, *leaf.x5c]}),
        "no x5c": leaf.proof({"x5c": None}),
        "an empty x5c": leaf.proof({"x5c": []}),
        "a text as x5c": leaf.proof({"x5c": leaf.x5c[0]}),
        "base64url": leaf.proof({"x5c": [leaf.x5c[0].replace("+", "-").replace("/", "_").rstrip("=") + "-"]}),
        "too many": leaf.proof({"x5c": leaf.x5c * 6}),
        "an access token": leaf.proof({"typ": "at+jwt"}),
        "no jti": leaf.proof(jti=None),
        "an empty jti": leaf.proof(jti=""),
        "a jti of a line": leaf.proof(jti="a\nb"),
    }


@pytest.mark.parametrize("name", list(_leaves()))
def test_who_does_not_get_in(site: harness.Site, name: str) -> None:
    """One face for all of them."""
    plant(site)
    assert told(foreign.exchange(site, _leaves()[name])) == UNTRUSTED


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://other.example"},
        {"aud": [foreign.NAME, "https://other.example"]},
        {"exp": NOW + 301},
        {"exp": NOW - 61, "iat": NOW - 120},
        {"exp": None},
        {"iat": None},
        {"iat": NOW + 61, "exp": NOW + 120},
        {"nbf": NOW + 61},
    ],
)
def test_a_proof_is_for_here_and_now(site: harness.Site, changes: dict[str, Any]) -> None:
    """One audience, five minutes at most."""
    plant(site)
    leaf = authorities.make(authorities.cn("cart"), ROOT)
    assert foreign.exchange(site, leaf.proof(**changes)).json()["error"] == "invalid_grant"


def test_a_certificate_is_no_key_of_an_issuer(site: harness.Site) -> None:
    """Elsewhere a certificate in the header counts for nothing (RFC 8725 section 3.1)."""
    foreign.plant(site)
    leaf = authorities.make(authorities.cn("cart"), ROOT)
    token = foreign.token(key=leaf.key, headers={"x5c": leaf.x5c})
    assert foreign.exchange(site, token).json()["error_description"] == "Unable to verify the ID Token signature."


def test_a_name_that_stands_twice_is_no_name(site: harness.Site) -> None:
    """Of two common names nobody knows which is meant; the mapping fails."""
    plant(site)
    leaf = authorities.make([*authorities.cn("cart"), *authorities.cn("admin")], ROOT)
    assert foreign.exchange(site, leaf.proof()).json()["error"] == "invalid_request"


def test_json_of_the_answer_holds_nothing_of_the_certificate(site: harness.Site) -> None:
    """Neither when it is refused."""
    plant(site)
    leaf = authorities.make(authorities.cn("very-secret-name"), OTHER_ROOT)
    assert "very-secret-name" not in json.dumps(foreign.exchange(site, leaf.proof()).json())
