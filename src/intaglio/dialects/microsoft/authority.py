"""Addresses of an authority: the word that names a tenant, the version of the endpoints, the issuers of both.

Microsoft's pages "OpenID Connect", "v2.0 protocols" and "ID tokens"; the words `common`, `organizations`, `consumers`.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from urllib.parse import unquote

from intaglio.dialects.dialect import Addressed, Site
from intaglio.names import Issuer

V1, V2 = "1.0", "2.0"
"""The versions of the endpoints, which are those of the ID tokens that come of them."""
PERSONAL = "9188040d-6c67-4c5b-b112-36a304b66dad"
"""The tenant of people who belong to no organisation."""
COMMON, ORGANIZATIONS, CONSUMERS = "common", "organizations", "consumers"
TEMPLATE = "{tenantid}"
"""What stands for a tenant in the issuer of an authority that several share."""
WITHOUT_TENANT = ("/error", "/oidc/userinfo")
"""Paths of the authority itself, behind no tenant's word."""
MACHINE = "/metadata/identity/"
"""Where a program asks for tokens of the machine that it runs on."""
REALM = "/userrealm/"
GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
DEVICE = "/oauth2/deviceauth"
"""Where a person types a device's code, of both versions."""
_V1 = ("/oauth2/", "/.well-known/", "/discovery/keys", "/openid/")


def locate(path: str) -> Addressed:
    """Split `/{tenant}/rest`; the word is a GUID, a domain or one of three fixed words, in any case of letters."""
    # VENDOR: one SDK joins paths with a slash too many.
    path = re.sub(r"/{2,}", "/", path)
    if path.startswith(MACHINE):
        # VENDOR: one SDK ends the path with a slash.
        return Addressed(None, path.rstrip("/"))
    if path in WITHOUT_TENANT:
        return Addressed(COMMON, path, by="open", variant=V2, personal=True)
    word, slash, rest = path[1:].partition("/")
    word, rest = unquote(word).lower(), slash + rest
    # VENDOR: one SDK writes the word in other letters.
    rest = REALM + rest[len(REALM) :] if rest[: len(REALM)].lower() == REALM else rest
    variant = version(rest)
    if word in (COMMON, ORGANIZATIONS):
        return Addressed(word, rest, by="open", variant=variant, personal=word == COMMON)
    if word == CONSUMERS:
        return Addressed(PERSONAL, rest, by="id", variant=variant)
    return Addressed(word, rest, by="id" if GUID.fullmatch(word) else "domain", variant=variant)


def version(rest: str) -> str:
    """Return which version of the endpoints a path behind the tenant's word belongs to."""
    return V1 if rest.startswith(_V1) and "/v2.0/" not in rest and rest != DEVICE else V2


def issuer(site: Site) -> Issuer:
    """Return the issuer: of v2.0, or of v1.0 with its slash at the end; for several tenants it is a template."""
    tenant = site.tenant_id or TEMPLATE
    return Issuer(f"{site.base_url}/{tenant}/" if site.variant == V1 else f"{site.base_url}/{tenant}/v2.0")


def endpoints(site: Site) -> str:
    """Return where the endpoints start: behind the GUID, or the word that stands for several tenants."""
    return f"{site.base_url}/{site.tenant_id or site.slug}"


def authority(base: str) -> str:
    """Return the base address of the authority from that of a tenant's endpoints."""
    return base.rsplit("/", 1)[0]


def session_guid(session_id: str) -> str:
    """Return the GUID by which a session is known outside: derived, the same as long as the session lasts."""
    octets = hashlib.sha256(b"intaglio microsoft session\0" + session_id.encode()).digest()
    return str(uuid.UUID(bytes=octets[:16], version=4))
