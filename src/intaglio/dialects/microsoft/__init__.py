"""Microsoft's tongue: so far how the ID tokens of the Microsoft identity platform, v1.0 and v2.0, are believed."""
