"""The kit for users' tests, tested as they would use it."""
