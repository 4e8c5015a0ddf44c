"""Owns the HTML, style and ornaments of pages for people.

Must not know requests, cookies, stores or dialects: it turns page records into bytes and nothing else.
"""
