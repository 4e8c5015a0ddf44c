"""What is no token, every algorithm, encrypted tokens, texts, expectations, and what is asked of dialects."""

# ruff: noqa: E501  (tables of cases, which are read by column)

from __future__ import annotations

import random
from collections.abc import Iterator

from intaglio import codec
from intaglio.dialects import believing
from intaglio.tokens import algorithms, encryptionkeys, hashes, jwe, jwe_content, jwe_keys, pem
from tests.web.parity import mutations
from tests.web.parity.library import Case
from tests.web.parity.tokens import GOOD, SECRET, case, decryption_key, encode, published, signing, token


def _each_algorithm() -> Iterator[Case]:
    expectation = {**GOOD["standard"][2], "secret": SECRET, "algorithms": list(algorithms.EVERY)}
    for alg in algorithms.EVERY:
        occasion = {"access_token": "some text", "nonce": "n"}
        claims = {**GOOD["standard"][1], "at_hash": hashes.half_hash(alg, "some text")}
        keys = published(*algorithms.ALGORITHMS)
        for text in (
            token(alg, claims),
            token(alg, {**claims, "sub": "u2"}).rsplit(".", 1)[0] + "." + token(alg, claims).rsplit(".", 1)[1],
        ):
            yield case(text, expectation, occasion=occasion, keys=keys)
            yield case(text, GOOD["standard"][2], occasion=occasion, keys=keys)
    yield case(token("HS256", GOOD["standard"][1]), {**GOOD["standard"][2], "secret": SECRET + "!"})


def _encrypted() -> Iterator[Case]:
    alg, claims, expectation = GOOD["standard"]
    inner = token(alg, claims)
    nested: dict[str, tuple[str, bytes]] = {
        "good": ("JWT", inner.encode()),
        "lower": ("jwt", inner.encode()),
        "no token": ("JWT", b"no token"),
        "octets": ("JWT", bytes(range(256))),
        "dots": ("JWT", b"....."),
        "five": ("JWT", b"a.b.c.d.e"),
        "claims": ("json", encode(claims)),
    }
    for kind, alg_, enc in (("RSA", "RSA-OAEP-256", "A256GCM"), ("P-256", "ECDH-ES", "A128CBC-HS256")):
        key = decryption_key(kind)
        for cty, payload in reversed(nested.values()):
            text = jwe.encrypt(
                payload, encryptionkeys.read_private(key).public(), alg=alg_, enc=enc, header={"cty": cty}
            )
            for keys in (None, key, {"keys": [key]}, {**key, "kid": "other"}, decryption_key("P-384")):
                yield case(text, expectation, decryption=keys, occasion={"nonce": "n"})
        yield case(inner, {**expectation, "require_encrypted": True}, decryption=key)
        for at in (3, 100, 600, len(text) - 3):
            yield case(text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :], expectation, decryption=key)


ODD_TEXTS = (
    "", " ", "x", ".", "..", "...", "....", ".....", "." * 70_000, "a" * 70_000, "a" * 300_000, "😀" * 40, "{", "{}", "[]",
    '{"signatures":[]}', '{"payload":"a","signature":"b"}', '{"ciphertext":1,"ciphertext":2}', "{" * 2000, "null", "é.é.é",
    "<saml urn:oasis:names:tc:SAML>", "PHNhbWwgdXJuOm9hc2lzOm5hbWVzOnRjOlNBTUw-", "PHNhbWwgdXJuOm9hc2lzOm5hbWVzOnRjOlNBTUw%2B",
    "Bearer", "Bearer ", "bearer abc", '"Bearer abc"', "a b", "eyJhbGciOiJSUzI1NiJ9", "eyJhbGciOiJSUzI1NiJ9.e30", "a.b.c.d.e",
    "eyJhbGciOiJSUzI1NiJ9.e30.", "eyJhbGciOiJub25lIn0.e30.", "eyJhbGciOiJOT25FIn0.e30.x", "e30.e30.e30", "e30.e30.e30.e30.e30",
    "eyJlbmMiOjF9.a.b.c.d", f"eyJlbmMiOjF9.{'a' * 262_200}...", f"eyJlbmMiOjF9.{'a' * 100_000}...", "eyJlbmMiOjF9.a.b.c", "ya29.a0AfH6SMBx-abcdefghijklmnop", "\ufeffabc", "\x1c\x85abc\x1f", "%", "%41%4", "%zz",
    "%2525252525252525252e", "id_token=", "id_token=&x=1", "?id_token=a.b.c&state=x#frag", "#code=1&id_token=a%2Eb%2Ec", "id_token_hint=a",
    "https://app.example/cb#access_token=1&id_token=eyJhbGciOiJSUzI1NiJ9.e30.QQ&state=s", '"' * 20, "''", "\u201cabc\u201d", "`a`",
    "https://app.example/?x=id_token%3Da.b.c", "Authorization: Bearer 'a.b.c'", "authorization:\u00a0a.b.c", "BEARER\ta",
)  # fmt: skip


