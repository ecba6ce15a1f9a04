"""What demos have in common: steps that are seen or missed, a user, a place to look."""
