"""What one engine does in its own way."""
