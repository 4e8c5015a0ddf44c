"""Everything that remembers and answers: the issuer as a running program.

Knows the library below it; nothing of the library knows this package.
"""
