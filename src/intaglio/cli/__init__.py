"""The command line: words in, data on stdout, words on stderr, an exit code that tells what happened.

Knows no SQL, no HTTP and no keys; it reaches the database only through `server.compose.administration`.
"""
