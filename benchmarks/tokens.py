"""The token core beside the raw primitives and other libraries: minting, validating, encrypting, importing.

Run as a process of its own it prints JSON: `python benchmarks/tokens.py SECONDS`, the time that each table may take.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import secrets
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes as digests
from cryptography.hazmat.primitives import hmac, keywrap, padding
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric import padding as asymmetric
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks import nodes, rivals, turns
from benchmarks.samples import CLIENT, KID, NONCE, NOW, Sample
from intaglio import codec
from intaglio.tokens import encryptionkeys, jwe, jwk, jws
from intaglio.validate import validator

FLOORS = {
    "mint RS256": (0.95, 0.95),
    "mint ES256": (0.75, 0.85),
    "mint EdDSA": (0.75, 0.85),
    "validate RS256, 850 octets": (0.60, 0.75),
    "validate RS256, 1850 octets": (0.55, 0.68),
    "validate ES256, the same claims": (0.85, 0.85),
}
"""Floor and aim of our rate, over that of the raw primitive."""
TIMES_PYJWT = 2.0
"""With RS256; with ES256 the primitive alone takes more than half of PyJWT's time."""
QUIET = 0.1
"""The share of the machine that other programs may take."""
IMPORT_MS = (100, 80)
"""What an import may take, and what it should."""
FOREIGN = tuple("uvicorn starlette fastapi flask django aiohttp jinja2 asyncpg psycopg sqlite3 sqlalchemy".split())
"""Web frameworks and database drivers: none of them is loaded by the library."""
IMPORTS = ("import intaglio", "from intaglio import Validator")
ENCRYPTIONS = (
    ("RSA-OAEP-256", "A256GCM"),
    ("ECDH-ES+A256KW", "A256GCM"),
    ("dir", "A256GCM"),
    ("dir", "A128CBC-HS256"),
)


def _raw_arguments(alg: str) -> tuple[Any, ...]:
    pss = asymmetric.PSS(asymmetric.MGF1(digests.SHA256()), digests.SHA256().digest_size)
    return {
        "RS256": (asymmetric.PKCS1v15(), digests.SHA256()),
        "PS256": (pss, digests.SHA256()),
        "ES256": (ec.ECDSA(digests.SHA256()),),
    }.get(alg, ())


def _private_members(key: jwk.SigningKey) -> dict[str, Any]:
    # Another library writes the private key: ours never does.
    from joserfc.jwk import ECKey, OKPKey, RSAKey  # noqa: PLC0415  (joserfc is a rival here)

    kind = {"RS256": RSAKey, "PS256": RSAKey, "ES256": ECKey, "EdDSA": OKPKey}[key.alg]
    members: dict[str, Any] = kind.import_key(key.private).as_dict(private=True)  # type: ignore[attr-defined]
    return members


# --- minting


def mint(seconds: float, jose: nodes.Jose | None) -> dict[str, Any]:
    """Return what minting takes: the claims to JSON, and that signed."""
    found = {}
    for alg in ("RS256", "PS256", "ES256", "EdDSA", "ML-DSA-65"):
        sample = Sample(alg, 850)
        signer = jws.Signer(sample.key, {"typ": "JWT", "kid": KID})
        message, private, arguments = sample.parts()[1], sample.key.private, _raw_arguments(alg)
        claims = sample.claims
        contestants = {
            "Intaglio": turns.here(lambda signer=signer, claims=claims: signer.sign(codec.encode_json(claims))),
            "raw": turns.here(lambda sign=private.sign, message=message, more=arguments: sign(message, *more)),
        }
        if alg != "ML-DSA-65":
            members = _private_members(sample.key)
            contestants |= {name: turns.here(work) for name, work in rivals.mints(sample, members).items()}
            if jose is not None:
                jose.prepare("minting", name=f"mint {alg}", claims=claims, jwk=members, alg=alg)
                contestants["jose (node)"] = jose.timed(f"mint {alg}")
        found[f"mint {alg}"] = turns.take(contestants, seconds)
    return found


# --- validating


