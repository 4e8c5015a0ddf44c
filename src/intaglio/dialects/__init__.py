"""Each dialect's tongue: paths, claims, lifetimes, error shapes. All pure data and functions.

Opens nothing, remembers nothing; a vendor's words live in that vendor's folder and nowhere else.
"""
