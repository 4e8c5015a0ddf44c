"""The encryption examples printed in RFC 7516 and RFC 7518 come out as printed."""

from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidTag

from intaglio import codec
from intaglio.tokens import encryptionkeys, jwe, jwe_agreement, jwe_content

RSA_A1 = {
    "kty": "RSA",
    "n": (
        "oahUIoWw0K0usKNuOR6H4wkf4oBUXHTxRvgb48E-BVvxkeDNjbC4he8rUWcJoZmds2h7M70imEVhRU5djINXtqllXI4DFqcI1DgjT9LewND8MW2K"
        "rf3Spsk_ZkoFnilakGygTwpZ3uesH-PFABNIUYpOiN15dsQRkgr0vEhxN92i2asbOenSZeyaxziK72UwxrrKoExv6kc5twXTq4h-QChLOln0_mtU"
        "ZwfsRaMStPs6mS6XrgxnxbWhojf663tuEQueGC-FCMfra36C9knDFGzKsNa7LZK2djYgyD3JR_MB_4NUJW_TqOQtwHYbxevoJArm-L5StowjzGy-"
        "_bq6Gw"
    ),
    "e": "AQAB",
    "d": (
        "kLdtIj6GbDks_ApCSTYQtelcNttlKiOyPzMrXHeI-yk1F7-kpDxY4-WY5NWV5KntaEeXS1j82E375xxhWMHXyvjYecPT9fpwR_M9gV8n9Hrh2anT"
        "pTD93Dt62ypW3yDsJzBnTnrYu1iwWRgBKrEYY46qAZIrA2xAwnm2X7uGR1hghkqDp0Vqj3kbSCz1XyfCs6_LehBwtxHIyh8Ripy40p24moOAbgxV"
        "w3rxT_vlt3UVe4WO3JkJOzlpUf-KTVI2Ptgm-dARxTEtE-id-4OJr0h-K-VFs3VSndVTIznSxfyrj8ILL6MG_Uv8YAu7VILSB3lOW085-4qE3Dzg"
        "rTjgyQ"
    ),
    "p": (
        "1r52Xk46c-LsfB5P442p7atdPUrxQSy4mti_tZI3Mgf2EuFVbUoDBvaRQ-SWxkbkmoEzL7JXroSBjSrK3YIQgYdMgyAEPTPjXv_hI2_1eTSPVZfz"
        "L0lffNn03IXqWF5MDFuoUYE0hzb2vhrlN_rKrbfDIwUbTrjjgieRbwC6Cl0"
    ),
    "q": (
        "wLb35x7hmQWZsWJmB_vle87ihgZ19S8lBEROLIsZG4ayZVe9Hi9gDVCOBmUDdaDYVTSNx_8Fyw1YYa9XGrGnDew00J28cRUoeBB_jKI1oma0Orv1"
        "T9aXIWxKwd4gvxFImOWr3QRL9KEBRzk2RatUBnmDZJTIAfwTs0g68UZHvtc"
    ),
    "dp": (
        "ZK-YwE7diUh0qR1tR7w8WHtolDx3MZ_OTowiFvgfeQ3SiresXjm9gZ5KLhMXvo-uz-KUJWDxS5pFQ_M0evdo1dKiRTjVw_x4NyqyXPM5nULPkcpU"
        "827rnpZzAJKpdhWAgqrXGKAECQH0Xt4taznjnd_zVpAmZZq60WPMBMfKcuE"
    ),
    "dq": (
        "Dq0gfgJ1DdFGXiLvQEZnuKEN0UUmsJBxkjydc3j4ZYdBiMRAy86x0vHCjywcMlYYg4yoC4YZa9hNVcsjqA3FeiL19rk8g6Qn29Tt0cj8qqyFpz9v"
        "NDBUfCAiJVeESOjJDZPYHdHY8v1b-o-Z2X5tvLx-TCekf7oxyeKDUqKWjis"
    ),
    "qi": (
        "VIMpMYbPf47dT1w_zDUXfPimsSegnMOA1zTaX7aGk_8urY6R8-ZW1FxU7AlWAyLWybqq6t16VFd7hQd0y6flUK4SlOydB61gwanOsXGOAOv82cHq"
        "0E3eL4HrtZkUuKvnPrMnsUUFlfUdybVzxyjz9JF_XyaY14ardLSjf4L_FNY"
    ),
}
JWE_A1 = (
    "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ."
    "OKOawDo13gRp2ojaHV7LFpZcgV7T6DVZKTyKOMTYUmKoTCVJRgckCL9kiMT03JGeipsEdY3mx_etLbbWSrFr05kLzcSr4qKAq7YN7e9jwQRb23nf"
    "a6c9d-StnImGyFDbSv04uVuxIp5Zms1gNxKKK2Da14B8S4rzVRltdYwam_lDp5XnZAYpQdb76FdIKLaVmqgfwX7XWRxv2322i-vDxRfqNzo_tETK"
    "zpVLzfiwQyeyPGLBIO56YJ7eObdv0je81860ppamavo35UgoRdbYaBcoh9QcfylQr66oc6vFWXRcZ_ZT2LawVCWTIy3brGPi6UklfCpIMfIjf7iG"
    "dXKHzg."
    "48V1_ALb6US04U3b."
    "5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_EFShS8iB7j6jiSdiwkIr3ajwQzaBtQD_A."
    "XFBoMYUZodetZdvTiFvSkQ"
)
OCT_A3 = {"kty": "oct", "k": "GawgguFyGrWKav7AX4VKUg"}
JWE_A3 = (
    "eyJhbGciOiJBMTI4S1ciLCJlbmMiOiJBMTI4Q0JDLUhTMjU2In0.6KB707dM9YTIgHtLvtgWQ8mKwboJW3of9locizkDTHzBC2IlrT1oOQ."
    "AxY8DCtDaGlsbGljb3RoZQ.KDlTtXchhZTGufMYmOYGS4HffxPSUrfmqCHXaI9wOGY.U0m_YmjN04DJvceFICbCVQ"
)
ALICE_C = {
    "kty": "EC",
    "crv": "P-256",
    "x": "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0",
    "y": "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps",
    "d": "0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo",
}
BOB_C = {
    "kty": "EC",
    "crv": "P-256",
    "x": "weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",
    "y": "e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck",
    "d": "VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw",
}
SHARED_C = bytes.fromhex("9e56d91d817135d372834283bf84269cfb316ea3da806a48f6daa7798cfe90c4")
TEXT_B = (
    b"A cipher system must not be required to be secret, and it must be able to fall into the hands of the enemy "
    b"without inconvenience"
)
AAD_B = b"The second principle of Auguste Kerckhoffs"
IV_B = bytes.fromhex("1af38c2dc2b96ffdd86694092341bc04")
CASES_B = [
    (
        "A128CBC-HS256",
        (
            "c80edfa32ddf39d5ef00c0b468834279a2e46a1b8049f792f76bfe54b903a9c9a94ac9b47ad2655c5f10f9aef71427e2"
            "fc6f9b3f399a221489f16362c703233609d45ac69864e3321cf82935ac4096c86e133314c54019e8ca7980dfa4b9cf1b"
            "384c486f3a54c51078158ee5d79de59fbd34d848b3d69550a67646344427ade54b8851ffb598f7f80074b9473c82e2db"
        ),
        "652c3fa36b0a7c5b3219fab3a30bc1c4",
    ),
    (
        "A192CBC-HS384",
        (
            "ea65da6b59e61edb419be62d19712ae5d303eeb50052d0dfd6697f77224c8edb000d279bdc14c1072654bd30944230c6"
            "57bed4ca0c9f4a8466f22b226d1746214bf8cfc2400add9f5126e479663fc90b3bed787a2f0ffcbf3904be2a641d5c21"
            "05bfe591bae23b1d7449e532eef60a9ac8bb6c6b01d35d49787bcd57ef484927f280adc91ac0c4e79c7b11efc60054e3"
        ),
        "8490ac0e58949bfe51875d733f93ac2075168039ccc733d7",
    ),
    (
        "A256CBC-HS512",
        (
            "4affaaadb78c31c5da4b1b590d10ffbd3dd8d5d302423526912da037ecbcc7bd822c301dd67c373bccb584ad3e9279c2"
            "e6d12a1374b77f077553df829410446b36ebd97066296ae6427ea75c2e0846a11a09ccf5370dc80bfecbad28c73f09b3"
            "a3b75e662a2594410ae496b2e2e6609e31e6e02cc837f053d21f37ff4f51950bbe2638d09dd7a4930930806d0703b1f6"
        ),
        "4dd3b4c088a7f45c216839645b2012bf2e6269a8c56a816dbc1b267761955bc5",
    ),
]


