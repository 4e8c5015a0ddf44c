"""The examples printed in the RFCs come out as printed."""

from __future__ import annotations

import pytest

from intaglio.errors import Refused
from intaglio.tokens import algorithms, hashes, jwk, jws

N_A2 = (
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMs"
    "D1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdV"
    "MTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"
)
CLAIMS = b'{"iss":"joe",\r\n "exp":1300819380,\r\n "http://example.com/is_root":true}'
BODY = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
JWS_A2 = (
    f"eyJhbGciOiJSUzI1NiJ9.{BODY}."
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZ"
    "cAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-e"
    "OkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
)
EC_A3 = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}
JWS_A3 = (
    f"eyJhbGciOiJFUzI1NiJ9.{BODY}."
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
)
ED_8037 = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
JWS_8037 = (
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
)
RSA_7638 = {
    "kty": "RSA",
    "n": (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknj"
        "hMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQ"
        "vRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzK"
        "nqDKgw"
    ),
    "e": "AQAB",
    "alg": "RS256",
    "kid": "2011-04-29",
}
HS256_7519 = f"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{BODY}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"


def keys(*members):
    """Return a key set of JWKs."""
    return jwk.KeySet(tuple(jwk.read(each) for each in members))


@pytest.mark.parametrize(
    ("text", "members", "payload"),
    [
        pytest.param(JWS_A2, {"kty": "RSA", "n": N_A2, "e": "AQAB"}, CLAIMS, id="RFC 7515 A.2 RS256"),
        pytest.param(JWS_A3, EC_A3, CLAIMS, id="RFC 7515 A.3 ES256"),
        pytest.param(JWS_8037, ED_8037, b"Example of Ed25519 signing", id="RFC 8037 A.4 EdDSA"),
    ],
)
def test_signature_example_is_good(text, members, payload):
    """Believe the signatures that the RFCs print."""
    assert jws.verify(text, keys(members), algorithms=tuple(algorithms.ALGORITHMS)).payload == payload


def test_rfc_7519_example_with_a_shared_secret_is_refused():
    """Refuse the example of RFC 7519 3.1: its algorithm shares a secret."""
    with pytest.raises(Refused) as refusal:
        jws.verify(HS256_7519, keys(EC_A3), algorithms=tuple(algorithms.ALGORITHMS))
    assert refusal.value.code == "forbidden-algorithm"


def test_rfc_7519_unsecured_example_is_refused():
    """Refuse the example of RFC 7519 6.1: it is not signed."""
    with pytest.raises(Refused) as refusal:
        jws.verify(f"eyJhbGciOiJub25lIn0.{BODY}.", keys(EC_A3), algorithms=("RS256", "none"))
    assert refusal.value.code == "forbidden-algorithm"


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        pytest.param(RSA_7638, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", id="RFC 7638 3.1"),
        pytest.param(ED_8037, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", id="RFC 8037 A.3"),
    ],
)
def test_thumbprint_example(members, expected):
    """Name the keys of the RFCs as they do, other members left aside."""
    assert jwk.thumbprint(members) == expected
    assert jwk.thumbprint(jwk.public_members(jwk.read(members))) == expected


def test_at_hash_example_of_openid_connect_core():
    """Hash the access token of OpenID Connect Core A.3 to the at_hash that is printed there."""
    assert hashes.half_hash("RS256", "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y") == "77QmUPtjPfzWtF2AnpK9RQ"
