"""Everything that an operator may do, as one table: the administration API and the command line are made of it.

An act takes a record and returns one. It must not know whether it was asked over the network or at a terminal.
"""
