"""Doing what was decided and must still happen elsewhere: the engine behind the outbox.

It knows the model alone. Who does what an entry asks for is handed in, by the entry's kind.
"""
