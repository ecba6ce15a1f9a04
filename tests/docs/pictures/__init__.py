"""Pictures drawn from what the engine did; `python -m tests.docs.pictures` draws all anew."""
