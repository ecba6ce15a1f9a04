"""How what is asked for is read, alike for the command line and for the API."""
