"""openid-client and oauth4webapi (npm), unmodified: clients that register themselves and sign assertions."""

from __future__ import annotations

import json
import pathlib
import subprocess

import pytest

from tests import live
from tests.capability import capability

pytestmark = [pytest.mark.sdk]
NODE = pathlib.Path(__file__).parent / "node"
WITNESS = "openid-client and oauth4webapi (npm)"


@capability("registration-open", witness=WITNESS)
@capability("registration-management", witness=WITNESS)
@capability("initial-access-token", witness=WITNESS)
@capability("auth-private-key-jwt", witness=WITNESS)
@capability("auth-client-secret-jwt", witness=WITNESS)
@capability("client-jwks-uri", witness=WITNESS)
@capability("cli-client-update", witness=WITNESS)
def test_registers_proves_itself_and_manages(filed: live.Dev) -> None:
    """With an initial access token; by a key at an address, a key by value, a secret; read, replaced and deleted."""
    live.cli(filed, "tenant", "update", "default", "--registration", "token")
    made = json.loads(live.cli(filed, "client", "registration-token", "create", "--uses", "10", "-o", "json"))
    settings = {"issuer": filed.issuer, "token": made["initial_access_token"]}
    done = subprocess.run(
        [live.need_node(), str(NODE / "registration.mjs"), json.dumps(settings)],
        capture_output=True,
        text=True,
        timeout=60,
        env=live.environment(),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told.pop("stranger") is not None
    assert told == {
        "fetched": 1,
        "privateKey": "bearer",
        "again": "bearer",
        "active": True,
        "secret": "bearer",
        "web": "bearer",
        "refused": 401,
        "read": "Web API",
        "replaced": "Changed",
        "deleted": 204,
        "gone": 401,
    }
    [left] = json.loads(live.cli(filed, "client", "registration-token", "list", "-o", "json"))
    assert left["uses_left"] == 7
