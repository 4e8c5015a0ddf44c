"""Owns what moves a whole database: backups, restores, copies from engine to engine.

It must not know what the rows mean; it reads tables, columns and their order from the schema alone.
"""
