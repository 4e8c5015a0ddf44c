"""The two sample tokens of Microsoft's page on ID tokens: both are shown whole; one cannot be believed by anybody."""

from __future__ import annotations

import json
import os
import pathlib
import re

import pytest

from intaglio.cli.faults import Exit
from intaglio.tokens import jwk
from tests.capability import capability
from tests.cli.conftest import Ran, Run

PAGE = "001_2e86740f2a240362.txt"
TENANT = "9122040d-6c67-4c5b-b112-36a304b66dad"
ISSUER = f"https://login.microsoftonline.com/{TENANT}/v2.0"
AUDIENCE = "6cb04018-a3f5-46a7-b995-940c78f5aef3"
KID = "1LTMzakihiRla_8z2BEJVXeWMqo"
V1_HEADER = {
    "typ": "JWT",
    "alg": "RS256",
    "x5t": "7_Zuf1tvkwLxYaHS3q6lUjUYIGw",
    "kid": "7_Zuf1tvkwLxYaHS3q6lUjUYIGw",
}
V1_PAYLOAD = {
    "aud": "b14a7505-96e9-4927-91e8-0601d0fc9caa",
    "iss": "https://sts.windows.net/fa15d692-e9c7-4460-a743-29f2956fd429/",
    "iat": 1536275124,
    "nbf": 1536275124,
    "exp": 1536279024,
    "aio": "AXQAi/8IAAAAqxsuB+R4D2rFQqOETO4YdXbLD9kZ8xfXadeAM0Q2NkNT5izfg3uwbWSXhuSSj6UT5hy2D6WqApB5jKA6ZgZ9k/SU27uV9"
    "cetXfLOtpNttgk5DcBtk+LLstz/Jg+gYRmv9bUU4XlphTc6C86Jmj1FCw==",
    "amr": ["rsa"],
    "email": "abeli@microsoft.com",
    "family_name": "Lincoln",
    "given_name": "Abe",
    "idp": "https://sts.windows.net/72f988bf-86f1-41af-91ab-2d7cd011db47/",
    "ipaddr": "131.107.222.22",
    "name": "abeli",
    "nonce": "123523",
    "oid": "05833b6b-aa1d-42d4-9ec0-1b2bb9194438",
    "rh": "I",
    "sub": "5_J9rSss8-jvt_Icu6ueRNL8xXb8LF4Fsg_KooC2RJQ",
    "tid": "fa15d692-e9c7-4460-a743-29f2956fd429",
    "unique_name": "AbeLi@microsoft.com",
    "uti": "Lxe_46GqTkOpGSfTln4EAA",
    "ver": "1.0",
}
V2_PAYLOAD = {
    "ver": "2.0",
    "iss": ISSUER,
    "sub": "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
    "aud": AUDIENCE,
    "exp": 1536361411,
    "iat": 1536274711,
    "nbf": 1536274711,
    "name": "Abe Lincoln",
    "preferred_username": "AbeLi@microsoft.com",
    "oid": "00000000-0000-0000-66f3-3332eca7ea81",
    "tid": TENANT,
    "nonce": "123523",
    "aio": "Df2UVXL1ix!lMCWMSOJBcFatzcGfvFGhjKv8q5g0x732dR5MB5BisvGQO7YWByjd8iQDLq!eGbIDakyp5mnOr"
    "cdqHeYSnltepQmRp6AIZ8jY",
}


@pytest.fixture(scope="module")
def samples() -> tuple[str, str]:
    """The v1.0 and the v2.0 sample, read where Microsoft's page lies."""
    vectors = os.environ.get("INTAGLIO_VECTORS")
    if not vectors:
        pytest.skip("INTAGLIO_VECTORS names no folder, so Microsoft's page with the samples is not at hand")
    page = pathlib.Path(vectors).parent / "seeds" / PAGE
    if not page.is_file():
        pytest.skip("Microsoft's page with the samples does not lie beside the vectors")
    v1, v2 = re.findall(r"^eyJ\S+$", page.read_text(encoding="utf-8"), re.MULTILINE)[:2]
    return v1, v2


