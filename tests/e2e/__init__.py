"""Whole processes, killed and drained."""
