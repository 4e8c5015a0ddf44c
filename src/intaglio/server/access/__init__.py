"""Who may do what: policies, roles and conditions, decided and explained.

Knows no wire, no SQL and no dialect by name.
"""
