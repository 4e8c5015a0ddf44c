"""What an operator sees of a running server: counters that its processes share, and one line a request.

Must not know what is counted means: no request, no client, no tenant's record. It is told words and numbers.
"""
