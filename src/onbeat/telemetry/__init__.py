"""Telling the world outside what happened here: subscribers to events, each optional."""
