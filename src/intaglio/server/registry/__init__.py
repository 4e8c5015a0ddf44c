"""What may be registered: one set of rules for clients, whoever registers them, an operator or the client itself.

Knows no HTTP, no terminal, no store and no clock; what has to be fetched is a flow that others run.
"""