def opened(text, members):
    """Return what a token holds."""
    return jwe.decrypt(text, encryptionkeys.read_private_set(members))


def test_rfc7516_a1_rsa_oaep_with_a256gcm():
    """Decrypt the token of RFC 7516 appendix A.1."""
    found = opened(JWE_A1, RSA_A1)
    assert found.plaintext == b"The true sign of intelligence is not knowledge but imagination."
    assert (found.alg, found.enc) == ("RSA-OAEP", "A256GCM")


def test_rfc7516_a3_a128kw_with_a128cbc_hs256():
    """Decrypt the token of RFC 7516 appendix A.3."""
    assert opened(JWE_A3, OCT_A3).plaintext == b"Live long and prosper."


@pytest.mark.parametrize(("enc", "body", "tag"), CASES_B, ids=[case[0] for case in CASES_B])
def test_rfc7518_b_cbc_with_hmac(enc, body, tag):
    """Encrypt and decrypt the cases of RFC 7518 appendix B.1 to B.3, and refuse them with the tag cut or changed."""
    encryption = jwe_content.find(enc)
    key = bytes(range(encryption.key_octets))
    sealed = jwe_content.encrypt(encryption, key, TEXT_B, AAD_B, iv=IV_B)
    assert (sealed.body.hex(), sealed.tag.hex(), sealed.iv) == (body, tag, IV_B)
    assert jwe_content.decrypt(encryption, key, sealed, AAD_B) == TEXT_B
    for bad in (sealed.tag[:-1], bytes(len(sealed.tag)), sealed.tag + b"\0"):
        with pytest.raises(InvalidTag):
            jwe_content.decrypt(encryption, key, jwe_content.Sealed(IV_B, sealed.body, bad), AAD_B)


