"""What people and programs prove themselves with: passwords and client secrets, kept as hashes.

Knows no HTTP, no tokens and no storage.
"""
