"""How Auth0's ID tokens are believed.

Auth0's page on ID tokens, "Validate ID Tokens", "Work with Tokens and Organizations".
"""

from __future__ import annotations

from intaglio.validate import standard
from intaglio.validate.ruleset import Rule, RuleSet

_VALIDATE = "Auth0, Validate ID Tokens"

RULES = RuleSet(
    name="auth0",
    title="Auth0",
    algorithms=("RS256",),
    rules=(
        standard.TYPE,
        standard.ISSUER,
        Rule(
            name="issuer form",
            judge="claim_form",
            spec=f"{_VALIDATE}, Verify claims",
            expected="a host and a slash at the end, without a path",
            received="{claim.iss}",
            settings={"claim": "iss", "form": "origin with a slash", "code": "issuer-form"},
        ),
        standard.SUBJECT,
        standard.AUDIENCE,
        Rule(
            name="authorized party",
            judge="azp",
            spec=f"{_VALIDATE}, Verify claims",
            expected="{own_parties}",
            received="{claim.azp}",
            idle=(("absent azp", "the token names one audience and no authorized party"),),
            # An audience that may stand beside us is no authorized party: Auth0's kits compare with the client id.
            settings={"own": True},
        ),
        standard.EXPIRY,
        standard.NOT_BEFORE,
        standard.ISSUED_AT,
        standard.NONCE,
        standard.ACCESS_TOKEN_HASH,
        standard.CODE_HASH,
        standard.STATE_HASH,
        standard.TIME_OF_SIGN_IN,
        Rule(
            name="organization",
            judge="organization",
            spec="Auth0, Work with Tokens and Organizations",
            expected="{organization}",
            received="{claim.org_id}, {claim.org_name}",
            idle=(("unset organization", "no organization was expected"),),
            settings={"id_claim": "org_id", "name_claim": "org_name", "id_prefix": "org_"},
        ),
        standard.OTHER_CLAIMS,
    ),
)
