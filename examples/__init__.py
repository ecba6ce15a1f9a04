"""Applications that show what Onbeat does; each runs by itself."""
