"""The steps that a person takes: signing in, consenting, cancelling."""
