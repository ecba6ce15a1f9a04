"""What the doctor sees of channels: which are disabled, and what is wrong with the others."""

from __future__ import annotations

from collections.abc import AsyncIterator

from onbeat.app.onbeat import Onbeat
from onbeat.cli.findings import Finding, Verdict
from onbeat.cli.output.words import many, one_line
from onbeat.domain.channels import Channel


async def examine_channels(ob: Onbeat) -> AsyncIterator[Finding]:
    """A finding for each that does not tell what it should; nothing where there are none."""
    channels = await ob.channels.list()
    if not channels:
        return
    wrong = [each for each in channels if not each.enabled or each.fault is not None]
    for channel in wrong:
        yield Finding("channels", Verdict.NOTE, _told(channel))
    if not wrong:
        yield Finding("channels", Verdict.GOOD, f"{many(len(channels), 'channel')}, none at fault")


def _told(channel: Channel) -> str:
    if not channel.enabled:
        why = one_line(channel.disabled_why or "")
        return f"{channel.name} is disabled ({why}); `onbeat channels enable {channel.name}`"
    fault = one_line(channel.fault or "")
    return f"{channel.name}: {fault}; `onbeat channels test {channel.name}` tries it"
