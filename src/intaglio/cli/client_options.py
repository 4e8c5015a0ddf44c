"""What a client is registered with, as options of a command, and from options to fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from intaglio.cli import dialect_settings, lifetimes, secretinput
from intaglio.protocol import requestobject
from intaglio.protocol.authorize import RESPONSE_MODES, RESPONSE_TYPES
from intaglio.server.registry import fields, rules
from intaglio.tokens import jwe

F = TypeVar("F", bound=Callable[..., Any])
ASYMMETRIC = jwe.PUBLIC
CONTENT = jwe.ENCRYPTIONS


def _choice(name: str, values: tuple[str, ...], text: str) -> Callable[[F], F]:
    return click.option(name, type=click.Choice([value or "none" for value in values]), help=text)


def _list(name: str, to: str, text: str) -> Callable[[F], F]:
    return click.option(name, to, multiple=True, help=text)


SPANS = ("id_token", "access_token", "refresh_token", "code")

OPTIONS: tuple[Callable[[Any], Any], ...] = (
    _list("--redirect-uri", "redirect_uris", "Where answers may go; may be given again."),
    _list("--post-logout-redirect-uri", "post_logout_redirect_uris", "Where it may lead after signing out."),
    click.option(
        "--auth-method",
        "token_endpoint_auth_methods",
        multiple=True,
        type=click.Choice(fields.AUTH_METHODS),
        help="How it proves itself.",
    ),
    click.option(
        "--auth-signing-alg",
        "token_endpoint_auth_signing_alg",
        type=click.Choice((*fields.KEYED_ALGORITHMS, *fields.PAIR_ALGORITHMS)),
        help="The one algorithm of its assertions.",
    ),
    click.option(
        "--grant-type",
        "grant_types",
        multiple=True,
        type=click.Choice(fields.GRANT_TYPES),
        help="What it may use.",
    ),
    click.option(
        "--response-type",
        "response_types",
        multiple=True,
        type=click.Choice(RESPONSE_TYPES),
        help="What it may ask for at the authorization endpoint; without it what its grant types imply.",
    ),
    click.option(
        "--response-mode",
        "response_modes",
        multiple=True,
        type=click.Choice(RESPONSE_MODES),
        help="How answers may reach it; without it in every way.",
    ),
    click.option("--scope", help="Scopes it may ask for, blanks between them; without it openid."),
    click.option(
        "--alg",
        "id_token_signed_response_alg",
        type=click.Choice((*fields.ALGORITHMS, "default")),
        help="Signs ID tokens; default is each dialect's own.",
    ),
    click.option(
        "--pkce/--no-pkce", "require_pkce", default=None, help="Whether PKCE is required; it is of public ones."
    ),
    click.option(
        "--require-par/--no-require-par",
        "require_pushed_authorization_requests",
        default=None,
        help="Whether it has to push its authorization requests first.",
    ),
    click.option(
        "--consent", type=click.Choice(fields.CONSENTS), help="Whether people are asked; without it they are."
    ),
    click.option(
        "--refresh-policy", type=click.Choice(fields.REFRESH_POLICIES), help="What use of a refresh token does."
    ),
    click.option(
        "--refresh-grace", type=int, help="Seconds for which a rotated refresh token still leads to its successor."
    ),
    click.option(
        "--organizations",
        "organization_usage",
        type=click.Choice(rules.ORGANIZATIONS),
        help="Whether people may, or have to, sign in for an organization.",
    ),
    click.option(
        "--sign-in-audience",
        type=click.Choice(rules.SIGN_IN_AUDIENCES),
        help="Whose people may sign in: the tenant's own, those of any organization, personal accounts, or everyone.",
    ),
    click.option(
        "--assignment/--no-assignment",
        "assignment_required",
        default=None,
        help="Whether only people sign in who are assigned: see intaglio client role.",
    ),
    _list("--audience", "audiences", "API that its access tokens may be for; may be given again."),
    _list("--origin", "allowed_origins", "Web origin whose scripts may call; may be given again."),
    click.option("--client-uri", help="Its home page."),
    click.option("--logo-uri", help="Its picture for the sign-in pages."),
    click.option("--policy-uri", help="What it does with what it is told."),
    click.option("--tos-uri", help="Its terms of service."),
    _list("--contact", "contacts", "Whom to ask about it; may be given again."),
    click.option(
        "--jwks-file",
        help="File with its public keys, a JWK Set or certificates in PEM, - for stdin; empty takes them away.",
    ),
    click.option("--jwks-uri", help="Where it publishes its public keys."),
    _choice("--id-token-encryption-alg", ("", *ASYMMETRIC), "Encrypts its ID tokens."),
    _choice("--id-token-encryption-enc", ("", *CONTENT), "Encrypts their content; without it A128CBC-HS256."),
    _choice("--encrypt-id-token", fields.ENCRYPT, "Where its ID tokens must be encrypted."),
    _choice("--userinfo-alg", ("", *fields.ALGORITHMS), "Signs UserInfo."),
    _choice("--userinfo-encryption-alg", ("", *ASYMMETRIC), "Encrypts UserInfo."),
    _choice("--userinfo-encryption-enc", ("", *CONTENT), "Encrypts its content; without it A128CBC-HS256."),
    click.option(
        "--request-object-alg",
        "request_object_signing_alg",
        type=click.Choice([alg or "any" for alg in rules.OBJECT_ALGORITHMS]),
        help="The one algorithm of its request objects; none are those without a signature.",
    ),
    _choice("--request-object-encryption-alg", ("", *requestobject.ENCRYPTION_ALGS), "Encrypts its request objects."),
    _choice("--request-object-encryption-enc", ("", *CONTENT), "Encrypts their content; without it A128CBC-HS256."),
    _list("--request-uri", "request_uris", "Where a request object of its may be; may be given again."),
    click.option(
        "--subject-type", type=click.Choice(fields.SUBJECT_TYPES), help="pairwise: nobody else is told the same."
    ),
    click.option("--sector-identifier-uri", help="A JSON array of all redirect URIs that share pairwise subjects."),
    click.option("--default-max-age", type=int, help="Seconds after which people sign in again."),
    click.option("--require-auth-time/--no-require-auth-time", default=None, help="Whether auth_time is always told."),
    _list("--acr-value", "default_acr_values", "How people should sign in; may be given again."),
    click.option("--initiate-login-uri", help="Where another may begin a sign-in."),
    click.option("--backchannel-logout-uri", help="Where it is told of sign-outs, server to server."),
    click.option("--backchannel-session/--no-backchannel-session", default=None, help="Whether that needs sid."),
    click.option("--frontchannel-logout-uri", help="Where it is told of sign-outs, in the browser."),
    click.option("--frontchannel-session/--no-frontchannel-session", default=None, help="Whether that needs sid."),
    lifetimes.options(*SPANS),
    lifetimes.grant_option,
    dialect_settings.option,
)
RENAMED = {
    "id_token_encryption_alg": "id_token_encrypted_response_alg",
    "id_token_encryption_enc": "id_token_encrypted_response_enc",
    "userinfo_alg": "userinfo_signed_response_alg",
    "userinfo_encryption_alg": "userinfo_encrypted_response_alg",
    "userinfo_encryption_enc": "userinfo_encrypted_response_enc",
    "backchannel_session": "backchannel_logout_session_required",
    "frontchannel_session": "frontchannel_logout_session_required",
}
EMPTY = {"request_object_signing_alg": "any", "id_token_signed_response_alg": "default"}
"""What an empty choice is called on the command line where it is not `none`."""


def metadata_options(function: F) -> F:
    """Add the options of a client's metadata to a command; all of them may be left out."""
    for option in reversed(OPTIONS):
        function = option(function)
    return function


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that were given, by the names of the act.

    Raises `Misconfigured` (`input-unreadable`, `keys-invalid`), `click.UsageError`.
    """
    left = dict(options)
    spans = lifetimes.given(left, *SPANS)
    per_grant, keys = left.pop("grant_lifetimes"), left.pop("jwks_file")
    found = {RENAMED.get(name, name): value for name, value in left.items() if value is not None and value != ()}
    for name, value in found.items():
        # One empty text takes a whole list away.
        if value == ("",):
            found[name] = ()
        if value == EMPTY.get(name, "none") and name in _CHOICES:
            found[name] = ""
    if "scope" in found:
        found["scope"] = tuple(found["scope"].split())
    if spans:
        found["lifetimes"] = spans
    if per_grant:
        found["grant_lifetimes"] = lifetimes.read(per_grant)
    if keys is not None:
        found["jwks"] = _set(secretinput.read_text(keys)) if keys else {}
    return found


def _set(text: str) -> dict[str, Any]:
    """Return the JWK Set of a text, also of certificates; raises `Misconfigured` (`keys-invalid`)."""
    from intaglio import codec
    from intaglio.server.registry import keysets

    written, _ = keysets.read(keysets.of_text(text))
    return codec.decode_json_object(written.encode())


_CHOICES = frozenset(
    {
        *(name for name in RENAMED.values() if not name.endswith("required")),
        *("encrypt_id_token", "request_object_encryption_alg", "request_object_encryption_enc"),
        *EMPTY,
    }
)
