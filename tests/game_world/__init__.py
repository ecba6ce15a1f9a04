"""The example of a game's world: its laws, and the whole of it as its users run it."""
