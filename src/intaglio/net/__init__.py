"""The only package that opens a socket to the outside.

Knows nothing of tokens: it runs flows (`wire.flow`) and guards where their calls may go.
"""
