"""What must be true of the answers of the endpoints, good ones and refusals.

RFC 6749 4.1.2, 5.1, 5.2 and 10.10; RFC 9207; OpenID Connect Core 3.1.2 to 3.3.2 and 5.3; Form Post Response Mode 1.0.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tests.conformance.op.checks import claimtypes, published
from tests.conformance.op.checks.findings import Finding, fail, warn
from tests.conformance.op.provider import Landing
from tests.harness import Answer

_TEXT = re.compile(r"[\x20-\x21\x23-\x5B\x5D-\x7E]*")


def entropy(text: str) -> float:
    """Return Shannon's entropy of a text, in bits, by its own letters."""
    counts = [text.count(letter) for letter in set(text)]
    return -sum(n * math.log2(n / len(text)) for n in counts)


def guessable(name: str, text: Any) -> list[Finding]:
    """Check that a code or token cannot be guessed (RFC 6749 10.10)."""
    if not isinstance(text, str) or not text:
        return [fail(f"{name}-missing")]
    if len(text) * 6 < 128 or entropy(text) <= 96:
        return [fail(f"{name}-guessable", f"{len(text)} characters")]
    return []


def token_answer(answer: Answer) -> tuple[dict[str, Any], list[Finding]]:
    """Check a good answer of the token endpoint (RFC 6749 5.1)."""
    if answer.status != 200:
        return {}, [fail("token-status", f"{answer.status} {answer.text[:200]}")]
    body, found = published.document(answer)
    found += no_store(answer)
    found += guessable("access-token", body.get("access_token"))
    if str(body.get("token_type")).lower() != "bearer":
        found.append(fail("token-type", body.get("token_type")))
    return body, found + expires_in(body.get("expires_in"))


def expires_in(value: Any) -> list[Finding]:
    """Check how long an access token is said to live."""
    if value is None:
        return [warn("expires-in-missing")]
    number = int(value) if isinstance(value, str) and value.isdigit() else value
    return [] if isinstance(number, int) and number > 0 else [fail("expires-in", value)]


def no_store(answer: Answer) -> list[Finding]:
    """Check that an answer with a secret is kept nowhere (RFC 6749 5.1)."""
    return [] if "no-store" in (answer.header("cache-control") or "") else [fail("cache-control")]


def token_error(answer: Answer, *errors: str) -> list[Finding]:
    """Check a refusal of the token endpoint (RFC 6749 5.2)."""
    if answer.status not in (400, 401):
        return [fail("error-status", answer.status)]
    if (answer.header("content-type") or "").partition(";")[0].strip() != "application/json":
        return [fail("error-media-type", answer.header("content-type"))]
    body = answer.json()
    found = [] if body.get("error") in errors else [fail("error-code", body.get("error"))]
    if answer.status == 401 and body.get("error") != "invalid_client":
        found.append(fail("error-status", answer.status))
    return found + no_store(answer) + _description(body.get("error_description", ""))


def _description(text: Any) -> list[Finding]:
    return [] if isinstance(text, str) and _TEXT.fullmatch(text) else [fail("error-description", text)]


EXTRA = frozenset({"scope", "session_state", "iss", "state"})
GOOD = {"code": {"code"}, "token": {"access_token", "token_type", "expires_in"}, "id_token": {"id_token"}}


def _told(landing: Landing) -> str:
    """Return what an error page tells the person, in short."""
    text = re.sub(r"<[^>]+>|\s+", " ", landing.page.text if landing.page else "")
    _, mark, rest = text.partition("refused")
    return " ".join((rest if mark else text).split())[:280]


