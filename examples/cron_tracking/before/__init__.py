"""The jobs as the team has them: a crontab, a loop, an APScheduler program, and the work itself."""
