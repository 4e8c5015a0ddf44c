"""From what was written down to services that decide: each mode is put together here."""

from __future__ import annotations

import json
import pathlib
import tomllib
from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from intaglio.dialects.dialect import Dialect, Site
from intaglio.ids import Secret
from intaglio.names import Issuer
from intaglio.relying.party import RelyingParty
from intaglio.server.gate import config as configs
from intaglio.server.gate.app import Protected
from intaglio.server.gate.believing import Believer, OthersKeys, OwnKeys
from intaglio.server.gate.callers import Callers
from intaglio.server.gate.config import AnyWard, Config, Endpoints, Iap, Plain, Run
from intaglio.server.gate.endpoints import EndpointsMode
from intaglio.server.gate.iap import Assertions, IapMode
from intaglio.server.gate.inside import Inside, unsuited
from intaglio.server.gate.outcome import Mode
from intaglio.server.gate.plain import PlainMode
from intaglio.server.gate.run import RunMode
from intaglio.server.gate.session import Jar
from intaglio.server.gate.signin import CALLBACK, SignIn
from intaglio.server.gate.streaming import Upstream
from intaglio.server.keyring import rings
from intaglio.server.model import projects, tenants
from intaglio.server.workload.place import Works
from intaglio.validate.keysource import RemoteKeys
from intaglio.wire.flow import Driver

DIALECT = "google"
"""Whose words the modes run, iap and endpoints are of."""
MAX_FILE = 4 * 1024 * 1024


class Door(msgspec.Struct, frozen=True):
    """Where a dialect of the installation answers, and the tenant behind it (empty: the path tells)."""

    base_url: str
    tenant: str = ""


class Installation(msgspec.Struct, frozen=True):
    """The installation that the gate belongs to: what its functions work with, and its doors by dialect."""

    works: Works
    doors: Mapping[str, Door]

    def __repr__(self) -> str:
        return "Installation(…)"


class Outside(Protocol):
    """What opens connections for the gate."""

    def outgoing(self, trusted: tuple[str, ...]) -> Driver:
        """Return what runs calls to the hosts of the trusted URLs."""
        ...

    def upstream(self, origin: str) -> Upstream:
        """Return what passes requests on to an origin; raises `Misconfigured` (`upstream-unusable`)."""
        ...


