"""Consent: what is asked, in words, and what is still to be asked."""

from __future__ import annotations

from intaglio.dialects.dialect import Dialect
from intaglio.protocol.pages import ChoiceGroup, ScopeChoice
from intaglio.protocol.scopes import ScopeGroup
from intaglio.server.model import consents
from intaglio.server.model.administrators import SCOPE as ADMINISTRATION
from intaglio.server.model.clients import Client
from intaglio.server.model.tenants import Tenant
from intaglio.server.model.users import User
from intaglio.server.provider.scene import House, Scene

WORDS = {
    "openid": ("Know who you are", "A stable identifier for you, and when you signed in."),
    "profile": ("See your profile", "Your name, picture, birthday, language and similar details."),
    "email": ("See your e-mail address", "The address, and whether it has been confirmed."),
    "phone": ("See your phone number", "The number, and whether it has been confirmed."),
    "address": ("See your postal address", "Street, town, region and country."),
    "offline_access": ("Stay connected", "Keep access while you are away, until you or an administrator ends it."),
    ADMINISTRATION: (
        "Administer this service",
        "Whatever you may change here: tenants, applications, people and keys.",
    ),
}
"""A title and a sentence for each scope that has a standard meaning."""

OTHERS = ChoiceGroup("others", "Other permissions")
"""Where scopes are shown that are in none of the groups that there are."""


def groups_of(dialect: Dialect, tenant: Tenant) -> tuple[ScopeGroup, ...]:
    """Return the groups that a tenant's scopes are in, none where the dialect knows none."""
    return dialect.scope_groups(tenant.dialects.get(dialect.name, {})) if dialect.scope_groups is not None else ()


def choices(scope: tuple[str, ...], dialect: Dialect, groups: tuple[ScopeGroup, ...] = ()) -> tuple[ScopeChoice, ...]:
    """Return the scopes as the page shows them; `openid` cannot be left out of a sign-in."""
    own = {word: (told.title, told.description) for group in groups for word, told in group.scopes.items() if told}
    # SECURITY: a tenant words its own scopes, and not what is ours to say
    # (test_nobody_gives_administration_another_name).
    words = {**WORDS, **dialect.scope_words, **own, ADMINISTRATION: WORDS[ADMINISTRATION]}
    placed = {word: group.name for group in groups for word in group.scopes}
    otherwise = OTHERS.name if groups else ""
    return tuple(
        ScopeChoice(
            word,
            *words.get(word, (word, "A permission that the application defines.")),
            word == "openid",
            placed.get(word, otherwise),
        )
        for word in scope
    )


def shown_groups(shown: tuple[ScopeChoice, ...], groups: tuple[ScopeGroup, ...]) -> tuple[ChoiceGroup, ...]:
    """Return the groups that the page shows: those of which it shows a scope, and one for scopes without any."""
    there = {choice.group for choice in shown}
    every = (*(ChoiceGroup(one.name, one.title, one.description) for one in groups), OTHERS)
    return tuple(one for one in every if one.name in there) if groups else ()


def _unasked(scene: Scene) -> frozenset[str]:
    """Return the scopes that an operator gives without asking anybody."""
    groups = groups_of(scene.dialect, scene.tenant)
    return frozenset(word for group in groups for word, told in group.scopes.items() if told and not told.asks)


async def missing(client: Client, user: User, scope: tuple[str, ...], scene: Scene, house: House) -> frozenset[str]:
    """Return the scopes that the user has not granted to the client yet; none for a client that need not ask."""
    if client.consent == "implicit":
        return frozenset()
    # RFC 8252 8.6: anything on a person's machine can call itself by a native program's name; the person is asked.
    if client.is_public and client.application_type == "native":
        return frozenset(scope)
    granted = await house.store.read(consents.granted, scene.tenant.tenant_id, user.user_id, client.client_id)
    # SECURITY: nobody decides for administrators what may act in their name
    # (test_nobody_consents_to_administration_for_everybody).
    decided = (frozenset(client.consented_scope) | _unasked(scene)) - {ADMINISTRATION}
    return frozenset(scope) - granted - decided


async def before(client: Client, user: User, scope: tuple[str, ...], scene: Scene, house: House) -> tuple[str, ...]:
    """Return what the user has granted to the client earlier, and the client may still have, besides `scope`.

    How long access lasts, and who administers, is decided anew each time.
    """
    # SECURITY: a native program's name is no proof of what runs under it, so nothing is given that was not shown
    # (test_a_native_program_gets_only_what_its_page_showed).
    if client.is_public and client.application_type == "native":
        return ()
    granted = await house.store.read(consents.granted, scene.tenant.tenant_id, user.user_id, client.client_id)
    # SECURITY: administration is given by name, in the very request (test_administration_is_not_granted_along).
    left_out = {*scope, "offline_access", ADMINISTRATION}
    return tuple(word for word in client.scope if word in granted and word not in left_out)
