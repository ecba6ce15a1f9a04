"""The same jobs under Onbeat."""
