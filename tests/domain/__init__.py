"""Laws of the pure part."""
