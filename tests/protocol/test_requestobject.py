"""Request objects as values: which headers are theirs, and what their members become."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intaglio import codec
from intaglio.protocol import requestobject
from intaglio.protocol.requestobject import RequestObjectError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from([*sorted(requestobject.PARAMETERS), "iss", "jti", "unheard_of"])


@given(st.dictionaries(NAMES, JSON, max_size=6))
def test_members_become_parameters_or_the_object_is_refused(members: dict[str, Any]) -> None:
    """A known member is text as it stands, a number or an object where the parameter is one; others are left out."""
    known = {name: value for name, value in members.items() if name in requestobject.PARAMETERS}
    fits = all(
        isinstance(value, dict) if name == "claims" else isinstance(value, str) or _is_age(name, value)
        for name, value in known.items()
    )
    if not fits:
        with pytest.raises(RequestObjectError):
            requestobject.parameters(members)
        return
    found = requestobject.parameters(members)
    assert found.keys() == known.keys()
    for name, text in found.items():
        assert (codec.decode_json(text.encode()) if name == "claims" else text) == (
            known[name] if name != "max_age" else str(known[name])
        )


def _is_age(name: str, value: Any) -> bool:
    return name == "max_age" and isinstance(value, int) and not isinstance(value, bool)


@pytest.mark.parametrize("name", requestobject.FORBIDDEN)
@pytest.mark.parametrize("value", ["x", "", None, {}])
def test_no_object_leads_to_another(name: str, value: Any) -> None:
    """RFC 9101 4: `request` and `request_uri` must not be inside, whatever they hold."""
    with pytest.raises(RequestObjectError):
        requestobject.parameters({name: value})


@pytest.mark.parametrize(
    ("typ", "kind"),
    [
        ("oauth-authz-req+jwt", requestobject.TYPE),
        ("OAuth-Authz-Req+JWT", requestobject.TYPE),
        ("application/oauth-authz-req+jwt", requestobject.TYPE),
        ("JWT", ""),
        ("jwt", ""),
        ("", ""),
    ],
)
def test_types_of_request_objects(typ: str, kind: str) -> None:
    """RFC 9101 10.8, RFC 7515 4.1.9: compared without case, with or without `application/`."""
    assert requestobject.kind({"typ": typ}) == kind
    assert requestobject.kind({}) == ""


@pytest.mark.parametrize("typ", ["at+jwt", "logout+jwt", "dpop+jwt", "JWE", "oauth-authz-req+jws", None, 1, ["JWT"]])
def test_types_of_something_else(typ: Any) -> None:
    """RFC 8725 3.11: one kind of JWT is never taken for another."""
    with pytest.raises(RequestObjectError):
        requestobject.kind({"typ": typ})
