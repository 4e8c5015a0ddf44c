"""What an operator may change: tenants, clients, users, keys, service accounts and policies, checked field by field.

Knows no HTTP, no terminal and no SQL: it is handed a store, a clock and what hashes secrets.
"""
