"""The plans would notice: a provider with a known defect is caught, and by what the defect is."""

from __future__ import annotations

import copy

import pytest

from tests.capability import capability
from tests.conformance.op import plans, running, tally
from tests.conformance.op.defects.every import DEFECTS
from tests.conformance.op.faulty import Fault
from tests.conformance.op.provider import Ground, Provider

LEAST = 60


def test_defects_are_many_and_apart() -> None:
    """There are at least sixty, and no two have one name."""
    names = [fault.name for fault in DEFECTS]
    assert len(names) == len(set(names))
    assert len(names) >= LEAST


@capability("conformance-defects", witness="a provider with over 60 known defects")
@pytest.mark.parametrize("fault", DEFECTS, ids=str)
def test_defect_is_caught(fault: Fault, ground: Ground) -> None:
    """A module that the sound provider passes fails with the defect, and names it."""
    own = Ground() if fault.module in plans.OWN_GROUND else None
    try:
        faulty = Provider(own or ground, copy.copy(fault))
        result = running.execute(fault.module, faulty, fault.variant)
    finally:
        if own is not None:
            own.close()
    found = {finding.code for finding in result.findings}
    tally.CAUGHT[fault.name] = fault.code in found
    assert fault.code in found, f"{fault.module.__name__} found {sorted(found)} {result.reason}"


def test_sound_provider_passes_what_catches_defects(ground: Ground) -> None:
    """Each module that catches a defect is passed by the provider as it is."""
    told = []
    for module, variant in {(fault.module, fault.variant) for fault in DEFECTS}:
        own = Ground() if module in plans.OWN_GROUND else None
        result = running.execute(module, Provider(own or ground), variant)
        if own is not None:
            own.close()
        if result.state != "passed":
            told.append(f"{module.__name__} {variant}: {[str(one) for one in result.findings]}")
    assert not told, "\n".join(told)
