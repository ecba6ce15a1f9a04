"""The built-in task `shell`: runs a command as cron does, where the operator enabled it.

Whoever may enqueue on a queue whose worker has it may run any command as that worker: so it
exists nowhere unless it is asked for.
"""

from onbeat.runtime.shell.task import CommandFailed, shell_definition

__all__ = ["CommandFailed", "shell_definition"]
