"""What a person is shown who lets a device in (RFC 8628 sections 3.3 and 5.4)."""

from __future__ import annotations

from intaglio.protocol.device import DeviceEntry
from intaglio.protocol.pages import Brand, DeviceConfirmPage, DeviceDonePage, DevicePage, LoginPage
from intaglio.server.http import pages
from intaglio.server.http.csrf import Forms
from intaglio.server.model.clients import Client
from intaglio.server.model.users import User
from intaglio.server.provider import consent
from intaglio.server.provider.device import WaitingDevice
from intaglio.server.provider.scene import Scene
from intaglio.wire import url

ENTRY = "/_intaglio/device"
WAITING = "/_intaglio/device/"
SIGN_UP = "/signup"
"""What follows the name of a waiting device where its person makes an account."""
MINUTE = 60


def entry_purpose(scene: Scene) -> str:
    """Return what the token of the form for the code is bound to: the tenant at this issuer."""
    return f"device\0{scene.tenant.tenant_id}\0{scene.issuer}"


def confirm_purpose(name: str, user: User) -> str:
    """Return what the decision's form is bound to: the waiting device, and the person who was shown it."""
    return f"device\0{name}\0{user.user_id}"


def _brand(scene: Scene) -> Brand:
    return Brand(scene.tenant.name, scene.tenant.logo_uri)


def entry(asked: DeviceEntry, scene: Scene, forms: Forms, error: str = "") -> DevicePage:
    """Return the page that asks for the code."""
    return DevicePage(
        brand=_brand(scene),
        action=url.with_query(ENTRY, [("tenant", scene.tenant.tenant_id or scene.tenant.slug)]),
        csrf=forms.token(asked.browser, entry_purpose(scene)),
        user_code=asked.user_code,
        error=error,
    )


def login(waiting: WaitingDevice, name: str, scene: Scene, forms: Forms, username: str, error: str) -> LoginPage:
    """Return the login page of a person who has typed a device's code."""
    return LoginPage(
        brand=_brand(scene),
        client_name=waiting.client.client_name,
        action=WAITING + name,
        csrf=forms.token(scene.browser_secret, name),
        username=username,
        error=error,
        face=pages.face(waiting.client),
        sign_up=WAITING + name + SIGN_UP if scene.tenant.sign_up else "",
    )


def confirm(waiting: WaitingDevice, name: str, user: User, scene: Scene, forms: Forms) -> DeviceConfirmPage:
    """Return the page that shows what asks, from where and since when, and asks for the person's word."""
    request = waiting.request
    groups = consent.groups_of(scene.dialect, scene.tenant)
    scopes = consent.choices(tuple(request.scope.split()), scene.dialect, groups)
    return DeviceConfirmPage(
        brand=_brand(scene),
        client_name=waiting.client.client_name,
        user_name=str(user.claims.get("name") or user.username),
        user_code=waiting.user_code,
        origin=request.origin,
        nearby=is_nearby(request.origin, scene.peer),
        waited=waited(scene.now - request.created_at),
        action=WAITING + name,
        csrf=forms.token(scene.browser_secret, confirm_purpose(name, user)),
        scopes=scopes,
        groups=consent.shown_groups(scopes, groups),
        face=pages.face(waiting.client),
    )


def is_nearby(asked: str, here: str) -> bool:
    """Tell whether a device asked from the address that this browser has (RFC 8628 5.4)."""
    # A name such as localhost leads to either loopback address, and both are this machine.
    return asked == here or (url.is_loopback_host(asked) and url.is_loopback_host(here))


def waited(seconds: int) -> str:
    """Return in words how long ago something was."""
    minutes = seconds // MINUTE
    if minutes < 1:
        return "less than a minute ago"
    return "a minute ago" if minutes == 1 else f"{minutes} minutes ago"


def done(client: Client, scene: Scene, *, allowed: bool) -> DeviceDonePage:
    """Return the page that says how it ended."""
    return DeviceDonePage(_brand(scene), client.client_name, allowed)
