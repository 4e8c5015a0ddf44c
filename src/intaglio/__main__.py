"""`python -m intaglio` is the same as `intaglio`."""

from __future__ import annotations

import sys

from intaglio.cli import main

if __name__ == "__main__":
    sys.exit(main.main())
