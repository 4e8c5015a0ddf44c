"""What has exhausted others, each kind held off within a bound of time and memory, through the library's front door."""

from __future__ import annotations

import http.server
import json
import threading
import time
import tracemalloc

import pytest

import intaglio
from intaglio import codec
from intaglio.clock import FixedClock
from intaglio.tokens import encryptionkeys, jwk, jws
from tests.capability import capability

pytestmark = capability("security-d3", witness="a stopwatch and the size of the process")

ISSUER, CLIENT, NOW = "https://op.example", "client-1", 1_700_000_000
KEY = jwk.generate("ES256")
KEYS = jwk.read_set({"keys": [{**jwk.public_members(KEY.public()), "kid": "k1"}]})
OURS = encryptionkeys.DecryptionKeys(
    (encryptionkeys.generate("RSA", kid="e1"), encryptionkeys.from_secret(b"s" * 32, kid="e2"))
)
GOOD = {"iss": ISSUER, "sub": "u1", "aud": CLIENT, "iat": NOW - 10, "exp": NOW + 600}
SECONDS, OCTETS = 1.0, 16 * 1024 * 1024


def _validator(**options):
    usual = {"issuer": ISSUER, "audience": CLIENT, "keys": KEYS, "clock": FixedClock(NOW), "decryption_keys": OURS}
    return intaglio.Validator(**{**usual, **options})


def _bounded(token, checking=None):
    """Return the code of the refusal, by both ways, after little time and memory."""
    checking = checking or _validator()
    begun = time.perf_counter()
    with pytest.raises(intaglio.TokenRefused) as caught:
        checking.validate(token)
    report = checking.explain(token)
    taken = time.perf_counter() - begun
    tracemalloc.start()
    try:
        checking.explain(token)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert report.failures()[0].code == caught.value.code
    assert taken < SECONDS, taken
    assert peak < OCTETS, peak
    assert len(report.to_json()) < 64 * 1024
    return caught.value.code


def _b64(value):
    return codec.encode_base64url(value if isinstance(value, bytes) else json.dumps(value).encode())


def _sealed(**header):
    return ".".join([_b64(header), _b64(b"k" * 40), _b64(b"i" * 12), _b64(b"c" * 64), _b64(b"t" * 16)])


@pytest.mark.parametrize("alg", ["PBES2-HS256+A128KW", "PBES2-HS384+A192KW", "PBES2-HS512+A256KW"])
@pytest.mark.parametrize("count", [1, 1000, 2**31 - 1, 2**53, "x", None])
def test_d3_20_passwords_are_never_stretched(alg, count):
    """Refuse PBES2 before a single round of it (CVE-2022-36083, CVE-2023-6681, CVE-2023-52428, CVE-2026-27932)."""
    token = _sealed(alg=alg, enc="A128GCM", kid="e2", p2c=count, p2s=_b64(b"s" * 16), cty="JWT")
    assert _bounded(token) == "forbidden-algorithm"


@pytest.mark.parametrize("zip_", ["DEF", "def", "GZIP", "", None, 1])
def test_d3_21_nothing_is_inflated(zip_):
    """Refuse compression before anything is opened (CVE-2024-28176, CVE-2024-28180, CVE-2024-33664)."""
    token = _sealed(alg="dir", enc="A256GCM", kid="e2", zip=zip_, cty="JWT")
    assert _bounded(token) == "header-unsupported"
    signed = jws.sign(KEY, {"kid": "k1", "zip": zip_}, codec.encode_json(GOOD))
    assert _bounded(signed) == "header-unsupported"


@pytest.mark.parametrize("count", [3, 5, 1000, 1_000_000])
@pytest.mark.parametrize("template", ["{}", "eyJhbGciOiJFUzI1NiJ9{}", "{}eyJhbGciOiJFUzI1NiJ9", "a.b.c{}"])
def test_d3_22_dots_cost_nothing(count, template):
    """Refuse thousands and a million dots without a list of parts (CVE-2025-27144, CVE-2025-30204)."""
    token = template.format("." * count)
    for given in (token, token.encode()):
        assert _bounded(given) in ("token-malformed", "token-opaque")
        assert _bounded(given, _validator(decryption_keys=None)) in (
            "token-malformed",
            "token-opaque",
            "token-encrypted",
        )


LONG = "a" * 1_000_000
HUGE = {
    "a megabyte": LONG,
    "a header of a megabyte": f"{_b64({'alg': 'ES256', 'kid': LONG})}.e30.AAAA",
    "a payload of a megabyte": f"{_b64({'alg': 'ES256', 'kid': 'k1'})}.{_b64({**GOOD, 'x': LONG})}.AAAA",
    "a signature of a megabyte": f"{_b64({'alg': 'ES256', 'kid': 'k1'})}.{_b64(GOOD)}.{LONG}",
    "an encrypted header of a megabyte": f"{_b64({'alg': 'dir', 'enc': 'A256GCM', 'kid': LONG})}.....",
    "a sealed megabyte": f"{_b64({'alg': 'dir', 'enc': 'A256GCM', 'cty': 'JWT'})}..{'A' * 16}.{LONG}.{'A' * 22}",
    "braces": "{" * 1_000_000,
    "JSON of a megabyte": json.dumps({"signature": LONG}),
    "XML of a megabyte": "<a>urn:oasis:names:tc:SAML" + LONG,
    "base64 of a megabyte": "PHNhbWw" + "A" * 999_993,
    "space of a megabyte": " " * 1_000_000,
    "quotes of a megabyte": '"' * 1_000_000,
    "octets of a megabyte": b"\xff" * 1_000_000,
    "many Bearer": "Bearer " * 100_000,
}


