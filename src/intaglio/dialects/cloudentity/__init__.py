"""Cloudentity's tongue: workspaces of a tenant, their discovery and keys, flows, claims, services and errors."""
