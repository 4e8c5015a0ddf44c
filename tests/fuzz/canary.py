"""A target with a planted fault: shows that a fuzzer sees what it is to see."""

from __future__ import annotations

from tests.fuzz.target import Broken, Target


def planted(octets: bytes) -> None:
    """Fail for texts that begin with four certain letters, which only a fuzzer that sees branches finds soon."""
    found = 0
    if octets[:1] == b"f":
        found += 1
        if octets[1:2] == b"u":
            found += 1
            if octets[2:3] == b"z":
                found += 1
                if octets[3:4] == b"Z":
                    raise Broken("the planted fault")


TARGET = Target("canary", planted)