def wrapped(text: str) -> Iterator[str]:
    """Make what people paste instead of a token alone."""
    yield from (
        text, f"  {text}\n", f'"{text}"', f"Bearer {text}", f"Authorization: Bearer {text}", f"'Bearer {text}'", text + "=",
        text.replace(".", "%2E"), text.replace(".", "%252E"), f"id_token={text}", f"https://app.example/cb#state=1&id_token={text}&x=2",
        f"https://op.example/logout?id_token_hint={text}", f'"https://app.example/cb#id_token={text}"', text.replace(".", ".\n"),
        text[: len(text) // 2] + " \r\n" + text[len(text) // 2 :], text.replace(".", ". "), f"{text}%0A", f"%22{text}%22",
    )  # fmt: skip


def peeked(seed: int) -> Iterator[Case]:
    """Make texts to look into."""
    rng = random.Random(seed)
    texts = [*ODD_TEXTS]
    for alg, claims, _ in GOOD.values():
        texts += wrapped(token(alg, claims))
        texts += [
            mutations.damaged(rng, token(alg, mutations.changed(rng, claims), **rng.choice(mutations.HEADERS)))
            for _ in range(60)
        ]
    for text in texts:
        yield {"kind": "peek", "token": text}


def odd() -> Iterator[Case]:
    """Make checks of what is no token, of every algorithm, of encrypted tokens and of the vendors' samples."""
    for text in ODD_TEXTS:
        yield case(text, GOOD["standard"][2])
        yield case(text, GOOD["standard"][2], decryption=decryption_key("P-256"))
    yield from _each_algorithm()
    yield from _encrypted()


def every_encryption() -> Iterator[Case]:
    """Make a text of every key management algorithm with every content encryption, and break some."""
    secrets = {octets: {"kty": "oct", "k": codec.encode_base64url(bytes(octets))} for octets in (16, 24, 32, 48, 64)}
    for alg, algorithm in jwe_keys.ALGORITHMS.items():
        for enc, encryption in jwe_content.ENCRYPTIONS.items():
            kinds = {"rsa-oaep": ("RSA",), "ecdh-es": ("P-256", "P-384", "P-521", "X25519")}.get(algorithm.family, ())
            keys = [decryption_key(kind) for kind in kinds] or [secrets[algorithm.octets or encryption.key_octets]]
            # Every curve once, and the first with every content encryption.
            for key in keys if enc == "A128GCM" else keys[:1]:
                text = jwe.encrypt(b"content", encryptionkeys.read_private(key).public(), alg=alg, enc=enc)
                yield {"kind": "jwe", "token": text, "keys": {"keys": [key]}}
                if "192" not in alg + enc:
                    yield {
                        "kind": "jwe",
                        "token": text[:-3] + ("A" if text[-3] != "A" else "B") + text[-2:],
                        "keys": key,
                    }


NUMBERS = (
    "0 -0 1 -1 1.0 -0.0 0e0 1e3 1E3 1e+3 1e-3 123e-20 1.5 0.1 1e15 1e16 1e17 1e21 1e22 1e23 5e-324 1.7976931348623157e308 1e309"
    " 1e-400 0.00001 0.000001 0.0000123 1234567.0 123456789012345678 9007199254740991 9007199254740993 18446744073709551616"
    " -9223372036854775809 01 1. .5 +1 - 1e 1e+ 0x1 NaN Infinity -Infinity 1_0 100000.5 12345678901234567890.5 2.5e-7 1e-5 1e-6"
).split()


def texts(seed: int) -> Iterator[Case]:
    """Make JSON texts, good and bad."""
    rng = random.Random(seed)
    plain = [
        *NUMBERS, "1" * 4300, "1" * 4301, "-" + "1" * 4300, "true", "false", "null", "tru", "nullx", "", " ", "1 2", "[1,]", "[,1]",
        "[1 2]", '{"a":1,}', '{"a"}', "{a:1}", "{'a':1}", '{"a":1,"a":1}', '{"a":1,"\\u0061":1}', '{"b":{"a":1,"a":2}}', '"\\x"',
        '"\\u12g4"', '"\\ud800"', '"\\ud800\\u0041"', '"\\udc00"', '"\\ud83d\\ude00"', '"a\tb"', '"\x7f"', '"\\/\\b\\f\\n\\r\\t"',
        '"\\u0000\\u001f"', '"\u2028\u2029"', '"', '"\\"', "[[]]", "[" * 64 + "]" * 64, "[" * 65 + "]" * 65, "[" * 70, '{"a":' * 65 + "1" + "}" * 65,
        "[" * 5000 + "]" * 5000, '{"2":1,"1":2,"a":3,"__proto__":4}', ' \t\r\n{ "a" : [ 1 , 2 ] } ', "\u00a01", "\ufeff1", "1\x00",
        '{"a":1}{"b":2}', "[1]x", "{", "[", '{"a":', '["a"', "\x0b1",
    ]  # fmt: skip
    for text in plain:
        yield {"kind": "json", "octets": list(text.encode())}
    for octets in (
        b'"\xff"',
        b'"\xc0\x80"',
        b'"\xed\xa0\x80"',
        b'"\xf4\x90\x80\x80"',
        b"\xfe\xff",
        b'"\xe2\x82"',
        b'{"\xff":1}',
    ):
        yield {"kind": "json", "octets": list(octets)}
    for _ in range(200):
        number = rng.choice(
            (rng.uniform(-1e6, 1e6), rng.random() * 10 ** rng.randrange(-30, 30), rng.randrange(-(2**70), 2**70))
        )
        yield {"kind": "json", "octets": list(repr(number).encode())}


def unusable() -> Iterator[Case]:
    """Make checks with expectations, occasions and secrets of which most cannot be used."""
    text, expectation = "a.b.c", {"issuer": "https://issuer.example", "audience": "c", "dialect": "standard"}
    text_ = pem.public_to_pem(signing("ES256").public())
    body = "".join(text_.splitlines()[1:-1])
    changes: tuple[Case, ...] = (
        {"issuer": ""},
        {"issuer": []},
        {"issuer": [" a"]},
        {"issuer": ["a", 1]},
        {"audience": ""},
        {"audience": []},
        {"audience": ["a", ""]},
        {"also": [""]},
        {"also": []},
        {"authorized_parties": []},
        {"authorized_parties": ["\u00a0a"]},
        {"leeway": -1},
        {"leeway": 301},
        {"leeway": 1.5},
        {"leeway": True},
        {"leeway": 300},
        {"algorithms": ["none"]},
        {"algorithms": ["HS256"]},
        {"algorithms": ["HS256"], "secret": SECRET},
        {"algorithms": ["HS256", "RS256"], "secret": SECRET},
        {"organization": ""},
        {"organization": "x"},
        {"emails": ["a@b"]},
        {"dialect": "google", "emails": []},
        {"dialect": "google", "organization": "x"},
        {"dialect": "nobody's"},
        {"require_encrypted": True},
        {"secret": ""},
        {"secret": "short"},
        {"secret": "x" * 31},
        {"secret": "x" * 32},
        {"secret": "é" * 16},
        {"secret": text_},
        {"secret": body},
        {"secret": f" {text_}"},
        {"secret": "ssh-rsa " + "A" * 40},
        {"secret": '{"kty":"RSA"}' + "x" * 40},
        {"secret": "MIIB" + "A" * 60},
    )
    for change in changes:
        yield case(text, expectation | change)
    for occasion in (
        {"nonce": ""},
        {"code": ""},
        {"max_age": -1},
        {"max_age": 1.5},
        {"max_age": 0},
        {"require_at_hash": True},
    ):
        yield case(text, expectation, occasion=occasion)


ISSUERS = (
    "https://issuer.example https://issuer.example/ https://issuer.example/a/ http://localhost:8080/x ftp://x x https:// https://u@h/"
    " https://h:0/ https://h:99999/ https://h/{tenantid}/v2.0 https://sts.windows.net/{tenantid}/ https://h?a https://h#a https://h/é"
    " https://login.microsoftonline.com/common/v2.0 https://[::1]/ https://h\\a"
).split()


def others() -> Iterator[Case]:
    """Make questions about dialects: where a document lies, whose token it looks like, what claims mean."""
    for dialect in believing.DIALECTS:
        yield from ({"kind": "discovery", "issuer": issuer, "dialect": dialect} for issuer in ISSUERS)
        yield from ({"kind": "meaning", "claim": claim} for claim in believing.meanings(dialect))
    yield from ({"kind": "meaning", "claim": claim} for claim in ("nobody's", "__proto__", "constructor"))
    yield {"kind": "tables"}
    for _, claims, _ in GOOD.values():
        yield {"kind": "guess", "payload": claims}
        for name in claims:
            yield {"kind": "guess", "payload": {key: value for key, value in claims.items() if key != name}}
            yield {"kind": "guess", "payload": {**claims, name: "x"}}
            yield {"kind": "guess", "payload": {**claims, name: 1}}
