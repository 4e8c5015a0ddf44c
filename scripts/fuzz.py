"""`make fuzz`: every decoder under atheris, one process a target, then all of them under Hypothesis.

`--seconds` is for all targets together. An input that breaks a promise is kept under `--out`, and the command that
shows it again is printed. Where atheris has no wheel this says so, and Hypothesis fuzzes alone.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
MEMORY_MIB = 1024
LONGEST = 8192
"""Octets of one input; what is longer is refused by its length, which tests of bounds look at."""


def _named(name: str) -> str:
    return re.sub(r"[^a-z0-9_.]+", "-", name)


def _child(name: str, corpus: Path, out: Path, seconds: int) -> int:
    """Fuzz one target in this process; libFuzzer ends it."""
    import atheris  # noqa: PLC0415  (it has no wheel everywhere)

    # Only what is ours is instrumented: the branches of others cost time and say nothing.
    with atheris.instrument_imports(include=["intaglio", "tests.fuzz"]):
        from tests.fuzz import target as attempts  # noqa: PLC0415  (imported under instrumentation)
        from tests.fuzz import targets  # noqa: PLC0415  (as above)
    target = targets.BY_NAME[name]
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    flags = [
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST}",
        "-timeout=5",
        f"-rss_limit_mb={MEMORY_MIB}",
        f"-artifact_prefix={out}/",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *flags, str(corpus)], lambda octets: attempts.attempt(target, octets) and None)
    atheris.Fuzz()
    return 0


def _fuzz(name: str, seconds: int, out: Path) -> bool:
    """Fuzz one target in a process of its own; return whether nothing was found."""
    found = out / _named(name)
    found.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as corpus:
        before, began = set(found.iterdir()), time.monotonic()
        done = subprocess.run(
            [sys.executable, __file__, "--child", name, corpus, str(found), str(seconds)],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds + 60,
            check=False,
        )
        spent = max(0.1, time.monotonic() - began)
    kept = sorted(path for path in set(found.iterdir()) - before if path.suffix != ".log")
    inputs = re.search(r"stat::number_of_executed_units: (\d+)", done.stderr)
    covered = re.findall(r"cov: (\d+)", done.stderr) or ["0"]
    said = f"{inputs[1]} inputs, {int(inputs[1]) / spent:.0f}/s, {covered[-1]} branches" if inputs else "no figures"
    good = done.returncode == 0 and inputs is not None and not kept
    print(f"  {name:<40} {said}{'' if good else '  FOUND'}", flush=True)
    if not good:
        (found / "last.log").write_text(done.stdout + done.stderr)
        print("\n".join(done.stdout.splitlines()[-30:]) or done.stderr[-2000:])
        for path in kept:
            print(f"reproduce: {shlex.join([sys.executable, 'scripts/fuzz.py', '--replay', name, str(path)])}")
    return good


def _replay(name: str, path: Path) -> int:
    from tests.fuzz import target as attempts  # noqa: PLC0415  (only this way of use loads it)
    from tests.fuzz import targets  # noqa: PLC0415  (as above)

    if name not in targets.BY_NAME:
        print(f"no such target; one of: {', '.join(targets.BY_NAME)}")
        return 2
    octets = path.read_bytes()
    try:
        accepted = attempts.attempt(targets.BY_NAME[name], octets)
    except Exception as error:  # noqa: BLE001  (whatever it is, it is what was looked for)
        print(f"{name}: {type(error).__name__}: {error}")
        print(f"input ({len(octets)} octets): {octets[:200]!r}")
        return 1
    print(f"{name}: {'accepted' if accepted else 'refused as allowed'}; nothing is wrong")
    return 0


def _hypothesis(examples: int) -> bool:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/fuzz/test_targets.py"]
    chosen = [*command, "-k", "every_decoder"]
    return (
        subprocess.run(
            chosen, cwd=ROOT, env=os.environ | {"INTAGLIO_FUZZ_EXAMPLES": str(examples)}, check=False
        ).returncode
        == 0
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--seconds",
        type=int,
        default=300,
        help="of fuzzing for all targets together, one at least for each; each needs some more to begin",
    )
    parser.add_argument("--target", action="append", default=[], help="only this one; may be given again")
    parser.add_argument("--out", type=Path, default=ROOT / "var" / "fuzz", help="where inputs that were found are kept")
    parser.add_argument("--no-hypothesis", action="store_true", help="atheris alone")
    parser.add_argument("--examples", type=int, default=500, help="of Hypothesis for each target")
    parser.add_argument("--replay", nargs=2, metavar=("TARGET", "FILE"), help="try one kept input again")
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> int:
    """Fuzz; 1 if anything was found."""
    options = _options()
    if options.child:
        name, corpus, out, seconds = options.child
        return _child(name, Path(corpus), Path(out), int(seconds))
    if options.replay:
        return _replay(options.replay[0], Path(options.replay[1]))
    from tests.fuzz import targets  # noqa: PLC0415  (a child must not load it before it is instrumented)

    names = options.target or [target.name for target in targets.TARGETS]
    if unknown := [name for name in names if name not in targets.BY_NAME]:
        print(f"no such target: {', '.join(unknown)}; one of: {', '.join(targets.BY_NAME)}")
        return 2
    good = True
    if importlib.util.find_spec("atheris") is None:
        print("atheris has no wheel for this machine: Hypothesis fuzzes alone")
    else:
        each = max(1, options.seconds // len(names))
        print(f"atheris: {len(names)} targets, {each} s each")
        # Every target, whatever the ones before it found.
        good = sum(not _fuzz(name, each, options.out) for name in names) == 0
    if not options.no_hypothesis:
        print(f"Hypothesis: {options.examples} inputs a target")
        good = _hypothesis(options.examples) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
