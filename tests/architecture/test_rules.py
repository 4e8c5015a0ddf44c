"""Each rule catches its violation, and lets pass what it should."""

from __future__ import annotations

import pytest

from tests.architecture import rules

VIOLATIONS = [
    pytest.param(rules.wall_time, "intaglio.server.issue.mint", "import time\nnow = time.time()", id="time.time"),
    pytest.param(rules.wall_time, "intaglio.wire.url", "from time import time as t\nt()", id="time renamed"),
    pytest.param(rules.wall_time, "intaglio.tokens.jws", "import datetime as d\nd.datetime.now()", id="datetime.now"),
    pytest.param(rules.wall_time, "intaglio.clocks", "import time\ntime.time()", id="a module beside the clock"),
    pytest.param(rules.randomness, "intaglio.server.store.rows", "import os\nos.urandom(8)", id="urandom"),
    pytest.param(
        rules.randomness, "intaglio.server.keyring.vault", "import secrets\nsecrets.choice('a')", id="secrets"
    ),
    pytest.param(rules.randomness, "intaglio.cli.main", "from uuid import uuid4\nuuid4()", id="uuid4"),
    pytest.param(rules.randomness, "intaglio.ids", "import random", id="random even in ids"),
    pytest.param(rules.environment, "intaglio.client", "import os\nos.environ['HOME']", id="environ"),
    pytest.param(rules.environment, "intaglio.server.run", "from os import getenv\ngetenv('A')", id="getenv"),
    pytest.param(rules.sockets, "intaglio.client", "import socket", id="socket"),
    pytest.param(rules.sockets, "intaglio.relying.flow", "from http import client", id="http.client"),
    pytest.param(rules.dataclasses, "intaglio.wire.url", "from dataclasses import dataclass", id="dataclass"),
    pytest.param(rules.vendor_words, "intaglio.server.http.table", "x = 'Metadata-Flavor'", id="google's header"),
    pytest.param(rules.vendor_words, "intaglio.dialects.standard.oauth", 'p = "/oauth/token"', id="auth0's path"),
    pytest.param(rules.vendor_words, "intaglio.dialects.auth0.claims", 'c["oid"]', id="microsoft's claim in auth0"),
    pytest.param(rules.vendor_words, "intaglio.protocol.facts", "# like AADSTS50011", id="even in a comment"),
    pytest.param(rules.vendor_words, "intaglio.server.admin.clients", "{'jwt_configuration': 1}", id="auth0's member"),
    pytest.param(rules.vendor_words, "intaglio.server.issue.mint", "c['scp'] = s", id="cloudentity's claim"),
    pytest.param(rules.dialect_names, "intaglio.server.provider.userinfo", "d.name == 'auth0'", id="by a name"),
    pytest.param(rules.forbidden_names, "intaglio.wire.utils", "", id="utils"),
    pytest.param(rules.forbidden_names, "intaglio.wire.url_helpers", "", id="suffix of a module"),
    pytest.param(rules.forbidden_names, "intaglio.wire.url", "class TokenManager: ...", id="suffix of a class"),
    pytest.param(rules.forbidden_names, "intaglio.wire.url", "class HTTPHandler: ...", id="acronym before the suffix"),
    pytest.param(rules.future_annotations, "intaglio.wire.url", "'''Doc.'''\nimport re", id="no annotations import"),
    pytest.param(rules.sign, "intaglio.wire", "", id="package without docstring"),
    pytest.param(rules.sign, "intaglio.wire", "'''Owns.'''\nfrom intaglio.wire import url", id="package with code"),
]

ALLOWED = [
    pytest.param(rules.wall_time, "intaglio.clock", "import time\ntime.time()", id="the clock itself"),
    pytest.param(rules.wall_time, "intaglio.net.guard", "import time\ntime.monotonic()", id="monotonic time"),
    pytest.param(
        rules.wall_time, "intaglio.cli.run", "def f(now):\n    time = now\n    return time.time", id="a value"
    ),
    pytest.param(rules.randomness, "intaglio.tokens.jwk", "import os\nos.urandom(8)", id="tokens"),
    pytest.param(rules.randomness, "intaglio.wire.url", "import secrets\nsecrets.compare_digest(a, b)", id="comparing"),
    pytest.param(rules.environment, "intaglio.server.settings", "import os\nos.environ", id="settings"),
    pytest.param(rules.sockets, "intaglio.net.sync", "import socket", id="net"),
    pytest.param(rules.vendor_words, "intaglio.dialects.google.metadata", "x = 'Metadata-Flavor'", id="google's own"),
    pytest.param(rules.vendor_words, "intaglio.tokens.jwk", "x = 'void'", id="a word within a word"),
    pytest.param(rules.dialect_names, "intaglio.cli.token_verify", "choices = ('auth0',)", id="a choice of people"),
    pytest.param(rules.dialect_names, "intaglio.protocol.facts", "# as auth0 has it", id="a word about it"),
    pytest.param(
        rules.forbidden_names, "intaglio.server.model.serviceaccounts", "class ServiceAccount: ...", id="noun"
    ),
    pytest.param(rules.future_annotations, "intaglio.wire", "'''Only a docstring.'''", id="docstring alone"),
    pytest.param(rules.sign, "intaglio.dialects.google", "'''Owns.'''\nfrom x import DIALECT", id="a dialect exports"),
]


@pytest.mark.parametrize(("rule", "name", "source"), VIOLATIONS)
def test_violation_is_caught(rule: rules.Rule, name: str, source: str) -> None:
    """A rule lists the violation."""
    assert rule(name, source)


@pytest.mark.parametrize(("rule", "name", "source"), ALLOWED)
def test_allowed_source_passes(rule: rules.Rule, name: str, source: str) -> None:
    """A rule lists nothing where there is nothing wrong."""
    assert rule(name, source) == []
