"""Google's tongue, thinly: the metadata server's identity endpoint, and the certificates that verify what it gave."""
