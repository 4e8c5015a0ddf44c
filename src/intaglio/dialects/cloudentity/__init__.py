"""Cloudentity's tongue: so far how its workspaces' ID tokens are believed."""
