"""Checks of single fields; each returns the field as it is kept, or raises `Misconfigured` with what was expected.

RFC 6749 sections 3.1.2 (redirection endpoint), 3.3 (scope) and appendix A (characters); RFC 8252 section 7 (native
apps); RFC 9700 section 2.1 (redirect URIs); RFC 6454 (origins); OpenID Connect Registration 1.0 section 2.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Iterable, Mapping
from urllib.parse import SplitResult, urlsplit

from intaglio.errors import Misconfigured
from intaglio.server.model.tenants import Lifetimes
from intaglio.tokens import algorithms

ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
AUTH_METHODS = ("client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none")
KEYED_ALGORITHMS = tuple(algorithms.KEYED)
PAIR_ALGORITHMS = tuple(name for name, one in algorithms.ALGORITHMS.items() if one.family != "ml-dsa")
"""What clients sign with: a secret, a key pair."""
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
GRANT_TYPES = ("authorization_code", "implicit", "refresh_token", "client_credentials", DEVICE)
SUBJECT_TYPES = ("public", "pairwise")
ENCRYPT = ("", "front_channel", "always")
APPLICATION_TYPES = ("web", "native")
REFRESH_POLICIES = ("", "rotate", "keep")
CONSENTS = ("ask", "implicit")
MAX_LENGTH = 2048
LONGEST_LIFETIMES = {"id_token": 86_400, "access_token": 86_400, "code": 600}
"""Seconds; a year for every other."""
MAX_VALUES = 50
"""How many values a list may hold."""

_CLIENT_ID = re.compile(r"[A-Za-z0-9._~-]{1,128}")
# RFC 6749 section 3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,128}")
_VISIBLE = re.compile(r"[\x21-\x7e]+")
_WORD = re.compile(r"[\x21-\x7e]{1,255}")
_SCHEME = re.compile(r"[a-z][a-z0-9.+-]*")
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
LONGEST_DOMAIN = 253
_HOST = re.compile(
    r"(?=.{1,253}(?::|$))[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*(?::\d{1,5})?"
)


def refuse(code: str, public: str, expected: str, received: object, hint: str = "") -> Misconfigured:
    """Return the error for a field; `received` is never a secret and is cut to 200 characters."""
    return Misconfigured(code, public, detail={"expected": expected, "received": str(received)[:200]}, hint=hint)


def one_of(field: str, value: str, allowed: Iterable[str]) -> str:
    """Return a value that is one of those allowed; raises `Misconfigured` (`value-unknown`)."""
    names = tuple(allowed)
    if value not in names:
        listed = ", ".join(name or "(empty)" for name in names)
        raise refuse("value-unknown", f"{field} has an unknown value.", f"one of {listed}", value)
    return value


def few(field: str, values: Iterable[str]) -> tuple[str, ...]:
    """Return a list's values, each once, in their order; raises `Misconfigured` (`too-many`) for more than 50."""
    found = tuple(dict.fromkeys(values))
    if len(found) > MAX_VALUES:
        raise refuse("too-many", f"{field} holds too many values.", f"at most {MAX_VALUES}", len(found))
    return found


def all_of(field: str, values: Iterable[str], allowed: Iterable[str]) -> tuple[str, ...]:
    """Return values that are all among those allowed; raises `Misconfigured` (`value-unknown`, `too-many`)."""
    names = tuple(allowed)
    return few(field, [one_of(field, value, names) for value in values])


def words(field: str, values: Iterable[str]) -> tuple[str, ...]:
    """Return words of visible ASCII; raises `Misconfigured` (`word-invalid`, `too-many`)."""
    for word in values:
        if not _WORD.fullmatch(word):
            raise refuse("word-invalid", f"{field} cannot be used.", "1 to 255 visible ASCII characters", ascii(word))
    return few(field, values)


