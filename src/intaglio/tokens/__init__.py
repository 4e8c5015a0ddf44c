"""The ID token itself: bytes to claims and back.

Knows no clock, no network, no vendor. The only package that touches a cryptography library.
"""
