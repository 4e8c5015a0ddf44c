"""Deciding whether to believe a token. Pure: time and keys are handed in.

Knows no vendor and opens nothing; keys that live elsewhere are fetched by flows that others drive.
"""