def test_rfc7518_c_key_agreement():
    """Agree on the secret and derive the key of RFC 7518 appendix C, from either side."""
    header = {"alg": "ECDH-ES", "enc": "A128GCM", "apu": "QWxpY2U", "apv": "Qm9i"}
    alice, bob = jwe_agreement.read_private(ALICE_C), jwe_agreement.read_private(BOB_C)
    for one, other in ((alice, bob), (bob, alice)):
        assert jwe_agreement.exchange(one, other.public_key(), "P-256") == SHARED_C
    derived = jwe_agreement.derive("A128GCM", 16, SHARED_C, header)
    assert codec.encode_base64url(derived) == "VqqN6vgjbSBcIijNcacQGg"


def test_rfc7518_c_token():
    """Decrypt a token whose content key is the one derived in RFC 7518 appendix C."""
    epk = {name: ALICE_C[name] for name in ("kty", "crv", "x", "y")}
    header = {"alg": "ECDH-ES", "enc": "A128GCM", "apu": "QWxpY2U", "apv": "Qm9i", "epk": epk}
    protected = codec.encode_base64url(codec.encode_json(header))
    key = codec.decode_base64url("VqqN6vgjbSBcIijNcacQGg")
    sealed = jwe_content.encrypt(jwe_content.find("A128GCM"), key, b"hello", protected.encode())
    text = ".".join((protected, "", *map(codec.encode_base64url, (sealed.iv, sealed.body, sealed.tag))))
    assert opened(text, BOB_C).plaintext == b"hello"
