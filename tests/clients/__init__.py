"""Clients of APIs, against real servers on loopback."""
