"""Auth0's tongue: a host a tenant, its endpoints, claims, errors, and the applications of its Management API."""
