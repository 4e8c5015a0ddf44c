"""Turn page records into HTML, and hold the packaged style sheet, scripts and drawings that the pages link to.

HTML Living Standard; Content Security Policy 3 (no inline script or style anywhere); RFC 9110 section 8.8.3 (ETag).
"""

from __future__ import annotations

import base64
import hashlib
import importlib.resources
import re
import typing
from collections.abc import Mapping

from intaglio.protocol import pages
from intaglio.server.web import addresses, difference

if typing.TYPE_CHECKING:
    import jinja2

STATIC_PATH = "/_intaglio/static/"

TEMPLATES: Mapping[type[pages.Page], str] = {
    pages.LoginPage: "login.html",
    pages.RealmPage: "realm.html",
    pages.SignUpPage: "sign_up.html",
    pages.ConsentPage: "consent.html",
    pages.DevicePage: "device.html",
    pages.DeviceConfirmPage: "device_confirm.html",
    pages.DeviceDonePage: "device_done.html",
    pages.LogoutPage: "logout.html",
    pages.LoggedOutPage: "logged_out.html",
    pages.AccountPage: "account.html",
    pages.ErrorPage: "error.html",
    pages.FormPostPage: "form_post.html",
    pages.WebMessagePage: "web_message.html",
    pages.OrganizationPage: "organization.html",
    pages.StartPage: "start.html",
    pages.DemoPage: "demo.html",
    pages.DemoTokenPage: "demo_token.html",
    pages.InspectPage: "inspect.html",
    pages.DialectPage: "dialect.html",
    pages.AdminWelcomePage: "admin_welcome.html",
    pages.AdminWelcomeDonePage: "admin_welcome_done.html",
}

# The drawings come first: the style sheet names them together with their hash.
STATIC_TYPES: Mapping[str, str] = {
    "mark.svg": "image/svg+xml",
    "favicon.svg": "image/svg+xml",
    "seal.svg": "image/svg+xml",
    "ribbon.svg": "image/svg+xml",
    "style.css": "text/css; charset=utf-8",
    "inspect.css": "text/css; charset=utf-8",
    "copy.js": "text/javascript; charset=utf-8",
    "form_post.js": "text/javascript; charset=utf-8",
    "web_message.js": "text/javascript; charset=utf-8",
    "logged_out.js": "text/javascript; charset=utf-8",
    "session_frame.js": "text/javascript; charset=utf-8",
}

MODULES = "inspect"
"""The folder of the inspector's modules; every script in it is served."""
_IMPORT = re.compile(rb"""((?:\bfrom|\bimport)\s*)"\./([a-z]+\.js)"(?=\s*(?:;|$))""", re.MULTILINE)

# Tenants choose among inks whose contrast is tested; a free colour would need inline style, which the policy forbids.
ACCENTS = frozenset({"green", "indigo", "plum", "umber"})


class HTMLPages:
    """Every page as HTML, and every packaged file they link to. Loads Jinja2 when constructed, not when imported."""

    def __init__(self) -> None:
        self._static = _load_static()
        self._environment = _environment({name: entry[2] for name, entry in self._static.items()})

    def render(self, page: pages.Page) -> bytes:
        """Return the page as UTF-8 HTML; all text of the record is escaped, and unsafe addresses are not linked."""
        template = self._environment.get_template(TEMPLATES[type(page)])
        return template.render(page=page).encode("utf-8", errors="replace")

    def static(self, name: str) -> tuple[bytes, str, str] | None:
        """Return (content, content type, hash for a strong ETag) of a packaged file, or None for any other name."""
        # CWE-22: names are looked up, never joined to a path.
        return self._static.get(name)


def _load_static() -> dict[str, tuple[bytes, str, str]]:
    folder = importlib.resources.files("intaglio.server.web") / "static"
    loaded: dict[str, tuple[bytes, str, str]] = {}
    for name, content_type in STATIC_TYPES.items():
        content = (folder / name).read_bytes()
        if name.endswith(".css"):
            for drawing, (_, _, version) in loaded.items():
                content = content.replace(f"url({drawing})".encode(), f"url({drawing}?v={version})".encode())
        loaded[name] = (content, content_type, _version(content))
    return loaded | _load_modules()


def _load_modules() -> dict[str, tuple[bytes, str, str]]:
    """Read the modules; each names the others with the hash of them all, so that no browser mixes two releases."""
    folder = importlib.resources.files("intaglio.server.web") / "static" / MODULES
    sources = {entry.name: entry.read_bytes() for entry in folder.iterdir() if entry.name.endswith(".js")}
    together = _version(b"".join(sources[name] for name in sorted(sources)))
    loaded: dict[str, tuple[bytes, str, str]] = {}
    for name, source in sources.items():
        content = _IMPORT.sub(rf'\1"./\2?v={together}"'.encode(), source)
        loaded[f"{MODULES}/{name}"] = (content, STATIC_TYPES["copy.js"], _version(content))
    return loaded


def _version(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()[:12]).decode("ascii")


def _environment(versions: Mapping[str, str]) -> jinja2.Environment:
    import jinja2  # noqa: PLC0415 - programs that show no page do not wait for it

    folder = importlib.resources.files("intaglio.server.web") / "templates"
    sources = {
        entry.name: entry.read_text(encoding="utf-8") for entry in folder.iterdir() if entry.name.endswith(".html")
    }
    environment = jinja2.Environment(
        loader=jinja2.DictLoader(sources),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.tests["web_address"] = addresses.is_web
    environment.tests["outward_address"] = addresses.is_outward
    environment.tests["address"] = addresses.is_address
    environment.tests["logo"] = addresses.is_logo
    environment.filters["against"] = difference.against
    environment.globals["accents"] = ACCENTS
    environment.globals["static_url"] = lambda name: f"{STATIC_PATH}{name}?v={versions[name]}"
    return environment
