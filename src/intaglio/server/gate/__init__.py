"""The receiving side: who may pass to a service, and what is told to it. Knows no SQL, and no vendor by name."""
