"""A person with a browser that knows forms, cookies and redirects and nothing else: no scripts, no styles."""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin

import requests

from tests import harness
from tests.web import markup

PASSWORDS = {name: f"{name}-password" for name in ("alice", "bob", "carol")}


class Person:
    """Signs in, agrees, and is carried back to the application's address, which is not asked itself."""

    def __init__(self, base: str, username: str = "alice") -> None:
        self.base = base
        self.username = username
        self.session = requests.Session()
        self.session.trust_env = False

    def _page(self, answer: requests.Response) -> harness.Answer:
        return harness.Answer(answer.status_code, tuple(answer.headers.items()), answer.content, answer.url)

    def _ask(self, method: str, url: str, form: list[tuple[str, str]] | None = None) -> harness.Answer:
        headers = {"accept": "text/html"} | ({"origin": self.base} if method == "POST" else {})
        answer = self.session.request(method, url, data=form, headers=headers, timeout=10, allow_redirects=False)
        return self._page(answer)

    def open(self, url: str) -> harness.Answer:
        """Open an address, and follow redirects while they stay at the server."""
        return self._follow(self._ask("GET", url))

    def _follow(self, page: harness.Answer) -> harness.Answer:
        while page.location and urljoin(page.url, page.location).startswith(self.base + "/"):
            page = self._ask("GET", urljoin(page.url, page.location))
        return page

    def submit(self, page: harness.Answer, form_id: str, **changes: str) -> harness.Answer:
        """Send a form of a page, and follow."""
        action, fields = harness.read_form(page, form_id)
        fields = [(name, value) for name, value in fields if name not in changes] + list(changes.items())
        return self._follow(self._ask("POST", urljoin(page.url, action), fields))

    def through(self, url: str) -> dict[str, Any]:
        """Go where an application sends the person, do what is asked, and return what the application is given.

        That is the address with its query or fragment, or the fields of a form that a script would send.
        """
        return self.answered(self.signed_in(self.open(url)))

    def signed_in(self, page: harness.Answer) -> harness.Answer:
        """Sign in and agree where a page asks for it."""
        if 'id="login-form"' in page.text:
            given = {"username": self.username, "password": PASSWORDS[self.username], "decision": "login"}
            page = self.submit(page, "login-form", **given)
        if 'id="consent-form"' in page.text:
            page = self.submit(page, "consent-form", decision="allow")
        return page

    def answered(self, page: harness.Answer) -> dict[str, Any]:
        """Return what an application is given by a page or a redirect."""
        if 'id="form-post"' in page.text:
            return {"form": dict(harness.read_form(page, "form-post")[1])}
        assert page.location, page.text[-1500:]
        return {"url": page.location}

    def approve(self, verification_uri: str, user_code: str) -> None:
        """Type a device's code, sign in, and allow the device."""
        page = self.submit(self.open(verification_uri), "device-form", user_code=user_code)
        if 'id="login-form"' in page.text:
            given = {"username": self.username, "password": PASSWORDS[self.username], "decision": "login"}
            page = self.submit(page, "login-form", **given)
        page = self.submit(page, "device-decision", decision="allow")
        assert 'id="device-done"' in page.text

    def sign_out(self, url: str) -> list[str]:
        """Follow a logout, and return the addresses that its page asks in frames."""
        page = self.open(url)
        if 'id="logout-form"' in page.text:
            page = self.submit(page, "logout-form", decision="logout")
        return [one.attributes["src"] for one in markup.read(page.body) if one.tag == "iframe"] if page.is_page else []
