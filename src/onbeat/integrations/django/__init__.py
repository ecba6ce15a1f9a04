"""Onbeat inside Django."""
