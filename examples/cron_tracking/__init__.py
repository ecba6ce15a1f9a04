"""A team's cron jobs, moved over side by side, tracked, and switched back, job by job."""
