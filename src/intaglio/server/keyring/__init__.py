"""Which keys are in force: rings of signing keys, their life from next to gone, and the master key that seals them.

Knows no HTTP and no vendor; the published form of a key and its `kid` are the dialect's.
"""
