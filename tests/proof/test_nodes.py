"""Two nodes behind nginx as the recipe configures it: TLS, restarts that nobody notices, and a node that is killed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests import postgres
from tests.capability import capability
from tests.proof import nodes, wire
from tests.proof.nodes import Site

pytestmark = pytest.mark.alone
PEOPLE = 8
WITNESS = "nginx, processes and PostgreSQL"
postgres_server = postgres.postgres_server


@pytest.fixture(scope="module")
def site(postgres_server: postgres.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two nodes on PostgreSQL behind nginx."""
    with nodes.site(postgres_server.create("nodes"), tmp_path_factory.mktemp("nodes")) as made:
        yield made


@capability("nginx-recipe", witness=WITNESS)
def test_the_recipe_serves_the_issuer(site: Site) -> None:
    """The issuer is the public name whatever a client claims; plain http leads to it; other names get nothing."""
    answer = nodes.forwarded(
        site, **{"x-forwarded-for": "9.9.9.9", "x-forwarded-host": "evil.example", "forwarded": "host=evil.example"}
    )
    assert answer.json()["issuer"] == f"https://localhost:{site.https}/proof"
    assert "strict-transport-security" not in dict(answer.headers), "this name is of loopback"
    redirected = asyncio.run(wire.once(site.http, wire.request("GET", "/proof/authorize?a=b")))
    assert redirected.status == 301
    assert redirected.header("location") == f"https://localhost:{site.https}/proof/authorize?a=b"
    with pytest.raises(OSError, match=r"(?i)unrecognized|handshake|alert|closed|reset"):
        asyncio.run(_under_another_name(site))


async def _under_another_name(site: Site) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", site.https, ssl=site.context, server_hostname="evil.example")
    writer.close()


@capability("rolling-restart", witness=WITNESS)
def test_a_rolling_restart_fails_no_request(site: Site) -> None:
    """While people sign in each node is stopped and started again; every request of theirs is answered."""

    async def story() -> nodes.Load:
        async with nodes.load(site, PEOPLE) as load:
            for number, node in enumerate(site.nodes):
                before = load.flows
                assert await asyncio.to_thread(node.end) == 0
                assert load.flows > before, "the other node went on"
                await asyncio.to_thread(node.start, site.log(number))
                # Until nginx asks this node again.
                await asyncio.sleep(1.2)
        return load

    load = asyncio.run(story())
    assert load.failed == []
    assert load.flows > 100
    assert asyncio.run(nodes.known(site, load.tokens[:: len(load.tokens) // 20])) == {200}


@capability("node-killed", witness=WITNESS)
def test_a_killed_node_takes_only_what_it_was_doing(site: Site) -> None:
    """A node that is killed takes at most the requests that it was answering; all that was acknowledged is there."""

    async def story() -> nodes.Load:
        async with nodes.load(site, PEOPLE) as load:
            await asyncio.sleep(0.3)
            await asyncio.to_thread(site.nodes[0].end, kill=True)
            killed = load.flows
            await asyncio.sleep(0.7)
            assert load.flows > killed + PEOPLE, "the other node went on"
            await asyncio.to_thread(site.nodes[0].start, site.log(0))
        return load

    load = asyncio.run(story())
    assert len(load.failed) <= PEOPLE
    assert asyncio.run(nodes.known(site, load.tokens[:: len(load.tokens) // 20])) == {200}
