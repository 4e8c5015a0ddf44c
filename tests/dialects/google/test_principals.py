"""Members of bindings: what is well-formed, and that it means whom it is matched with."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from intaglio.dialects.google import principals
from intaglio.protocol.principals import Principal

NUMBER = 100000000001
POOL = f"iam.googleapis.com/projects/{NUMBER}/locations/global/workloadIdentityPools/build"
SEEDS = st.sampled_from(
    [
        "user:alice@example.com",
        "serviceAccount:worker@demo-project.iam.intaglio.test",
        "deleted:serviceAccount:worker@demo-project.iam.intaglio.test?uid=1",
        "domain:example.com",
        "allUsers",
        f"principal://{POOL}/subject/repo:org/app",
        f"principalSet://{POOL}/*",
        f"principalSet://{POOL}/group/admins",
        f"principalSet://{POOL}/attribute.repository/org/app",
    ]
)


@given(st.one_of(st.text(max_size=80), SEEDS))
def test_reading_never_fails(text: str) -> None:
    """Any text is a member or is none."""
    meant = principals.read_member(text)
    assert meant is None or meant.kind


@given(SEEDS, st.integers(0, 200), st.text(min_size=1, max_size=3, alphabet="*\n \t\x00?%{}[]"))
def test_a_star_is_no_pattern(member: str, where: int, put: str) -> None:
    """Whatever is put into a member: a star stands in none but the whole pool, and no blank stands in any."""
    changed = member[:where] + put + member[where:]
    meant = principals.read_member(changed)
    if meant is not None:
        assert "*" not in changed or (meant.whole_pool and changed.endswith("/build/*") and changed.count("*") == 1)
        assert not re.search(r"\s", changed)


_WORDS = st.text(alphabet="abcXYZ019-_.:/@", min_size=1, max_size=20)


@given(_WORDS, st.lists(_WORDS, max_size=3), st.dictionaries(st.from_regex(r"[a-z0-9_]{1,8}", fullmatch=True), _WORDS))
def test_names_of_an_identity_are_members(subject: str, groups: list[str], attributes: dict[str, str]) -> None:
    """Each name by which a binding may mean an identity of a pool can be written into a binding, and means its pool."""
    who = Principal("external", subject, "", "demo-project", NUMBER, "build", tuple(groups), attributes)
    for name in principals.members(who) - principals.EVERYBODY:
        meant = principals.read_member(name)
        assert meant is not None
        assert (meant.kind, meant.project_number, meant.pool_id) == ("external", NUMBER, "build")
        assert meant.whole_pool == name.endswith(f"{POOL}/*")


def test_names_of_people_and_accounts_are_members() -> None:
    """By address, of the kind that has it; the name of one kind never means another."""
    person = Principal("user", "u", "Alice.B+c@Example.COM")
    account = Principal("service_account", "1" * 21, "worker@demo-project.iam.intaglio.test", "demo-project")
    for who in (person, account):
        (own,) = {name for name in principals.members(who) - principals.EVERYBODY if not name.startswith("domain:")}
        meant = principals.read_member(own)
        assert meant is not None
        assert (meant.kind, meant.name) == (who.kind, who.email)
        assert own == principals.display(who)
    gone = principals.read_member(principals.deleted(account))
    assert gone is not None
    assert (gone.kind, gone.name, gone.unique_id) == ("deleted", account.email, account.id)
    assert principals.deleted(account) not in principals.members(account)
