"""One module per noun; each is imported when one of its commands is asked for."""
