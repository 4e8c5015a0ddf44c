"""The conformance suite's plans that this provider is for, with the configuration that each is run with.

The configuration is JSON in the suite's own words: where the provider is, the clients, and what its scripted browser
does on our pages.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from intaglio.server.devmode import conformance
from intaglio.server.devmode.conformance import ALIAS, RESPONSE_TYPES, SLUG, Keys

REGISTRATIONS = ("static_client", "dynamic_client")
SUFFIX = "-certification-test-plan"
WAIT_SECONDS = 10

Commands = list[list[Any]]


class SuitePlan(msgspec.Struct, frozen=True):
    """One run of a plan: the suite's name for it and the variants that are chosen."""

    name: str
    variant: dict[str, str]

    @property
    def words(self) -> str:
        """The plan as the suite's script is told it on its command line."""
        return self.name + "".join(f"[{key}={value}]" for key, value in self.variant.items())

    @property
    def slug(self) -> str:
        """The plan in letters, digits and hyphens."""
        chosen = (value.replace(" ", "-").replace("_", "-") for value in self.variant.values() if value != "discovery")
        return "-".join((self.name.removesuffix(SUFFIX), *chosen))


def plans() -> Iterator[SuitePlan]:
    """Yield every plan with each of its variants."""
    yield SuitePlan("oidcc-config" + SUFFIX, {})
    for kind in ("basic", "implicit", "hybrid", "formpost-basic", "formpost-implicit", "formpost-hybrid"):
        for registration in REGISTRATIONS:
            variant = {"server_metadata": "discovery", "client_registration": registration}
            yield SuitePlan(f"oidcc-{kind}{SUFFIX}", variant)
    for kind in ("dynamic", "3rdparty-init-login"):
        for response_type in RESPONSE_TYPES:
            yield SuitePlan(f"oidcc-{kind}{SUFFIX}", {"response_type": response_type})
    for kind in ("rp-initiated", "session-management", "frontchannel-rp-initiated", "backchannel-rp-initiated"):
        name = f"oidcc-{kind}-logout{SUFFIX}" if kind != "session-management" else f"oidcc-{kind}{SUFFIX}"
        for registration in REGISTRATIONS:
            yield SuitePlan(name, {"response_type": "code", "client_registration": registration})


def configuration(plan: SuitePlan, base_url: str, suite: str, keys: Keys) -> dict[str, Any]:
    """Return the suite's configuration of a plan, for the provider at `base_url` and the suite at `suite`."""
    issuer = f"{base_url}/{SLUG}"
    told: dict[str, Any] = {
        "alias": ALIAS,
        "description": f"Intaglio: {plan.words}",
        "server": {"discoveryUrl": issuer + "/.well-known/openid-configuration", "login_hint": "alice"},
    }
    if plan.name.startswith("oidcc-config"):
        return told
    return told | _clients(plan, keys) | {"browser": _browser(base_url), "override": _overrides(base_url)}


def _clients(plan: SuitePlan, keys: Keys) -> dict[str, Any]:
    if plan.variant.get("client_registration") != "static_client":
        return {"client": {"client_name": "Conformance suite"}, "client2": {"client_name": "Conformance suite, second"}}
    sections = {"client": ("client_secret_basic", 1), "client2": ("client_secret_basic", 2)}
    sections["client_secret_post"] = ("client_secret_post", 1)
    told = {name: conformance.client_section(*which, keys) for name, which in sections.items()}
    for channel in conformance.CHANNELS:
        if channel in plan.name:
            told["client"] = conformance.channel_section(channel, keys)
    return told


def every_client(keys: Keys) -> dict[str, list[dict[str, Any]]]:
    """Return the two clients of each authentication method as the suite would be told them."""
    return {method: [conformance.client_section(method, n, keys) for n in (1, 2)] for method in conformance.METHODS}


# --- the suite's scripted browser


def _login(extra: Commands | None = None) -> dict[str, Any]:
    commands: Commands = [
        *(extra or []),
        ["text", "id", "username", "alice"],
        ["text", "id", "password", conformance.PASSWORD],
        ["click", "id", "submit-login"],
    ]
    return {"task": "Sign in", "optional": True, "match": "*/_intaglio/login/*", "commands": commands}


def _consent() -> dict[str, Any]:
    commands: Commands = [["click", "id", "submit-consent"]]
    return {"task": "Consent", "optional": True, "match": "*/_intaglio/consent/*", "commands": commands}


def _arrived(path: str) -> dict[str, Any]:
    commands: Commands = [["wait", "id", "submission_complete", WAIT_SECONDS]]
    return {"task": "Arrive", "optional": True, "match": f"*/test/*/{path}*", "commands": commands}


def _seen(task: str, match: str, element: str) -> dict[str, Any]:
    commands: Commands = [["wait", "id", element, WAIT_SECONDS, ".*", "update-image-placeholder"]]
    return {"task": task, "match": match, "commands": commands}


def _browser(base_url: str) -> list[dict[str, Any]]:
    issuer = f"{base_url}/{SLUG}"
    sign_out: dict[str, Any] = {
        "task": "Confirm",
        "optional": True,
        "match": f"{issuer}/logout*",
        "commands": [["click", "id", "submit-logout"]],
    }
    return [
        {"match": f"{issuer}/authorize*", "tasks": [_login(), _consent(), _arrived("callback")]},
        {"match": f"{issuer}/logout*", "tasks": [sign_out, _arrived("post_logout_redirect")]},
    ]


ERROR_PAGES = (
    "ensure-registered-redirect-uri",
    "ensure-redirect-uri-in-authorization-request",
    "redirect-uri-query-mismatch",
    "redirect-uri-query-added",
)
SECOND_LOGINS = ("prompt-login", "max-age-1")


def _overrides(base_url: str) -> dict[str, Any]:
    """Return what is done in the modules that end with a picture of a page."""
    authorize = f"{base_url}/{SLUG}/authorize*"
    page = {"match": authorize, "tasks": [_seen("Error page", authorize, "oauth-error")]}
    first = {"match": authorize, "match-limit": 1, "tasks": [_login(), _consent(), _arrived("callback")]}
    picture: Commands = [["wait", "id", "login-form", WAIT_SECONDS, ".*", "update-image-placeholder"]]
    again = {"match": authorize, "tasks": [_login(picture), _consent(), _arrived("callback")]}
    return {f"oidcc-{name}": {"browser": [page]} for name in ERROR_PAGES} | {
        f"oidcc-{name}": {"browser": [first, again]} for name in SECOND_LOGINS
    }
