"""Two nodes on one database, each with its own memory, for tests; what an operator does is a third process's."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any

from intaglio.server.registry.deeds import Actor
from tests.harness import Browser, Site


class Two:
    """Two nodes on a SQLite file; their clocks go together."""

    def __init__(self, folder: pathlib.Path) -> None:
        url = f"sqlite:///{folder}/two.db"
        self.one = Site(url=url)
        self.other = Site(url=url, keys=False)
        self.nodes = (self.one, self.other)

    def settle(self, seconds: int = 1) -> None:
        """Let time pass on both."""
        for node in self.nodes:
            node.clock.advance(seconds)

    def close(self) -> None:
        """Stop both."""
        self.other.close()
        self.one.close()

    @property
    def actor(self) -> Actor:
        """The operator at this instant."""
        return Actor("operator:root", self.one.clock.now())

    def does(self, act: Callable[..., Any], *named: Any, **more: Any) -> Any:
        """Let the operator do something, past the memory of either node."""
        return self.one.run(act(self.one.store, self.actor, *named, **more))

    def elsewhere(self, browser: Browser) -> Browser:
        """Return the same browser, led to the other node."""
        moved = Browser(self.other)
        moved.jar = browser.jar
        return moved
