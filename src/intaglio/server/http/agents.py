"""A browser in a few words, from its User-Agent (RFC 9110 section 10.1.5): for its owner to recognise, nothing else."""

from __future__ import annotations

from functools import lru_cache

MAX_LENGTH = 400
# The order counts: most browsers name those before them.
BROWSERS = (
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


@lru_cache(maxsize=256)
def label(user_agent: str) -> str:
    """Return for example `Firefox on Linux`, or nothing; no text of the header itself ever comes back."""
    text = user_agent[:MAX_LENGTH]
    browser = next((name for mark, name in BROWSERS if mark in text), "")
    system = next((name for mark, name in SYSTEMS if mark in text), "")
    return f"{browser or 'A browser'} on {system}" if system else browser