def callback(landing: Landing, mode: str, issuer: str, state: str | None) -> list[Finding]:
    """Check how an answer came to the client: where, whole, with state and issuer (RFC 6749 4.1.2, RFC 9207 2)."""
    if landing.where == "page":
        return [fail("callback-none", _told(landing))]
    found = [] if landing.where == mode else [fail("callback-mode", landing.where)]
    names = [name for name, _ in landing.fields]
    found += [fail("callback-duplicate", name) for name in set(names) if names.count(name) > 1]
    given = landing.params.get("state")
    if state is not None and given != (state or None):
        found.append(fail("state", given))
    # RFC 9207 2.3: where the metadata promises it, each answer names the issuer.
    if landing.params.get("iss") != issuer:
        found.append(fail("callback-iss", landing.params.get("iss")))
    if landing.page is not None:
        found += form_post_page(landing.page)
    return found


def form_post_page(page: Answer) -> list[Finding]:
    """Check a page that posts itself, as an old engine would see it (Form Post Response Mode 2)."""
    found = no_store(page)
    if page.status != 200:
        found.append(fail("form-post-status", page.status))
    if "<script" not in page.text:
        found.append(fail("form-post-script"))
    if 'type="module"' in page.text:
        found.append(fail("form-post-module"))
    return found


def good_callback(landing: Landing, response_type: str, own: frozenset[str] = frozenset()) -> list[Finding]:
    """Check that a good answer holds what the response type asks for, and nothing else but the address's own query."""
    given = landing.params
    if "error" in given:
        return [fail("callback-error", f"{given['error']}: {given.get('error_description', '')}")]
    wanted = set().union(*(GOOD[word] for word in response_type.split()))
    found = [fail("callback-missing", name) for name in sorted(wanted - set(given) - {"expires_in"})]
    found += [warn("callback-unexpected", name) for name in sorted(set(given) - wanted - EXTRA - own)]
    if "token" in response_type.split():
        found += guessable("access-token", given.get("access_token")) + expires_in(given.get("expires_in"))
        if given.get("token_type", "").lower() != "bearer":
            found.append(fail("token-type", given.get("token_type")))
    if "code" in response_type.split():
        found += guessable("code", given.get("code"))
    return found


def error_callback(landing: Landing, *errors: str) -> list[Finding]:
    """Check a refusal by redirect (RFC 6749 4.1.2.1, Core 3.1.2.6)."""
    given = landing.params
    found = [] if given.get("error") in errors else [fail("error-code", given.get("error"))]
    if {"code", "id_token", "access_token"} & set(given):
        found.append(fail("error-with-token"))
    found += _description(given.get("error_description", ""))
    known = EXTRA | {"error", "error_description", "error_uri"}
    return found + [warn("callback-unexpected", name) for name in sorted(set(given) - known)]


def userinfo(answer: Answer, sub: Any) -> tuple[dict[str, Any], list[Finding]]:
    """Check an unsigned answer of UserInfo (Core 5.3.2)."""
    if answer.status != 200:
        return {}, [fail("userinfo-status", answer.status)]
    body, found = published.document(answer)
    if body.get("sub") != sub:
        found.append(fail("userinfo-sub", body.get("sub")))
    found += claimtypes.standard_claims(body)
    updated = body.get("updated_at")
    if updated is not None and not (claimtypes.is_number(updated) and 631152000 <= updated <= 4102444800):
        found.append(fail("updated-at", updated))
    return body, found


def scope_claims(claims: Mapping[str, Any], scope: Sequence[str]) -> list[Finding]:
    """Check that the claims of the scopes are there (Core 5.4)."""
    wanted = [name for word in scope for name in claimtypes.SCOPES.get(word, ())]
    return [warn("scope-claim-missing", name) for name in wanted if name not in claims]


MODERN = re.compile(r"\?\.|=>|\b(?:const|let|class|async|import)\b|`|\?\?|\.\.\.")


def old_script(text: str) -> list[Finding]:
    """Check that a script can be read by an engine that knows ECMAScript 5 only, as those of test suites do."""
    code = "\n".join(line.partition("//")[0] for line in text.splitlines())
    found = MODERN.search(code)
    return [warn("script-too-modern", found.group())] if found else []
