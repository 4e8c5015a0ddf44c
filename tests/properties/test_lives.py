"""Random lives of sign-ins, tokens and logouts: whatever is dead stays dead, everywhere."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from tests import harness
from tests.capability import capability


class Lives(RuleBasedStateMachine):
    """One browser, one client, many sign-ins, and a memory of what must be dead."""

    refreshes = Bundle("refreshes")

    def __init__(self) -> None:
        super().__init__()
        self.site = harness.Site()
        self.app = harness.App(self.site)
        self.browser = harness.Browser(self.site)
        self.family: dict[str, int] = {}
        self.codes: list[str] = []
        self.dead: set[str] = set()
        self.dead_families: set[int] = set()
        self.used: dict[str, tuple[int, str]] = {}
        self.signed_in = False

    def teardown(self) -> None:
        """Close the site."""
        self.site.close()

    @initialize(target=refreshes)
    def begin(self) -> str:
        """Sign in for the first time."""
        return self.sign_in()

    @rule(target=refreshes)
    def sign_in_again(self) -> str:
        """Once more, silently if the session lives."""
        return self.sign_in()

    def sign_in(self) -> str:
        """Go through the whole flow."""
        code = self.app.code(self.browser)
        self.codes.append(code)
        self.signed_in = True
        return self._keep(self.app.redeem(code), len(self.codes))

    @rule(data=st.data())
    def use_a_code_again(self, data: st.DataObject) -> None:
        """A second use of a code ends its family."""
        number = data.draw(st.integers(1, len(self.codes)))
        assert self.app.redeem(self.codes[number - 1]).error == "invalid_grant"
        self.dead_families.add(number)

    def _keep(self, answer: harness.Answer, family: int) -> str:
        tokens = answer.json()
        for name in ("access_token", "refresh_token"):
            self.family[tokens[name]] = family
        return str(tokens["refresh_token"])

    @rule(target=refreshes, token=refreshes)
    def use(self, token: str) -> str:
        """A client refreshes, perhaps with an old token."""
        return self.refresh(token) or token

    def refresh(self, token: str) -> str:
        """The first use rotates; within the grace a replay gets the same; after it the family ends."""
        family, now = self.family[token], self.site.clock.now()
        answer = self.app.refresh(token)
        if family in self.dead_families or token in self.dead:
            assert answer.error == "invalid_grant"
            return ""
        if token in self.used and now - self.used[token][0] > 60:
            assert answer.error == "invalid_grant"
            self.dead_families.add(family)
            return ""
        assert answer.status == 200
        successor = str(answer.json()["refresh_token"])
        assert self.used.setdefault(token, (now, successor))[1] == successor
        return self._keep(answer, family)

    @rule(token=refreshes, seconds=st.sampled_from([59, 60, 61]))
    def replay(self, token: str, seconds: int) -> None:
        """A token that was rotated away is used again about a minute later."""
        self.refresh(token)
        self.site.clock.advance(seconds)
        self.refresh(token)

    @rule(token=refreshes)
    def revoke_family(self, token: str) -> None:
        """A revoked refresh token takes its family along."""
        assert self.app.revoke(token).status == 200
        self.dead_families.add(self.family[token])

    @rule(data=st.data())
    def revoke_access(self, data: st.DataObject) -> None:
        """A revoked access token dies alone."""
        tokens = [token for token in self.family if token.startswith("ig_at_")]
        if tokens:
            token = data.draw(st.sampled_from(tokens))
            assert self.app.revoke(token).status == 200
            self.dead.add(token)

    @rule(token=refreshes)
    def widen(self, token: str) -> None:
        """A refresh never widens, and such a try kills nothing."""
        assert self.app.refresh(token, scope="openid phone").error in ("invalid_scope", "invalid_grant")

    @rule(seconds=st.sampled_from([1, 30, 59, 61, 120]))
    def time_passes(self, seconds: int) -> None:
        """The clock moves on."""
        self.site.clock.advance(seconds)

    @rule()
    def log_out(self) -> None:
        """The session ends; what was granted for being away stays."""
        if self.signed_in:
            page = self.browser.get("~/logout")
            assert 'id="logout-form"' in page.text
            self.browser.submit(page, "logout-form", decision="logout")
            self.signed_in = False

    @invariant()
    def the_session_is_as_it_should_be(self) -> None:
        """A silent request tells whether somebody is signed in."""
        error = self.app.authorize(self.browser, prompt="none").params.get("error")
        assert error == (None if self.signed_in else "login_required")

    @invariant()
    def the_dead_stay_dead(self) -> None:
        """UserInfo and introspection agree, and neither knows a dead token."""
        for token, family in self.family.items():
            if not token.startswith("ig_at_"):
                continue
            works = self.app.userinfo(token).status == 200
            assert self.app.introspect(token)["active"] == works
            if token in self.dead or family in self.dead_families:
                assert not works, "a dead token came alive"
            elif self.site.clock.now() - harness.NOW < 3600:
                assert works, "a living token died"


TestLives = capability("errors-fuzz", witness="Hypothesis")(Lives.TestCase)
TestLives.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
