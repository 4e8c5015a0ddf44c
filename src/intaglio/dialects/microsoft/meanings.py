"""What Microsoft's own claims mean, in a sentence each, and what its ID tokens look like.

Microsoft's page on ID tokens; ID token claims reference; optional claims reference.
"""

from __future__ import annotations

MEANINGS: dict[str, str] = {
    "sub": "Who signed in, by an identifier that only this application sees; it never changes.",
    "oid": "Who signed in, by the account's identifier in the tenant: the same for every application.",
    "tid": "The tenant (directory) in which the person signed in.",
    "ver": "Which version of the token format it is: 1.0 or 2.0.",
    "idp": "Who checked the person's identity, where that is not the tenant itself: a guest's home, for example.",
    "email": "An e-mail address that nobody has confirmed and that can change hands; it is no identifier.",
    "preferred_username": "The name that the person signs in with; it changes and must decide nothing.",
    "unique_name": "A name to show; despite its own name it is not unique.",
    "upn": "The user principal name, which looks like an e-mail address and can change.",
    "name": "A name to show; people can change it, and several may have the same.",
    "nbf": "From when on it may be accepted; here the same instant as iat.",
    "iat": "When it was issued, told five minutes early so that a slow clock accepts it.",
    "aio": "For the issuer's own use; do not read it.",
    "rh": "For the issuer's own use; do not read it.",
    "uti": "The token's own identifier; other issuers call it jti.",
    "acct": "What the account is in this tenant: 0 a member, 1 a guest.",
    "acrs": "Which conditions of access this sign-in has met.",
    "roles": "The application's roles that the person was given.",
    "groups": "The groups that the person is in, by their identifiers.",
    "hasgroups": "That the person is in more groups than fit; ask the directory for them.",
    "_claim_names": "Which claims did not fit and must be fetched.",
    "_claim_sources": "Where the claims that did not fit can be fetched.",
    "wids": "The directory-wide roles that the person holds.",
    "login_hint": "A text that names the account when signing in or out again.",
    "ipaddr": "The network address from which the person signed in.",
    "onprem_sid": "The account's identifier in the organization's own network.",
    "in_corp": "That the person came from the organization's own network.",
    "pwd_exp": "In how many seconds the password expires.",
    "pwd_url": "The page on which to change the password.",
    "ctry": "The person's country.",
    "tenant_ctry": "The tenant's country.",
    "tenant_region_scope": "The part of the world that the tenant lies in.",
    "fwd": "The network address of the client behind a private network.",
    "vnet": "The private network that the person came through.",
    "verified_primary_email": "The account's confirmed main e-mail addresses.",
    "verified_secondary_email": "The account's other confirmed e-mail addresses.",
    "xms_edov": "Whether the owner of the e-mail address's domain was confirmed.",
    "xms_pdl": "Where the person's data are to be kept.",
    "xms_pl": "The person's preferred language.",
    "xms_tpl": "The tenant's preferred language.",
    "xms_cc": "What the client can do, such as answer a demand for a new sign-in.",
    "signin_state": "How the person is signed in: kept signed in, from a managed device, from a known network.",
    "ztdid": "The device's identifier.",
    "uid": "Part of the account's home identifier, which stands beside a token and never in it.",
    "utid": "Part of the account's home identifier, which stands beside a token and never in it.",
}

_GUID = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
SIGNS: tuple[dict[str, str], ...] = (
    {"iss": r"https://(?:sts\.windows\.net|login\.microsoftonline\.(?:com|us))/.*"},
    {"iss": rf"https?://[^/?#]+/{_GUID}/(?:v2\.0)?", "tid": _GUID, "ver": ""},
)
"""What tells such a token: the forms that these claims have, all of them; nothing stands for any form."""
