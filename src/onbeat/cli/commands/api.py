"""`onbeat api`: serve the API until told to stop."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from onbeat import __version__
from onbeat.app.processes import Parts
from onbeat.cli import inputs
from onbeat.cli.command import command, standing_alone
from onbeat.cli.invocation import Invocation
from onbeat.cli.running import Plan, run_until_told
from onbeat.cli.serving import serving

api = standing_alone()

Host = Annotated[str | None, typer.Option(metavar="ADDRESS", help="Where to listen (ONBEAT_HOST).")]
Port = Annotated[
    int | None,
    typer.Option(metavar="N", min=0, max=65_535, help="On which port (ONBEAT_PORT); 0: any."),
]
For = Annotated[
    str | None, typer.Option("--for", metavar="TIME", help="Stop by itself after so long.")
]


@command(api, "api", "onbeat api --app shop:ob", "onbeat api --host 0.0.0.0 --port 80",
         takes_app=True)  # fmt: skip
async def run_api(
    asked: Invocation, *, host: Host = None, port: Port = None, stop_after: For = None
) -> None:
    """Serve the API until SIGTERM or Ctrl-C; any number may run behind a balancer.

    With --app it knows the application's tasks, and checks arguments for them. The first start
    prints a link on which the first admin is made.
    """
    said = asked.onbeat.settings
    settings = replace(
        said, host=said.host if host is None else host, port=said.port if port is None else port
    )
    parts = Parts.from_settings(settings, worker=False, scheduler=False, version=__version__)
    limit = inputs.duration("for", stop_after)
    served = serving(asked, asked.onbeat, settings)
    await run_until_told(asked, asked.onbeat, Plan(parts, settings, limit, api=served))
