"""The metadata server beside a workload: it holds no signing key, and asks the server in its own name."""
