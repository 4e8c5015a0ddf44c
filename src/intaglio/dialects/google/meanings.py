"""What Google's own claims mean, in a sentence each, and what its ID tokens look like.

Google's page on ID tokens and the payload table of its OpenID Connect guide; the identity token of a virtual machine.
"""

from __future__ import annotations

MEANINGS: dict[str, str] = {
    "azp": "The client that asked for the token; in a workload's token the account that the workload runs as.",
    "hd": "The Workspace domain that the account belongs to; personal accounts have none.",
    "email_verified": "Whether Google has confirmed the address; only then may it be acted upon.",
    "google": "Details of the machine or the access levels that the token was issued for.",
    "sub_email": "The e-mail address of the account that the subject stands for.",
    "identity_source": "From which directory the person comes, in a token of the identity-aware proxy.",
}

SIGNS: tuple[dict[str, str], ...] = (
    {"iss": r"(?:https://)?accounts\.google\.com"},
    {"iss": r"https://cloud\.google\.com/iap"},
    {"iss": r"https?://[^/?#]+", "google": ""},
)
"""What tells such a token: the forms that these claims have, all of them; nothing stands for any form."""
