"""The token endpoint: one module a grant over one pipeline; no grant knows another."""
