"""Chaos: real processes that are killed, stopped and cut off, and a checker of what came of it."""
