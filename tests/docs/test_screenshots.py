"""Screenshots of every page are part of the documentation."""

from __future__ import annotations

import pathlib

import pytest

from tests.capability import capability
from tests.web import samples

FOLDER = pathlib.Path(__file__).parents[2] / "docs" / "screenshots"
SIGNATURE = b"\x89PNG\r\n\x1a\n"


@capability("screenshots", witness="Chromium")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("page", sorted(samples.SAMPLES))
def test_every_page_has_its_picture(page: str, width: int, scheme: str) -> None:
    """A picture of each page stands there at phone and desktop width, light and dark, as wide as it says."""
    octets = (FOLDER / f"{page}-{width}-{scheme}.png").read_bytes()
    assert octets.startswith(SIGNATURE)
    # PNG 11.2.1: the width is the first number of the first chunk.
    assert int.from_bytes(octets[16:20]) == width
