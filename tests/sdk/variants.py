"""An ID token in Auth0's form with each of its faults, and what each verifier has to say about it first.

The tokens are signed with the server's own key, so that nothing but the fault distinguishes them from its own. The
texts are those of Auth0's page "Validate ID Tokens" as every kit spells them.
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import requests
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from intaglio import codec
from intaglio.server.devmode import seeds
from intaglio.server.keyring import rotate
from intaglio.server.model import signingkeys
from tests.sdk import secure as secures

ORGANIZATION = "org_9ybsU1dN2dKfDkBi"
NONCE = "n-0S6_WzA2Mj-variants"
EVIL = "https://evil.example/"
OTHERS = ["another", "one-more"]


class Asked(msgspec.Struct, frozen=True):
    """What an application demands of a token beside the usual."""

    nonce: str | None = NONCE
    max_age: int | None = None
    organization: str | None = None


class Fault(msgspec.Struct, frozen=True):
    """One thing that is wrong with a token: claims to set (None: to leave out), and what is asked of it.

    `rule` is the check of the table that refuses it, `code` what the project's own validator calls it.
    """

    rule: str
    code: str
    claims: dict[str, Any] = {}
    header: dict[str, Any] = {}
    signed: str = "own"
    max_age: int | None = None
    organization: str | None = None


class Case(msgspec.Struct, frozen=True):
    """A token and what is asked of it."""

    token: str
    asked: Asked = Asked()

    def told(self) -> dict[str, Any]:
        """Return it as a driver reads it."""
        members = {"nonce": self.asked.nonce, "maxAge": self.asked.max_age, "organization": self.asked.organization}
        return {"token": self.token} | {name: value for name, value in members.items() if value is not None}


FAULTS: dict[str, Fault] = {
    "alg": Fault("alg", "forbidden-algorithm", header={"alg": "PS256"}, signed="PS256"),
    "alg none": Fault("alg", "forbidden-algorithm", header={"alg": "none"}, signed="none"),
    "signature": Fault("signature", "signature-invalid", signed="stranger"),
    "key unknown": Fault("signature", "key-unknown", header={"kid": "nobody"}),
    "iss missing": Fault("iss", "issuer-missing", claims={"iss": None}),
    "iss": Fault("iss", "issuer-mismatch", claims={"iss": EVIL}),
    "sub": Fault("sub", "subject-missing", claims={"sub": None}),
    "aud missing": Fault("aud", "audience-missing", claims={"aud": None}),
    "aud": Fault("aud", "audience-mismatch", claims={"aud": "another"}),
    "aud of others": Fault("aud", "audience-mismatch", claims={"aud": OTHERS}),
    "exp missing": Fault("exp", "expiry-missing", claims={"exp": None}),
    "exp": Fault("exp", "token-expired", claims={"exp": -3600}),
    "iat": Fault("iat", "issued-at-missing", claims={"iat": None}),
    "iat ahead": Fault("iat", "issued-in-the-future", claims={"iat": 3600}),
    "nbf": Fault("nbf", "token-not-yet-valid", claims={"nbf": 3600}),
    "nonce missing": Fault("nonce", "nonce-missing", claims={"nonce": None}),
    "nonce": Fault("nonce", "nonce-mismatch", claims={"nonce": "another"}),
    "org missing": Fault("org", "organization-missing", organization=ORGANIZATION),
    "org": Fault("org", "organization-mismatch", claims={"org_id": "org_other"}, organization=ORGANIZATION),
    "org name missing": Fault("org", "organization-missing", organization="Acme"),
    "org name": Fault("org", "organization-mismatch", claims={"org_name": "other"}, organization="Acme"),
    "azp missing": Fault("azp", "azp-missing", claims={"aud": ["{client}", "api"]}),
    "azp": Fault("azp", "azp-mismatch", claims={"aud": ["{client}", "api"], "azp": "api"}),
    "auth_time missing": Fault("auth_time", "auth-time-missing", claims={"auth_time": None}, max_age=60),
    "auth_time": Fault("auth_time", "auth-time-too-old", claims={"auth_time": -3600}, max_age=60),
}
"""Every row of the table, by what is wrong; instants are told from now."""

INSTANTS = ("iat", "exp", "auth_time", "nbf")


class Forge:
    """Makes tokens like those of a site's own Auth0 port, and spoils them."""

    def __init__(self, site: secures.Secure, client: str, now: int) -> None:
        self.issuer = site.at("auth0") + "/"
        self.client = client
        self.now = now
        (record,) = (one for one in site.read(signingkeys.of_ring, seeds.TENANT_ID) if one.alg == "RS256")
        der = site.vault.open(record.sealed_private, rotate.PURPOSE + record.key_id)
        self._own: Any = serialization.load_der_private_key(der, None)
        self._stranger: Any = rsa.generate_private_key(65537, 2048)
        keys = requests.get(self.issuer + ".well-known/jwks.json", verify=site.ca, timeout=10).json()["keys"]
        numbers = self._own.public_key().public_numbers()
        modulus = codec.encode_base64url(numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big"))
        self.kid = next(one["kid"] for one in keys if one["n"] == modulus)
        self.keys = {"keys": keys}

    def claims(self) -> dict[str, Any]:
        """Return the claims of a token without a fault."""
        return {
            "nickname": "Al",
            "name": "Alice Elizabeth Adams",
            "iss": self.issuer,
            "sub": "auth0|5f7c8ec7c33c6c004bbafe82",
            "aud": self.client,
            "iat": self.now,
            "exp": self.now + 36000,
            "sid": "c3R1ZmYtb2YtYS1zZXNzaW9u",
            "nonce": NONCE,
            "auth_time": self.now,
        }

    def sign(self, claims: dict[str, Any], header: dict[str, Any], by: str = "own") -> str:
        """Return a token signed by the server's own key, by a stranger's, or by nobody."""
        head = {"alg": "RS256", "typ": "JWT", "kid": self.kid} | header
        text = ".".join(codec.encode_base64url(json.dumps(one).encode()) for one in (head, claims))
        if by == "none":
            return text + "."
        key = self._stranger if by == "stranger" else self._own
        pad: Any = padding.PSS(padding.MGF1(hashes.SHA256()), 32) if by == "PS256" else padding.PKCS1v15()
        return text + "." + codec.encode_base64url(key.sign(text.encode(), pad, hashes.SHA256()))

    def spoiled(self, *names: str, nonce: str = NONCE) -> Case:
        """Return a token with all of these faults, the first one's claims before the others'."""
        claims, header, by, asked = self.claims() | {"nonce": nonce}, {}, "own", Asked(nonce)
        for fault in (FAULTS[name] for name in reversed(names)):
            claims.update(self._set(fault.claims))
            header |= fault.header
            # A stranger's signature is wrong whatever algorithm is named.
            by = by if by == "stranger" else fault.signed if fault.signed != "own" else by
            max_age, organization = fault.max_age or asked.max_age, fault.organization or asked.organization
            asked = Asked(nonce, max_age, organization)
        return Case(self.sign({k: v for k, v in claims.items() if v is not None}, header, by), asked)

    def _set(self, changes: dict[str, Any]) -> dict[str, Any]:
        told = {name: self.now + value if name in INSTANTS and value else value for name, value in changes.items()}
        if isinstance(told.get("aud"), list):
            told["aud"] = [one.replace("{client}", self.client) for one in told["aud"]]
        return told

    def peeled(self, order: tuple[str, ...]) -> list[Case]:
        """Return tokens with every fault of the order, then with every one but the first, and so on."""
        return [self.spoiled(*order[at:]) for at in range(len(order))]

    def agrees(self, kit: str, name: str, said: str | None, nonce: str = NONCE) -> bool:
        """Tell whether a kit said of a fault what it has to say; `name` is empty for a good token."""
        if not name or name in KITS[kit].passes:
            return said is None
        return said is not None and self.text(kit, name, nonce).search(said) is not None

    def text(self, kit: str, name: str, nonce: str = NONCE) -> re.Pattern[str]:
        """Return what a kit has to say of a fault."""
        wanted = KITS[kit].texts.get(name, COMMON.get(name, ""))
        wanted = wanted.format(issuer=self.issuer, client=self.client, nonce=nonce, **FOUND)
        return re.compile(re.escape(wanted).replace("TIME", ".+"))


FOUND = {"evil": EVIL, "org": ORGANIZATION, "others": ", ".join(OTHERS)}


class Kit(msgspec.Struct, frozen=True):
    """A verifier: the order of its checks by faults, its own spellings, and what it lets pass."""

    order: tuple[str, ...]
    texts: dict[str, str] = {}
    passes: tuple[str, ...] = ()


_NUMBER = "claim must be a number present in the ID token"
_STRING = "claim must be a string present in the ID token"
_MISMATCH = "claim mismatch in the ID token; expected"
_AZP = "Authorized Party (azp) claim"
_ALG = 'Signature algorithm of "{found}" is not supported. Expected the token to be signed with "RS256"'
_TOO_LATE = "indicates that too much time has passed since the last end-user authentication."

COMMON: dict[str, str] = {
    "alg": _ALG.replace("{found}", "PS256"),
    "alg none": _ALG.replace("{found}", "none"),
    "signature": "Invalid token signature.",
    "key unknown": 'RSA Public Key with ID "nobody" was not found.',
    "iss missing": f"Issuer (iss) {_STRING}",
    "iss": f'Issuer (iss) {_MISMATCH} "{{issuer}}", found "{{evil}}"',
    "sub": f"Subject (sub) {_STRING}",
    "aud missing": "Audience (aud) claim must be a string or array of strings present in the ID token",
    "aud": f'Audience (aud) {_MISMATCH} "{{client}}" but found "another"',
    "aud of others": f'Audience (aud) {_MISMATCH} "{{client}}" but was not one of "{{others}}"',
    "exp missing": f"Expiration Time (exp) {_NUMBER}",
    "exp": "Expiration Time (exp) claim error in the ID token; current time (TIME) is after expiration time (TIME)",
    "iat": f"Issued At (iat) {_NUMBER}",
    "nonce missing": f"Nonce (nonce) {_STRING}",
    "nonce": f'Nonce (nonce) {_MISMATCH} "{{nonce}}", found "another"',
    "org missing": f"Organization (org_id) {_STRING}",
    "org": f'Organization (org_id) {_MISMATCH} "{{org}}", found "org_other"',
    "org name missing": f"Organization (org_name) {_STRING}",
    "org name": f'Organization (org_name) {_MISMATCH} "Acme", found "other"',
    "azp missing": f"{_AZP} must be a string present in the ID token when Audience (aud) claim has multiple values",
    "azp": f'{_AZP} mismatch in the ID token; expected "{{client}}", found "api"',
    "auth_time missing": f"Authentication Time (auth_time) {_NUMBER} when Max Age (max_age) is specified",
    "auth_time": f"Authentication Time (auth_time) claim in the ID token {_TOO_LATE}"
    " Current time (TIME) is after last auth at (TIME)",
}
"""The texts as the kit for Python has them."""

_QUIET = 'signature algorithm "{}" is not supported. Expected the ID token to be signed with "HS256" or "RS256"'
_LISTED = 'Signature algorithm of "{}" is not supported. Expected the ID token to be signed with '

KITS: dict[str, Kit] = {
    "python": Kit(
        ("alg", "signature", "iss", "sub", "aud", "exp", "iat", "nonce", "org", "azp", "auth_time"),
        passes=("iat ahead", "nbf"),
    ),
    "node": Kit(
        (
            *("alg", "iss", "sub", "aud", "org missing", "exp", "iat", "nonce", "azp missing", "auth_time"),
            "signature",
        ),
        {
            "alg": _LISTED.format("PS256") + '"RS256" or "HS256".',
            "alg none": _LISTED.format("none") + '"RS256" or "HS256".',
            "signature": "signature verification failed",
            "key unknown": "no applicable key found in the JSON Web Key Set",
            "nbf": '"nbf" claim timestamp check failed',
            "org missing": f"Organization Id (org_id) {_STRING}",
            "org name missing": f"Organization Name (org_name) {_STRING}",
            "auth_time": f"Authentication Time (auth_time) claim in the ID token {_TOO_LATE}"
            " Currrent time (TIME) is after last auth at TIME",
        },
        passes=("org", "org name", "iat ahead"),
    ),
    "spa": Kit(
        (
            *("iss", "sub", "alg", "aud", "azp missing", "nonce", "auth_time missing", "exp missing", "iat", "exp"),
            *("nbf", "auth_time", "org"),
        ),
        {
            "alg": _LISTED.format("PS256") + '"RS256".',
            "alg none": "ID token could not be decoded",
            "nbf": "Not Before time (nbf) claim in the ID token indicates that this token can't be used just yet."
            " Current time (TIME) is before TIME",
            "org missing": f"Organization ID (org_id) {_STRING}",
            "org": f'Organization ID (org_id) {_MISMATCH} "{{org}}", found "org_other"',
            "org name missing": f"Organization Name (org_name) {_STRING}",
            "org name": f'Organization Name (org_name) {_MISMATCH} "acme", found "other"',
            "auth_time": f"Authentication Time (auth_time) claim in the ID token {_TOO_LATE}"
            " Current time (TIME) is after last auth at TIME",
        },
        passes=("signature", "key unknown", "iat ahead"),
    ),
    "java": Kit(
        ("alg", "signature", "iss", "sub", "aud", "org", "exp", "iat", "nonce", "azp", "auth_time"),
        {
            "alg": _LISTED.format("PS256") + '"RS256"',
            "alg none": _LISTED.format("none") + '"RS256"',
            "signature": "Invalid ID token signature",
            "key unknown": 'Could not find a public key for Key ID (kid) "nobody"',
            "iss": 'Issuer (iss) claim mismatch in the ID token, expected "{issuer}", found "{evil}"',
            "aud": f'Audience (aud) {_MISMATCH} "{{client}}" but found "[another]"',
            "aud of others": f'Audience (aud) {_MISMATCH} "{{client}}" but found "[{{others}}]"',
            "org missing": f"Organization Id (org_id) {_STRING}",
            "org": f'Organization (org_id) {_MISMATCH} "{{org}}" but found "org_other"',
            "org name missing": f"Organization name (org_name) {_STRING}",
            "org name": f'Organization (org_name) {_MISMATCH} "Acme" but found "other"',
        },
        passes=("iat ahead", "nbf"),
    ),
    # It reads the standard's claims by a library of its own, which does not demand exp, and looks at iss late.
    "go": Kit(
        ("alg", "signature", "exp", "sub", "iat", "aud", "iss", "org", "nonce", "azp", "auth_time"),
        {
            "alg": _QUIET.format("PS256"),
            "alg none": _QUIET.format("none"),
            "signature": "could not verify message using any of the signatures or keys",
            "key unknown": 'failed to find key with key ID "nobody" in key set',
            "iss missing": '"iss" not satisfied: required claim not found',
            "iss": '"iss" not satisfied: values do not match',
            "sub": '"sub" not satisfied: required claim not found',
            "aud missing": '"aud" not satisfied: required claim not found',
            "aud": '"aud" not satisfied',
            "aud of others": '"aud" not satisfied',
            "exp": '"exp" not satisfied',
            "iat": '"iat" not satisfied: required claim not found',
            "iat ahead": '"iat" not satisfied',
            "nbf": '"nbf" not satisfied',
            "nonce missing": "nonce claim must be a string present in the ID token",
            "nonce": 'nonce claim value mismatch in the ID token; expected "{nonce}", found "another"',
            "org missing": "org_id claim must be a string present in the ID token",
            "org": 'org_id claim value mismatch in the ID token; expected "{org}", found "org_other"',
            "org name missing": "org_name claim must be a string present in the ID token",
            "org name": 'org_name claim value mismatch in the ID token; expected "Acme", found "other"',
            "azp missing": "azp claim must be a string present in the ID token when Audience (aud) claim has multiple"
            " values",
            "azp": 'azp claim mismatch in the ID token; expected "{client}", found "api"',
            "auth_time missing": "auth_time claim must be a number present in the ID token when MaxAge is specified",
            "auth_time": f"auth_time claim in the ID token {_TOO_LATE} Current time TIME is after last auth at TIME",
        },
        passes=("exp missing",),
    ),
}


def cases(forge: Forge, kit: str) -> list[tuple[str, Case]]:
    """Return a good token, one for each fault, and those that show a kit's order; each with what it has to name."""
    order = KITS[kit].order
    singles = [(name, forge.spoiled(name)) for name in FAULTS]
    return [("", forge.spoiled()), *singles, *zip(order, forge.peeled(order), strict=True)]
