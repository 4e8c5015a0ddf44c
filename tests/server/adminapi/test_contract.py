"""The API against its own description: schemathesis asks a running server, as an owner."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import urllib.parse
import urllib.request

from tests import live
from tests.capability import capability

filed = live.filed
SECONDS = 8


def _token(running: live.Dev) -> str:
    live.cli(running, "client", "update", "machine", "--scope", "read:things intaglio.admin")
    live.cli(running, "admin", "add", "--tenant", "default", "--client", "machine", "--role", "owner")
    form = {
        "grant_type": "client_credentials",
        "scope": "intaglio.admin",
        "client_id": "machine",
        "client_secret": "machine-secret",
    }
    body = urllib.parse.urlencode(form).encode()
    with urllib.request.urlopen(f"{running.issuer}/token", body, timeout=10) as answer:
        return str(json.load(answer)["access_token"])


@capability("admin-api-contract", witness="schemathesis")
def test_the_api_does_what_its_document_says(filed: live.Dev, tmp_path: pathlib.Path) -> None:
    """No 5xx, no status, header, type or record that is not in the document; what is wrong by it is refused."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run"),
            f"{filed.base}/_intaglio/admin/v1/openapi.json",
            *("-H", f"Authorization: Bearer {_token(filed)}"),
            *("--phases", "coverage,fuzzing,stateful", "--max-time", str(SECONDS), "-n", "20", "-w", "1"),
            # Much of what a schema lets through is refused by rules between members: 422 is in the document.
            *("--exclude-checks", "positive_data_acceptance"),
            *("--no-color", "--warnings", "off"),
        ],
        cwd=tmp_path,
        env=live.environment(),
        capture_output=True,
        text=True,
        timeout=SECONDS + 60,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "No issues found" in done.stdout
    assert "server_error" not in filed.log
