"""Outage drills: the store is gone, restarting, slow, half-open, locked or full, and comes back."""