def validate(seconds: float, jose: nodes.Jose | None) -> dict[str, Any]:
    """Return what believing takes: the signature, every rule, a typed result.

    Every rule is every one of OpenID Connect Core 3.1.3.7; with at_hash, the access token's besides (3.1.3.8). The
    longer token is checked by the standard's rules, and by those of the dialect whose issuer is a template.
    """
    found = {}
    for name, sample in (
        ("validate RS256, 850 octets", Sample("RS256", 850)),
        ("validate RS256, 1850 octets", Sample("RS256", 1850, tenanted=True)),
        ("validate RS256, 1850 octets, any tenant", Sample("RS256", 1850, tenanted=True, dialect="microsoft")),
        # An ES256 signature is 256 characters shorter: what is said is what the RS256 token of 850 octets says.
        ("validate ES256, the same claims", Sample("ES256", 850 - 256)),
    ):
        contestants = {"Intaglio": _ours(sample), "Intaglio, at_hash": _ours(sample, bound=True)}
        contestants |= {"raw": _raw_verification(sample)}
        contestants |= {rival: turns.here(work) for rival, work in rivals.validations(sample).items()}
        if jose is not None:
            more = {"alg": sample.alg, "issuer": sample.issuer, "audience": CLIENT, "nonce": NONCE}
            more["leeway"] = sample.leeway
            jose.prepare("validating", name=name, token=sample.token, jwk=sample.public(), **more)
            contestants["jose (node)"] = jose.timed(name)
        found[name] = turns.take(contestants, seconds) | {"octets": len(sample.token)}
    return found


def _ours(sample: Sample, *, bound: bool = False) -> turns.Timed:
    keys, expectation, occasion = jwk.read_set(sample.document()), sample.expectation(), sample.occasion(bound=bound)
    token = sample.token
    return turns.here(lambda: validator.validate(token, expectation, keys, NOW, occasion))


def _raw_verification(sample: Sample) -> turns.Timed:
    (signature, message), arguments = sample.parts(), _raw_arguments(sample.alg)
    if sample.alg == "ES256":
        signature = sample.key.private.sign(message, *arguments)
    verify = sample.key.private.public_key().verify
    return turns.here(lambda: verify(signature, message, *arguments))


# --- encrypting


def _gcm(cek: bytes, payload: bytes, aad: bytes) -> tuple[turns.Timed, turns.Timed]:
    iv = secrets.token_bytes(12)
    sealed = AESGCM(cek).encrypt(iv, payload, aad)
    return (
        turns.here(lambda: AESGCM(cek).encrypt(secrets.token_bytes(12), payload, aad)),
        turns.here(lambda: AESGCM(cek).decrypt(iv, sealed, aad)),
    )


def _cbc(cek: bytes, payload: bytes, aad: bytes) -> tuple[turns.Timed, turns.Timed]:
    def mac(iv: bytes, body: bytes) -> bytes:
        made = hmac.HMAC(cek[:16], digests.SHA256())
        made.update(aad + iv + body + (8 * len(aad)).to_bytes(8, "big"))
        return made.finalize()[:16]

    def seal(iv: bytes) -> bytes:
        filled, cipher = padding.PKCS7(128).padder(), Cipher(algorithms.AES(cek[16:]), modes.CBC(iv)).encryptor()
        body = cipher.update(filled.update(payload) + filled.finalize()) + cipher.finalize()
        mac(iv, body)
        return body

    kept = secrets.token_bytes(16)
    body = seal(kept)

    def open_() -> bytes:
        mac(kept, body)
        bare, cipher = padding.PKCS7(128).unpadder(), Cipher(algorithms.AES(cek[16:]), modes.CBC(kept)).decryptor()
        return bare.update(cipher.update(body) + cipher.finalize()) + bare.finalize()

    return turns.here(lambda: seal(secrets.token_bytes(16))), turns.here(open_)


def _rsa(private: Any, payload: bytes, aad: bytes) -> tuple[turns.Timed, turns.Timed]:
    oaep = asymmetric.OAEP(asymmetric.MGF1(digests.SHA256()), digests.SHA256(), None)
    public, cek, iv = private.public_key(), secrets.token_bytes(32), secrets.token_bytes(12)
    wrapped, sealed = public.encrypt(cek, oaep), AESGCM(cek).encrypt(iv, payload, aad)

    def seal() -> None:
        fresh = secrets.token_bytes(32)
        public.encrypt(fresh, oaep)
        AESGCM(fresh).encrypt(secrets.token_bytes(12), payload, aad)

    return turns.here(seal), turns.here(lambda: AESGCM(private.decrypt(wrapped, oaep)).decrypt(iv, sealed, aad))


