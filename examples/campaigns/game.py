"""What a game's server publishes makes schedules react: run it with `onbeat up`, see README.md."""

from __future__ import annotations

import os

from onbeat import Onbeat, every
from onbeat.sources import Advance, Enqueue, RedisPubSub, Trigger, field

ob = Onbeat(name="campaigns")  # ONBEAT_DB, else sqlite:///onbeat.db


@ob.task
async def open_campaign(campaign: str) -> None:
    """Let the settlements of a new campaign grow each hour of its own world."""
    await ob.schedules.create(
        f"growth/{campaign}", grow.bind(campaign), every("1h"),
        clock=f"campaign/{campaign}", overlap="allow",
    )  # fmt: skip


@ob.task
def grow(campaign: str) -> str:
    """An hour of growth."""
    return f"the settlements of campaign {campaign} have grown"


@ob.task
def settle(campaign: str, entity: str) -> str:
    """What follows of a change."""
    return f"{entity} of campaign {campaign} is settled"


game = ob.source(
    RedisPubSub(name="game", url=os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0"))
)
(
    game.on("campaign.{id}.opened", Advance("campaign/{id}", to=field("worldTime"), create=True))
    .on("campaign.{id}.opened", Enqueue(open_campaign, args={"campaign": "{id}"}))
    .on("campaign.{id}.worldTimeAdvanced", Advance("campaign/{id}", to=field("worldTime")))
    .on(
        "campaign.{id}.entityModified",
        Enqueue(
            settle, args={"campaign": "{id}", "entity": field("entityId")}, key=field("eventId")
        ),
    )
    .on(
        "campaign.{id}.entityModified",
        Trigger("growth/{id}"),
        where={"entityType": "Settlement"},
    )
)
