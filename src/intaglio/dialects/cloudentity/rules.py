"""How ID tokens of a Cloudentity workspace are believed.

Cloudentity's page on ID tokens ("Validate an ID Token"), and its sample: aid is the workspace, tid the tenant.
"""

from __future__ import annotations

from intaglio.validate import standard
from intaglio.validate.ruleset import Rule, RuleSet

_PAGE = "Cloudentity, ID Token, Validate an ID Token"

RULES = RuleSet(
    name="cloudentity",
    title="Cloudentity",
    rules=(
        standard.TYPE,
        standard.ISSUER,
        Rule(
            name="workspace",
            judge="claim_in_issuer",
            spec=f"{_PAGE}; ID Token Structure, aid",
            expected="the workspace in the issuer's path, {path}",
            received="{claim.aid}",
            idle=(("short", "the issuer's path names no workspace"),),
            settings={"claim": "aid", "from_end": 1, "code": "workspace"},
        ),
        Rule(
            name="tenant",
            judge="claim_in_issuer",
            spec=f"{_PAGE}; ID Token Structure, tid",
            expected="the tenant in the issuer's path, {path}",
            received="{claim.tid}",
            idle=(("short", "the issuer's path names no tenant"),),
            settings={"claim": "tid", "from_end": 2, "code": "tenant"},
        ),
        standard.SUBJECT,
        standard.AUDIENCE,
        standard.AUTHORIZED_PARTY,
        standard.EXPIRY,
        standard.NOT_BEFORE,
        standard.ISSUED_AT,
        standard.NONCE,
        standard.ACCESS_TOKEN_HASH,
        standard.CODE_HASH,
        standard.STATE_HASH,
        standard.TIME_OF_SIGN_IN,
        standard.OTHER_CLAIMS,
    ),
)
