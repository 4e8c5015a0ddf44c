"""A warning for the operator when an ID token grows beyond its budget; nothing is ever trimmed.

An ID token that goes through a browser's address or into a cookie stops working somewhere between 4 and 16 KiB, and
nobody tells whose claims made it so large.
"""

from __future__ import annotations

import json
import logging

from intaglio import codec
from intaglio.protocol.facts import Facts
from intaglio.server.provider.scene import Scene

LOG = logging.getLogger("intaglio.tokens")
LARGEST = 10
"""Claims that a warning names."""


def warn(octets: int, facts: Facts, scene: Scene) -> None:
    """Write one line: reference, size of the token, and its largest claims by name and octets; never a value."""
    sizes = {name: len(codec.encode_json(value)) for name, value in scene.dialect.id_token(facts).items()}
    largest = sorted(sizes.items(), key=lambda entry: (-entry[1], entry[0]))[:LARGEST]
    line = {
        "ref": scene.ref,
        "client_id": facts.audience,
        "issuer": scene.issuer,
        "octets": octets,
        "budget": scene.tenant.id_token_budget,
        "claims": dict(largest),
    }
    LOG.warning("large id_token %s", json.dumps(line))
