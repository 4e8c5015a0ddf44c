"""How Google's ID tokens are believed.

Google's page on ID tokens, "Validating ID tokens" of its OpenID Connect guide, and what its client libraries check.
"""

from __future__ import annotations

from intaglio.validate import standard
from intaglio.validate.ruleset import Rule, RuleSet

_GUIDE = "Google, OpenID Connect, Validating an ID token"

RULES = RuleSet(
    name="google",
    title="Google",
    algorithms=("RS256",),
    # Google's guide: iss is https://accounts.google.com or accounts.google.com.
    bare_issuer=True,
    rules=(
        standard.TYPE,
        standard.ISSUER,
        Rule(
            name="issuer form",
            judge="claim_form",
            spec=f"{_GUIDE}, 2",
            expected="a host, without a path and without a slash at the end",
            received="{claim.iss}",
            settings={"claim": "iss", "form": "origin", "code": "issuer-form"},
        ),
        standard.SUBJECT,
        standard.AUDIENCE,
        # Every token of Google's names its authorized party: a client, or the account that a workload runs as.
        Rule(
            name="authorized party",
            judge="azp",
            spec="Google, OpenID Connect, ID token's payload, azp",
            expected="{parties}",
            received="{claim.azp}",
            settings={"required": True},
        ),
        standard.EXPIRY,
        standard.NOT_BEFORE,
        standard.ISSUED_AT,
        Rule(
            name="lifetime",
            judge="lifetime",
            spec="google-auth-library, verifyIdToken, maxExpiry",
            expected="at most {setting.most} s from iat to exp",
            received="{instant.exp}",
            settings={"most": 86400},
        ),
        standard.NONCE,
        standard.ACCESS_TOKEN_HASH,
        standard.CODE_HASH,
        standard.STATE_HASH,
        standard.TIME_OF_SIGN_IN,
        Rule(
            name="e-mail",
            judge="email",
            spec="Google, OpenID Connect, ID token's payload, email and email_verified",
            expected="one address, email_verified true or false; from {emails}",
            received="{claim.email}",
            idle=(("absent email", "the token carries no e-mail address, which it need not"),),
        ),
        standard.OTHER_CLAIMS,
    ),
)
