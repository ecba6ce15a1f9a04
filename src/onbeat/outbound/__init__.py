"""Requests to the outside, where the target may be a user's: what they may reach, and how much."""
