"""Acting as a service account: its ID token, its access token, its signature.

IAM Credentials API v1 is the wire form that is known of this; nothing here knows it.
"""

from __future__ import annotations

import msgspec

from intaglio.ids import Secret
from intaglio.protocol.principals import Origin, Principal

MAX_DELEGATES = 4
"""Accounts that may stand between the caller and the account that it asks for."""

MAX_CHAIN = 8
"""Identities that may have been passed through on the way to an account, over all tokens of the way."""


class Credential(msgspec.Struct, frozen=True):
    """What a caller proves itself by: a token, None if it sent none. `faulty` says what is wrong with how it came."""

    token: Secret | None = None
    faulty: str = ""


class Caller(msgspec.Struct, frozen=True):
    """Somebody whose credential was believed.

    `lineage` are the identities that were passed through before, the original first; `origin` is the external token
    that began it; `how` says by what it was believed; `token_id` names the token in the log.
    """

    principal: Principal
    scope: tuple[str, ...]
    how: str
    lineage: tuple[str, ...] = ()
    origin: Origin | None = None
    token_id: str = ""

    @property
    def chain(self) -> tuple[str, ...]:
        """The identities that were passed through, this one last."""
        return (*self.lineage, mark(self.principal))


class AccountName(msgspec.Struct, frozen=True):
    """A service account as a caller names it: by e-mail address or number, in any project (`-`) or one."""

    name: str
    project: str = "-"


class Acting(msgspec.Struct, frozen=True, kw_only=True):
    """Ask to act as `target`: the caller passes through the `delegates`, in their order."""

    credential: Credential
    target: AccountName
    delegates: tuple[AccountName, ...] = ()


class IdTokenAs(Acting, frozen=True, kw_only=True):
    """Ask for an ID token of the account for one audience.

    `email` puts its address into the token; `email_as_party` makes that address the authorized party instead of the
    number; `organization` asks which organization it belongs to.
    """

    audience: str
    email: bool = False
    email_as_party: bool = False
    organization: bool = False


class AccessTokenAs(Acting, frozen=True, kw_only=True):
    """Ask for an access token of the account for some seconds."""

    scope: tuple[str, ...]
    lifetime: int


class BlobAs(Acting, frozen=True, kw_only=True):
    """Ask for the account's signature of octets; `form` is the name of the answer's shape."""

    payload: bytes
    form: str = ""

    def __repr__(self) -> str:
        return f"BlobAs({self.target.name}, {len(self.payload)} octets)"


class JwtAs(Acting, frozen=True, kw_only=True):
    """Ask for the account's signature of a JWT's claims (a JSON object as octets)."""

    payload: bytes

    def __repr__(self) -> str:
        return f"JwtAs({self.target.name}, {len(self.payload)} octets)"


class AccessTokenGiven(msgspec.Struct, frozen=True):
    """An access token and the instant at which it ends (epoch seconds)."""

    access_token: str
    expires_at: int

    def __repr__(self) -> str:
        return "AccessTokenGiven(…)"


class BlobSigned(msgspec.Struct, frozen=True):
    """A signature (base64) and the name of the key that made it."""

    key_id: str
    signature: str
    form: str = ""


class JwtSigned(msgspec.Struct, frozen=True):
    """A signed JWT and the name of the key that signed it."""

    key_id: str
    jwt: str

    def __repr__(self) -> str:
        return f"JwtSigned({self.key_id})"


class AllowedLocations(msgspec.Struct, frozen=True):
    """Where tokens of an account may be used from, asked and answered: anywhere."""


class AssertionExchange(msgspec.Struct, frozen=True):
    """Exchange a JWT that a service account signed with its own key (RFC 7523 section 2.1)."""

    assertion: Secret


class AssertionAnswer(msgspec.Struct, frozen=True):
    """An ID token, or an access token with its seconds and scope; never both."""

    id_token: str = ""
    access_token: str = ""
    expires_in: int = 0
    scope: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "AssertionAnswer(…)"


class AccountKeysQuery(msgspec.Struct, frozen=True):
    """Ask for the public keys of a service account, in a form."""

    email: str
    form: str


class AccountPublicKey(msgspec.Struct, frozen=True):
    """A public key of an account: its JWK members, its certificate and its bare key as PEM."""

    key_id: str
    alg: str
    members: dict[str, str]
    certificate: str
    public: str


class AccountKeysAnswer(msgspec.Struct, frozen=True):
    """The keys whose signatures are believed."""

    keys: tuple[AccountPublicKey, ...]
    form: str
    max_age: int


class ShowToken(msgspec.Struct, frozen=True):
    """Ask what a token says, by showing it: an ID token or an access token."""

    id_token: Secret | None = None
    access_token: Secret | None = None


class TokenShown(msgspec.Struct, frozen=True):
    """What a token says: the header and claims of an ID token, or whose an access token is and until when."""

    header: dict[str, object] = {}
    claims: dict[str, object] = {}
    party: str = ""
    subject: str = ""
    email: str = ""
    scope: tuple[str, ...] = ()
    expires_at: int = 0
    offline: bool = False


class RevokeHeld(msgspec.Struct, frozen=True):
    """Withdraw a token; whoever holds it may."""

    token: Secret


def mark(principal: Principal) -> str:
    """Return how a lineage names an identity: kind and id, which never pass to somebody else."""
    return f"{principal.kind}:{principal.id}"
