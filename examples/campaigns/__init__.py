"""Campaigns of a game whose server tells by Redis what happens in its worlds."""
