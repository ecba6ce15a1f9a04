"""Workflows as graphs that other programs draw: Mermaid's flowcharts, Graphviz's DOT.

An arrow that is dotted stands for a parent of which any end will do.
"""

from __future__ import annotations

from collections.abc import Sequence

from onbeat.domain.states import State
from onbeat.domain.workflows import On, WorkflowJob

FILLS = {
    State.COMPLETED: "#cfe8cf",
    State.RUNNING: "#cfe3f7",
    State.FAILED: "#f3c6c6",
    State.CANCELLED: "#dddddd",
    State.BLOCKED: "#eadcf4",
}
PLAIN = "#ffffff"


def mermaid(jobs: Sequence[WorkflowJob]) -> list[str]:
    """A flowchart of Mermaid's."""
    names = {job.label: f"j{number}" for number, job in enumerate(jobs)}
    lines = ["flowchart TD"]
    for job in jobs:
        label = job.label.replace("&", "#amp;").replace('"', "#quot;").replace("<", "#lt;")
        lines.append(f'  {names[job.label]}["{label}<br/>{job.state}"]:::{job.state}')
    for job in jobs:
        for parent, on in job.parents.items():
            arrow = "-.->" if on is On.END else "-->"
            lines.append(f"  {names[parent]} {arrow} {names[job.label]}")
    used = sorted({job.state for job in jobs})
    return [*lines, *(f"  classDef {each} fill:{FILLS.get(each, PLAIN)}" for each in used)]


def dot(name: str, jobs: Sequence[WorkflowJob]) -> list[str]:
    """A digraph of Graphviz's."""
    lines = [f"digraph {_quoted(name)} {{", "  node [shape=box, style=filled];"]
    for job in jobs:
        shown = f'{_quoted(job.label)[:-1]}\\n{job.state}"'
        fill = FILLS.get(job.state, PLAIN)
        lines.append(f'  {_quoted(job.label)} [label={shown}, fillcolor="{fill}"];')
    for job in jobs:
        for parent, on in job.parents.items():
            style = " [style=dotted]" if on is On.END else ""
            lines.append(f"  {_quoted(parent)} -> {_quoted(job.label)}{style};")
    return [*lines, "}"]


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
