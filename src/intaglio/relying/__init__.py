"""The one relying-party engine: sends people to sign in and believes what comes back.

Knows no vendor, no clock, no socket and no cookie; state, nonce and verifier are handed in, calls are flows.
"""
