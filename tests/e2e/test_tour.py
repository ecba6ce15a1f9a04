"""The script of docs/api.md, run as it stands: from nothing to a user's schedule and webhook."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

DOCUMENT = Path(__file__).parents[2] / "docs/api.md"
BIN = Path(sys.executable).parent


def script() -> str:
    """The one of the document that begins with strictness."""
    found: list[str] = re.findall(r"^```bash\n(.*?)^```", DOCUMENT.read_text(), re.M | re.S)
    [whole] = [each for each in found if each.startswith("set -euo pipefail")]
    return whole


def free_ports() -> tuple[str, str]:
    """Two ports that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as o:
        return str(one.getsockname()[1]), str(o.getsockname()[1])


def test_the_tour_of_the_document_leads_where_it_says(database_url: str, tmp_path: Path) -> None:
    port, hook_port = free_ports()
    settings = {name: value for name, value in os.environ.items() if "ONBEAT_" not in name}
    environment = {
        **settings, "PATH": f"{BIN}:{os.environ['PATH']}", "ONBEAT_DB": database_url,
        "ONBEAT_PORT": port, "HOOK_PORT": hook_port, "NO_COLOR": "1",
    }  # fmt: skip

    ran = subprocess.run(
        ["/bin/bash", "-c", script()], cwd=tmp_path, env=environment, capture_output=True,
        text=True, timeout=180, check=False,
    )  # fmt: skip

    assert ran.returncode == 0, ran.stdout + ran.stderr
    *_, shown, heard, fired, run, sent, gone = ran.stdout.splitlines()
    schedule = json.loads(shown)
    assert schedule["data"] == {"text": "tea", "userId": "amy"}
    told = json.loads(heard)
    assert (told["type"], told["data"]["task"], told["data"]["schedule"]) == (
        "job.completed", "remind", schedule["schedulerId"],
    )  # fmt: skip
    assert [fired, run, sent] == [
        "schedQueue onbeat.fire completed", "jobQueue remind completed",
        "webhooks onbeat.webhook completed",
    ]  # fmt: skip
    assert schedule["schedulerId"] in json.loads(gone)["message"]
