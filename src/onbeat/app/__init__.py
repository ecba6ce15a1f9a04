"""What a user writes: the application object, its tasks, and one module of commands per noun."""
