"""Tickets: calls whose result comes later.

settling   the methods of a session that list and settle them
webhook    the HTTP server that takes results from other systems
"""
