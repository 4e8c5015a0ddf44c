"""Signing in with user name and password."""

from __future__ import annotations

from intaglio.server.limits.rates import TooMany
from intaglio.server.model import audit, users
from intaglio.server.model.tenants import Tenant
from intaglio.server.model.users import User
from intaglio.server.provider import limited, traces
from intaglio.server.provider.scene import House, Scene
from intaglio.server.provider.signin import throttle
from intaglio.wire.message import Noted

AMR = ("pwd",)
"""RFC 8176 section 2: how the person proved who they are."""

MAX_USERNAME = 320


async def verify(username: str, password: str, scene: Scene, house: House, client_id: str = "") -> User | None:
    """Return the user whose name and password these are, or None; raises `TooMany`. `client_id` is who asked for it.

    SECURITY: an unknown or disabled user costs the same hash and gets the same answer (test_login_does_not_enumerate).
    """
    noted = scene.noted if scene.noted is not None else Noted()
    try:
        user = await _verified(username, password, scene, house, client_id)
    except TooMany:
        noted.sign_in = "limited"
        raise
    noted.sign_in = "failed" if user is None else "ok"
    return user


async def _verified(username: str, password: str, scene: Scene, house: House, client_id: str) -> User | None:
    typed = username.strip()[:MAX_USERNAME]
    username = own_name(typed, scene.tenant)
    await limited.count("sign-ins", scene, house, client_id)
    await throttle.admit(username, scene, house)
    user = await house.store.read(users.by_name, scene.tenant.tenant_id, typed)
    if user is None and username != typed:
        user = await house.store.read(users.by_name, scene.tenant.tenant_id, username)
    right = await house.passwords.verify(user.password_hash if user is not None else "", password)
    if user is None or user.disabled_at is not None or not right:
        cause = "unknown" if user is None else "password-wrong" if not right else "disabled"
        denied = traces.entry(user, traces.SIGN_IN, scene, "denied", cause=cause, client=client_id)
        await house.store.write(audit.insert_one, denied)
        return None
    await throttle.succeeded(username, scene, house)
    return user


def own_name(username: str, tenant: Tenant) -> str:
    """Return a user name without what only says where it belongs: `@` and one of the tenant's own domains."""
    name, _, domain = username.rpartition("@")
    return name if name and domain.lower() in tenant.domains else username
