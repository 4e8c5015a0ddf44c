"""The claims that no rule makes in this dialect: what it says itself, of people and tenants, and for access.

An address is among them, for `xms_edov` speaks of the account's own.

Microsoft's pages "ID token claims reference", "Access token claims reference" and "Optional claims".
"""

from __future__ import annotations

CLAIMS = frozenset(
    "acct acrs aio amr appid appidacr app_displayname auth_time azp azpacr c_hash cae capolids ctry deviceid email"
    " email_oid fwd groups hasgroups idp idtyp in_corp ipaddr login_hint nonce oid onprem_sid preferred_username"
    " puid pwd_exp pwd_url rh roles scp sid signin_state tenant_ctry tenant_region_scope tid unique_name upn uti ver"
    " verified_primary_email verified_secondary_email vnet wids xms_* ztdid".split()
)
"""Names; what stands for any text is a star."""
