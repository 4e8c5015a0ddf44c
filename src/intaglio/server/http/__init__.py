"""Requests in, answers out: read, act, write; cookies, CORS, limits and the headers of every answer.

The only package that speaks ASGI. Knows the page renderer only as the `Pages` protocol.
"""
