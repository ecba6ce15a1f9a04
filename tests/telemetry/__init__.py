"""What is told to what watches from outside."""
