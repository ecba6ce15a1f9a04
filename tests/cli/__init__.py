"""The command line, as users and their scripts meet it."""
