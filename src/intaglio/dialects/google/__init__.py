"""Google's tongue: people's sign-in, the metadata server, IAM and its credentials, token exchange, certificates."""
