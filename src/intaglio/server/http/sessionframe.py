"""The one page that others may frame: it tells a client whether its session state still holds, and nothing else.

OpenID Connect Session Management 1.0 section 3.2, Content Security Policy Level 3.

SECURITY: the page reads one cookie and answers `unchanged`, `changed` or `error`, computed with the origin that the
browser vouches for; there is nothing on it to click (test_the_frame_tells_others_nothing).
"""

from __future__ import annotations

from intaglio.protocol.authorize import BrowserState
from intaglio.protocol.sessionframe import SessionFrame
from intaglio.server.http import cookies
from intaglio.server.http.pages import Pages
from intaglio.server.provider.scene import Scene
from intaglio.wire.message import Headers, Response

SCRIPT = "session_frame.js"
PAGE = """<!doctype html>
<html lang="en" data-cookie="{cookie}">
<head>
<meta charset="utf-8">
<meta name="robots" content="noindex">
<title>Session</title>
<link rel="icon" href="data:,">
<script src="/_intaglio/static/{script}?v={version}" defer></script>
</head>
<body></body>
</html>
"""
HEADERS: Headers = (
    ("content-type", "text/html; charset=utf-8"),
    ("cache-control", "public, max-age=300"),
    (
        "content-security-policy",
        "default-src 'none'; img-src data:; script-src 'self'; form-action 'none'; frame-ancestors *; base-uri 'none'",
    ),
    ("referrer-policy", "no-referrer"),
)


def answer(frame: SessionFrame, pages: Pages, *, secure: bool) -> Response:
    """Return the frame of an issuer."""
    found = pages.static(SCRIPT)
    assert found is not None
    # Neither the name nor the hash holds a letter that HTML reads as anything else.
    page = PAGE.format(cookie=cookies.name("state", frame.issuer, secure=secure), script=SCRIPT, version=found[2])
    return Response(200, HEADERS, page.encode("ascii"))


def cookie(state: BrowserState | None, scene: Scene, *, secure: bool) -> Headers:
    """Return the Set-Cookie header of the browser's state, if there is one to keep."""
    if state is None:
        return ()
    name = cookies.name("state", scene.issuer, secure=secure)
    return (cookies.write_readable(name, state.value, max_age=state.expires_at - scene.now, secure=secure),)


def forget(scene: Scene, *, secure: bool) -> Headers:
    """Return the Set-Cookie header that forgets the browser's state, where the tenant keeps one."""
    if not scene.tenant.session_management:
        return ()
    return (cookies.write_readable(cookies.name("state", scene.issuer, secure=secure), "", max_age=0, secure=secure),)
