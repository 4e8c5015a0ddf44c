"""Reasons of faults: every word that is said is listed, and every listed word is said."""

from __future__ import annotations

import pathlib
import re

import intaglio
from intaglio.errors import ProtocolFault
from intaglio.protocol import reasons
from intaglio.protocol.authorize import problem_of
from intaglio.protocol.faults import invalid_grant

SOURCE = pathlib.Path(intaglio.__file__).parent
QUOTED = re.compile(r'"([a-z]+(?:-[a-z]+)*)"')
SAID = re.compile(r'(?:because\(|reason=|reason = )\s*"([a-z]+(?:-[a-z]+)+)"')


def _files() -> list[pathlib.Path]:
    found = [SOURCE / "dialects", SOURCE / "server" / "provider", SOURCE / "server" / "http"]
    return [path for folder in found for path in folder.rglob("*.py") if path.name != "aadsts.py"]


def test_every_reason_is_said_somewhere() -> None:
    """A word that nothing says would promise what is never told."""
    words = {word for path in _files() for word in QUOTED.findall(path.read_text(encoding="utf-8"))}
    assert set(reasons.REASONS) <= words, sorted(set(reasons.REASONS) - words)


def test_every_reason_that_is_said_is_listed() -> None:
    """Dialects look reasons up by name: one that is spelled otherwise would be told as nothing."""
    words = {word for path in _files() for word in SAID.findall(path.read_text(encoding="utf-8"))}
    assert words <= set(reasons.REASONS), sorted(words - set(reasons.REASONS))


def test_reasons_travel_with_faults() -> None:
    """A fault without a reason has none, and its problem the same; values travel beside the reason."""
    assert ProtocolFault().reason == ""
    assert dict(ProtocolFault().told) == {}
    fault = invalid_grant("a", "b", "code-used").because("code-used", client_id="app")
    problem = problem_of(fault)
    assert (problem.reason, problem.told) == ("code-used", {"client_id": "app"})


def test_the_public_text_stays_one() -> None:
    """A reason changes nothing of what the standard dialect tells."""
    assert invalid_grant("a", "b", "code-used").public == invalid_grant("a", "b", "code-unknown").public
