"""What is remembered: frozen records, and the plans that ask for them.

A plan is a generator that yields named questions and receives rows. Knows no SQL, no engine, no HTTP and no clock.
"""
