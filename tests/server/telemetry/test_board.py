"""Numbers that processes keep side by side, and the form in which they are told."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from intaglio.server.telemetry import board as boards
from intaglio.server.telemetry import exposition
from intaglio.server.telemetry.board import Board
from intaglio.server.telemetry.meters import METERS, SECONDS, Meters
from tests.capability import capability

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def told(board: Board, more: exposition.Samples | None = None) -> Samples:
    """Return what Prometheus's own reader finds."""
    text = exposition.write(board, more or {}).decode()
    families = text_string_to_metric_families(text)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_numbers_of_all_processes_are_added_up() -> None:
    """Two processes count the same request, one of them another: the sums are told."""
    board = Board(2)
    first, second = Meters(board.take(0)), Meters(board.take(1))
    for meters in (first, second, second):
        meters.request("standard", "/token", "POST", 200, 0.003)
    second.request("standard", "/token", "POST", 400, 20.0)
    first.count("intaglio_refusals_total", "standard", "invalid_grant", "")
    found = told(board)
    labels = (("dialect", "standard"), ("method", "POST"), ("route", "/token"))
    assert found["intaglio_http_requests_total", (*labels, ("status", "200"))] == 3
    assert found["intaglio_http_requests_total", (*labels, ("status", "400"))] == 1
    assert found["intaglio_refusals_total", (("code", "invalid_grant"), ("dialect", "standard"), ("reason", ""))] == 1
    span = (("dialect", "standard"), ("route", "/token"))
    assert found["intaglio_http_request_seconds_count", span] == 4
    assert found["intaglio_http_request_seconds_sum", span] == pytest.approx(20.009)
    at = {dict(labels)["le"]: value for (name, labels), value in found.items() if name.endswith("_bucket")}
    assert at["0.0025"] == 0
    assert at["0.005"] == at["10.0"] == 3
    assert at["+Inf"] == 4


@settings(deadline=None)
@given(st.lists(st.floats(0, 30), min_size=1, max_size=30))
def test_buckets_hold_what_is_at_most_their_bound(seconds: list[float]) -> None:
    """A bucket counts every span up to and with its bound; the sum is the sum."""
    board = Board()
    meters = Meters(board.take(0))
    for one in seconds:
        meters.span("intaglio_db_seconds", "read")(one)
    found = told(board)
    for bound in SECONDS:
        counted = found["intaglio_db_seconds_bucket", (("le", str(bound)), ("op", "read"))]
        assert counted == sum(one <= bound for one in seconds)
    assert found["intaglio_db_seconds_count", (("op", "read"),)] == len(seconds)
    assert found["intaglio_db_seconds_sum", (("op", "read"),)] == pytest.approx(sum(seconds))


@settings(deadline=None)
@given(st.text(min_size=1, max_size=20), st.text(max_size=20))
def test_any_label_is_read_back(dialect: str, code: str) -> None:
    """Quotation marks, backslashes and line ends in a label come back as they were."""
    board = Board()
    Meters(board.take(0)).count("intaglio_refusals_total", dialect, code, "x")
    text = exposition.write(board, {}).decode()
    assert text.count("\n") == 3
    (family,) = text_string_to_metric_families(text)
    assert family.samples[0].labels == {"dialect": dialect, "code": code, "reason": "x"}


def _forked(board: Board) -> int:
    """Count in a process of its own, on place 1; return its number."""
    child = os.fork()
    if child == 0:
        Meters(board.take(1)).count("intaglio_tokens_issued_total", "standard", "refresh_token")
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    return child


@capability("operations-metrics", witness="another process")
def test_a_forked_process_writes_on_the_same_board() -> None:
    """What a worker counts is read by another one; who follows on its place counts on from there."""
    board = Board(2)
    Meters(board.take(0)).count("intaglio_tokens_issued_total", "standard", "refresh_token")
    children = [_forked(board) for _ in range(2)]
    label = (("dialect", "standard"), ("grant", "refresh_token"))
    assert told(board)["intaglio_tokens_issued_total", label] == 3
    assert board.processes() == [(0, os.getpid()), (1, children[-1])]


def test_a_full_board_refuses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no name fits any more, counting goes on without one, and what was there stays right."""
    monkeypatch.setattr(boards, "CELLS", boards.OVERFLOW_CELLS + 2)
    board = Board()
    meters = Meters(board.take(0))
    for code in ("a", "b", "c", "d"):
        meters.count("intaglio_refusals_total", "standard", code, "")
        meters.count("intaglio_refusals_total", "standard", code, "")
    meters.span("intaglio_db_seconds", "read")(0.1)
    codes = {dict(labels)["code"]: value for (_, labels), value in told(board).items()}
    assert codes == {"a": 2, "b": 2}


def test_no_label_tells_whose_it_is() -> None:
    """No meter has a label for a tenant, a client, a person or an address, whose number would be without bound."""
    words = {label for meter in METERS.values() for label in meter.labels}
    of_requests = {"dialect", "route", "method", "status", "grant", "code", "reason", "outcome"}
    assert words <= of_requests | {"op", "alg", "worker", "version", "python"}
    assert all(meter.help.endswith(".") for meter in METERS.values())
