"""The API's own description."""

from __future__ import annotations

from typing import Any

import openapi_spec_validator
import pytest

from intaglio.server.admin.acts import table
from tests.capability import capability
from tests.server.adminapi.office import Office


@pytest.fixture(scope="module")
def document(shared: Office) -> Any:
    """The document as it is served."""
    answer = shared.send("GET", "/openapi.json", token="")
    assert answer.header("content-type") == "application/json"
    return answer.json()


@capability("admin-openapi", witness="openapi-spec-validator")
def test_the_document_is_one_of_openapi_3_1(document: Any) -> None:
    """It follows the specification's own schema."""
    openapi_spec_validator.validate(document)


def test_every_act_is_in_it(document: Any) -> None:
    """Each by its name, with a sentence, and no other."""
    found = {one["operationId"] for path in document["paths"].values() for one in path.values()}
    assert found == {act.name for act in table.ACTS}
    assert all(one["summary"] and one["description"] for path in document["paths"].values() for one in path.values())


def test_secrets_are_written_and_read_once(document: Any) -> None:
    """A password is text that programs should hide, and no record that is shown has a member for a hash."""
    user = document["paths"]["/tenants/{tenant}/users"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert {"type": "string", "format": "password"} in user["properties"]["password"]["anyOf"]
    shown = document["components"]["schemas"]
    assert [name for record in shown.values() for name in record.get("properties", {}) if "hash" in name] == []
