"""What users write: tasks, calls, schedules, results."""
