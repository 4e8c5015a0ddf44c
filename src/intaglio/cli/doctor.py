"""`intaglio doctor`: what an issuer looks like from here, check by check.

OpenID Connect Discovery 1.0 section 4 (metadata), RFC 7517 section 5 (key sets), RFC 9110 sections 6.6.1 (Date) and 7.2
(Host), RFC 6797 (HSTS), RFC 7239 (Forwarded).
"""

from __future__ import annotations

import email.utils
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import click
import msgspec

from intaglio import codec
from intaglio.cli import faults, outgoing, output
from intaglio.cli.faults import Exit
from intaglio.errors import Misconfigured
from intaglio.wire.flow import Call, Flow, Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from intaglio.clock import Clock

COLUMNS = ("check", "outcome", "expected", "received", "hint")
STRANGER = "doctor.invalid"
"""A name that nobody has (RFC 2606 section 2)."""
SKEW_WARNS, SKEW_FAILS = 5, 60
"""Seconds by which two clocks may differ; the time that a call takes is among them."""
SECRET_MEMBERS = ("d", "p", "q", "dp", "dq", "qi", "k")

Outcome = Literal["pass", "warn", "fail"]


class Check(msgspec.Struct, frozen=True):
    """One thing that was looked at; `hint` is the next step where it did not pass."""

    check: str
    outcome: Outcome
    expected: str
    received: str
    hint: str = ""


@click.command("doctor")
@click.option("--issuer", required=True, envvar="INTAGLIO_ISSUER", help="The issuer, as applications have it.")
@click.option("--ca-file", default="", type=click.Path(dir_okay=False), help="PEM certificates to believe as well.")
@output.option
def command(issuer: str, ca_file: str, form: str | None) -> int:
    """Look at an issuer from here: its address, metadata, keys, headers and clock; who it believes about its name.

    Exit code 2 if something is wrong, 9 if it cannot be reached.
    """
    from intaglio.clock import SystemClock

    driver = outgoing.driver([issuer], ca_file)
    try:
        found = driver.run(examined(issuer, SystemClock()))
    finally:
        driver.close()
    output.write_list([msgspec.to_builtins(one) for one in found], form, columns=COLUMNS, value="check")
    wrong = sum(one.outcome == "fail" for one in found)
    faults.say(f"{len(found)} checks, {wrong} failed." if wrong else f"{len(found)} checks, none failed.")
    return Exit.USAGE if wrong else Exit.OK


def examined(issuer: str, here: Clock) -> Flow[list[Check]]:
    """Ask the issuer four times and judge the answers; `here` is this machine's clock.

    Raises `Unavailable`, and `Misconfigured` (`issuer-silent`) where there is no metadata.
    """
    where = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    reply = yield Call("GET", where, (("accept", "application/json"),))
    members = _metadata(reply)
    found = [scheme(issuer), own_name(issuer, members), *endpoints(members), *headers(issuer, reply)]
    found.append(clock(reply, here.now()))
    jwks_uri = members.get("jwks_uri")
    found += key_set((yield Call("GET", jwks_uri)) if isinstance(jwks_uri, str) else Reply(404))
    named = (("host", STRANGER),)
    forwarded = (("x-forwarded-host", STRANGER), ("forwarded", f"host={STRANGER}"), ("x-forwarded-proto", "gopher"))
    for check, more in (("host", named), ("forwarded", forwarded)):
        found.append(stranger(check, (yield Call("GET", where, more))))
    return found


def _metadata(reply: Reply) -> dict[str, Any]:
    try:
        if reply.status == 200:
            return codec.decode_json_object(reply.body)
    except codec.CodecError:
        pass
    raise Misconfigured(
        "issuer-silent",
        "There is no issuer at this address.",
        detail={"expected": "its metadata in JSON", "received": f"status {reply.status} of {reply.url}"},
        hint="The address is that of the `iss` claim: letter by letter, with its path.",
    )


def scheme(issuer: str) -> Check:
    """Judge the issuer's address."""
    from intaglio.net.guard import is_loopback_host

    parts = urlsplit(issuer)
    if parts.scheme == "https":
        return Check("scheme", "pass", "https", "https")
    outcome: Outcome = "warn" if is_loopback_host(parts.hostname or "") else "fail"
    return Check("scheme", outcome, "https", parts.scheme, "Serve it over TLS: see the how-to on serving.")


