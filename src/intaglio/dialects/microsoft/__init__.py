"""Microsoft's tongue: endpoints, ID tokens and errors of the Microsoft identity platform. It knows no other dialect."""
