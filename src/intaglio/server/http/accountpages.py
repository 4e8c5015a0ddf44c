"""The page `sessions and apps` as records: its lists, and its login form."""

from __future__ import annotations

from datetime import UTC, datetime

from intaglio.protocol.account import AccountSignIn, AccountView, SeenApp, SeenSession
from intaglio.protocol.pages import AccountPage, AppRow, Brand, ConnectionChoice, LoginPage, SessionRow
from intaglio.server.http.csrf import Forms
from intaglio.server.provider import consent
from intaglio.server.provider.scene import Scene
from intaglio.wire import url

PATH = "/account"
"""Where an issuer has the page, and where its forms lead."""
ACTION = "/_intaglio/account"
ELSEWHERE = "/_intaglio/upstream/account/"
"""Where somebody leaves who signs in at another provider for this page."""
SELF = "your sessions and apps"
UNKNOWN_DEVICE = "An unknown browser"


def page(view: AccountView, scene: Scene, forms: Forms) -> AccountPage:
    """Return the page of a person who is signed in."""
    return AccountPage(
        brand=Brand(scene.tenant.name, scene.tenant.logo_uri),
        user_name=view.user_name,
        action=_action(scene),
        csrf=forms.token(scene.session_secret, purpose(view.user_id, scene)),
        sessions=tuple(_session_row(one) for one in view.sessions),
        apps=tuple(_app_row(one, scene) for one in view.apps),
    )


def login(needed: AccountSignIn, scene: Scene, forms: Forms, *, username: str = "", error: str = "") -> LoginPage:
    """Return the login form of this page."""
    return LoginPage(
        brand=Brand(scene.tenant.name, scene.tenant.logo_uri),
        client_name=SELF,
        action=_action(scene),
        csrf=forms.token(needed.browser, login_purpose(scene)),
        username=username,
        error=error,
        connections=tuple(ConnectionChoice(name, title, way(name, scene)) for name, title in needed.connections),
    )


def way(name: str, scene: Scene) -> str:
    """Return the address that leads to the connection of a name, and back to the page."""
    return url.with_query(ELSEWHERE + name, [("tenant", str(scene.tenant.tenant_id))])


def _action(scene: Scene) -> str:
    return url.with_query(ACTION, [("tenant", scene.tenant.tenant_id)])


def purpose(user_id: str, scene: Scene) -> str:
    """Return what the page's forms are bound to: the tenant, and the person who was shown it."""
    return f"account\0{scene.tenant.tenant_id}\0{user_id}"


def login_purpose(scene: Scene) -> str:
    """Return what the login form's token is bound to: the tenant at this issuer."""
    return f"account-login\0{scene.tenant.tenant_id}\0{scene.issuer}"


def _moment(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%-d %B %Y, %H:%M UTC")


def _session_row(one: SeenSession) -> SessionRow:
    return SessionRow(one.session_id, one.device or UNKNOWN_DEVICE, _moment(one.auth_time), one.apps, one.own)


def _app_row(one: SeenApp, scene: Scene) -> AppRow:
    groups = consent.groups_of(scene.dialect, scene.tenant)
    titles = tuple(choice.title for choice in consent.choices(one.scope, scene.dialect, groups))
    return AppRow(one.client_id, one.name, one.client_uri, titles, _moment(one.since), one.offline)
