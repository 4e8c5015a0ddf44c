"""What Cloudentity's own claims mean, in a sentence each, and what its ID tokens look like.

Cloudentity's page on ID tokens ("ID Token Structure").
"""

from __future__ import annotations

MEANINGS: dict[str, str] = {
    "aid": "The workspace (authorization server) that issued the token.",
    "tid": "The tenant that the workspace belongs to.",
    "idp": "The identity provider through which the person signed in.",
    "idp_sub": "Who the person is at that identity provider.",
    "idp_method": "What kind of identity provider it is.",
    "idpm": "What kind of identity provider it is.",
    "rat": "When the application asked for the sign-in.",
    "scp": "The scopes that were granted.",
    "st": "Whether every application sees the same subject (public) or each its own (pairwise).",
    "mth": "By which method the person signed in.",
    "act": "Who acts for the person.",
    "may_act": "Who may act for the person.",
    "cnf": "The key that whoever presents the token must hold.",
}

INSTANTS = frozenset({"rat"})
"""Claims of its own that hold an instant (NumericDate)."""

SIGNS: tuple[dict[str, str], ...] = ({"iss": r"https?://[^/?#]+(?:/.*)?", "aid": "", "tid": ""}, {"aid": "", "scp": ""})
"""What tells such a token: the forms that these claims have, all of them; nothing stands for any form."""
