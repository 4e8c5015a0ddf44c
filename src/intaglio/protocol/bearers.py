"""What is sent as an access token and is none: recognised for what it is, and refused with those words.

RFC 6750 section 3.1 (`invalid_token`), RFC 8725 section 3.12 (tokens of different kinds must not be confused), OpenID
Connect Core 2 (an ID token is for the client alone).
"""

from __future__ import annotations

from intaglio.protocol.faults import BearerFault, TokenKindFault
from intaglio.tokens import peek

ID_TOKEN = "This is an ID token: it says who signed in and opens no API. Present an access token."
SIGNED = "This is a signed token, as ID tokens are: it opens no API. Present an access token."
SEALED = "This is an encrypted token, as ID tokens may be: it opens no API. Present an access token."
LOGOUT_TOKEN = "This is a logout token: it opens no API. Present an access token."

_WORDS = {"id-token": ID_TOKEN, "jws": SIGNED, "jwe": SEALED, "logout-token": LOGOUT_TOKEN}


def refused(text: str, expected: str, received: str) -> BearerFault:
    """Return the fault `invalid_token` for a text that is no good access token here.

    An ID token is told so, whoever issued it and for whom: nothing of it is believed, or repeated. `expected` and
    `received` are for the log.
    """
    # SECURITY: whatever else it holds, a text that looks like an ID token is no credential; to say so tells its sender
    # nothing that is not in the text itself (test_an_id_token_opens_no_route).
    kind = peek.peek(text).kind
    words = _WORDS.get(kind)
    if words is None:
        return BearerFault(detail={"expected": expected, "received": received})
    return TokenKindFault(public=words, detail={"expected": expected, "received": f"a text that looks like: {kind}"})