def display_name(field: str, value: str) -> str:
    """Return a name for people, trimmed; raises `Misconfigured` (`name-invalid`).

    Control and format characters are refused: they can make a name read as another one on a consent page.
    """
    name = value.strip()
    if not 1 <= len(name) <= 200 or any(unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Co"} for letter in name):
        expected = "1 to 200 characters, none of them a control or format character"
        raise refuse("name-invalid", f"{field} cannot be used.", expected, ascii(value))
    return name


def text(field: str, value: str, longest: int) -> str:
    """Return a text for people, trimmed and perhaps empty; raises `Misconfigured` (`text-invalid`)."""
    found = value.strip()
    if len(found) > longest or any(unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Co"} for letter in found):
        expected = f"at most {longest} characters, none of them a control or format character"
        raise refuse("text-invalid", f"{field} cannot be used.", expected, ascii(value))
    return found


def client_id(value: str) -> str:
    """Return a client_id; raises `Misconfigured` (`client-id-invalid`)."""
    # SECURITY: in an address these two are steps and no names (test_no_client_is_called_like_a_step_in_a_path).
    if not _CLIENT_ID.fullmatch(value) or value in (".", ".."):
        expected = "1 to 128 letters, digits and . _ ~ -, and more than one or two full stops"
        raise refuse("client-id-invalid", "The client_id cannot be used.", expected, value)
    return value


def secret(value: str, *, shortest: int) -> str:
    """Return a client secret; raises `Misconfigured` (`secret-invalid`), in which the secret is not told."""
    # RFC 6749 appendix A.2: client_secret = *VSCHAR; a blank is left out because it gets lost on the way.
    if not shortest <= len(value) <= 1024 or not _VISIBLE.fullmatch(value):
        expected = f"{shortest} to 1024 visible ASCII characters"
        hint = "Leave it out, and one of 256 random bits is made."
        raise refuse("secret-invalid", "The client secret cannot be used.", expected, f"{len(value)} characters", hint)
    return value


def password(value: str) -> str:
    """Return a password; raises `Misconfigured` (`password-invalid`), in which the password is not told.

    NIST SP 800-63B section 5.1.1.2: at least 8 characters, no rule of composition.
    """
    if not 8 <= len(value) <= 1024:
        raise refuse("password-invalid", "The password cannot be used.", "8 to 1024 characters", f"{len(value)}")
    return value


def scopes(values: Iterable[str]) -> tuple[str, ...]:
    """Return scope tokens, each once, in their order; raises `Misconfigured` (`scope-invalid`)."""
    tokens = tuple(dict.fromkeys(values))
    for token in tokens:
        if not _SCOPE.fullmatch(token):
            expected = "1 to 128 visible ASCII characters, no quotation mark and no backslash"
            raise refuse("scope-invalid", "A scope cannot be used.", expected, ascii(token))
    return tokens


def is_loopback(host: str) -> bool:
    """Tell whether a host of a URL leads to this machine only (RFC 8252 sections 7.3 and 8.3)."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def redirect_uri(value: str, *, native: bool) -> str:
    """Return a redirect URI exactly as it came; raises `Misconfigured` (`redirect-uri-invalid`).

    Absolute, without fragment, user name or wildcard; https, or http to loopback, or for native clients a private-use
    scheme that is a reversed domain name.
    """
    url = _split(value)
    # RFC 6749 section 3.1.2: an absolute URI without a fragment component.
    if "#" in value:
        raise _redirect(value, "no fragment")
    # RFC 9700 section 2.1: exact matching, so a pattern could only be a mistake.
    if "*" in value:
        raise _redirect(value, "no wildcard", "Register each address by itself.")
    if "@" in url.netloc:
        raise _redirect(value, "no user name or password", "")
    if url.scheme in {"http", "https"}:
        _check_web(value, url)
    # RFC 8252 section 7.1: a private-use scheme is a domain name of the app's owner, reversed; so it holds a dot.
    elif not native or "." not in url.scheme or url.netloc or not url.path:
        expected = "https, or http to loopback" + (
            ", or a private-use scheme such as com.example.app:/callback" * native
        )
        raise _redirect(value, expected)
    return value


def _split(value: str) -> SplitResult:
    if not _VISIBLE.fullmatch(value) or "\\" in value or len(value) > MAX_LENGTH:
        raise _redirect(ascii(value), f"1 to {MAX_LENGTH} visible ASCII characters, no backslash")
    try:
        url = urlsplit(value)
        _ = url.port
    except ValueError:
        raise _redirect(value, "an absolute URI") from None  # the cause repeats the value
    if not _SCHEME.fullmatch(value.partition(":")[0]) or not url.scheme:
        raise _redirect(value, "an absolute URI with its scheme in lower case")
    return url


def _check_web(value: str, url: SplitResult) -> None:
    host = url.hostname or ""
    if not host or not value.startswith(f"{url.scheme}://"):
        raise _redirect(value, f"{url.scheme}:// and a host")
    if url.scheme == "http" and not is_loopback(host):
        raise _redirect(value, "https, or http to loopback (127.0.0.1, [::1], localhost)")


def _redirect(value: str, expected: str, hint: str = "") -> Misconfigured:
    shown = value if "@" not in value else "an address with a user name"
    return refuse("redirect-uri-invalid", "A redirect URI cannot be used.", expected, shown, hint)


def origin(value: str) -> str:
    """Return a web origin such as `https://app.example.com`; raises `Misconfigured` (`origin-invalid`)."""
    scheme, separator, authority = value.partition("://")
    host = authority.rpartition(":")[0] if re.search(r":\d+$", authority) else authority
    plain = host[1:-1] if host.startswith("[") else host
    known = scheme == "https" or (scheme == "http" and is_loopback(plain))
    if not known or not separator or not (_HOST.fullmatch(authority) or (host.startswith("[") and is_loopback(plain))):
        expected = "scheme, host and port only, such as https://app.example.com"
        raise refuse("origin-invalid", "An origin cannot be used.", expected, value)
    return value


def web_page(field: str, value: str) -> str:
    """Return the address of a page for people, or an empty text; raises `Misconfigured` (`uri-invalid`)."""
    if not value:
        return ""
    try:
        return redirect_uri(value, native=False)
    except Misconfigured as exc:
        raise refuse("uri-invalid", f"{field} cannot be used.", str(exc.detail["expected"]), value) from exc


def https(field: str, value: str, *, fragment: bool = False) -> str:
    """Return an address that programs call, or an empty text; raises `Misconfigured` (`uri-invalid`).

    https, or http to loopback: whether such a one may be called is the guard's to say. `fragment` allows one.
    """
    web_page(field, value.partition("#")[0] if fragment else value)
    return value


def host(value: str) -> str:
    """Return a host name, with its port where it is not the scheme's; raises `Misconfigured` (`host-invalid`)."""
    if not _HOST.fullmatch(value):
        expected = "a host name in lower case, with a port where needed"
        raise refuse("host-invalid", "A host cannot be used.", expected, value)
    return value


def domain(value: str) -> str:
    """Return a domain in lower case; raises `Misconfigured` (`domain-invalid`)."""
    found = value.lower()
    if not _DOMAIN.fullmatch(found) or len(found) > LONGEST_DOMAIN:
        raise refuse("domain-invalid", "A domain cannot be used.", "a name with a dot, such as example.com", value)
    return found


def lifetimes(value: Lifetimes) -> Lifetimes:
    """Return lifetimes in seconds; raises `Misconfigured` (`lifetime-invalid`) outside 10 s to a year.

    ID tokens and access tokens live for a day at most, authorization codes ten minutes (RFC 6749 section 4.1.2).
    """
    for field in value.__struct_fields__:
        seconds = getattr(value, field)
        longest = LONGEST_LIFETIMES.get(field, 366 * 86_400)
        if seconds is not None and not 10 <= seconds <= longest:
            public = f"The lifetime of {field} cannot be used."
            raise refuse("lifetime-invalid", public, f"10 to {longest} seconds", seconds)
    return value


def grant_lifetimes(values: Mapping[str, Lifetimes]) -> dict[str, Lifetimes]:
    """Return lifetimes by grant type, checked; raises `Misconfigured` (`value-unknown`, `lifetime-invalid`)."""
    checked = {}
    for grant, spans in values.items():
        one_of("grant_type", grant, GRANT_TYPES)
        if spans.session is not None or spans.code is not None:
            public = "A session and a code belong to no grant."
            raise Misconfigured("lifetime-invalid", public, hint="Set it for the tenant.")
        checked[grant] = lifetimes(spans)
    return checked
