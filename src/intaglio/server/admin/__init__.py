"""What an operator may change: tenants, clients, users and keys, each field checked before anything is kept.

Knows no HTTP, no terminal and no SQL: it is handed a store, a clock and what hashes secrets.
"""
