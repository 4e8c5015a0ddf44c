"""Signing in with user name and password."""

from __future__ import annotations

from intaglio.server.model import users
from intaglio.server.model.users import User
from intaglio.server.provider.scene import House, Scene
from intaglio.server.provider.signin import throttle

AMR = ("pwd",)
"""RFC 8176 section 2: how the person proved who they are."""

MAX_USERNAME = 320


async def verify(username: str, password: str, scene: Scene, house: House) -> User | None:
    """Return the user whose name and password these are, or None; raises `throttle.TooManyAttempts`.

    SECURITY: an unknown or disabled user costs the same hash and gets the same answer (test_login_does_not_enumerate).
    """
    username = username.strip()[:MAX_USERNAME]
    await throttle.admit(username, scene, house)
    user = await house.store.read(users.by_name, scene.tenant.tenant_id, username)
    right = await house.passwords.verify(user.password_hash if user is not None else "", password)
    if user is None or user.disabled_at is not None or not right:
        return None
    await throttle.succeeded(username, scene, house)
    return user
