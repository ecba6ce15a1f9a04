"""Onbeat inside other frameworks: one room for each."""
