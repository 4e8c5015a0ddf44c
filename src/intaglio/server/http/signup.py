"""The page on which people make an account of their own, where a tenant lets them.

Initiating User Registration via OpenID Connect 1.0; NIST SP 800-63B section 5.1.1.2 for passwords.

SECURITY: that a name is taken has to be said, for nobody could choose another one otherwise; what that tells a stranger
is bounded by how often an address may try (test_sign_ups_are_slowed_down), and the time tells nothing more.
"""

from __future__ import annotations

import unicodedata

import msgspec

from intaglio.errors import Misconfigured
from intaglio.ids import Secret
from intaglio.protocol.faults import NotFound
from intaglio.protocol.pages import Brand, SignUpPage
from intaglio.server.admin import users as people
from intaglio.server.http import faults, pages
from intaglio.server.http.dispatch import SIGN_UP, Hall
from intaglio.server.limits.rates import TooMany
from intaglio.server.model import users
from intaglio.server.model.clients import Client
from intaglio.server.model.users import User
from intaglio.server.provider.scene import Scene
from intaglio.server.provider.signin import throttle
from intaglio.server.registry.deeds import Actor
from intaglio.wire.message import Request, Response
from intaglio.wire.params import Params

SIGN_UPS = throttle.Allowance("sign-up", from_address=20, altogether=5000)

SENTENCES = {
    "username-invalid": "This user name cannot be used. Take 1 to 200 letters, digits or other visible characters.",
    "password-invalid": "This password cannot be used. It needs 8 characters at least, and 1024 at most.",
    "user-exists": "This user name is taken. Choose another one, or sign in if it is yours.",
}
SAME = "The password must not be the user name."
POSES = "This user name looks like something else. Take letters of one alphabet, and no @: it is no e-mail address."
ALPHABETS = frozenset({"LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "CHEROKEE"})
"""Alphabets whose letters pass for one another's (Unicode Technical Standard 39, section 5.1)."""


class Refusal(msgspec.Struct, frozen=True):
    """Why no account was made, in a sentence for the person."""

    sentence: str
    status: int = 200


class Place(msgspec.Struct, frozen=True):
    """Where in a flow somebody makes an account: the client that waits, and where the page's forms and links lead.

    `name` is the waiting request's; `form_targets` are the origins to which the form may lead in the end.
    """

    client: Client
    name: str
    action: str
    log_in: str
    form_targets: tuple[str, ...] = ()


def page(place: Place, username: str, error: str, scene: Scene, hall: Hall) -> SignUpPage:
    """Return the page that asks for name and password."""
    return SignUpPage(
        brand=Brand(scene.tenant.name, scene.tenant.logo_uri),
        client_name=place.client.client_name,
        action=place.action,
        csrf=hall.forms.token(scene.browser_secret, place.name),
        log_in=place.log_in,
        username=username,
        error=error,
        form_targets=place.form_targets,
        face=pages.face(place.client),
    )


async def sign_up(place: Place, form: Params, scene: Scene, hall: Hall) -> User | Response:
    """Make the account that the form asks for, or answer with the page again.

    Raises `NotFound` where nobody may make one.
    """
    if not scene.tenant.sign_up:
        raise NotFound(detail={"expected": "a tenant where people may make accounts", "received": scene.tenant.slug})
    username = form.get("username")
    made = await create(username, form.get("password"), scene, hall)
    if isinstance(made, User):
        return made
    return msgspec.structs.replace(hall.page(page(place, username, made.sentence, scene, hall)), status=made.status)


async def create(username: str, password: str, scene: Scene, hall: Hall) -> User | Refusal:
    """Make the account, or return why it was not made; every attempt is counted before it is looked at."""
    try:
        await throttle.spend(SIGN_UPS, scene, hall.house)
    except TooMany as error:
        _log(error.code, scene)
        return Refusal(error.public, 429)
    # OpenID Connect Core 5.7: applications that tell people apart by preferred_username all the same must not be told
    # an address that nobody has checked, nor a name that only looks like another person's.
    if poses(username):
        return Refusal(POSES)
    # NIST SP 800-63B 5.1.1.2: a password that repeats the user name is among those that are tried first.
    if users.sign_in_name(password) == users.sign_in_name(username):
        return Refusal(SAME)
    house, secret = hall.house, Secret(password)
    try:
        return await people.create(
            house.store,
            house.clock,
            house.passwords,
            scene.tenant.tenant_id,
            username=username,
            password=secret,
            # Who they will be is not known before the account is there.
            actor=Actor("user:-", scene.now, scene.ref, peer=scene.peer),
        )
    except Misconfigured as error:
        _log(error.code, scene)
        return Refusal(SENTENCES[error.code])


def poses(username: str) -> bool:
    """Tell whether a name looks like an e-mail address, holds letters in disguise, or mixes alphabets."""
    if "@" in unicodedata.normalize("NFKC", username) or not unicodedata.is_normalized("NFKC", username):
        return True
    words = {unicodedata.name(letter, "").partition(" ")[0] for letter in username if letter.isalpha()}
    return len(words & ALPHABETS) > 1


def _log(code: str, scene: Scene) -> None:
    # Not the name that was typed: it may be a password.
    fault = Misconfigured(code, "No account was made.")
    faults.log(fault, scene.ref, Request("POST", SIGN_UP, peer=scene.peer, noted=scene.noted), scene.issuer)
