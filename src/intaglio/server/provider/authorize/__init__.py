"""The authorization endpoint: checks in a fixed order, then the next step, then a code."""
