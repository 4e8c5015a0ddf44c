"""Photograph every page at 360, 768 and 1280 px, light and dark: sample pages, or those of a running server.

Usage: python scripts/screenshots.py [--base http://localhost:8080] [--out docs/screenshots] [--only PAGE ...]
"""

from __future__ import annotations

import argparse
import base64
import pathlib
import struct
import sys
import urllib.parse
import zlib
from collections.abc import Callable

from playwright import sync_api

ROOT = pathlib.Path(__file__).resolve().parent.parent
WIDTHS = (360, 768, 1280)
SCHEMES = ("light", "dark")
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
)
SAMPLE_ORIGIN = "http://sample.localhost"
# A token made for these pictures, long ended except by the clock that they are taken by; its key is gone.
INSPECTED = (
    "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6IjIwMjYtMDUifQ.eyJpc3MiOiJodHRwczovL2lkLm5vcmR3aW5kLmV4YW1wbGUiLCJ"
    "zdWIiOiIzZjJiOWM2ZS01ZDFhLTRjNzctOWEwZS02YjFkOGY0MmMwYTciLCJhdWQiOiJmcmVpZ2h0LWRlc2siLCJleHAiOjE3Nzc2Mzk2ODAsI"
    "mlhdCI6MTc3NzYzNjA4MCwiYXV0aF90aW1lIjoxNzc3Mzc3NjAwLCJub25jZSI6Im4tMFM2X1d6QTJNaiIsImFtciI6WyJwd2QiLCJvdHAiXSw"
    "ic2lkIjoicFEzeEowbTEiLCJuYW1lIjoiQWRhIExvdmVsYWNlIiwiZW1haWwiOiJhZGFAbm9yZHdpbmQuZXhhbXBsZSIsImVtYWlsX3Zlcmlma"
    "WVkIjp0cnVlLCJyb2xlcyI6WyJkaXNwYXRjaGVyIiwiYXVkaXRvciJdfQ.foQ3S3oFDzT8WPyHNPIL7t7sLHcPjmRyVXjrEvT09xIFz3wXrg3m"
    "bbLspI75Nhgb9rgwJTrsDa0wu2fiGvLZAg"
)
INSPECTED_KEYS = (
    '{"keys": [{"kty": "EC", "crv": "P-256", "x": "BXXVRydTWfpk6RB--0EeFLXZqF4KpYd7u-GVkaEMUvA", "y": "ia'
    '9mzY9KbqrgyMfglSNC9622lFfX6Oj4le26cCE5Cfw", "kid": "2026-05", "alg": "ES256", "use": "sig"}]}'
)
INSPECTED_AT = 1777636800

Shoot = Callable[[str], None]


def main() -> int:
    """Take all pictures; returns the exit code."""
    options = _options()
    options.out.mkdir(parents=True, exist_ok=True)
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        # The local CA of `dev --tls` is not known to this browser; the pictures prove nothing about certificates.
        context = browser.new_context(ignore_https_errors=bool(options.base))
        page = context.new_page()
        shoot = _camera(page, options)
        if options.base:
            _tour(page, options.base, shoot)
        else:
            _samples(page, shoot)
        browser.close()
    return 0


def _camera(page: sync_api.Page, options: argparse.Namespace) -> Shoot:
    """Return what photographs the page as it stands in every width and scheme, so that one visit is enough."""

    def shoot(name: str) -> None:
        if options.only and name not in options.only:
            return
        for width in options.width:
            page.set_viewport_size({"width": width, "height": 800})
            for scheme in options.scheme:
                page.emulate_media(color_scheme=scheme)
                _photograph(page, options.out / f"{name}-{width}-{scheme}.png")

    return shoot


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", default="", help="address of a running development server; without it, sample pages")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "docs" / "screenshots")
    parser.add_argument("--only", nargs="*", default=[], help="names of pages")
    parser.add_argument("--width", nargs="*", type=int, default=list(WIDTHS))
    parser.add_argument("--scheme", nargs="*", choices=SCHEMES, default=list(SCHEMES))
    return parser.parse_args()


def _samples(page: sync_api.Page, shoot: Shoot) -> None:
    """Answer the browser from the renderer itself, under the same policy that the server sends."""
    sys.path[:0] = [str(ROOT / "src"), str(ROOT)]
    from intaglio.server.web import render  # noqa: PLC0415 - the tour of a running server needs neither
    from tests.web import samples  # noqa: PLC0415

    html = render.HTMLPages()

    def answer(route: sync_api.Route) -> None:
        path = urllib.parse.urlsplit(route.request.url).path
        if path.startswith(render.STATIC_PATH):
            found = html.static(path.removeprefix(render.STATIC_PATH))
            if found is None:
                route.fulfill(status=404)
            else:
                route.fulfill(body=found[0], content_type=found[1])
        else:
            route.fulfill(
                body=html.render(samples.SAMPLES[path[1:]]),
                content_type="text/html; charset=utf-8",
                headers={"Content-Security-Policy": POLICY},
            )

    page.route("**/*", answer)
    page.on("console", lambda message: print(f"{page.url}: {message.text}", file=sys.stderr))
    for name in samples.SAMPLES:
        # form-post sends itself at once; the picture is of what a browser without script shows.
        page.goto(f"{SAMPLE_ORIGIN}/{name}", wait_until="load" if name != "form-post" else "commit")
        shoot(name)
    _inspector(page, f"{SAMPLE_ORIGIN}/inspect", shoot)


