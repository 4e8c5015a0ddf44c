"""Every decoder under Hypothesis; that atheris runs, finds a planted fault and says how to see it again."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.capability import capability
from tests.fuzz import target as attempts
from tests.fuzz import targets

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = int(os.environ.get("INTAGLIO_FUZZ_EXAMPLES", "60"))


def changed(seeds):
    """Return a strategy of seeds with some octets cut out and others put in."""

    def cut(seed, places):
        for at, length, octets in places:
            start = at % (len(seed) + 1)
            seed = seed[:start] + octets + seed[start + length :]
        return seed

    piece = st.binary(max_size=4) | st.sampled_from(
        [b".", b'"', b"{", b"=", b"%", b"\0", b"\xff", b"&", b"null", b"1e9"]
    )
    places = st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 6), piece), min_size=1, max_size=4)
    return st.builds(cut, st.sampled_from(seeds), places)


@pytest.mark.parametrize("target", targets.TARGETS, ids=lambda target: target.name)
def test_every_decoder_keeps_its_promises(target):
    """Keep every promise for the seeds, for seeds that were changed, and for octets out of nowhere."""
    for seed in target.seeds:
        attempts.attempt(target, seed)

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(changed(target.seeds) | st.binary(max_size=200))
    def keeps(octets):
        attempts.attempt(target, octets)

    keeps()


@pytest.mark.parametrize("target", targets.TARGETS, ids=lambda target: target.name)
def test_every_decoder_accepts_a_seed(target):
    """Begin with an input that is accepted, so that what lies behind the first check is reached too."""
    # What is sealed under our own key opens for nobody here: an accepted input would be the fault.
    assert any(attempts.attempt(target, seed) for seed in target.seeds) == (target.name != "jwe.decrypt_direct")


def fuzz(*arguments):
    """Run the script."""
    command = [sys.executable, str(ROOT / "scripts" / "fuzz.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=90, check=False, cwd=ROOT)


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris has no wheel for this machine")
@capability("fuzz", witness="atheris")
def test_atheris_finds_a_planted_fault(tmp_path):
    """Find a fault that chance would not find, keep the input, and print a command that shows it again."""
    done = fuzz("--target", "canary", "--seconds", "20", "--no-hypothesis", "--out", str(tmp_path))
    assert done.returncode == 1, done.stdout + done.stderr
    command = re.search(r"reproduce: (.*)", done.stdout)
    assert command is not None
    found = Path(shlex.split(command[1])[-1])
    assert found.read_bytes()[:4] == b"fuzZ"
    again = fuzz("--replay", "canary", str(found))
    assert again.returncode == 1
    assert "the planted fault" in again.stdout


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris has no wheel for this machine")
@capability("fuzz", witness="atheris")
def test_atheris_runs_the_validation(tmp_path):
    """Run the validation under atheris for a moment and find nothing."""
    done = fuzz("--target", "validator.validate", "--seconds", "3", "--no-hypothesis", "--out", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"validator\.validate +[1-9]\d* inputs", done.stdout)


def test_replay_of_a_harmless_input(tmp_path):
    """Say of an input that nothing is wrong with it."""
    (tmp_path / "x").write_bytes(b"AA")
    done = fuzz("--replay", "codec.decode_base64url", str(tmp_path / "x"))
    assert (done.returncode, "accepted" in done.stdout) == (0, True)
    assert fuzz("--replay", "no such target", str(tmp_path / "x")).returncode == 2
