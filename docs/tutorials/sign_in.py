"""Signs a person in without a browser: walks the pages as a browser would and prints the ID token.

A tutorial's stand-in for an app and its person in one: authorization code flow with PKCE (RFC 6749 section 4.1,
RFC 7636). Only Python's standard library. Usage: sign_in.py ISSUER [USERNAME PASSWORD]
"""

from __future__ import annotations

import base64
import hashlib
import html.parser
import json
import secrets
import sys
import urllib.error
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar, DefaultCookiePolicy

REDIRECT_URI = "http://127.0.0.1:9999/cb"
CLIENT, SECRET = "web", "web-secret"


class Form(html.parser.HTMLParser):
    """The first form of a page: where it goes, and what a browser would send."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action, self.name, self.fields, self._inside = "", "", [], False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the form and its fields; a disabled field and an unticked box are not sent."""
        given = dict(attrs)
        if tag == "form" and not self.name:
            self.action, self.name, self._inside = given.get("action") or "", given.get("id") or "", True
        elif self._inside and tag == "input" and given.get("name") and "disabled" not in given:
            if given.get("type") != "checkbox" or "checked" in given:
                self.fields.append((given["name"], given.get("value") or ""))
        elif self._inside and tag == "button" and str(given.get("id")).startswith("submit-") and given.get("name"):
            self.fields.append((given["name"], given.get("value") or ""))

    def handle_endtag(self, tag: str) -> None:
        """Leave the form."""
        self._inside = self._inside and tag != "form"


class Stop(urllib.request.HTTPRedirectHandler):
    """Follows redirects up to the app's own address, where the code arrives."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):  # noqa: ANN001, ANN201
        """Stop at the app's address."""
        if newurl.startswith(REDIRECT_URI):
            return None
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def sign_in(issuer: str, username: str, password: str) -> str:
    """Return the ID token."""
    # localhost is no domain to a cookie jar, so the check of domains is left to the browsers.
    jar = CookieJar(DefaultCookiePolicy(strict_ns_domain=DefaultCookiePolicy.DomainLiberal))
    browser = urllib.request.build_opener(Stop, urllib.request.HTTPCookieProcessor(jar))
    with browser.open(f"{issuer}/.well-known/openid-configuration") as answer:
        discovery = json.load(answer)

    verifier, state, nonce = (secrets.token_urlsafe(32) for _ in range(3))
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    question = {
        "client_id": CLIENT,
        "redirect_uri": REDIRECT_URI,
        "response_type": "code",
        "scope": "openid profile email",
        "state": state,
        "nonce": nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    arrived = walk(
        browser, f"{discovery['authorization_endpoint']}?{urllib.parse.urlencode(question)}", username, password
    )
    answer = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(arrived).query))
    if answer.get("state") != state or "code" not in answer:
        raise SystemExit(f"no code came back: {answer.get('error', 'another state')}")

    redemption = {
        "grant_type": "authorization_code",
        "code": answer["code"],
        "redirect_uri": REDIRECT_URI,
        "code_verifier": verifier,
    }
    basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
    request = urllib.request.Request(
        discovery["token_endpoint"], urllib.parse.urlencode(redemption).encode(), {"Authorization": f"Basic {basic}"}
    )
    with urllib.request.urlopen(request) as response:
        return str(json.load(response)["id_token"])


def walk(browser: urllib.request.OpenerDirector, url: str, username: str, password: str) -> str:
    """Fill in each page that comes, and return the app's address once it is reached."""
    data = None
    for _ in range(4):
        try:
            with browser.open(url, data) as response:
                url, page = response.url, response.read().decode()
        except urllib.error.HTTPError as error:
            if 300 <= error.code < 400:
                return str(error.headers["Location"])
            raise SystemExit(f"{url} answered {error.code}") from error
        form = Form(page)
        typed = {"username": username, "password": password}
        fields = [(name, typed.get(name, value)) for name, value in form.fields]
        url, data = urllib.parse.urljoin(url, form.action), urllib.parse.urlencode(fields).encode()
        print(f"filled in: {form.name}", file=sys.stderr)
    raise SystemExit("the sign-in came to no end")


if __name__ == "__main__":
    print(sign_in(*[*sys.argv[1:], "alice", "alice-password"][:3]))
