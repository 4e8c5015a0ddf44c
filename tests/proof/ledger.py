"""What a server has acknowledged, and the people who make it acknowledge things until it dies under them.

An entry is made when an answer has arrived. What a request in flight would change is taken out before it is sent, since
nobody can know which side of the death it fell on.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter

from tests.proof.browser import Browser
from tests.proof.world import World

GONE = (ConnectionError, asyncio.IncompleteReadError, TimeoutError)


class Ledger:
    """Acknowledged facts, by kind."""

    def __init__(self) -> None:
        self.access: set[str] = set()
        self.dead_access: set[str] = set()
        self.refresh: set[str] = set()
        self.sessions: list[Browser] = []
        self.ended: list[Browser] = []
        self.used_codes: set[str] = set()
        self.open_codes: set[str] = set()
        self.dead_codes: set[str] = set()
        self.unknown_codes: set[str] = set()
        self.counts: Counter[str] = Counter()

    def acknowledged(self) -> Counter[str]:
        """Return how many facts of each kind are to be found again."""
        return Counter(
            access=len(self.access),
            revoked=len(self.dead_access),
            refresh=len(self.refresh),
            sessions_with_consent=len(self.sessions),
            signed_out=len(self.ended),
            used_codes=len(self.used_codes),
            unused_codes=len(self.open_codes),
        )


class Person:
    """Signs in, consents, redeems, refreshes, revokes, signs out; each acknowledged step goes into the ledger."""

    def __init__(self, home: World, name: str, ledger: Ledger, chance: random.Random) -> None:
        self.home = home
        self.name = name
        self.ledger = ledger
        self.chance = chance

    async def live(self) -> None:
        """Do everything once, in the order of life."""
        scope = self.chance.choice(("openid profile offline_access", "openid"))
        browser = await Browser.open(self.home.port, self.home.path, scope)
        try:
            await self._live(browser)
        finally:
            browser.close()

    async def _live(self, browser: Browser) -> None:
        code = await browser.sign_in(self.name)
        self.ledger.counts["sign_ins"] += 1
        self.ledger.sessions.append(browser)
        id_token, mine = await self._redeem(browser, code, [])
        for _ in range(self.chance.randrange(4)):
            code = (await browser.authorize(prompt="none"))["code"]
            id_token, mine = await self._redeem(browser, code, mine)
        # A code that nobody has redeemed yet.
        unused = (await browser.authorize(prompt="none"))["code"]
        self.ledger.open_codes.add(unused)
        fate = self.chance.random()
        if fate < 0.3:
            # It dies with its session; until the sign-out is acknowledged, nobody can say which comes first.
            self.ledger.open_codes.discard(unused)
            await self._sign_out(browser, id_token, mine)
            self.ledger.dead_codes.add(unused)
        elif fate < 0.6:
            await self._revoke(browser, mine[0])

    async def _redeem(self, browser: Browser, code: str, mine: list[str]) -> tuple[str, list[str]]:
        ledger = self.ledger
        ledger.unknown_codes.add(code)
        answer = await browser.redeem(code)
        assert answer.status == 200, answer
        ledger.unknown_codes.discard(code)
        tokens = answer.json()
        ledger.used_codes.add(code)
        ledger.access.add(tokens["access_token"])
        ledger.counts["redemptions"] += 1
        mine.append(tokens["access_token"])
        if "refresh_token" in tokens:
            old = tokens["refresh_token"]
            ledger.refresh.add(old)
            answer = await browser.refresh(old)
            assert answer.status == 200, answer
            # Within the grace the old one is good as well, but the new one says more.
            ledger.refresh.discard(old)
            ledger.refresh.add(answer.json()["refresh_token"])
            ledger.access.add(answer.json()["access_token"])
            ledger.counts["refreshes"] += 1
        return tokens["id_token"], mine

    async def _sign_out(self, browser: Browser, id_token: str, mine: list[str]) -> None:
        ledger = self.ledger
        ledger.sessions.remove(browser)
        kept = dict(browser.cookies)
        if "offline_access" not in browser.scope:
            ledger.access.difference_update(mine)
        answer = await browser.sign_out(id_token)
        assert answer.status in (200, 303), answer
        browser.cookies = kept
        ledger.ended.append(browser)
        if "offline_access" not in browser.scope:
            ledger.dead_access.update(mine)
        ledger.counts["sign_outs"] += 1

    async def _revoke(self, browser: Browser, token: str) -> None:
        self.ledger.access.discard(token)
        answer = await browser.revoke(token)
        assert answer.status == 200, answer
        self.ledger.dead_access.add(token)
        self.ledger.counts["revocations"] += 1


async def live(home: World, names: list[str], ledger: Ledger, chance: random.Random, workers: int) -> list[Exception]:
    """Let people live, a few at a time, until each worker has met with a failure; return the failures."""

    async def work() -> None:
        while names:
            await Person(home, names.pop(), ledger, chance).live()

    outcomes = await asyncio.gather(*(work() for _ in range(workers)), return_exceptions=True)
    await asyncio.sleep(0.01)  # sockets close
    return [outcome for outcome in outcomes if isinstance(outcome, Exception)]


async def look_again(home: World, ledger: Ledger) -> list[str]:
    """Return what is missing of the acknowledged, or alive that must be dead. Uses codes and refresh tokens up."""
    wrong: list[str] = []
    browser = await Browser.open(home.port, home.path)
    try:
        for token in ledger.access:
            if (await browser.userinfo(token)).status != 200:
                wrong.append("an acknowledged access token is missing")
        for token in ledger.dead_access:
            if (await browser.userinfo(token)).status != 401:
                wrong.append("a revoked access token is alive")
        wrong += await _sessions(home, ledger)
        for token in ledger.refresh:
            if (await browser.refresh(token)).status != 200:
                wrong.append("an acknowledged refresh token is missing")
        wrong += await _codes(browser, ledger)
    finally:
        browser.close()
        await asyncio.sleep(0.01)  # sockets close
    return wrong


async def _sessions(home: World, ledger: Ledger) -> list[str]:
    wrong = []
    for expected, browsers in ((True, ledger.sessions), (False, ledger.ended)):
        for old in browsers:
            again = await Browser.open(home.port, home.path, old.scope)
            again.cookies = dict(old.cookies)
            back = await again.authorize(prompt="none")
            again.close()
            if expected and "code" not in back:
                wrong.append(f"an acknowledged session or consent is missing: {back.get('error')}")
            if not expected and back.get("error") != "login_required":
                wrong.append(f"a session that was signed out is alive: {sorted(back)}")
    return wrong


async def _codes(browser: Browser, ledger: Ledger) -> list[str]:
    wrong = []
    for code in ledger.open_codes:
        # Issued and acknowledged; the one thing that a power cut (not a kill) may lose.
        if (await browser.redeem(code)).status != 200:
            wrong.append("an acknowledged code is missing")
    for code in ledger.dead_codes:
        if (await browser.redeem(code)).status == 200:
            wrong.append("a code works though its session was signed out")
    for code in ledger.unknown_codes:
        await browser.redeem(code)
    for code in (*ledger.used_codes, *ledger.open_codes, *ledger.unknown_codes):
        answer = await browser.redeem(code)
        if answer.status != 400 or answer.json()["error"] != "invalid_grant":
            wrong.append("a code works twice")
    return wrong
