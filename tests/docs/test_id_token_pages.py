"""The pages on ID tokens of three vendors: their samples are what the dialects issue, their commands run."""

from __future__ import annotations

import json
import pathlib
import re
from collections.abc import Iterator
from typing import Any

import pytest

from intaglio.dialects import registry
from intaglio.protocol.circumstances import Circumstances
from intaglio.protocol.facts import Facts, Person
from tests import live
from tests.capability import capability
from tests.dialects.microsoft import facts as microsoft
from tests.docs.test_examples import Development

ROOT = pathlib.Path(__file__).parent.parent.parent
PAGES = ROOT / "docs" / "explanation"
SAMPLE = re.compile(r"^```json sample ?(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
NOW = 1_800_000_000


def _samples(name: str) -> dict[str, dict[str, Any]]:
    text = (PAGES / f"id-tokens-{name}.md").read_text(encoding="utf-8")
    return {label: json.loads(body) for label, body in SAMPLE.findall(text)}


def _shape(claims: dict[str, Any]) -> list[tuple[str, type]]:
    return [(name, type(value)) for name, value in claims.items()]


def _spans(claims: dict[str, Any]) -> tuple[int, int]:
    return claims["exp"] - claims["iat"], claims["iat"] - NOW


def _facts(dialect: str, person: Person, **members: Any) -> Facts:
    profile = registry.DIALECTS[dialect].profile
    usual: dict[str, Any] = {
        "tenant_id": "t",
        "tenant_slug": "default",
        "owner": "cloudentity-user",
        "audience": "web",
        "now": NOW,
    }
    usual |= {"issuer": "https://id.example.com", "lifetime": profile.id_token_lifetime, "alg": profile.signing_algs[0]}
    usual |= {"person": person, "scope": ("openid", "profile", "email"), "auth_time": NOW - 9, "nonce": "n"}
    return Facts(**(usual | members))


@capability("id-token-pages", witness="the claims that the dialect makes")
def test_samples_of_microsofts_page() -> None:
    """A guest through v1.0 and somebody without an organisation through v2.0: names, types, order and spans."""
    dialect, samples = registry.DIALECTS["microsoft"], _samples("microsoft")
    guest = dialect.id_token(microsoft.v1(microsoft.guest()))
    lifetime = dialect.profile.personal_id_token_lifetime
    personal = dialect.id_token(microsoft.of(microsoft.personal(), lifetime=lifetime))
    for label, made in (("v1", guest), ("v2", personal)):
        assert _shape(samples[label]) == _shape(made), label
        assert _spans(samples[label]) == _spans(made), label
    assert samples["v1"]["exp"] - samples["v1"]["iat"] == 3900


@capability("id-token-pages", witness="the claims that the dialect makes")
def test_sample_of_auth0s_page() -> None:
    """The seeded person: names, types, order, ten hours."""
    claims = {
        **dict.fromkeys(("nickname", "name", "picture", "family_name", "given_name", "middle_name"), "x"),
        "email": "alice@example.com",
        "email_verified": True,
    }
    made = registry.DIALECTS["auth0"].id_token(
        _facts("auth0", Person("u", "alice", claims, NOW, NOW), session_id="a", auth_time=NOW)
    )
    (sample,) = _samples("auth0").values()
    assert _shape(sample) == _shape(made)
    assert _spans(sample) == _spans(made) == (36000, 0)
    assert re.fullmatch(r"auth0\|[0-9a-f]{24}", sample["sub"])
    assert re.fullmatch(r"auth0\|[0-9a-f]{24}", made["sub"])


@capability("id-token-pages", witness="the claims that the dialect makes")
def test_sample_of_cloudentitys_page() -> None:
    """Somebody without an address: names, types, order, an hour."""
    person = Person("00000000-0000-4000-8000-000000000101", "user", {"name": "John Doe"}, NOW, NOW)
    made = registry.DIALECTS["cloudentity"].id_token(
        _facts(
            "cloudentity", person, acr="1", amr=("pwd",), token_id="j", circumstances=Circumstances(requested_at=NOW)
        )
    )
    (sample,) = _samples("cloudentity").values()
    assert _shape(sample) == _shape(made)
    assert _spans(sample) == _spans(made) == (3600, 0)
    assert list(sample) == sorted(sample)
    same = ("aid", "idp", "st", "sub", "tid", "scp", "email", "email_verified", "name")
    assert {name: sample[name] for name in same} == {name: made[name] for name in same}


@pytest.fixture(scope="module")
def development(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Development]:
    """One server in development mode for all three."""
    for running in live.serve(tmp_path_factory.mktemp("dev")):
        yield Development(tmp_path_factory.mktemp("pages"), running)


@capability("id-token-pages", witness="bash")
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("microsoft", ("lifetime    600 s  (set by: policy of the service principal: Short)", "upn", "/v2.0")),
        ("auth0", ("lifetime    600 s  (set by: client)", "auth0|")),
        ("cloudentity", ("lifetime    600 s  (set by: client)", "ECDH-ES+A256KW with A256GCM", "c_hash")),
    ],
)
def test_commands_of_the_page_run(development: Development, name: str, said: tuple[str, ...]) -> None:
    """Each command does what the page says."""
    ran = development.run(f"docs/explanation/id-tokens-{name}.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    for text in said:
        assert text in ran.stdout, ran.stdout
    if name == "cloudentity":
        assert "would be refused" in ran.stderr


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: pathlib.Path) -> None:
    """Every link to another file of the project leads to one that is there, and to a heading that is in it."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in LINK.findall(text):
        if "://" in target or target.startswith("mailto:"):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.is_file(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", found.read_text(encoding="utf-8"), re.MULTILINE)
            slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor in slugs, target
