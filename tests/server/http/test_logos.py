"""Clients' logos come through this server: pictures alone, of bearable size, and asked for seldom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import pytest

from intaglio.errors import Unavailable
from intaglio.server.provider import logos
from intaglio.wire.flow import Flow, Reply
from tests import harness
from tests.capability import capability
from tests.web import markup

T = TypeVar("T")
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
URI = "https://app.example/logo.png"


class World:
    """Hosts outside: what each address answers, and who was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Reply] = {}
        self.asked: list[str] = []

    async def run(self, flow: Flow[T]) -> T:
        """Answer a flow's calls."""
        call = next(flow)
        self.asked.append(call.url)
        while True:
            try:
                found = self.answers.get(call.url)
                call = flow.throw(Unavailable("unreachable")) if found is None else flow.send(found)
            except StopIteration as stop:
                return stop.value  # type: ignore[no-any-return]


@pytest.fixture
def site() -> Iterator[harness.Site]:
    """A site whose client `web` has a logo at another host, and which may call out."""
    with harness.site() as opened:
        opened.house.outgoing = World()
        opened.change_client("web", logo_uri=URI)
        yield opened


def _world(site: harness.Site) -> World:
    assert isinstance(site.house.outgoing, World)
    return site.house.outgoing


def _shown(site: harness.Site) -> str:
    browser = harness.Browser(site)
    page = browser.follow(harness.App(site).authorize(browser))
    (image,) = markup.tagged(markup.read(page.body), "img")
    return image.attributes["src"]


@capability("client-pages", witness="the answers of the server")
def test_a_logo_is_shown_from_this_origin(site: harness.Site) -> None:
    """The page names an address of this origin, which answers with the picture; the policy lets nobody else in."""
    _world(site).answers[URI] = Reply(200, (("content-type", "text/html"),), PNG)
    where = _shown(site)
    assert where.startswith("/_intaglio/logo/")
    answer = site.get(where)
    assert (answer.status, answer.header("content-type"), answer.body) == (200, "image/png", PNG)
    assert answer.header("x-content-type-options") == "nosniff"
    assert answer.header("content-security-policy") == "default-src 'none'; sandbox"
    assert answer.every("set-cookie") == []


def test_it_is_asked_for_once_a_day(site: harness.Site) -> None:
    """A logo is kept for a day, a missing one for five minutes, and many who look wait for one fetch."""
    world, where = _world(site), _shown(site)
    assert world.asked == []
    assert [site.get(where).status for _ in range(3)] == [404] * 3
    assert world.asked == [URI]
    world.answers[URI] = Reply(200, (), PNG)
    site.clock.advance(logos.BAD_SECONDS)

    async def many() -> list[harness.Answer]:
        return await harness.together([site.exchange("GET", site.url(where)) for _ in range(10)])

    assert [answer.status for answer in site.run(many())] == [200] * 10
    assert world.asked == [URI] * 2
    site.clock.advance(logos.GOOD_SECONDS)
    site.get(where)
    assert world.asked == [URI] * 3


BAD = {
    "html": Reply(200, (("content-type", "image/png"),), b"<!doctype html><script>alert(1)</script>"),
    "svg": Reply(200, (("content-type", "image/svg+xml"),), b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
    "an svg behind blanks": Reply(200, (), b"  \n<?xml version='1.0'?><svg/>"),
    "too long": Reply(200, (), PNG + b"\0" * logos.MAXIMUM_OCTETS),
    "a redirect": Reply(302, (("location", "https://app.example/other.png"),), PNG),
    "an error": Reply(500, (), PNG),
    "nothing": Reply(200, (), b""),
}


@pytest.mark.parametrize("name", BAD)
def test_only_pictures_are_passed_on(site: harness.Site, name: str) -> None:
    """Whatever the other server calls it: no script, no markup, no redirect comes through."""
    _world(site).answers[URI] = BAD[name]
    answer = site.get(_shown(site))
    assert (answer.status, answer.body, answer.location) == (404, b"", "")
    assert len(_world(site).asked) == 1


@pytest.mark.parametrize(
    ("octets", "kind"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0....", "image/jpeg"),
        (b"GIF89a....", "image/gif"),
        (b"RIFF....WEBPVP8 ", "image/webp"),
        (b"RIFF....WAVE", ""),
        (b"GIF88a", ""),
        (b"", ""),
    ],
)
def test_pictures_are_known_by_how_they_begin(octets: bytes, kind: str) -> None:
    """Four kinds, and nothing else."""
    assert logos.media_type(octets) == kind


def test_without_outgoing_calls_there_is_no_logo(site: harness.Site) -> None:
    """Where the server may call nobody, the page stands without the picture."""
    where = _shown(site)
    site.house.outgoing = None
    assert site.get(where).status == 404


@pytest.mark.parametrize(
    "where",
    [
        "",
        "x",
        "x/y",
        "{tenant}",
        "{tenant}/nobody",
        "{tenant}/web/x",
        "{tenant}/machine",
        "{tenant}/%00",
        "{tenant}/%ff",
    ],
)
def test_only_registered_logos_are_fetched(site: harness.Site, where: str) -> None:
    """The address names a client and never a place to call; nothing else is answered."""
    tenant = "00000000-0000-4000-8000-000000000001"
    answer = site.get("/_intaglio/logo/" + where.format(tenant=tenant), headers={"accept": "text/html"})
    assert answer.status == 404
    assert _world(site).asked == []


def test_the_address_changes_with_the_logo(site: harness.Site) -> None:
    """A new logo is seen at once, though browsers keep the old one under its own address."""
    before = _shown(site)
    site.change_client("web", logo_uri=URI + "?2")
    assert _shown(site) != before


def test_memory_is_bounded(site: harness.Site) -> None:
    """However many logos are asked for, so many are kept."""

    async def ask() -> int:
        held = logos.Logos()
        for number in range(logos.MAXIMUM_LOGOS + 20):
            await held.picture(f"https://app.example/{number}", site.house, 0)
        return len(held._held)

    assert site.run(ask()) == logos.MAXIMUM_LOGOS


@pytest.mark.parametrize("logo", ["data:image/png;base64,iVBORw0KGgo=", "/_intaglio/static/favicon.svg"])
def test_own_pictures_are_not_fetched(site: harness.Site, logo: str) -> None:
    """A picture by value, or of this origin, is drawn as it is."""
    site.change_client("web", logo_uri=logo)
    assert _shown(site) == logo
