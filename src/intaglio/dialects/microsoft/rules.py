"""How ID tokens of the Microsoft identity platform are believed, v1.0 and v2.0.

Microsoft's page on ID tokens; "Secure applications and APIs by validating claims"; ID token claims reference.
"""

from __future__ import annotations

from intaglio.validate import standard
from intaglio.validate.ruleset import Rule, RuleSet

_CLAIMS = "Microsoft identity platform, ID token claims reference"
_SECURE = "Microsoft identity platform, Secure applications and APIs by validating claims"

RULES = RuleSet(
    name="microsoft",
    title="Microsoft",
    # Microsoft's own validators allow five minutes, and its tokens say that they were issued five minutes ago.
    leeway=300,
    algorithms=("RS256",),
    placeholder="{tenantid}",
    tenant_claim="tid",
    placeholder_asks="common",
    # v1.0 tokens carry an issuer of another host than the one that describes it.
    discovery_hosts={"sts.windows.net": "login.microsoftonline.com"},
    rules=(
        standard.TYPE,
        standard.ISSUER,
        Rule(
            name="tenant",
            judge="claim_form",
            spec=f"{_CLAIMS}, tid",
            expected="a GUID",
            received="{claim.tid}",
            settings={"claim": "tid", "form": "guid", "code": "tenant"},
        ),
        Rule(
            name="tenant of the issuer",
            judge="claim_in_issuer",
            spec=f"{_SECURE}, Validate the issuer",
            expected="the tenant in the issuer's path, {path}",
            received="{claim.tid}",
            idle=(("absent tid", "the token names no tenant"), ("short", "the issuer's path names no tenant")),
            settings={"claim": "tid", "from_start": 1, "code": "tenant", "formed": True},
        ),
        Rule(
            name="issuer of the key",
            judge="key_issuer",
            spec=f"{_SECURE}, Validate the signing key issuer",
            expected="{claim.iss}",
            received="{key_issuer}",
            idle=(("ownerless", "the key does not say whose it is"),),
        ),
        Rule(
            name="version",
            judge="claim_by_issuer",
            spec=f"{_CLAIMS}, ver",
            expected="2.0 for an issuer that ends in /v2.0, else 1.0",
            received="{claim.ver}",
            settings={"claim": "ver", "endings": [["/v2.0", "2.0"], ["/", "1.0"]], "code": "version"},
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
        # They are what an application puts beside the token; inside it they would pass for the account's home.
        Rule(
            name="no account claims",
            judge="no_claims",
            spec="Microsoft.Identity.Web, IDW10305",
            expected="neither uid nor utid",
            received="{claim.uid}, {claim.utid}",
            settings={"claims": ["uid", "utid"], "code": "token-of-session"},
        ),
        standard.OTHER_CLAIMS,
    ),
)
