"""Naming machines: service accounts and their ID tokens."""