def _agreed(private: Any, payload: bytes, aad: bytes) -> tuple[turns.Timed, turns.Timed]:
    public, cek, iv = private.public_key(), secrets.token_bytes(32), secrets.token_bytes(12)
    other = b"\0\0\0\x0eECDH-ES+A256KW" + b"\0" * 8 + b"\0\0\1\0"

    def derived(own: Any, theirs: Any) -> bytes:
        return ConcatKDFHash(digests.SHA256(), 32, other).derive(own.exchange(ec.ECDH(), theirs))

    ephemeral = ec.generate_private_key(ec.SECP256R1())
    wrapped = keywrap.aes_key_wrap(derived(ephemeral, public), cek)
    sealed, theirs = AESGCM(cek).encrypt(iv, payload, aad), ephemeral.public_key()

    def seal() -> None:
        fresh = secrets.token_bytes(32)
        keywrap.aes_key_wrap(derived(ec.generate_private_key(ec.SECP256R1()), public), fresh)
        AESGCM(fresh).encrypt(secrets.token_bytes(12), payload, aad)

    def open_() -> bytes:
        return AESGCM(keywrap.aes_key_unwrap(derived(private, theirs), wrapped)).decrypt(iv, sealed, aad)

    return turns.here(seal), turns.here(open_)


def _recipient(alg: str, enc: str) -> tuple[encryptionkeys.DecryptionKey, dict[str, Any], Any]:
    """Return a key, its private JWK as another library writes it, and the raw key."""
    from joserfc.jwk import ECKey, RSAKey  # noqa: PLC0415  (joserfc is a rival here)

    if alg == "dir":
        octets = secrets.token_bytes(32)
        return encryptionkeys.from_secret(octets), {"kty": "oct", "k": codec.encode_base64url(octets)}, octets
    key = encryptionkeys.generate("RSA" if alg.startswith("RSA") else "P-256")
    kind: Any = RSAKey if isinstance(key.private, rsa.RSAPrivateKey) else ECKey
    return key, kind.import_key(key.private).as_dict(private=True), key.private


def encrypt(seconds: float, jose: nodes.Jose | None) -> dict[str, Any]:
    """Return what encrypting a signed token and opening it takes."""
    found = {}
    payload = Sample("RS256", 850).token.encode()
    for alg, enc in ENCRYPTIONS:
        key, members, raw = _recipient(alg, enc)
        aad = codec.encode_base64url(codec.encode_json({"alg": alg, "enc": enc, "cty": "JWT"})).encode()
        make: Any = {"RSA-OAEP-256": _rsa, "ECDH-ES+A256KW": _agreed}.get(alg, _gcm if enc == "A256GCM" else _cbc)
        raws = make(raw, payload, aad)
        public, private = key.public(), encryptionkeys.DecryptionKeys((key,))
        text = jwe.encrypt(payload, public, alg=alg, enc=enc, header={"cty": "JWT"})
        others = rivals.encryptions(members, alg, enc, payload)
        name = f"{alg} {enc}"
        if jose is not None:
            jose.prepare("encrypting", name=name, payload=payload.decode(), jwk=members, alg=alg, enc=enc)

        def seal(public: Any = public, alg: str = alg, enc: str = enc) -> str:
            return jwe.encrypt(payload, public, alg=alg, enc=enc, header={"cty": "JWT"})

        def open_(private: Any = private, text: str = text) -> object:
            return jwe.decrypt(text, private)

        for position, (way, work) in enumerate((("encrypt", seal), ("decrypt", open_))):
            contestants = {"Intaglio": turns.here(work), "raw": raws[position]}
            contestants |= {rival: turns.here(works[position]) for rival, works in others.items()}
            if jose is not None:
                contestants["jose (node)"] = jose.timed(f"{way} {name}")
            found[f"{way} {name}"] = turns.take(contestants, seconds)
    return found


