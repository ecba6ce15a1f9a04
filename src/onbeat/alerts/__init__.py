"""Telling people: what incidents become on their way to channels, and what takes them there."""
