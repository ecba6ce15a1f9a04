"""Chaos: real processes that are killed, stopped and cut off, and a checker of what came of it.

`client.py` asks for plain jobs (`tasks.py`), and `wishes.py` for jobs on conditions
(`conditions.py`), workflows, cancels and other limits. Jobs note what they do, and what they have
while they do it, into files of their own (`effects.py`); the client notes what it was answered;
`faults.py` does harm. After the calm `checker.py` and `condition_judges.py` compare all that: pure
functions of a history, seen to find each breach by `test_checker.py` and
`test_condition_judges.py`.

What is passed over is what docs/guarantees.md does not promise: an attempt counts no longer than
its lease may have lasted where its worker stood still for longer than that, or said that it heard
of a lost session (`spans.py`). The figures tell how many were.
"""