_CHILD = """
import json, sys, time
before = set(sys.modules)
began = time.perf_counter()
{statement}
spent = time.perf_counter() - began
loaded = sorted(name for name in {foreign!r} if name in sys.modules)
print(json.dumps({{"ms": 1000 * spent, "modules": len(set(sys.modules) - before), "foreign": loaded}}))
"""


def imports(times: int) -> dict[str, Any]:
    """Return what importing takes in a fresh process, in ms, and which foreign modules it loads."""
    turned: dict[str, list[dict[str, Any]]] = {statement: [] for statement in IMPORTS}
    for _ in range(times + 1):
        for statement, found in turned.items():
            program = _CHILD.format(statement=statement, foreign=FOREIGN)
            done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
            found.append(json.loads(done.stdout))
    return {
        statement: {
            "median_ms": statistics.median(one["ms"] for one in found[1:]),
            "worst_ms": max(one["ms"] for one in found[1:]),
            "modules": found[-1]["modules"],
            "foreign": found[-1]["foreign"],
            "times": times,
        }
        for statement, found in turned.items()
    }


# --- all of it


def short_of(found: dict[str, Any]) -> list[str]:
    """Return what falls short of its floor."""
    short = []
    if found["others_share"] > QUIET:
        share = 100 * found["others_share"]
        short.append(f"token core: other programs took {share:.0f} % of the machine; run it alone")
    for name, (floor, _) in FLOORS.items():
        ratio = found["rates"][name]["Intaglio"]["ratio"]
        if ratio < floor:
            short.append(f"{name}: {ratio:.2f} x the raw primitive is below the floor of {floor:.2f}")
    for name, figures in found["rates"].items():
        if name.startswith("validate RS256") and figures["PyJWT"]["ours_over_this"] < TIMES_PYJWT:
            short.append(f"{name}: {figures['PyJWT']['ours_over_this']:.2f} x PyJWT is below {TIMES_PYJWT:.1f}")
    for statement, figures in found["imports"].items():
        if figures["median_ms"] >= IMPORT_MS[0]:
            short.append(f"{statement}: {figures['median_ms']:.0f} ms, not under {IMPORT_MS[0]}")
        if figures["foreign"]:
            short.append(f"{statement} loads {', '.join(figures['foreign'])}")
    return short


def versions() -> dict[str, str]:
    """Return which version of each library took part."""
    names = {"PyJWT": "PyJWT", "joserfc": "joserfc", "Authlib": "Authlib", "jwcrypto": "jwcrypto"}
    found = {name: importlib.metadata.version(package) for name, package in names.items()}
    found["google-auth"] = importlib.metadata.version("google-auth")
    lock = json.loads((nodes.HERE / "peers" / "jose" / "package-lock.json").read_text())
    return found | {"jose (node)": lock["packages"]["node_modules/jose"]["version"]}


def _busy() -> float:
    """Return the processor seconds of the whole machine since it started; 0 where the kernel does not say."""
    try:
        words = Path("/proc/stat").read_text().split("\n", 1)[0].split()
    except OSError:
        return 0.0
    user, nice, system, _, _, interrupt, soft, stolen = map(int, words[1:9])
    return (user + nice + system + interrupt + soft + stolen) / os.sysconf("SC_CLK_TCK")


def measure(seconds: float, times: int) -> dict[str, Any]:
    """Measure everything; each table takes about `seconds`."""
    began, busy, own = time.monotonic(), _busy(), sum(os.times()[:4])
    missing = nodes.missing()
    jose = None if missing else nodes.Jose()
    try:
        rates = mint(seconds, jose) | validate(seconds, jose) | encrypt(seconds, jose)
    finally:
        if jose is not None:
            jose.stop()
    found = {"rates": rates, "imports": imports(times), "versions": versions(), "checks": rivals.CHECKS}
    others = _busy() - busy - (sum(os.times()[:4]) - own)
    found["others_share"] = max(0.0, others) / ((time.monotonic() - began) * (os.cpu_count() or 1))
    return found | ({"jose_missing": missing} if missing else {})


if __name__ == "__main__":
    os.environ.setdefault("PYTHONHASHSEED", "0")
    json.dump(measure(float(sys.argv[1]), int(sys.argv[2])), sys.stdout)
