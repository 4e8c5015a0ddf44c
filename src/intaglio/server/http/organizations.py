"""The page on which a person says for which organization they sign in."""

from __future__ import annotations

from intaglio.protocol.pages import Brand, OrganizationChoice, OrganizationPage
from intaglio.server.http import pages
from intaglio.server.http.dispatch import Hall
from intaglio.server.model.users import User
from intaglio.server.provider import organizations
from intaglio.server.provider.scene import Scene
from intaglio.server.provider.signin.steps import Waiting


async def page(waiting: Waiting, action: str, csrf: str, user: User, scene: Scene, hall: Hall) -> OrganizationPage:
    """Return the page for a person who belongs to several."""
    settled = await organizations.settle(waiting.query, waiting.client, user, scene, hall.house)
    return OrganizationPage(
        brand=Brand(scene.tenant.name, scene.tenant.logo_uri),
        client_name=waiting.client.client_name,
        user_name=str(user.claims.get("name") or user.username),
        action=action,
        csrf=csrf,
        choices=tuple(
            OrganizationChoice(one.organization_id, one.name, one.display_name or one.name) for one in settled.choices
        ),
        form_targets=pages.form_targets(waiting.query.redirect_uri),
        face=pages.face(waiting.client),
    )
