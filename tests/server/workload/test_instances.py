"""The tree of a machine: listed, read as text and as JSON, and told apart by its tag."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from intaglio.protocol.faults import NotFound
from intaglio.protocol.identity import TreeQuery
from intaglio.protocol.instances import Asked, Lines, Named, Node, Packed
from intaglio.server.workload import instances

TREE: dict[str, Node] = {
    "project": {"project-id": "p", "numeric-project-id": 12, "attributes": Named({"my-key": "v", "x_Y": "w"})},
    "instance": {
        "tags": Packed(("a", "b")),
        "disks": [{"device-name": "boot", "index": 0}],
        "service-accounts": Named({"a@b": {"email": "a@b", "scopes": Lines(("s1", "s2")), "token": Asked()}}),
    },
}


def _ask(path: str, **options: Any) -> Any:
    names = tuple(name for name in path.split("/") if name)
    return instances.answer(TREE, TreeQuery(names, "http://h/x/", directory=path.endswith("/"), **options))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/", "instance/\nproject/\n"),
        ("/project/", "attributes/\nnumeric-project-id\nproject-id\n"),
        ("/project/numeric-project-id", "12"),
        ("/instance/tags", '["a","b"]'),
        ("/instance/disks/", "0/\n"),
        ("/instance/disks/0/index", "0"),
        ("/instance/service-accounts/", "a@b/\n"),
        ("/instance/service-accounts/a@b/", "email\nscopes\ntoken\n"),
        ("/instance/service-accounts/a@b/scopes", "s1\ns2\n"),
    ],
)
def test_text(path: str, text: str) -> None:
    """One thing bare, several one a line, directories with a slash, in order."""
    assert _ask(path).text == text


def test_json_is_spelled_in_camels_with_numbers_as_numbers() -> None:
    """Somebody's own names are kept, and what is made when it is asked for is left out."""
    assert json.loads(_ask("/", recursive=True).text) == {
        "project": {"projectId": "p", "numericProjectId": 12, "attributes": {"my-key": "v", "x_Y": "w"}},
        "instance": {
            "tags": ["a", "b"],
            "disks": [{"deviceName": "boot", "index": 0}],
            "serviceAccounts": {"a@b": {"email": "a@b", "scopes": ["s1", "s2"]}},
        },
    }


def test_alt_chooses_the_form() -> None:
    """JSON for a value, lines of path and value for a directory."""
    assert (_ask("/project/project-id", form="json").text, _ask("/project/project-id").form) == ('"p"', "text")
    assert _ask("/project/numeric-project-id", form="json").text == "12"
    assert _ask("/instance/", recursive=True, form="text").text == (
        "disks/0/device-name boot\ndisks/0/index 0\nservice-accounts/a@b/email a@b\n"
        'service-accounts/a@b/scopes s1\nservice-accounts/a@b/scopes s2\ntags ["a","b"]\n'
    )


@pytest.mark.parametrize("path", ["/project", "/instance/disks", "/instance/disks/0", "/instance/service-accounts"])
def test_a_directory_without_its_slash_is_elsewhere(path: str) -> None:
    """Not an answer, but where it is."""
    assert _ask(path).moved == "http://h/x/"


@pytest.mark.parametrize(
    "path",
    ["/x", "/project/x", "/project/project-id/", "/project/project-id/x", "/instance/disks/1", "/instance/disks/-1/",
     "/instance/service-accounts/a@b/token", "/instance/tags/0"],
)  # fmt: skip
def test_what_is_not_there(path: str) -> None:
    """A value is no directory, and what is made when asked for has no value here."""
    with pytest.raises(NotFound):
        _ask(path)


def test_a_tag_tells_states_apart() -> None:
    """Of the part that is asked for, and of no other."""
    changed = {**TREE, "project": {"project-id": "q"}}
    assert instances.etag(TREE) != instances.etag(changed)
    assert instances.etag(TREE["instance"]) == instances.etag(changed["instance"])
    assert instances.etag({"a": 1, "b": 2}) == instances.etag({"b": 2, "a": 1})


NAMES = st.text("abcxyz", min_size=1, max_size=5)
NODES = st.recursive(
    st.text(max_size=5) | st.integers() | st.builds(Lines, st.tuples(st.text(max_size=3))),
    lambda inner: st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(NAMES, NODES, max_size=4))
def test_what_is_listed_can_be_asked_for(tree: dict[str, Any]) -> None:
    """Each line of a listing is a path that answers, with a slash where it is a directory."""
    for line in instances.listing(tree).splitlines():
        query = TreeQuery((line.rstrip("/"),), "http://h/", directory=line.endswith("/"))
        assert instances.answer(tree, query).moved == ""
    assert list(instances.value(tree)) == sorted(tree)
