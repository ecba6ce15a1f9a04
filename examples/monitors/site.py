"""The site that is watched: real HTTP, in a process of its own, which ends with its parent.

/fast/17      answers in 1 to 20 ms
/slow/3       answers in 0.6 to 2.5 s
/failing/2    always 500, or 503 with Retry-After
/flapping/9   down for a quarter of each minute, each page at another time
/hanging/1    never answers
/gone/4       404: asking again would not help
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
import time
from collections.abc import AsyncIterator

from aiohttp import web

HOST = "127.0.0.1"
START_SECONDS = 20.0
STOP_SECONDS = 5.0
FLAP_PERIOD, FLAP_DOWN = 60, 15


async def fast(_: web.Request) -> web.Response:
    """Answer soon."""
    await asyncio.sleep(random.uniform(0.001, 0.020))
    return web.Response(text="here")


async def slow(_: web.Request) -> web.Response:
    """Answer, but not soon."""
    await asyncio.sleep(random.uniform(0.6, 2.5))
    return web.Response(text="here, at last")


async def failing(request: web.Request) -> web.Response:
    """Say that something is wrong; half of the pages also say when to come again."""
    await asyncio.sleep(0.005)
    if _number(request) % 2:
        return web.Response(status=500)
    return web.Response(status=503, headers={"Retry-After": "2"})


async def flapping(request: web.Request) -> web.Response:
    """Be down for some seconds of each minute."""
    phase = (time.time() + 7 * _number(request)) % FLAP_PERIOD
    return await fast(request) if phase >= FLAP_DOWN else web.Response(status=502)


async def hanging(_: web.Request) -> web.Response:
    """Never answer."""
    await asyncio.Event().wait()
    return web.Response()


def _number(request: web.Request) -> int:
    digits = request.match_info["number"]
    return int(digits) if digits.isdecimal() else 0


async def serve() -> None:
    """Serve on a free port, say which, and end when standard input does."""
    app = web.Application()
    for page in (fast, slow, failing, flapping, hanging):
        app.router.add_get(f"/{page.__name__}/{{number}}", page)
    # A page that hangs must not outlive the client that gave it up.
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0).start()
    sys.stdout.write(f"{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.buffer.read)
    await runner.cleanup()


@contextlib.asynccontextmanager
async def running_site() -> AsyncIterator[str]:
    """Run the site in another process; its address."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"{__package__}.site",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        # Ctrl-C is for the demo, whose last checks still want an answer.
        start_new_session=True,
    )  # fmt: skip
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the site was started without pipes")
    try:
        async with asyncio.timeout(START_SECONDS):
            port = int(await process.stdout.readline())
        yield f"http://{HOST}:{port}"
    finally:
        process.stdin.close()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


if __name__ == "__main__":
    asyncio.run(serve())