@pytest.fixture
def jwks(tmp_path: pathlib.Path) -> str:
    """A file with a key that is not the one the samples were signed with."""
    public = jwk.public_members(jwk.generate("RS256").public())
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"keys": [{**public, "kid": "another", "alg": "RS256"}]}), encoding="utf-8")
    return str(file)


def verify(run: Run, text: str, jwks: str, *more: str, at: str = "2018-09-07T12:00:00Z") -> Ran:
    """Verify a sample inside its life, as its own application would."""
    given = ("--issuer", ISSUER, "--audience", AUDIENCE, "--dialect", "microsoft", "--jwks", jwks)
    return run("token", "verify", *given, "--at", at, *more, text)


@capability("token-samples", witness="exit code and JSON on stdout")
def test_v1_is_shown_with_its_padding(run: Run, samples: tuple[str, str]) -> None:
    """The payload's illegal = is said; header and payload are shown letter for letter."""
    ran = run("token", "inspect", samples[0])
    told = json.loads(ran.out)
    assert (ran.code, told["header"], told["payload"]) == (Exit.OK, V1_HEADER, V1_PAYLOAD)
    assert list(told["payload"]) == list(V1_PAYLOAD)
    (problem,) = told["problems"]
    assert "payload ends in '='" in problem
    assert f"note: {problem}" in ran.err
    assert told["times"]["exp"]["time"] == "2018-09-07T00:10:24Z"
    assert (told["kind"], told["dialect"]) == ("id-token", "microsoft")


@capability("token-samples", witness="exit code and JSON on stdout")
def test_v1_is_refused_as_malformed(run: Run, samples: tuple[str, str], jwks: str) -> None:
    """No expectation helps: the form is wrong, and the = is named."""
    issuer, audience = str(V1_PAYLOAD["iss"]), str(V1_PAYLOAD["aud"])
    given = ("--issuer", issuer, "--audience", audience, "--dialect", "microsoft", "--jwks", jwks)
    ran = run("token", "verify", *given, "--at", "1536276000", samples[0])
    assert ran.code == Exit.TOKEN_INVALID
    (failed,) = [check for check in json.loads(ran.out)["checks"] if check["outcome"] == "fail"]
    assert (failed["name"], failed["code"]) == ("form", "token-malformed")
    assert "'='" in failed["received"]


@capability("token-samples", witness="exit code and JSON on stdout")
def test_v2_is_shown(run: Run, samples: tuple[str, str]) -> None:
    """Header and payload are shown letter for letter, and there is nothing to remark upon."""
    told = json.loads(run("token", "inspect", samples[1]).out)
    assert told["header"] == {"typ": "JWT", "alg": "RS256", "kid": KID}
    assert told["payload"] == V2_PAYLOAD
    assert list(told["payload"]) == list(V2_PAYLOAD)
    assert told["problems"] == []
    assert told["times"]["exp"]["time"] == "2018-09-07T23:03:31Z"


@capability("token-samples", witness="exit code and JSON on stdout")
def test_v2_fails_on_the_key_alone(run: Run, samples: tuple[str, str], jwks: str) -> None:
    """Inside its life, for its own application, everything holds but the key that nobody has any more."""
    ran = verify(run, samples[1], jwks, "--nonce", "123523")
    assert ran.code == Exit.TOKEN_INVALID
    checks = {check["name"]: check for check in json.loads(ran.out)["checks"]}
    failed = {name: check["code"] for name, check in checks.items() if check["outcome"] == "fail"}
    assert failed == {"key": "key-unknown"}
    assert checks["key"]["received"] == KID
    assert checks["signature"]["outcome"] == "skipped"
    passed = {name for name, check in checks.items() if check["outcome"] == "pass"}
    assert passed >= {"form", "algorithm", "issuer", "tenant", "version", "audience", "expiry", "issued at", "nonce"}


def test_v2_is_expired_today(run: Run, samples: tuple[str, str], jwks: str) -> None:
    """Expired and without its key it is 3, for two reasons."""
    ran = verify(run, samples[1], jwks, at="+0s")
    codes = [check["code"] for check in json.loads(ran.out)["checks"] if check["outcome"] == "fail"]
    assert (ran.code, codes) == (Exit.TOKEN_INVALID, ["key-unknown", "token-expired"])
