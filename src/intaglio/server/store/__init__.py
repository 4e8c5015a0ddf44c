"""Remembering, in SQL: the two engines that run plans.

Knows the records and plans of `server.model` and the ground (errors, names); must not know HTTP, protocol, settings or
any rule about who may do what.
"""
