"""`intaglio tenant update --claim-sources`: a file of claims that others vouch for."""

from __future__ import annotations

import json
import pathlib

from tests.capability import capability
from tests.cli.conftest import Run

SOURCES = {
    "bureau": {"claims": ["credit_score"], "jwt": {"alice": "aaaa.bbbb.cccc"}},
    "post": {
        "claims": ["shipping_address"],
        "endpoint": "https://post.example/claims",
        "access_token": "a-token-of-post",
    },
}


@capability("claims-aggregated", witness="exit code and JSON on stdout")
@capability("claims-distributed", witness="exit code and JSON on stdout")
def test_claim_sources_are_shown_without_their_tokens(database: Run, tmp_path: pathlib.Path) -> None:
    """They are kept, replaced as a whole, and told without the tokens of the other parties."""
    database("tenant", "create", "acme")
    file = tmp_path / "sources.json"
    file.write_text(json.dumps(SOURCES), encoding="utf-8")
    ran = database("tenant", "update", "acme", "--claim-sources", str(file))
    assert ran.code == 0, ran.err
    shown = json.loads(database("tenant", "show", "acme").out)["claim_sources"]
    assert shown["post"] == {"claims": ["shipping_address"], "endpoint": "https://post.example/claims"}
    assert shown["bureau"]["claims"] == ["credit_score"]
    for words in (("show", "acme"), ("list",), ("update", "acme", "--name", "Acme")):
        told = database("tenant", *words)
        assert "a-token-of-post" not in told.out + told.err
        assert "bbbb" not in told.out + told.err
    assert json.loads(database("tenant", "show", "acme").out)["claim_sources"] == shown
    file.write_text("{}", encoding="utf-8")
    database("tenant", "update", "acme", "--claim-sources", str(file))
    assert json.loads(database("tenant", "show", "acme").out)["claim_sources"] == {}


def test_a_file_that_cannot_be_used_changes_nothing(database: Run, tmp_path: pathlib.Path) -> None:
    """It is told what is wrong, without what the file holds."""
    database("tenant", "create", "acme")
    file = tmp_path / "sources.json"
    file.write_text(json.dumps({"post": SOURCES["post"] | {"claims": ["sub"]}}), encoding="utf-8")
    ran = database("tenant", "update", "acme", "--claim-sources", str(file))
    assert ran.code != 0
    assert "claim-source-invalid" in ran.err
    assert "a-token-of-post" not in ran.err
    assert json.loads(database("tenant", "show", "acme").out)["claim_sources"] == {}
