"""Ties a test to the row of `docs/capabilities.toml` that it proves, and names the witness from outside.

Use it on a test function, a class, or a whole module: `pytestmark = capability("wheel", witness="pip")`.
"""

from __future__ import annotations

import pytest


def capability(name: str, witness: str) -> pytest.MarkDecorator:
    """Return the marker that says: this test proves the capability `name`, seen by `witness`.

    `name` is one of `docs/capabilities.toml`; `witness` is what stood outside and watched (curl, Authlib, Chromium,
    google-auth, the kernel …), in a few words.
    """
    if not name or not witness:
        raise ValueError("a capability has a name and a witness")
    return pytest.mark.capability(name=name, witness=witness)
