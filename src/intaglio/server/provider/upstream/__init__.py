"""Signing in at another OpenID provider: where, how, and who somebody is here then. Knows no vendor and no cookie."""
