"""What the words mean: pure, without I/O; time and randomness are arguments."""
