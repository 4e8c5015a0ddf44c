"""The commands and programs of the how-to on validating are run as they stand, against a server in development mode."""

from __future__ import annotations

import json

from tests.capability import capability
from tests.docs import test_examples

PAGE = "docs/howto/validate.md"
development = test_examples.development


@capability("howto-validate", witness="bash and curl")
def test_commands_of_validating_run(development: test_examples.Development) -> None:
    """Each command does what the page says, the exit codes included, and the programs too."""
    ran = development.run(PAGE)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "signed in: " in ran.stdout
    assert "['audience-mismatch', 'nonce-mismatch']" in ran.stdout
    assert ran.stdout.count('"believed": true') == 4
    folder = development.folder / "validate"
    codes = {
        name: [check["code"] for check in json.loads((folder / f"{name}.json").read_bytes())["checks"] if check["code"]]
        for name in ("late", "refused", "microsoft", "organization", "cloudentity")
    }
    assert codes["late"] == ["token-expired"]
    assert codes["refused"] == ["audience-mismatch"]
    assert codes["organization"] == ["organization-missing"]
    assert "issuer-mismatch" in codes["microsoft"]
    assert "issuer-mismatch" in codes["cloudentity"]
