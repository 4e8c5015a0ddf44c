"""The library's front door, against a small issuer of the tests' own on loopback, over http and https."""

from __future__ import annotations

import asyncio
import http.server
import json
import ssl
import subprocess
import sys
import threading
import time

import pytest

import intaglio
from intaglio import codec
from intaglio.clock import FixedClock
from intaglio.tokens import certificates, jwk, jws

NOW = 1_000_000
KEYS = {kid: jwk.generate("ES256") for kid in ("a", "b")}


class Issuer(http.server.BaseHTTPRequestHandler):
    """Answers the discovery document and the keys."""

    def do_GET(self):
        """Answer a GET."""
        self.server.asked.append(self.path)
        time.sleep(self.server.delay)
        document = {"issuer": self.server.url, "jwks_uri": self.server.url + "/keys"}
        if self.path == "/keys":
            keys = [{**jwk.public_members(KEYS[kid].public()), "kid": kid} for kid in self.server.kids]
            document = {"keys": keys}
        body = json.dumps(document).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        """Say nothing."""


def run(scheme="http", context=None):
    """Run an issuer until the generator is closed."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Issuer)
    server.daemon_threads = True
    server.asked, server.kids, server.status, server.delay = [], ["a"], 200, 0
    server.url = f"{scheme}://127.0.0.1:{server.server_address[1]}"
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def issuer():
    """Return a running issuer."""
    yield from run()


def token(issuer, kid="a", **changes):
    """Return an ID token of the issuer."""
    claims = {"iss": issuer.url, "sub": "u", "aud": "c", "exp": NOW + 9999, "iat": NOW, "nonce": "n", **changes}
    return jws.sign(KEYS[kid], {"kid": kid}, codec.encode_json(claims))


@pytest.fixture
def clock():
    """Return a clock that stands."""
    return FixedClock(NOW)


@pytest.fixture
def validator(issuer, clock):
    """Return a validator of the issuer's tokens."""
    made = intaglio.Validator(issuer=issuer.url, audience="c", clock=clock)
    yield made
    made.close()


def test_token_is_believed_and_keys_are_kept(validator, issuer):
    """Fetch the keys once for many tokens."""
    for _ in range(5):
        assert validator.validate(token(issuer), nonce="n").sub == "u"
    assert issuer.asked == ["/.well-known/openid-configuration", "/keys"]


def test_refusal_and_report_agree(validator, issuer):
    """Refuse with the code that the report shows."""
    with pytest.raises(intaglio.TokenRefused) as caught:
        validator.validate(token(issuer), nonce="m")
    assert caught.value.code == "nonce-mismatch"
    assert validator.explain(token(issuer), nonce="m").only_failure() == "nonce-mismatch"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ("", "token-malformed"),
        (None, "token-malformed"),
        (1, "token-malformed"),
        (["a"], "token-malformed"),
        ("x", "token-opaque"),
        (b"\xff", "token-opaque"),
        ("é", "token-opaque"),
        ("." * 100_000, "token-malformed"),
    ],
    ids=lambda value: repr(value)[:10],
)
def test_explain_never_raises_for_a_token(validator, wrong, code):
    """Report on anything that is passed as a token."""
    assert validator.explain(wrong).only_failure() == code


def test_rotated_key_is_found(validator, issuer, clock):
    """Ask again for a new kid, once in thirty seconds."""
    validator.validate(token(issuer))
    issuer.kids = ["a", "b"]
    with pytest.raises(intaglio.Refused):
        validator.validate(token(issuer, "b"))
    clock.advance(30)
    assert validator.validate(token(issuer, "b")).sub == "u"


def test_issuer_that_is_away_is_no_refusal(validator, issuer):
    """Raise `Unavailable`, not a refusal, where there are no keys, and report it as such."""
    issuer.status = 500
    with pytest.raises(intaglio.Unavailable) as caught:
        validator.validate(token(issuer))
    assert caught.value.code == "keys-unavailable"
    assert validator.explain(token(issuer)).only_failure() == "keys-unavailable"
    assert len(issuer.asked) == 1


