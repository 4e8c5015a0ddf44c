"""What an issuer says about itself: where its document is, how it is fetched, and whether it may be believed.

OpenID Connect Discovery 1.0 sections 4.1, 4.2 and 4.3; RFC 8414 section 3.3; RFC 9110 sections 5.6.7 (dates), 10.2.2
(Location) and 15.4 (redirects); RFC 9111 section 5.1 (Age).

Who may be where: an issuer, a discovery address and a key address that an operator wrote down are trusted to be where
they are, this machine and private networks included. What was learned on the way, from a document's `jwks_uri` or a
redirect's Location, must be public, unless it has exactly the scheme's host and port that were configured: another
port of a configured host is another program, and is refused where it is not public. The guard of `net` judges every
hop's host and address and connects to the address it judged; this module judges the text and keeps the count.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

import msgspec

from intaglio import codec
from intaglio.errors import Misconfigured, Unavailable
from intaglio.wire.flow import Call, Flow, Reply

WELL_KNOWN = "/.well-known/openid-configuration"
MAXIMUM_OCTETS = 256 * 1024
MAXIMUM_REDIRECTS = 3
MAXIMUM_URL = 2048
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_IMF_FIXDATE = re.compile(
    rf"({'|'.join(_DAYS)}), ([0-9]{{2}}) ({'|'.join(_MONTHS)}) ([0-9]{{4}}) ([0-9]{{2}}):([0-9]{{2}}):([0-9]{{2}}) GMT"
)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")
_AGE = re.compile(r"[0-9]{1,9}")


class Metadata(msgspec.Struct, frozen=True):
    """A discovery document that names the issuer that was asked; `members` holds all of it."""

    issuer: str
    jwks_uri: str
    members: dict[str, Any]

    def url(self, name: str) -> str | None:
        """Return a member that is text, or None."""
        value = self.members.get(name)
        return value if isinstance(value, str) and value else None


def _plain(text: str) -> bool:
    # SECURITY: urlsplit drops tabs and line breaks, so that the text is looked at before it is taken apart.
    return (
        len(text) <= MAXIMUM_URL and text.isascii() and text.isprintable() and not any(sign in text for sign in " \\#")
    )


def _split(url: str) -> SplitResult | None:
    """Return the parts of a URL that can be asked, or None: http or https, a host, a port in range, no userinfo."""
    if not _plain(url):
        return None
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("https", "http") and parts.hostname and parts.port != 0
    except ValueError:
        return None
    return parts if sound and "@" not in parts.netloc else None


def _absolute(url: str, before: str) -> str:
    """Return a URL made absolute; unlike `urljoin`, one with a scheme or a host is taken as it is."""
    if _SCHEME.match(url):
        return url
    return f"{urlsplit(before).scheme}:{url}" if url.startswith("//") else urljoin(before, url)


def location(issuer: str, discovery_uri: str | None = None) -> str:
    """Return the URL of an issuer's document: `discovery_uri` if it is given, else the issuer with the known path.

    An issuer whose document is elsewhere may hold a placeholder, as `https://host/{tenant}/v2.0`, and is never asked.
    Raises `Misconfigured` with code `issuer-unusable`.
    """
    if discovery_uri is not None:
        if _split(discovery_uri) is None:
            raise Misconfigured(
                "issuer-unusable",
                "The address of the issuer's document is not a URL that can be asked.",
                detail={"discovery_uri": discovery_uri[:200]},
            )
        return discovery_uri
    # OpenID Connect Discovery 4.1 and Core 2: scheme, host, path; no query, no fragment; and no userinfo.
    if "?" in issuer or "#" in issuer:
        raise Misconfigured("issuer-unusable", "The issuer has a query or a fragment.", detail={"issuer": issuer})
    if _split(issuer) is None:
        raise Misconfigured("issuer-unusable", "The issuer is not a URL that can be asked.", detail={"issuer": issuer})
    return issuer.removesuffix("/") + WELL_KNOWN


def learned(url: str, before: str) -> str:
    """Return a URL that an answer from the URL `before` named, made absolute.

    Raises `Unavailable` with code `address-refused` for one with userinfo or a fragment, one that is not http or https,
    and one that would go on without TLS. Whether its host may be called is the guard's to say.
    """
    whole = _absolute(url, before) if _plain(url) else ""
    parts = _split(whole)
    if parts is None:
        raise _refused("an http or https URL without userinfo and fragment", before)
    # OpenID Connect Discovery 3 (https), RFC 9700 4.12: what began with TLS ends with it, on this machine too.
    if parts.scheme == "http" and urlsplit(before).scheme != "http":
        raise _refused("https, as the address before it", before)
    return whole


def _refused(expected: str, before: str) -> Unavailable:
    return Unavailable(
        "address-refused",
        "An answer named an address that is not asked.",
        detail={"expected": expected, "named by": before.partition("?")[0]},
    )


def document(url: str) -> Flow[Reply]:
    """Fetch a JSON document, following up to three redirects; every hop is a call of its own, which is guarded.

    Raises `Unavailable` with `too-many-redirects` for a loop and a fourth redirect, `address-refused` as `learned`
    does, and what the driver raises. The answer may have any status.
    """
    asked = [url]
    while len(asked) <= MAXIMUM_REDIRECTS + 1:
        reply = yield get(asked[-1])
        target = reply.header("location")
        # RFC 9110 15.4: 300 has no one target and 304 answers a condition that was not set; neither is followed.
        if reply.status not in _REDIRECTS or not target:
            return reply
        hop = learned(target, asked[-1])
        if hop in asked:
            break
        asked.append(hop)
    raise Unavailable(
        "too-many-redirects",
        "The address leads from one redirect to the next.",
        detail={"url": url.partition("?")[0], "limit": MAXIMUM_REDIRECTS},
        hint="Configure the address that answers.",
    )


def answered_at(reply: Reply) -> int | None:
    """Return what the other side's clock showed, in epoch seconds: its Date, and the Age that a cache adds to it.

    None where there is no Date, one that is no IMF-fixdate to the letter (RFC 9110 section 5.6.7), or a bad Age.
    """
    found, age = _IMF_FIXDATE.fullmatch(reply.header("date") or ""), reply.header("age") or "0"
    if found is None or _AGE.fullmatch(age) is None:
        return None
    day, month, year, hour, minute, second = found[2], found[3], found[4], found[5], found[6], found[7]
    try:
        at = dt.datetime(  # a leap second is none that a Python date can hold; it is left out
            int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second), tzinfo=dt.UTC
        )
    except ValueError:
        return None
    return int(at.timestamp()) + int(age) if _DAYS[at.weekday()] == found[1] else None


def members(reply: Reply) -> dict[str, Any]:
    """Return the JSON object in a reply; raises `Unavailable` with code `bad-answer`."""
    detail: dict[str, object] = {"url": reply.url, "status": reply.status}
    if reply.status != 200:
        raise Unavailable("bad-answer", detail=detail, hint="The address must answer 200 with JSON.")
    if len(reply.body) > MAXIMUM_OCTETS:
        raise Unavailable("bad-answer", detail={**detail, "rule": "longer than 256 KiB"})
    try:
        return codec.decode_json_object(reply.body)
    except codec.CodecError as fault:
        raise Unavailable("bad-answer", detail={**detail, "rule": str(fault)}) from fault


def read(document: dict[str, Any], issuer: str) -> Metadata:
    """Return the document of `issuer`; raises `Unavailable` with `discovery-mismatch` or `bad-answer`."""
    # OpenID Connect Discovery 4.3: exactly the issuer that was asked; else one issuer could speak for another.
    if document.get("issuer") != issuer:
        raise Unavailable(
            "discovery-mismatch",
            "The issuer's document names another issuer.",
            detail={"expected": issuer, "received": str(document.get("issuer"))[:200]},
            hint="Configure the issuer letter for letter as its document has it.",
        )
    jwks_uri = document.get("jwks_uri")
    if not isinstance(jwks_uri, str) or not jwks_uri.lower().startswith(("https://", "http://")):
        raise Unavailable("bad-answer", detail={"rule": "jwks_uri is missing or no URL", "issuer": issuer})
    return Metadata(issuer, jwks_uri, document)


def get(url: str) -> Call:
    """Return the call that fetches a JSON document."""
    return Call("GET", url, (("accept", "application/json"),))


def fetch(issuer: str, discovery_uri: str | None = None) -> Flow[Metadata]:
    """Fetch and judge an issuer's document, at `discovery_uri` if its place is known.

    Raises `Unavailable` and `Misconfigured` as `document`, `members`, `read` and `location` do.
    """
    url = location(issuer, discovery_uri)
    reply = yield from document(url)
    metadata = read(members(reply), issuer)
    learned(metadata.jwks_uri, url)
    return metadata
