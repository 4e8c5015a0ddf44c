"""Where calls may go."""

from __future__ import annotations

import pytest

from intaglio.errors import Unavailable
from intaglio.net.guard import Guard

LOCAL = Guard(("http://localhost:8080/default", "https://internal.example/"))


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "//example.com/",
        "https://",
        "https://user@example.com/",
        "https://user:pass@example.com/",
        "https://exam ple.com/",
        "https://example.com/\r\nX: y",
        "https://ex\u00e4mple.com/",
        "https://example.com:99999/",
        "https://[::1",
        "http://localhost.example.com/",
        "http://10.0.0.1/",
        "http://localhost/",
        "https://localhost/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "",
    ],
)
def test_d5_47_destination_is_refused(url):
    """Refuse other schemes, userinfo, hostile texts, plain http, and this machine unless it was configured."""
    with pytest.raises(Unavailable) as caught:
        Guard().check_url(url)
    assert caught.value.code == "destination-refused"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104  (refused, not bound)
        "224.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "::ffff:169.254.169.254",
        "::ffff:10.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "::169.254.169.254",
        "::ffff:0:169.254.169.254",
        "fec0::1",
        "nonsense",
    ],
)
def test_d5_47_special_address_is_refused(address):
    """Refuse a public name at a private, local, shared, reserved or multicast address, mapped ones too."""
    with pytest.raises(Unavailable) as caught:
        Guard().check_address("keys.example", 443, address)
    assert caught.value.code == "destination-refused"


def test_public_and_configured_destinations_are_allowed():
    """Allow public addresses for anybody, and private ones for the hosts that were configured."""
    for url in ("https://example.com/", "https://example.com:8443/a?b#c"):
        Guard().check_url(url)
    Guard().check_address("example.com", 443, "93.184.216.34")
    Guard().check_address("example.com", 443, "2606:2800:220:1::1")
    LOCAL.check_url("http://localhost:8080/keys")
    LOCAL.check_address("localhost", 8080, "127.0.0.1")
    LOCAL.check_address("localhost", 8080, "::1")
    LOCAL.check_address("internal.example", 443, "10.0.0.1")


def test_d5_47_configured_host_opens_no_other():
    """Refuse private addresses of hosts that were not configured, and localhost that is elsewhere."""
    for host, address in (("other.example", "10.0.0.1"), ("localhost", "10.0.0.1"), ("localhost", "93.184.216.34")):
        with pytest.raises(Unavailable):
            LOCAL.check_address(host, 8080, address)
    with pytest.raises(Unavailable):
        LOCAL.check_url("http://internal.example/")


def test_d5_47_another_port_of_a_configured_host_is_another_program():
    """Refuse this machine and private addresses at ports that were not configured; public ones may have any port."""
    for url in ("http://localhost:6379/", "http://localhost/", "https://localhost/", "https://localhost:8081/"):
        with pytest.raises(Unavailable):
            LOCAL.check_url(url)
    for host, port, address in (("internal.example", 8443, "10.0.0.1"), ("localhost", 6379, "127.0.0.1")):
        with pytest.raises(Unavailable):
            LOCAL.check_address(host, port, address)
    LOCAL.check_address("internal.example", 8443, "93.184.216.34")


def test_a_metadata_server_is_asked_without_tls():
    """The one place that was named may be asked over http, at its port; nothing else may."""
    guard = Guard(without_tls=("http://169.254.169.254", "http://metadata.example:8088"))
    guard.check_url("http://169.254.169.254/computeMetadata/v1/")
    guard.check_address("169.254.169.254", 80, "169.254.169.254")
    guard.check_url("http://metadata.example:8088/x")
    guard.check_address("metadata.example", 8088, "10.0.0.1")
    for url in ("http://169.254.169.254:8080/", "http://169.254.169.253/", "http://metadata.example/"):
        with pytest.raises(Unavailable):
            guard.check_url(url)
