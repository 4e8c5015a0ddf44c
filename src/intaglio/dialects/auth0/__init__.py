"""Auth0's tongue, thinly: discovery, RSA keys, authorize and token as its SDKs expect them. One host a tenant."""
