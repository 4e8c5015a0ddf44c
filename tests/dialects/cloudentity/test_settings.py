"""Services as an operator sets them: read strictly, kept in one form, shown as groups of scopes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intaglio.dialects.cloudentity import settings
from intaglio.errors import Misconfigured

ACCOUNTS = {"name": "Accounts", "description": "Your accounts.", "scopes": ["accounts.read"]}


def _with(**scope: Any) -> dict[str, Any]:
    return {"services": {"accounts": {"scopes": [{"name": "accounts.read"} | scope]}}}


@pytest.mark.parametrize(
    "given",
    [
        {"service": {}},
        {"services": []},
        {"services": {"Accounts": ACCOUNTS}},
        {"services": {"": ACCOUNTS}},
        {"services": {'a"><script>': ACCOUNTS}},
        {"services": {"profile": ACCOUNTS}},
        {"services": {"others": ACCOUNTS}},
        {"services": {"accounts": []}},
        {"services": {"accounts": {"scopes": []}}},
        {"services": {"accounts": {"scopes": "accounts.read"}}},
        {"services": {"accounts": {"scopes": [7]}}},
        {"services": {"accounts": {"scopes": ["a b"]}}},
        {"services": {"accounts": {"scopes": ["openid"]}}},
        {"services": {"accounts": {"scopes": ["x", "x"]}}},
        {"services": {"accounts": ACCOUNTS, "other": {"scopes": ["accounts.read"]}}},
        {"services": {"accounts": ACCOUNTS | {"type": "oauth2"}}},
        {"services": {"accounts": ACCOUNTS | {"name": "Account\u202es"}}},
        {"services": {"accounts": ACCOUNTS | {"name": "a" * 101}}},
        {"services": {"accounts": ACCOUNTS | {"description": 7}}},
        {"services": {f"s{n}": {"scopes": [f"s{n}"]} for n in range(51)}},
        {"services": {"accounts": {"scopes": [f"s{n}" for n in range(101)]}}},
        _with(implicit_grant="yes"),
        _with(display_name="\x00"),
        _with(surprise=True),
    ],
)
def test_what_is_no_service(given: dict[str, Any]) -> None:
    """Each is refused with a code, and the message names the setting."""
    with pytest.raises(Misconfigured) as refused:
        settings.read("tenant", given)
    assert refused.value.code == "setting-invalid"
    assert "cloudentity." in refused.value.public


@pytest.mark.parametrize("level", ["client", "user"])
def test_only_workspaces_have_services(level: str) -> None:
    """A client's scopes are its own `scope`."""
    with pytest.raises(Misconfigured):
        settings.read(level, {"services": {"accounts": ACCOUNTS}})


@pytest.mark.parametrize(("name", "option"), [("id_token_ttl", "--id-token-lifetime"), ("trusted", "--consent")])
def test_a_setting_that_every_dialect_has_is_pointed_to(name: str, option: str) -> None:
    """Refused, with the option that it is; of what nobody knows nothing is said."""
    with pytest.raises(Misconfigured) as refused:
        settings.read("tenant", {name: "1h", "services": {}})
    assert option in refused.value.hint
    assert name in refused.value.public
    with pytest.raises(Misconfigured) as unknown:
        settings.read("tenant", {"nothing": 1})
    assert unknown.value.hint == ""


def test_what_is_kept_is_read_again_as_it_is() -> None:
    """Names become objects, and stay so."""
    kept = settings.read("tenant", {"services": {"accounts": ACCOUNTS}})
    assert kept["services"]["accounts"]["scopes"] == [
        {"name": "accounts.read", "display_name": "accounts.read", "description": "", "implicit_grant": False}
    ]
    assert settings.read("tenant", kept) == kept


def test_groups_begin_with_the_profile() -> None:
    """Every workspace has it; the others follow as they were set."""
    kept = settings.read("tenant", {"services": {"accounts": ACCOUNTS}} | {})
    found = settings.groups(kept)
    assert [(one.name, one.title) for one in found] == [("profile", "Profile"), ("accounts", "Accounts")]
    assert tuple(found[0].scopes) == settings.OWN
    words = found[1].scopes["accounts.read"]
    assert words is not None
    assert (words.title, words.description, words.asks) == ("accounts.read", "A permission of Accounts.", True)
    assert [one.name for one in settings.groups({})] == ["profile"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["accounts", "openid", "name"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["services", "accounts", "name", "scopes", "implicit_grant", "description", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["services", "x"]), JSON, max_size=2))
def test_anything_is_read_or_refused(given: dict[str, Any]) -> None:
    """Nothing else is ever raised, and what is kept makes groups."""
    try:
        kept = settings.read("tenant", given)
    except Misconfigured:
        return
    names = [name for group in settings.groups(kept) for name in group.scopes]
    assert len(names) == len(set(names))
