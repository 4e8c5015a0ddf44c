"""Random lives of devices: tokens come of an approval in time, once, and of nothing else."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from tests import harness
from tests.capability import capability
from tests.server.provider import test_device as devices


class Known(msgspec.Struct):
    """What must be true of one device's request."""

    device_code: str
    user_code: str
    started_at: int
    interval: int = 5
    polled_at: int | None = None
    decision: str = ""
    used: int = 0
    session: int = 0


class Devices(RuleBasedStateMachine):
    """Devices of two clients, a person with a browser, and a clock that moves as it likes."""

    requests = Bundle("requests")

    def __init__(self) -> None:
        super().__init__()
        self.site = harness.Site()
        self.browser = harness.Browser(self.site)
        self.tokens: dict[str, Known] = {}
        self.ended: set[int] = set()
        self.session = 0

    def teardown(self) -> None:
        """Close the site."""
        self.site.close()

    def _is_late(self, one: Known) -> bool:
        return self.site.clock.now() >= one.started_at + 600

    @rule(target=requests)
    def start(self) -> Known:
        """A device asks."""
        told = devices.start(self.site)
        return Known(told["device_code"], told["user_code"], self.site.clock.now())

    @rule(one=requests, allow=st.booleans())
    def decide(self, one: Known, allow: bool) -> None:
        """The person types the code and decides, if the device still waits."""
        page = devices.enter(self.browser, one.user_code)
        if one.decision or self._is_late(one):
            assert 'id="device-error"' in page.text
            return
        if 'id="login-form"' in page.text:
            page = devices.log_in(self.browser, page)
            self.session += 1
        decision = "allow" if allow else "deny"
        assert 'id="device-done"' in devices.decide(self.browser, page, decision).text
        one.decision, one.session = decision, self.session

    @rule(one=requests)
    def poll(self, one: Known) -> None:
        """The device asks whether it was decided."""
        now, answer = self.site.clock.now(), devices.poll(self.site, one.device_code)
        if one.used:
            one.used += 1
            assert answer.error == "invalid_grant"
        elif self._is_late(one):
            assert answer.error == "expired_token"
        elif one.decision == "deny":
            assert answer.error == "access_denied"
        elif one.decision == "allow" and one.session in self.ended:
            assert answer.error == "invalid_grant"
        elif one.decision == "allow":
            assert answer.status == 200
            one.used = 1
            self.tokens[answer.json()["access_token"]] = one
        else:
            early = one.polled_at is not None and now - one.polled_at < one.interval - 1
            one.interval += 5 if early else 0
            one.polled_at = now
            assert answer.error == ("slow_down" if early else "authorization_pending")

    @rule(one=requests)
    def another_client_polls(self, one: Known) -> None:
        """Whatever has become of it, another client gets nothing and changes nothing."""
        if self.site.read(harness.clients.by_id, harness.seeds.TENANT_ID, "tv-2") is None:
            self.site.add_client("tv-2", like="tv")
        assert devices.poll(self.site, one.device_code, "tv-2").error == "invalid_grant"

    @rule()
    def sign_out(self) -> None:
        """The person signs out; what was approved in the session and not fetched ends."""
        if not self.browser.session_of("http://localhost:8080/default"):
            return
        page = self.browser.get("~/logout")
        self.browser.submit(page, "logout-form", decision="logout")
        self.ended.add(self.session)

    @rule(seconds=st.sampled_from([1, 4, 5, 9, 10, 60, 599, 600]))
    def wait(self, seconds: int) -> None:
        """Time passes."""
        self.site.clock.advance(seconds)

    @invariant()
    def tokens_of_a_second_use_are_dead(self) -> None:
        """What came of a code that was used twice is worth nothing."""
        app: Any = harness.App(self.site, "tv", "")
        for token, one in self.tokens.items():
            if one.used > 1:
                assert app.userinfo(token).status == 401


TestDevices = capability("device-grant", witness="Hypothesis, against a model")(Devices.TestCase)
TestDevices.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