def test_threads_share_one_fetch(validator, issuer):
    """Let many threads that come at once wait for one fetch and all believe."""
    issuer.delay = 0.1
    believed = []
    threads = [
        threading.Thread(target=lambda: believed.append(validator.validate(token(issuer)).sub)) for _ in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert believed == ["u"] * 10
    assert len(issuer.asked) == 2


def test_tasks_share_one_fetch(validator, issuer):
    """Let many tasks wait for one fetch, on one event loop after another."""
    issuer.delay = 0.05

    async def many():
        try:
            return await asyncio.gather(*(validator.avalidate(token(issuer), nonce="n") for _ in range(10)))
        finally:
            assert (await validator.aexplain(token(issuer, nonce="m"), nonce="n")).only_failure() == "nonce-mismatch"
            await validator.aclose()

    assert [each.sub for each in asyncio.run(many())] == ["u"] * 10
    assert len(issuer.asked) == 2
    assert asyncio.run(many())


def test_private_authority_is_trusted_by_its_file(tmp_path):
    """Believe an issuer behind a private authority only where the file names it."""
    now = int(time.time())
    key, authority = certificates.make_authority(now)
    leaf_key, chain = certificates.make_leaf(key, authority, ["127.0.0.1"], now)
    for name, text in (("ca.pem", authority), ("key.pem", leaf_key), ("chain.pem", chain)):
        (tmp_path / name).write_bytes(text)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "chain.pem", tmp_path / "key.pem")
    for served in run("https", context):
        for ca_file, believed in ((str(tmp_path / "ca.pem"), True), (None, False)):
            made = intaglio.Validator(issuer=served.url, audience="c", ca_file=ca_file, clock=FixedClock(NOW))
            report = made.explain(token(served))
            assert report.to_dict()["believed"] is believed
            made.close()


def test_keys_that_are_handed_over_need_no_network(clock):
    """Validate with keys of one's own and ask nobody."""
    keys = jwk.KeySet((KEYS["a"].public(),))
    made = intaglio.Validator(issuer="https://issuer.invalid", audience="c", keys=keys, clock=clock)
    claims = {"iss": "https://issuer.invalid", "sub": "u", "aud": "c", "exp": NOW + 9, "iat": NOW}
    assert made.validate(jws.sign(KEYS["a"], {}, codec.encode_json(claims))).sub == "u"


@pytest.mark.parametrize("options", [{"issuer": "x"}, {"audience": ""}, {"leeway": 301}, {"issuer": "https://x#f"}])
def test_validator_that_cannot_work_is_refused(options):
    """Refuse a configuration that cannot work when it is made."""
    with pytest.raises(intaglio.Misconfigured):
        intaglio.Validator(**{"issuer": "https://issuer.example", "audience": "c", **options})


def test_public_names_are_all_there():
    """Give every public name and no other."""
    assert all(getattr(intaglio, name) is not None for name in intaglio.__all__)
    assert set(intaglio.__all__) <= set(dir(intaglio))
    with pytest.raises(AttributeError):
        intaglio.nothing  # noqa: B018  (the access is the test)


def test_importing_the_package_loads_next_to_nothing():
    """Import the package without any framework, HTTP client or cryptography."""
    code = "import sys, intaglio; print(*sorted(name.partition('.')[0] for name in sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    heavy = {
        "httpx2",
        "httpcore2",
        "cryptography",
        "msgspec",
        "asyncio",
        "ssl",
        "starlette",
        "uvicorn",
        "jinja2",
        "joserfc",
    }
    assert not heavy & set(loaded)


def test_address_that_stands_for_any_tenant_is_no_issuer():
    """Say how the issuer of any tenant is written, when the address of its document is given instead."""
    with pytest.raises(intaglio.Misconfigured) as caught:
        intaglio.Validator(issuer="https://login.example/common/v2.0", audience="c", dialect="microsoft")
    assert caught.value.code == "issuer-unusable"
    assert "{tenantid}/v2.0" in caught.value.hint
