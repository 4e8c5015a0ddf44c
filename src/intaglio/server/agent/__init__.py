"""The metadata server beside a workload: it holds no signing key and no database, and asks the server for each token.

It must not know the store, the provider, or anything of the server's records.
"""
