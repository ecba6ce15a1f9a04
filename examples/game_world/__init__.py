"""A game's world that lives by its own time: an application to fork, see README.md."""
