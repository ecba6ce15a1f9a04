"""A process that asks for jobs as fast as it can: `python -m …apps.racer TASK KEYS ROUNDS`.

It says that it is ready, waits for the file GO names, asks in each round for a job of each key, and
tells as a line of JSON for each: key, job, whether it is new, when it asked and was answered.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import time

from tests.e2e.apps.crew import RACES, ob


async def main(task: str, keys: int, rounds: int) -> None:
    """Race."""
    async with ob:
        print("ready", flush=True)  # noqa: T201 - what the test waits for
        while not os.path.exists(os.environ["GO"]):  # noqa: ASYNC110, ASYNC240, PTH110 - it opens
            await asyncio.sleep(0.001)
        for _ in range(rounds):
            for number in random.sample(range(keys), keys):
                key, began = f"k{number}", time.time()
                handle = await RACES[task].enqueue(key)
                answer = (key, handle.id, handle.is_new, began, time.time())
                print(json.dumps(answer), flush=True)  # noqa: T201 - what the test reads


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
