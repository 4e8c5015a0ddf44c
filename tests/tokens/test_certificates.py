"""Keys in DER and PEM, the certificate of a signing key, and the local authority."""

from __future__ import annotations

import ipaddress
import shutil
import subprocess

import pytest
from cryptography import x509
from cryptography.x509 import verification

from intaglio.errors import Misconfigured, Refused
from intaglio.tokens import algorithms, certificates, jwk, pem
from intaglio.tokens.sharedsecret import SharedSecret
from tests.capability import capability

NOW = 1_795_182_000
DAY = 86400


@pytest.mark.parametrize("alg", list(algorithms.ALGORITHMS))
def test_private_key_round_trip(alg):
    """Load what was written at rest, for the same algorithm and no other."""
    key = jwk.generate(alg)
    der = pem.private_to_der(key)
    assert pem.private_from_der(alg, der).public() == key.public()
    with pytest.raises(Refused):
        pem.private_from_der("ES256" if alg != "ES256" else "RS256", der)


@pytest.mark.parametrize("alg", list(algorithms.ALGORITHMS))
def test_certificate_carries_the_key(alg):
    """Put the key, the dates and the serial into the certificate, and get them out again."""
    key = jwk.generate(alg)
    der = certificates.self_signed(key, common_name="a" * 80, not_before=NOW, lifetime=DAY, serial=7)
    certificate = x509.load_der_x509_certificate(der)
    certificate.verify_directly_issued_by(certificate)
    assert int((certificate.not_valid_after_utc - certificate.not_valid_before_utc).total_seconds()) == DAY
    assert certificates.serial(der) == 7
    assert certificates.public_key(der, alg).public == key.private.public_key()
    assert pem.certificate_from_pem(pem.certificate_to_pem(der)) == der
    assert jwk.public_members(pem.public_from_pem(pem.certificate_to_pem(der))) == jwk.public_members(key.public())
    assert jwk.public_members(pem.public_from_pem(pem.public_to_pem(key.public()), alg))


def test_serials_are_random_and_positive():
    """Give each certificate a serial of its own."""
    serials = {certificates.new_serial() for _ in range(100)}
    assert len(serials) == 100
    assert all(0 < serial < 2**159 for serial in serials)


@pytest.mark.parametrize("text", ["", "x", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "é" * 5])
def test_what_is_no_pem_is_refused(text):
    """Refuse other texts with one code."""
    for read in (pem.certificate_from_pem, pem.public_from_pem):
        with pytest.raises(Refused) as caught:
            read(text)
        assert caught.value.code == "malformed-key"
    for der in (b"", b"\x30\x00", text.encode()):
        with pytest.raises(Refused):
            pem.private_from_der("ES256", der)
        with pytest.raises(Refused):
            certificates.serial(der)


def test_thumbprints_are_of_the_whole_certificate():
    """Name a certificate by SHA-1 (27 characters) and SHA-256 (43)."""
    der = certificates.self_signed(jwk.generate("ES256"), common_name="x", not_before=NOW, lifetime=DAY)
    assert len(certificates.thumbprint_sha1(der)) == 27
    assert len(certificates.thumbprint_sha256(der)) == 43


@pytest.fixture(scope="module")
def chain():
    """Return an authority's certificate and a leaf's chain."""
    key, authority = certificates.make_authority(NOW)
    _, leaf = certificates.make_leaf(key, authority, ["localhost", "a.localhost", "127.0.0.1", "::1"], NOW)
    return authority, leaf


@pytest.mark.parametrize(
    "subject",
    [
        x509.DNSName("localhost"),
        x509.DNSName("a.localhost"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        x509.IPAddress(ipaddress.ip_address("::1")),
    ],
    ids=str,
)
def test_leaf_is_believed_for_its_hosts(chain, subject):
    """Make a chain that a strict verifier of the web's rules believes, for names and addresses."""
    from datetime import UTC, datetime

    authority, leaf = chain
    store = verification.Store([x509.load_pem_x509_certificate(authority)])
    at = datetime.fromtimestamp(NOW + 10, UTC)
    verifier = verification.PolicyBuilder().store(store).time(at).build_server_verifier(subject)
    assert len(verifier.verify(x509.load_pem_x509_certificate(leaf), [])) == 2


def test_leaf_lives_at_most_397_days(chain):
    """Stay within what browsers accept."""
    leaf = x509.load_pem_x509_certificate(chain[1])
    assert (leaf.not_valid_after_utc - leaf.not_valid_before_utc).days <= 397


@capability("key-certificate", witness="OpenSSL")
def test_openssl_believes_the_chain_strictly(chain, tmp_path):
    """Make a chain that `openssl verify -x509_strict` believes, and for no other host."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl command here")
    for name, text in zip(("ca.pem", "leaf.pem"), chain, strict=True):
        (tmp_path / name).write_bytes(text)
    command = ["openssl", "verify", "-x509_strict", "-attime", str(NOW + 10), "-purpose", "sslserver"]
    ends = ["-CAfile", tmp_path / "ca.pem", tmp_path / "leaf.pem"]
    good = subprocess.run([*command, "-verify_hostname", "localhost", *ends], check=False, capture_output=True)
    bad = subprocess.run([*command, "-verify_hostname", "example.com", *ends], check=False, capture_output=True)
    assert (good.returncode, bad.returncode != 0) == (0, True), good.stderr


@pytest.mark.parametrize(
    ("host", "believed"),
    [("127.0.0.1", True), ("::1", True), ("bank.example", False), ("192.0.2.1", False)],
)
def test_a_constrained_authority_speaks_for_its_hosts_alone(host, believed, tmp_path):
    """Make an authority whose certificates OpenSSL believes for the hosts it was made for, and for no other."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl command here")
    key, authority = certificates.make_authority(NOW, only=("localhost", "127.0.0.1", "::1"))
    # As the development server's own: OpenSSL also judges a common name where no DNS name stands beside it.
    _, leaf = certificates.make_leaf(key, authority, ["localhost", host], NOW)
    for name, text in (("ca.pem", authority), ("leaf.pem", leaf)):
        (tmp_path / name).write_bytes(text)
    command = ["openssl", "verify", "-x509_strict", "-attime", str(NOW + 10), "-purpose", "sslserver"]
    done = subprocess.run(
        [*command, "-CAfile", tmp_path / "ca.pem", tmp_path / "leaf.pem"], check=False, capture_output=True
    )
    assert (done.returncode == 0) is believed, done.stderr


def test_leaf_needs_a_host(chain):
    """Refuse a certificate for nobody."""
    key, authority = certificates.make_authority(NOW)
    with pytest.raises(Misconfigured):
        certificates.make_leaf(key, authority, [], NOW)


def test_certificate_of_another_version_is_none():
    """Refuse a certificate whose version does not exist, in DER and in PEM, and take it for no certificate."""
    der = certificates.self_signed(jwk.generate("ES256"), common_name="x", not_before=1_700_000_000, lifetime=3600)
    wrong = der.replace(bytes.fromhex("a003020102"), bytes.fromhex("a00302012d"), 1)
    assert wrong != der
    for read in (
        lambda: certificates.public_key(wrong, None),
        lambda: pem.public_from_pem(pem.certificate_to_pem(wrong)),
    ):
        with pytest.raises(Refused) as caught:
            read()
        assert caught.value.code == "malformed-key"
    SharedSecret(wrong)
