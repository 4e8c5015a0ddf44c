"""How often things may be done: counted in every process, told among all that share a database.

Knows the store's plans and nothing of requests, dialects or pages.
"""
