"""An identity of another issuer asks for an access token of ours (RFC 8693 sections 2.1 and 2.2.1)."""

from __future__ import annotations

import msgspec

from intaglio.ids import Secret

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"


class ProviderName(msgspec.Struct, frozen=True):
    """A provider as whoever asks names it: by the number of the project, the pool, and its own name."""

    project_number: int
    pool_id: str
    provider_id: str


class TokenExchange(msgspec.Struct, frozen=True):
    """Exchange the token of another issuer; `subject_token_type` is the identifier that it came under."""

    provider: ProviderName
    subject_token: Secret
    subject_token_type: str
    scope: tuple[str, ...]


class ExchangeAnswer(msgspec.Struct, frozen=True):
    """The access token that came of it, and for how many seconds it is good."""

    access_token: str
    expires_in: int

    def __repr__(self) -> str:
        return "ExchangeAnswer(…)"
