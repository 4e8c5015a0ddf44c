"""What the operator decides before the server starts: one TOML file, the environment over it, flags over both.

Knows no running server, no store and no web framework.
"""
