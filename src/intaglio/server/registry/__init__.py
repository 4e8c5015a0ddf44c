"""What may be registered: one set of rules for clients, service accounts, policies and pools, whoever makes them.

Knows no HTTP, no terminal, no store and no clock; what has to be fetched is a flow that others run.
"""
