"""What the doctor sees of channels: which are disabled, and what is wrong with the others."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta

from onbeat.app.doctor.findings import Finding, Verdict
from onbeat.app.onbeat import Onbeat
from onbeat.domain.channels import Channel
from onbeat.domain.words import lasting, many, one_line
from onbeat.store import diagnosis


async def examine_channels(ob: Onbeat) -> AsyncIterator[Finding]:
    """A finding for each that does not tell what it should; nothing where there are none."""
    channels = await ob.channels.list()
    if not channels:
        return
    waits = await (await ob.store()).read(diagnosis.unsent)
    enabled = {each.name for each in channels if each.enabled}
    wrong = [told for each in channels for told in _wrongs(each, waits, enabled)]
    for told in wrong:
        yield Finding("channels", Verdict.NOTE, told)
    if not wrong:
        yield Finding("channels", Verdict.GOOD, f"{many(len(channels), 'channel')}, none at fault")


def _wrongs(channel: Channel, waits: Mapping[str, timedelta], enabled: set[str]) -> list[str]:
    """All that is wrong with it; of one that is disabled that alone."""
    name, options = channel.name, channel.options
    if not channel.enabled:
        why = one_line(channel.disabled_why or "")
        return [f"{name} is disabled ({why}); `onbeat channels enable {name}`"]
    told = []
    if channel.fault is not None:
        told.append(f"{name}: {one_line(channel.fault)}; `onbeat channels test {name}` tries it")
    elif channel.id in waits:
        told.append(
            f"{name} has been owed a notice for {lasting(waits[channel.id])}: no process that has "
            "ONBEAT_SECRET_KEY and a scheduler or the API is at work"
        )
    if options.escalate_to is not None and options.escalate_to not in enabled:
        told.append(f"{name} escalates to {options.escalate_to}, which is disabled or no more: "
                    f"`onbeat channels edit {name}`")  # fmt: skip
    return told