def own_name(issuer: str, members: Mapping[str, Any]) -> Check:
    """Judge whether the issuer calls itself as it is called."""
    told = str(members.get("issuer", ""))
    # OpenID Connect Discovery 4.3: exactly the same.
    same = told == issuer
    return Check("issuer", "pass" if same else "fail", issuer, told, "" if same else "Use the issuer that it tells.")


def endpoints(members: Mapping[str, Any]) -> Iterator[Check]:
    """Judge whether every endpoint is as safe as the issuer itself."""
    kind = urlsplit(str(members.get("issuer", ""))).scheme
    addresses = [value for name, value in members.items() if name.endswith(("_endpoint", "_uri")) and name != "issuer"]
    bare = sorted({str(one) for one in addresses if urlsplit(str(one)).scheme != kind})
    hint = "Look at the base addresses in the settings." if bare else ""
    yield Check("endpoints", "fail" if bare else "pass", f"{kind} everywhere", ", ".join(bare) or kind, hint)


def headers(issuer: str, reply: Reply) -> Iterator[Check]:
    """Judge the headers of the metadata."""
    kind = (reply.header("content-type") or "none").partition(";")[0]
    right = kind == "application/json"
    hint = "" if right else "Something in front changes the answers."
    yield Check("content-type", "pass" if right else "fail", "application/json", kind, hint)
    if issuer.startswith("https:"):
        told = reply.header("strict-transport-security")
        hint = "" if told else "Have whatever ends TLS send Strict-Transport-Security."
        yield Check("hsts", "pass" if told else "warn", "Strict-Transport-Security", told or "none", hint)


def clock(reply: Reply, now: int) -> Check:
    """Judge how far the issuer's clock is from this machine's."""
    expected = f"within {SKEW_WARNS} seconds"
    try:
        at = int(email.utils.parsedate_to_datetime(reply.header("date") or "").timestamp())
    except ValueError:
        return Check("clock", "warn", expected, "no Date header", "Have whatever is in front leave it.")
    apart = abs(at - now)
    outcome: Outcome = "pass" if apart <= SKEW_WARNS else "warn" if apart <= SKEW_FAILS else "fail"
    hint = "" if apart <= SKEW_WARNS else "Set both clocks by NTP: tokens are refused before and after their time."
    return Check("clock", outcome, expected, f"{apart} seconds apart", hint)


def key_set(reply: Reply) -> Iterator[Check]:
    """Judge the published keys."""
    try:
        keys = codec.decode_json_object(reply.body).get("keys") if reply.status == 200 else None
    except codec.CodecError:
        keys = None
    listed = [one for one in keys if isinstance(one, dict)] if isinstance(keys, list) else []
    named = [one for one in listed if one.get("kid")]
    hint = "" if named else "Nobody can check a token: look at jwks_uri and at intaglio key list."
    outcome: Outcome = "pass" if named and len(named) == len(listed) else "fail"
    yield Check("keys", outcome, "keys with a kid", f"{len(named)} of {len(listed)}", hint)
    # SECURITY: whoever published this lets everybody sign tokens (test_a_private_key_in_the_set_is_found).
    secret = sorted({name for one in listed for name in SECRET_MEMBERS if name in one})
    hint = "Withdraw these keys at once: anybody can sign with them." if secret else ""
    yield Check("public", "fail" if secret else "pass", "public members alone", ", ".join(secret) or "public", hint)


def stranger(check: str, reply: Reply) -> Check:
    """Judge whether the issuer took a name that a request made up."""
    # SECURITY: an issuer that believes a header sends people, and their codes, wherever that says
    # (test_an_issuer_that_believes_a_header_is_found).
    believed = STRANGER.encode() in reply.body or STRANGER in (reply.header("location") or "")
    hint = "Configure the base address, and declare proxies by their own addresses alone." if believed else ""
    received = f"believed {STRANGER}" if believed else f"status {reply.status}, its own name"
    return Check(check, "fail" if believed else "pass", "no other name", received, hint)