def _inspector(page: sync_api.Page, address: str, shoot: Shoot) -> None:
    """Look inside a token: by its own word, against what is expected, and refused."""
    page.clock.set_fixed_time(INSPECTED_AT)
    page.goto(f"{address}#id_token={INSPECTED}")
    page.wait_for_selector("#inspect-verdict .unverified")
    shoot("inspect-unverified")
    page.fill("#inspect-jwks", INSPECTED_KEYS)
    page.fill("#inspect-issuer", "https://id.nordwind.example")
    page.fill("#inspect-audience", "freight-desk")
    page.wait_for_selector("#inspect-verdict .believed")
    page.locator("#inspect-jwks").blur()
    shoot("inspect-believed")
    page.fill("#inspect-issuer", "https://id.nordwind.example/")
    page.wait_for_selector("#inspect-verdict .refused")
    shoot("inspect-refused")


POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; form-action 'self';"
    " frame-ancestors 'none'; base-uri 'none'"
)


def _tour(page: sync_api.Page, base: str, shoot: Shoot) -> None:
    """Walk the whole story as alice does: start page, demo, login, consent, token, sign out, and one refusal."""
    base = base.rstrip("/")
    page.goto(f"{base}/")
    shoot("start")
    page.goto(f"{base}/demo")
    shoot("demo")
    page.click("#demo-signin")
    page.wait_for_selector("#login-form")
    shoot("login")
    page.fill("#username", "alice")
    page.fill("#password", "wrong-password")
    page.click("#submit-login")
    page.wait_for_selector("#login-error")
    shoot("login-failed")
    page.fill("#username", "alice")
    page.fill("#password", "alice-password")
    page.click("#submit-login")
    page.wait_for_selector("#consent-form, #demo-token")
    if page.query_selector("#consent-form"):
        shoot("consent")
        page.click("#submit-consent")
    page.wait_for_selector("#demo-token")
    shoot("demo-token")
    _leave(page, base, shoot)
    _inspector(page, f"{base}/inspect", shoot)


def _leave(page: sync_api.Page, base: str, shoot: Shoot) -> None:
    # Without an id_token_hint the provider has to ask (OpenID Connect RP-Initiated Logout 1.0 section 2).
    discovery = page.request.get(f"{base}/default/.well-known/openid-configuration").json()
    page.goto(discovery["end_session_endpoint"])
    page.wait_for_selector("#submit-logout")
    shoot("logout")
    page.click("#submit-logout")
    page.wait_for_selector("#logged-out")
    shoot("logged-out")
    query = {"client_id": "web", "response_type": "code", "scope": "openid", "redirect_uri": "http://127.0.0.1:9999/cv"}
    page.goto(f"{discovery['authorization_endpoint']}?{urllib.parse.urlencode(query)}")
    page.wait_for_selector("#oauth-error")
    shoot("oauth-error")


def _photograph(page: sync_api.Page, path: pathlib.Path) -> None:
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if overflow > 0:
        print(f"{path.name}: {overflow} px wider than the window", file=sys.stderr)
    picture = page.screenshot(full_page=True, animations="disabled", caret="hide", scale="css")
    workshop = page.context.new_page()
    workshop.goto("about:blank")
    drawn = workshop.evaluate(PALETTE, base64.b64encode(picture).decode("ascii"))
    workshop.close()
    path.write_bytes(_indexed_png(drawn["width"], drawn["palette"], base64.b64decode(drawn["pixels"])))


# The 256 most frequent colours (of 6 bits a channel) stand for all: pages have few inks, and files become small.
PALETTE = """async (png) => {
  const image = await createImageBitmap(await (await fetch("data:image/png;base64," + png)).blob());
  const canvas = new OffscreenCanvas(image.width, image.height);
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const data = context.getImageData(0, 0, image.width, image.height).data;
  const counts = new Map(), sums = new Map(), keys = new Uint32Array(data.length / 4);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] = (data[4 * i] >> 2) << 12 | (data[4 * i + 1] >> 2) << 6 | data[4 * i + 2] >> 2;
    counts.set(key, (counts.get(key) ?? 0) + 1);
    if (!sums.has(key)) sums.set(key, [data[4 * i], data[4 * i + 1], data[4 * i + 2]]);
  }
  const chosen = [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a)).slice(0, 256);
  const palette = chosen.map((key) => sums.get(key)), index = new Map(chosen.map((key, at) => [key, at]));
  const far = (a, b) => (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2;
  const pixels = new Uint8Array(keys.length);
  for (let i = 0; i < keys.length; i++) {
    let at = index.get(keys[i]);
    if (at === undefined) {
      const colour = sums.get(keys[i]);
      at = palette.reduce((best, ink, n) => far(ink, colour) < far(palette[best], colour) ? n : best, 0);
      index.set(keys[i], at);
    }
    pixels[i] = at;
  }
  let text = "";
  for (let i = 0; i < pixels.length; i += 32768) text += String.fromCharCode(...pixels.subarray(i, i + 32768));
  return {width: image.width, palette: palette.flat(), pixels: btoa(text)};
}"""


def _indexed_png(width: int, palette: list[int], pixels: bytes) -> bytes:
    """Return a PNG of colour type 3 (PNG specification 11.2.2), every row unfiltered."""
    height = len(pixels) // width
    rows = b"".join(b"\0" + pixels[row * width : (row + 1) * width] for row in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"PLTE", bytes(palette)), (b"IDAT", zlib.compress(rows, level=9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


if __name__ == "__main__":
    sys.exit(main())
