"""The command line: it reads what is asked, calls the application, and shows what came of it."""
