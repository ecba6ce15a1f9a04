"""How things are told to programs: the same by the command line's --json and by the API."""
