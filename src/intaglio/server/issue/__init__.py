"""The one mint: facts in, signed token out.

The only caller of `sign` for a token that is given to somebody.
"""
