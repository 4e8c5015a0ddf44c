"""What Auth0's own claims mean, in a sentence each, and what its ID tokens look like.

Auth0's page on ID tokens ("ID Token Structure"); "Work with Tokens and Organizations".
"""

from __future__ import annotations

MEANINGS: dict[str, str] = {
    "sub": "Who signed in: the connection that they used, a bar, and their identifier there.",
    "org_id": "The organization that the person signed in to, by its identifier.",
    "org_name": "The organization that the person signed in to, by its name in lower case.",
    "sid": "The sign-in session, so that a logout can name it.",
    "updated_at": "When these details last changed; here a date as text.",
    "session_expiry": "When the sign-in session ends.",
    "created_at": "When the account was made.",
    "identities": "The accounts at other services that are linked to this one.",
}

SIGNS: tuple[dict[str, str], ...] = (
    {"iss": r"https://[^/?#]+\.auth0\.com/"},
    {"iss": r"https?://[^/?#]+/", "sub": r"[^|]+\|.+"},
    {"iss": r"https?://[^/?#]+/", "org_id": r"org_.+"},
)
"""What tells such a token: the forms that these claims have, all of them; nothing stands for any form."""
