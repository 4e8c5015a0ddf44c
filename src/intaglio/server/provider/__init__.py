"""Signing people in, and giving tokens for it.

Answers neutral questions; knows no vendor, no HTTP framework and no SQL.
"""
