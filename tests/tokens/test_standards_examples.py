"""The examples that the standards print come out as printed (others of them are in `test_rfc.py`, `test_mldsa.py`)."""

from __future__ import annotations

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from intaglio import codec
from intaglio.errors import Refused
from intaglio.tokens import algorithms, certificates, hashes, jwk, jws
from intaglio.tokens.sharedsecret import SharedSecret
from tests.capability import capability

ALL = tuple(algorithms.ALGORITHMS)
N_A7 = (
    "w7Zdfmece8iaB0kiTY8pCtiBtzbptJmP28nSWwtdjRu0f2GFpajvWE4VhfJAjEsOcwYzay7XGN0b-X84BfC8hmCTOj2b2eHT7NsZegFPKRUQzJ9w"
    "W8ipn_aDJWMGDuB1XyqT1E7DYqjUCEOD1b4FLpy_xPn6oV_TYOfQ9fZdbE5HGxJUzekuGcOKqOQ8M7wfYHhHHLxGpQVgL0apWuP2gDDOdTtpuld4"
    "D2LK1MZK99s9gaSjRHE8JDb1Z4IGhEcEyzkxswVdPndUWzfvWBBWXWxtSUvQGBRkuy1BHOa4sP6FKjWEeeF7gm7UMs2Nm2QUgNZw6xvEDGaLk4KA"
    "SdIxRQ"
)
TOKEN_A2 = (
    "eyJraWQiOiIxZTlnZGs3IiwiYWxnIjoiUlMyNTYifQ.ewogImlzcyI6ICJodHRwczovL3NlcnZlci5leGFtcGxlLmNvbSIsCiAic3ViIjogIjI0O"
    "DI4OTc2MTAwMSIsCiAiYXVkIjogInM2QmhkUmtxdDMiLAogIm5vbmNlIjogIm4tMFM2X1d6QTJNaiIsCiAiZXhwIjogMTMxMTI4MTk3MCwKICJpY"
    "XQiOiAxMzExMjgwOTcwLAogIm5hbWUiOiAiSmFuZSBEb2UiLAogImdpdmVuX25hbWUiOiAiSmFuZSIsCiAiZmFtaWx5X25hbWUiOiAiRG9lIiwKI"
    "CJnZW5kZXIiOiAiZmVtYWxlIiwKICJiaXJ0aGRhdGUiOiAiMDAwMC0xMC0zMSIsCiAiZW1haWwiOiAiamFuZWRvZUBleGFtcGxlLmNvbSIsCiAic"
    "GljdHVyZSI6ICJodHRwOi8vZXhhbXBsZS5jb20vamFuZWRvZS9tZS5qcGciCn0.NTibBYW_ZoNHGm4ZrWCqYA9oJaxr1AVrJCze6FEcac4t_EOQi"
    "JFbD2nVEPkUXPuMshKjjTn7ESLIFUnfHq8UKTGibIC8uqrBgQAcUQFMeWeg-PkLvDTHk43Dn4_aNrxhmWwMNQfkjqx3wd2Fvta9j8yG2Qn790Gwb"
    "5psGcmBhqMJUUnFrGpyxQDhFIzzodmPokM7tnUxBNj-JuES_4CE-BvZICH4jKLp0TMu-WQsVst0ss-vY2RPdU1MzL59mq_eKk8Rv9XhxIr3WteA2"
    "ZlrgVyT0cwH3hlCnRUsLfHtIEb8k1Y_WaqKUu3DaKPxqRi6u0rN7RO2uZYPzC454xe-mg"
)
TOKEN_A3 = (
    "eyJraWQiOiIxZTlnZGs3IiwiYWxnIjoiUlMyNTYifQ.ewogImlzcyI6ICJodHRwczovL3NlcnZlci5leGFtcGxlLmNvbSIsCiAic3ViIjogIjI0O"
    "DI4OTc2MTAwMSIsCiAiYXVkIjogInM2QmhkUmtxdDMiLAogIm5vbmNlIjogIm4tMFM2X1d6QTJNaiIsCiAiZXhwIjogMTMxMTI4MTk3MCwKICJpY"
    "XQiOiAxMzExMjgwOTcwLAogImF0X2hhc2giOiAiNzdRbVVQdGpQZnpXdEYyQW5wSzlSUSIKfQ.kdqTmftlaXg5WBYBr1wkxhkqCGZPc0k8vTiV5g"
    "2jj67jQ7XkrDamYx2bOkZLdZrpMPIzkdYB1nZI_G8vQGQuamRhJcEIt21kblGPZ-yhEhdkAiZIZLu38rChalDS2Mh0glE_rke5XXRhmqqoEFFdzi"
    "FdnO3p61-7y51co84OEAZvARSINQaOWIzvioRfs4zwIFOaT33Vpxfqr8HDyh31zo9eBW2dSQuCa071z0ENWChWoPliK1JCo_Bk9eDg2uwo2Zwhsv"
    "Hzj6TMQ0lYOTzufSlSmXIKfjlOsb3nftQeR697_hA-nMZyAdL8_NRfaC37XnAbW8WB9wCfECp7cuNuOg"
)
TOKEN_A4 = (
    "eyJraWQiOiIxZTlnZGs3IiwiYWxnIjoiUlMyNTYifQ.ewogImlzcyI6ICJodHRwczovL3NlcnZlci5leGFtcGxlLmNvbSIsCiAic3ViIjogIjI0O"
    "DI4OTc2MTAwMSIsCiAiYXVkIjogInM2QmhkUmtxdDMiLAogIm5vbmNlIjogIm4tMFM2X1d6QTJNaiIsCiAiZXhwIjogMTMxMTI4MTk3MCwKICJpY"
    "XQiOiAxMzExMjgwOTcwLAogImNfaGFzaCI6ICJMRGt0S2RvUWFrM1BrMGNuWHhDbHRBIgp9.MRPihYtNIcwKTZ_mcMSPfreVytGR4jfl1Tzbv4tH"
    "5Jr4WqONs2lUWrIEpZ2joKbZfAGlouAqwqSYpfR3FQYKYvdgnZ3kjIJ_5M4fAARXHVSciGyhfqB-OhDUMXSHzFHiGKNY9TKSgRfiXf_314WRujpq"
    "aDtj2uoXbppobYXvAZIxWtsOein0-t91LDS39EW4frNWAopKTBBi_XJPlpLVynWTDvNleEBP6UxIMgYJBKlqsP7RGfHTGk3ReXDacR7RGZlIVGa-"
    "0qRyDzvNqD7xfu9aYufUP0oBGqdBGgFVNmwJ7rmB0gdPtC2eJsXq9svCgBBfhRQZxhx1iLJjNc9nSw"
)
TOKEN_A6 = (
    "eyJraWQiOiIxZTlnZGs3IiwiYWxnIjoiUlMyNTYifQ.ewogImlzcyI6ICJodHRwczovL3NlcnZlci5leGFtcGxlLmNvbSIsCiAic3ViIjogIjI0O"
    "DI4OTc2MTAwMSIsCiAiYXVkIjogInM2QmhkUmtxdDMiLAogIm5vbmNlIjogIm4tMFM2X1d6QTJNaiIsCiAiZXhwIjogMTMxMTI4MTk3MCwKICJpY"
    "XQiOiAxMzExMjgwOTcwLAogImF0X2hhc2giOiAiNzdRbVVQdGpQZnpXdEYyQW5wSzlSUSIsCiAiY19oYXNoIjogIkxEa3RLZG9RYWszUGswY25Ye"
    "ENsdEEiCn0.A2OhhJzbUNaCbNLqNaqetGLJoxB3ujVbq_HLYSOWgWCJ3-B__YxlqIg8gpeL0VhvrWX0mwz7w_pGTRN4JdgsI0xAlT5fob1ZPnraz"
    "gonSyzaXcg2bgD896SsBSlG_8JX6JKaztXifn8k2gy65Me-sMyQrRF8xv_q1CeC871sZpMjJzy5nx65BTI17vcXjntZHADv6o2CrHrEdHp8xSlnT"
    "LiiIqgDOmKlpkeqqOBK6dqa4rXZlSqMAUm1LYZmtb2D8sHvQsxTbWlBkX7VZaTSqMJ487s4ZIEea8Bw4KGVOntQue4VhBjBnQ4bQKhB_47DxlWpS"
    "yOWdy3cer_zxKrfvw"
)
N_7517 = (
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknj"
    "hMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQ"
    "vRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzK"
    "nqDKgw"
)
D_7517 = (
    "X4cTteJY_gn4FYPsXB8rdXix5vwsg1FLN5E3EaG6RJoVH-HLLKD9M7dx5oo7GURknchnrRweUkC7hT5fJLM0WbFAKNLWY2vv7B6NqXSzUvxT0_YS"
    "fqijwp3RTzlBaCxWp4doFk5N2o8Gy_nHNKroADIkJ46pRUohsXywbReAdYaMwFs9tv8d_cPVY3i07a3t8MN6TNwm0dSawm9v47UiCl3Sk5ZiG7xo"
    "jPLu4sbg1U2jx4IBTNBznbJSzFHK66jT8bgkuqsk0GjskDJk19Z4qwjwbsnn4j2WBii3RL-Us2lGVkY8fkFzme1z0HbIkfz0Y6mqnOYtqc0X4jfc"
    "KoAC8Q"
)
N_7517_B = (
    "vrjOfz9Ccdgx5nQudyhdoR17V-IubWMeOZCwX_jj0hgAsz2J_pqYW08PLbK_PdiVGKPrqzmDIsLI7sA25VEnHU1uCLNwBuUiCO11_-7dYbsr4iJm"
    "G0Qu2j8DsVyT1azpJC_NG84Ty5KKthuCaPod7iI7w0LK9orSMhBEwwZDCxTWq4aYWAchc8t-emd9qOvWtVMDC2BXksRngh6X5bUYLy6AyHKvj-nU"
    "y1wgzjYQDwHMTplCoLtU-o-8SNnZ1tmRoGE9uJkBLdh5gFENabWnU5m1ZqZPdwS-qo-meMvVfJb6jJVWRpl2SUtCnYG2C32qvbWbjZ_jBPD5eunq"
    "sIo1vQ"
)
X5C_7517_B = (
    "MIIDQjCCAiqgAwIBAgIGATz/FuLiMA0GCSqGSIb3DQEBBQUAMGIxCzAJBgNVBAYTAlVTMQswCQYDVQQIEwJDTzEPMA0GA1UEBxMGRGVudmVyMRww"
    "GgYDVQQKExNQaW5nIElkZW50aXR5IENvcnAuMRcwFQYDVQQDEw5CcmlhbiBDYW1wYmVsbDAeFw0xMzAyMjEyMzI5MTVaFw0xODA4MTQyMjI5MTVa"
    "MGIxCzAJBgNVBAYTAlVTMQswCQYDVQQIEwJDTzEPMA0GA1UEBxMGRGVudmVyMRwwGgYDVQQKExNQaW5nIElkZW50aXR5IENvcnAuMRcwFQYDVQQD"
    "Ew5CcmlhbiBDYW1wYmVsbDCCASIwDQYJKoZIhvcNAQEBBQADggEPADCCAQoCggEBAL64zn8/QnHYMeZ0LncoXaEde1fiLm1jHjmQsF/449IYALM9"
    "if6amFtPDy2yvz3YlRij66s5gyLCyO7ANuVRJx1NbgizcAblIgjtdf/u3WG7K+IiZhtELto/A7Fck9Ws6SQvzRvOE8uSirYbgmj6He4iO8NCyvaK"
    "0jIQRMMGQwsU1quGmFgHIXPLfnpnfajr1rVTAwtgV5LEZ4Iel+W1GC8ugMhyr4/p1MtcIM42EA8BzE6ZQqC7VPqPvEjZ2dbZkaBhPbiZAS3YeYBR"
    "DWm1p1OZtWamT3cEvqqPpnjL1XyW+oyVVkaZdklLQp2Btgt9qr21m42f4wTw+Xrp6rCKNb0CAwEAATANBgkqhkiG9w0BAQUFAAOCAQEAh8zGlfSl"
    "cI0o3rYDPBB07aXNswb4ECNIKG0CETTUxmXl9KUL+9gGlqCz5iWLOgWsnrcKcY0vXPG9J1r9AqBNTqNgHq2G03X09266X5CpOe1zFo+Owb1zxtp3"
    "PehFdfQJ610CDLEaS9V9Rqp17hCyybEpOGVwe8fnk+fbEL2Bo3UPGrpsHzUoaGpDftmWssZkhpBJKVMJyf/RuP2SmmaIzmnw9JiSlYhzo4tpzd5r"
    "FXhjRbg4zW9C+2qok+2+qDM1iJ684gPHMIY8aLWrdgQTxkumGmTqgawR+N5MDtdPTEQ0XfIBc2cJEUyMTY5MPvACWpkA6SdS4xSvdXK3IVfOWA=="
)
ACCESS_TOKEN = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"
CODE = "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk"
SIGN_IN = {
    "iss": "https://server.example.com",
    "sub": "248289761001",
    "aud": "s6BhdRkqt3",
    "nonce": "n-0S6_WzA2Mj",
    "exp": 1311281970,
    "iat": 1311280970,
}
PROFILE = {
    "name": "Jane Doe",
    "given_name": "Jane",
    "family_name": "Doe",
    "gender": "female",
    "birthdate": "0000-10-31",
    "email": "janedoe@example.com",
    "picture": "http://example.com/janedoe/me.jpg",
}
AT_HASH, C_HASH = "77QmUPtjPfzWtF2AnpK9RQ", "LDktKdoQak3Pk0cnXxCltA"
BODY = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
CLAIMS = b'{"iss":"joe",\r\n "exp":1300819380,\r\n "http://example.com/is_root":true}'
K_A1 = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
JWS_A1 = f"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{BODY}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
EC_A4 = {
    "kty": "EC",
    "crv": "P-521",
    "x": "AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk",
    "y": "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2",
}
JWS_A4 = (
    "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA."
    "AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZC"
    "PEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn"
)
UNSECURED = f"eyJhbGciOiJub25lIn0.{BODY}."
ED_X, ED_D = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
JWS_8037 = (
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
)
EC_7517 = {
    "kty": "EC",
    "crv": "P-256",
    "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    "use": "enc",
    "kid": "1",
}
RSA_7517 = {"kty": "RSA", "n": N_7517, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"}


def keys(*members):
    """Return a key set of JWKs."""
    return jwk.read_set({"keys": list(members)})


def refusal(function, *arguments, **named):
    """Return the code with which a call is refused."""
    with pytest.raises(Refused) as caught:
        function(*arguments, **named)
    return caught.value.code


# --- OpenID Connect Core, appendix A

OP = {"kty": "RSA", "kid": "1e9gdk7", "n": N_A7, "e": "AQAB"}
ID_TOKENS = [
    pytest.param(TOKEN_A2, PROFILE, id="A.2 id_token"),
    pytest.param(TOKEN_A3, {"at_hash": AT_HASH}, id="A.3 id_token token"),
    pytest.param(TOKEN_A4, {"c_hash": C_HASH}, id="A.4 code id_token"),
    pytest.param(TOKEN_A6, {"at_hash": AT_HASH, "c_hash": C_HASH}, id="A.6 code id_token token"),
]


@capability("standards-examples", witness="OpenID Connect Core appendix A")
@pytest.mark.parametrize(("text", "more"), ID_TOKENS)
def test_openid_connect_core_id_token_is_believed(text, more):
    """Believe the ID tokens of appendix A with the key of A.7, and read the claims that are printed."""
    verified = jws.verify(text, keys(OP), algorithms=("RS256",))
    assert verified.header == {"kid": "1e9gdk7", "alg": "RS256"}
    assert codec.decode_json_object(verified.payload) == {**SIGN_IN, **more}


@pytest.mark.parametrize(("text", "more"), ID_TOKENS)
def test_openid_connect_core_id_token_with_another_body_is_refused(text, more):
    """Refuse the signature of one example over the claims of another."""
    head, _, mac = text.split(".")
    body = codec.encode_base64url(json.dumps({**SIGN_IN, **more, "sub": "1"}).encode())
    assert refusal(jws.verify, f"{head}.{body}.{mac}", keys(OP), algorithms=("RS256",)) == "signature-invalid"


def test_openid_connect_core_half_hashes():
    """Hash the access token and the code of appendix A to what its ID tokens say."""
    assert hashes.half_hash("RS256", ACCESS_TOKEN) == AT_HASH
    assert hashes.half_hash("RS256", CODE) == C_HASH


# --- RFC 7515 appendix A, RFC 7519 sections 3.1 and 6.1


@capability("standards-examples", witness="RFC 7515 and RFC 7519")
def test_rfc_7515_a1_and_rfc_7519_3_1_hs256():
    """Believe the HS256 example with its secret, and with nothing else."""
    secret = SharedSecret(codec.decode_base64url(K_A1))
    assert jws.verify_with_secret(JWS_A1, secret).payload == CLAIMS
    assert refusal(jws.verify_with_secret, JWS_A1, SharedSecret(bytes(64))) == "signature-invalid"
    assert refusal(jws.verify, JWS_A1, keys(EC_A4), algorithms=(*ALL, "HS256")) == "forbidden-algorithm"


@capability("standards-examples", witness="RFC 7515")
def test_rfc_7515_a4_es512():
    """Believe the ES512 example, and not under a key for another algorithm."""
    assert jws.verify(JWS_A4, keys(EC_A4), algorithms=ALL).payload == b"Payload"
    assert refusal(jws.verify, JWS_A4, keys({**EC_7517, "use": "sig"}), algorithms=ALL) == "key-unknown"


def test_rfc_7515_a5_and_rfc_7519_6_1_unsecured():
    """Refuse the unsecured example with keys and with a secret, even where somebody allows `none`."""
    assert refusal(jws.verify, UNSECURED, keys(EC_A4), algorithms=(*ALL, "none")) == "forbidden-algorithm"
    secret = SharedSecret(codec.decode_base64url(K_A1))
    assert refusal(jws.verify_with_secret, UNSECURED, secret) == "forbidden-algorithm"


# --- RFC 8037 appendix A


def test_rfc_8037_a1_private_key_is_refused_as_a_public_one():
    """Refuse to read the private key of A.1."""
    assert refusal(jwk.read, {"kty": "OKP", "crv": "Ed25519", "d": ED_D, "x": ED_X}) == "malformed-key"


def test_rfc_8037_a2_public_key_is_that_of_a1():
    """Derive the public key of A.2 from the private key of A.1."""
    private = ed25519.Ed25519PrivateKey.from_private_bytes(codec.decode_base64url(ED_D))
    made = jwk.public_members(jwk.SigningKey("EdDSA", private).public())
    assert made == {"kty": "OKP", "crv": "Ed25519", "x": ED_X}


@capability("standards-examples", witness="RFC 8037")
def test_rfc_8037_a4_signature_comes_out_as_printed():
    """Sign as A.4 does, octet for octet, and believe it as A.5 does."""
    private = ed25519.Ed25519PrivateKey.from_private_bytes(codec.decode_base64url(ED_D))
    assert jws.sign(jwk.SigningKey("EdDSA", private), {}, b"Example of Ed25519 signing") == JWS_8037
    public = keys({"kty": "OKP", "crv": "Ed25519", "x": ED_X})
    assert jws.verify(JWS_8037, public, algorithms=ALL).payload == b"Example of Ed25519 signing"


# --- RFC 7517 appendices


@capability("standards-examples", witness="RFC 7517")
def test_rfc_7517_a1_public_keys():
    """Read both keys of A.1; the one for encryption checks no signature."""
    found = keys(EC_7517, RSA_7517)
    assert (found.kids(), found.skipped) == (("1", "2011-04-29"), ())
    assert [key.usable_for for key in found.keys] == [frozenset(), frozenset({"RS256"})]


@pytest.mark.parametrize(
    "private",
    [
        pytest.param({**EC_7517, "d": "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"}, id="EC"),
        pytest.param({**RSA_7517, "d": D_7517}, id="RSA"),
    ],
)
def test_rfc_7517_a2_private_keys_are_refused(private):
    """Refuse the private keys of A.2, alone and in a set with good ones."""
    assert refusal(jwk.read, private) == "malformed-key"
    assert refusal(keys, EC_7517, RSA_7517, private) == "malformed-key"


@pytest.mark.parametrize(
    "symmetric",
    [
        pytest.param({"kty": "oct", "alg": "A128KW", "k": "GawgguFyGrWKav7AX4VKUg"}, id="AES"),
        pytest.param({"kty": "oct", "k": K_A1, "kid": "HMAC key used in JWS spec Appendix A.1 example"}, id="HMAC"),
    ],
)
def test_rfc_7517_a3_symmetric_keys_are_refused(symmetric):
    """Refuse the shared secrets of A.3, alone and in a set with good keys."""
    assert refusal(jwk.read, symmetric) == "malformed-key"
    assert refusal(keys, RSA_7517, symmetric) == "malformed-key"


def test_rfc_7517_b_certificate_holds_the_key():
    """Read the key of appendix B from its members, which are those in its certificate."""
    members = {"kty": "RSA", "use": "sig", "kid": "1b94c", "n": N_7517_B, "e": "AQAB", "x5c": [X5C_7517_B]}
    key = jwk.read(members)
    assert key.kid == "1b94c"
    assert jwk.public_members(key) == {"kty": "RSA", "n": N_7517_B, "e": "AQAB"}
    assert certificates.public_key(base64.b64decode(X5C_7517_B), None).public == key.public