class Builder:
    """Puts services together."""

    def __init__(
        self, dialects: Mapping[str, Dialect], outside: Outside, folder: pathlib.Path, installation: Installation | None
    ) -> None:
        self._dialects = dialects
        self._outside = outside
        self._folder = folder
        self._installation = installation

    async def services(self, config: Config) -> list[Protected]:
        """Return the services of a configuration.

        Raises `Misconfigured` (`gate-invalid`, `dialect-unsuited`, `openapi-unusable`, `upstream-unusable`).
        """
        return [await self._service(ward) for ward in config.service]

    async def _service(self, ward: AnyWard) -> Protected:
        upstream = self._outside.upstream(ward.upstream) if ward.upstream else None
        secure = ward.url.startswith("https:")
        return Protected(ward.name, ward.host, secure, await self._mode(ward), upstream)

    async def _mode(self, ward: AnyWard) -> Mode:
        if isinstance(ward, Run):
            inside = await self._inside(DIALECT)
            return RunMode(inside, ward.project, ward.service or ward.name, ward.development_client)
        if isinstance(ward, Iap):
            return await self._iap(ward)
        if isinstance(ward, Endpoints):
            return self._endpoints(ward)
        return self._plain(ward)

    async def _inside(self, name: str) -> Inside:
        installation, dialect = self._installation, self._dialects[name]
        if installation is None or name not in installation.doors:
            expected = f"{name}.listen and {name}.base_url in the installation's settings"
            raise configs.refuse("the installation (--config)", expected, "none")
        door, works = installation.doors[name], installation.works
        tenant = await works.store.read(tenants.by_slug, door.tenant or "default")
        if tenant is None:
            raise configs.refuse("the installation (--config)", "a tenant behind the dialect", door.tenant)
        issuer = dialect.issuer(Site(door.base_url, tenant.slug, tenant.tenant_id, tenant.owner))
        ring_id = rings.ring_id(dialect, tenant.tenant_id, door.base_url)
        believer = Believer(issuer, name, OwnKeys(works.keyring, dialect, ring_id))
        callers = Callers(works.store, tenant.tenant_id, works.subjects)
        return Inside(works, dialect, tenant.tenant_id, issuer, ring_id, believer, callers)

    async def _iap(self, ward: Iap) -> IapMode:
        inside, service = await self._inside(DIALECT), ward.service or ward.name
        words = inside.receiving.iap
        if ward.sign_in not in self._dialects:
            raise configs.refuse(f"service {ward.name!r}: sign_in", ", ".join(self._dialects), ward.sign_in)
        people = inside if ward.sign_in == DIALECT else await self._inside(ward.sign_in)
        audience = ward.assertion_audience
        if not audience:
            project = await inside.works.store.read(projects.by_id, inside.tenant_id, ward.project)
            if project is None:
                raise configs.refuse(f"service {ward.name!r}: project", "a project of the installation", ward.project)
            audience = words.audience(project.number, service)
        assertions = Assertions(ward.assertion_issuer or words.issuer(inside.issuer), audience)
        return IapMode(inside, ward.project, service, ward.client_id, assertions, self._sign_in(ward, people))

    def _sign_in(self, ward: Iap, people: Inside) -> SignIn:
        origin = ward.url.rstrip("/")
        party = RelyingParty(
            issuer=people.issuer,
            client_id=ward.client_id,
            redirect_uri=origin + CALLBACK,
            client_secret=self._secret(ward),
            # Who it is, and nothing else: whatever the service is told comes from the installation's own records.
            scope="openid",
            algorithms=people.dialect.profile.signing_algs,
        )
        purpose = f"gate/{ward.name}/{origin}/{ward.client_id}"
        jar = Jar(people.works.vault, ward.name, purpose, secure=origin.startswith("https:"))
        outgoing = self._outside.outgoing((people.issuer,))
        return SignIn(party, origin, jar, people.callers, people.dialect, outgoing, ward.session_seconds)

    def _secret(self, ward: Iap) -> Secret | None:
        if not ward.client_secret_file:
            return None
        return Secret(self._text(ward.client_secret_file, f"service {ward.name!r}: client_secret_file").strip())

    def _endpoints(self, ward: Endpoints) -> EndpointsMode:
        receiving = self._dialects[DIALECT].receiving
        if receiving is None:
            raise unsuited(self._dialects[DIALECT])
        operations = receiving.gateway.read(self._document(ward))
        believers = {
            scheme: self._others(scheme.issuer, "standard", scheme.jwks_uri)
            for operation in operations
            for scheme in operation.schemes
        }
        return EndpointsMode(receiving.gateway, operations, believers)

    def _document(self, ward: Endpoints) -> dict[str, Any]:
        where = f"service {ward.name!r}: openapi"
        text = self._text(ward.openapi, where)
        try:
            document = tomllib.loads(text) if ward.openapi.endswith(".toml") else json.loads(text)
        except ValueError as fault:
            raise configs.refuse(where, "JSON, or TOML in a file that ends in .toml", type(fault).__name__) from fault
        if not isinstance(document, dict):
            raise configs.refuse(where, "an object", type(document).__name__)
        return document

    def _plain(self, ward: Plain) -> PlainMode:
        believer = self._others(ward.issuer, ward.dialect, ward.jwks_uri, ward.discovery_uri, ward.algorithms)
        return PlainMode(believer, ward.audience, ward.claims, ward.require, pass_token=ward.pass_token)

    def _others(
        self,
        issuer: Issuer | str,
        rules: str,
        jwks_uri: str = "",
        discovery_uri: str = "",
        algorithms: tuple[str, ...] = (),
    ) -> Believer:
        source = RemoteKeys(issuer, jwks_uri=jwks_uri or None, discovery_uri=discovery_uri or None)
        keys = OthersKeys(source, self._outside.outgoing(source.configured))
        return Believer(issuer, rules, keys, algorithms)

    def _text(self, name: str, where: str) -> str:
        path = self._folder / name
        try:
            octets = path.read_bytes()
            if len(octets) > MAX_FILE:
                raise configs.refuse(where, f"a file of at most {MAX_FILE} octets", len(octets))
            return octets.decode("utf-8")
        except (OSError, UnicodeDecodeError) as fault:
            raise configs.refuse(where, "a readable file in UTF-8", f"{path}: {type(fault).__name__}") from fault
