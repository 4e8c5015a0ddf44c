"""The plans against `intaglio dev --conformance` as it runs: over https, with the configuration that it prints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests import live as processes
from tests.capability import capability
from tests.conformance.op import live, plans, running
from tests.conformance.op.plans import Case

WITNESS = "the plans re-expressed, over https, with the printed configuration"
SUITE = "https://suite.example:8443"
TAIL = "certification-test-plan"
DISCOVERED = f"{TAIL}[server_metadata=discovery][client_registration=static_client]"
LOGOUT = f"{TAIL}[response_type=code][client_registration=static_client]"
NAMES = {
    "config": f"oidcc-config-{TAIL}",
    "basic": f"oidcc-basic-{DISCOVERED}",
    "formpost-hybrid": f"oidcc-formpost-hybrid-{DISCOVERED}",
    "rp-logout": f"oidcc-rp-initiated-logout-{LOGOUT}",
    "frontchannel": f"oidcc-frontchannel-rp-initiated-logout-{LOGOUT}",
    "session": f"oidcc-session-management-{LOGOUT}",
}
"""What the suite calls the plans."""
EVERY = (*plans.CONFIG, *plans.BASIC, *plans.FORM_POST_HYBRID, *plans.RP_LOGOUT, *plans.FRONT_CHANNEL, *plans.SESSION)
CASES = [
    case
    for case in EVERY
    if case.variant.registration == plans.STATIC
    and (case.variant.response_type == "code" or case.module.__name__ == "server")
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[processes.Dev]:
    """A server of its own process, as the suite would be pointed at it."""
    started = processes.start(tmp_path_factory.mktemp("conformance"), "--memory", "--conformance", "--suite", SUITE)
    yield started
    started.stop()


@pytest.fixture(scope="module")
def printed(server: processes.Dev) -> dict[str, Any]:
    """What the server printed for the suite: each plan's configuration by the plan's name."""
    return dict(live.printed(server.log)["configurations"])


@capability("dev-conformance", witness=WITNESS)
@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.plan}-{case}")
def test_running_server_passes(case: Case, server: processes.Dev, printed: dict[str, Any]) -> None:
    """What passes in one process passes against the server."""
    op = live.Live(server, printed[NAMES[case.plan]], SUITE)
    try:
        result = running.execute(case.module, op, case.variant)
    finally:
        op.close()
    if result.state == "not there":
        pytest.skip(f"not there: {result.reason}")
    assert result.state == "passed", "\n".join(map(str, result.findings))
