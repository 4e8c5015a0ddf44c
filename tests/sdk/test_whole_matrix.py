"""The table of foreign relying parties by features: printed after the tests that fill it, and complete."""

from __future__ import annotations

import sys

import pytest

from tests.sdk import matrix

pytestmark = [pytest.mark.sdk]
LACKING = {("idpyoidc", "device")}
"""What a library has not: idpyoidc knows no device flow."""


def test_the_table_is_complete(capsys: pytest.CaptureFixture[str]) -> None:
    """Every library that ran has passed every feature that it has."""
    ran = {library for library, _ in matrix.PASSED}
    if ran != set(matrix.LIBRARIES):
        pytest.skip("only with the whole folder: the other tests fill the table")
    with capsys.disabled():
        sys.stdout.write("\n\n" + matrix.table() + "\n\n")
    missing = {(one, what) for one in matrix.LIBRARIES for what in matrix.FEATURES} - set(matrix.PASSED)
    assert missing == LACKING
