"""What the claims of an ID token mean, in a sentence each.

OpenID Connect Core 2, 5.1 and 3.1.3.6, RFC 7519 section 4.1, RFC 8176, OpenID Connect Front-Channel Logout 1.0.
"""

from __future__ import annotations

MEANINGS: dict[str, str] = {
    "iss": "Who issued this token: an exact address that the application must know beforehand.",
    "sub": "Who signed in: an identifier that is unique at this issuer and never given to anybody else.",
    "aud": "For whom it is: the application's client_id. Anybody else must refuse the token.",
    "azp": "To which application it was issued, where that is not told by the audience alone.",
    "exp": "Until when it may be accepted.",
    "iat": "When it was issued.",
    "nbf": "From when on it may be accepted.",
    "jti": "The token's own identifier.",
    "auth_time": "When the person last proved who they are.",
    "nonce": "What the application sent along, so that it knows the token answers its own request.",
    "at_hash": "Half of the access token's hash: the two belong together.",
    "c_hash": "Half of the authorization code's hash: the two belong together.",
    "s_hash": "Half of the hash of state: the two belong together.",
    "acr": "Which class of sign-in it was.",
    "amr": "How the person proved who they are; pwd means a password.",
    "sid": "The sign-in session, so that a logout can name it.",
    "name": "The person's full name.",
    "given_name": "The first name or names.",
    "family_name": "The last name or names.",
    "middle_name": "The middle name or names.",
    "nickname": "A casual name.",
    "preferred_username": "The name that the person likes to be called by; it may change and be reused.",
    "profile": "The address of a page about the person.",
    "picture": "The address of a picture of the person.",
    "website": "The person's web page or blog.",
    "gender": "The person's gender.",
    "birthdate": "The birthday, year first; 0000 leaves the year out.",
    "zoneinfo": "The person's time zone.",
    "locale": "The person's language and region.",
    "updated_at": "When these details last changed.",
    "email": "An e-mail address. It is no identifier: it can change hands.",
    "email_verified": "Whether the issuer has confirmed the e-mail address.",
    "phone_number": "A phone number.",
    "phone_number_verified": "Whether the issuer has confirmed the phone number.",
    "address": "A postal address.",
}

INSTANTS = frozenset({"exp", "iat", "nbf", "auth_time", "updated_at"})
"""Claims that hold an instant (NumericDate)."""


def meaning(claim: str) -> str:
    """Return a sentence on a claim; one that no standard defines is said to be the issuer's own."""
    return MEANINGS.get(claim, "A claim that the issuer defines.")
