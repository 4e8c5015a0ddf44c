"""OpenID Connect as written: the dialect without a vendor, and the readers and writers that others build on."""