@pytest.mark.parametrize("what", HUGE)
def test_d3_23_what_is_too_long_is_refused_unread(what):
    """Refuse a megabyte in any place before any work on it (CVE-2025-61920)."""
    assert _bounded(HUGE[what]).startswith("token-")


@pytest.mark.parametrize(
    "payload",
    [
        b'{"x":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        b'{"x":' * 8_000 + b"1" + b"}" * 8_000,
        b"[" * 20_000,
        b'{"x":' + b"9" * 40_000 + b"}",
        b'{"x":1e' + b"9" * 10_000 + b"}",
        b"{" + b",".join(b'"a%d":1' % n for n in range(4000)) + b',"a0":2}',
    ],
    ids=["lists", "objects", "open lists", "digits", "exponent", "claims"],
)
def test_d3_23_what_is_too_deep_or_too_many_is_refused(payload):
    """Refuse deep, wide and endless JSON in payload and header, well signed."""
    assert _bounded(jws.sign(KEY, {"kid": "k1"}, payload)) == "token-malformed"
    assert _bounded(f"{_b64(payload)}.e30.AAAA") == "token-malformed"


def test_d3_23_a_hundred_thousand_claims_are_refused():
    """Refuse a token with 10**5 claims, which is longer than any token may be."""
    claims = {**GOOD, **{f"c{n}": n for n in range(100_000)}}
    assert _bounded(jws.sign(KEY, {"kid": "k1"}, codec.encode_json(claims))) == "token-malformed"


def test_d3_23_nothing_of_a_bad_token_is_echoed():
    """Keep the token and its parts out of every text of the refusal (joserfc CVE-2025-65015)."""
    secret = "c2VjcmV0LXRoYXQtbXVzdC1ub3Qtc2hvdw"
    good = jws.sign(KEY, {"kid": "k1"}, codec.encode_json(GOOD))
    for token in (secret, f"{secret}.{secret}.{secret}", f"{good}{secret}", f"{good.rpartition('.')[0]}.{secret}"):
        with pytest.raises(intaglio.TokenRefused) as caught:
            _validator().validate(token)
        refusal = caught.value
        told = f"{refusal!r} {refusal} {refusal.detail} {refusal.hint} {refusal.report!r} {refusal.report.to_json()}"
        assert secret not in told + refusal.report.to_text()
        assert refusal.__cause__ is None


class _Issuer(http.server.BaseHTTPRequestHandler):
    """Answers the discovery document and the keys, and counts."""

    def do_GET(self):
        """Answer a GET."""
        self.server.asked.append(self.path)
        url = f"http://127.0.0.1:{self.server.server_address[1]}"
        document = {"issuer": url, "jwks_uri": url + "/keys"}
        if self.path == "/keys":
            document = {"keys": [{**jwk.public_members(KEY.public()), "kid": "k1"}]}
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        """Say nothing."""


@pytest.fixture
def issuer():
    """Return a running issuer on loopback."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Issuer)
    server.daemon_threads, server.asked = True, []
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def _flood(url, count, seed=""):
    claims = codec.encode_json({**GOOD, "iss": url})
    forged = jws.sign(KEY, {"kid": "x"}, claims).partition(".")[2]
    for number in range(count):
        yield f"{_b64({'alg': 'ES256', 'kid': f'{seed}{number}'})}.{forged}"


def test_d3_26_unknown_keys_do_not_make_us_ask(issuer):
    """Ask for the keys once more in half a minute, however many unknown kids come in (supabase PR #165)."""
    url, clock = f"http://127.0.0.1:{issuer.server_address[1]}", FixedClock(NOW)
    checking = intaglio.Validator(issuer=url, audience=CLIENT, clock=clock)
    good = jws.sign(KEY, {"kid": "k1"}, codec.encode_json({**GOOD, "iss": url}))
    assert checking.validate(good).sub == "u1"
    assert issuer.asked == ["/.well-known/openid-configuration", "/keys"]
    for minute in range(3):
        clock.advance(31)
        for token in _flood(url, 150, f"{minute}-"):
            with pytest.raises(intaglio.Refused) as caught:
                checking.validate(token)
            assert caught.value.code == "key-unknown"
            assert checking.explain(token).only_failure() == "key-unknown"
        assert issuer.asked.count("/keys") == 2 + minute
        assert checking.validate(good).sub == "u1"
    assert issuer.asked.count("/.well-known/openid-configuration") == 1
    checking.close()


async def test_d3_26_unknown_keys_do_not_make_us_ask_from_an_event_loop(issuer):
    """Keep the same bound on an event loop, where many ask at once."""
    import asyncio

    url, clock = f"http://127.0.0.1:{issuer.server_address[1]}", FixedClock(NOW)
    checking = intaglio.Validator(issuer=url, audience=CLIENT, clock=clock)
    tokens = list(_flood(url, 100))
    reports = await asyncio.gather(*map(checking.aexplain, tokens))
    assert {report.only_failure() for report in reports} == {"key-unknown"}
    clock.advance(31)
    await asyncio.gather(*map(checking.aexplain, tokens))
    assert issuer.asked.count("/keys") <= 2
    await checking.aclose()
