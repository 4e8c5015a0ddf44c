"""SoftHSM for tests: a PKCS#11 library with tokens in a folder of their own, or a skip."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import subprocess
from collections.abc import Iterator

import pytest

MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm.so", "/usr/lib64/pkcs11/libsofthsm2.so")
PIN = "canary-pin-4711"


@contextlib.contextmanager
def tokens(folder: pathlib.Path, *labels: str) -> Iterator[pathlib.Path]:
    """Give the library, with fresh tokens of these labels; this process and its children see them."""
    pkcs11 = pytest.importorskip("pkcs11")
    found = next((pathlib.Path(name) for name in MODULES if pathlib.Path(name).is_file()), None)
    if found is None or shutil.which("softhsm2-util") is None:
        pytest.skip("SoftHSM is not installed")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}/tokens\nlog.level = ERROR\n")
    before = os.environ.get("SOFTHSM2_CONF")
    os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")
    pkcs11.unload(str(found))
    try:
        for label in labels:
            util = ("softhsm2-util", "--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", "12345678")
            subprocess.run(util, check=True, capture_output=True)
        yield found
    finally:
        # Loaded again it reads its configuration again.
        pkcs11.unload(str(found))
        if before is None:
            del os.environ["SOFTHSM2_CONF"]
        else:
            os.environ["SOFTHSM2_CONF"] = before
