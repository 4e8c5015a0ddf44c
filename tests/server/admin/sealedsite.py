"""A site whose database holds something of every kind that is sealed, as a version left it that knew one key alone."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

import msgspec

from intaglio import codec
from intaglio.errors import IntaglioError, Misconfigured
from intaglio.ids import Secret
from intaglio.server.admin import connections, tenants
from intaglio.server.devmode import seeds
from intaglio.server.issue import accountsigning
from intaglio.server.keyring import rotate, unlocking
from intaglio.server.keyring.masterkeys import LocalKey, MasterKey
from intaglio.server.keyring.unlocking import Lock
from intaglio.server.keyring.vault import Vault
from intaglio.server.model import accountkeys, installation, sealed, vaultkeys
from intaglio.server.registry import connectionrules
from intaglio.server.registry.connectionrules import Wanted
from intaglio.server.registry.deeds import Actor
from intaglio.tokens import jwk, privatejwk
from tests import harness, workloads

OLD = LocalKey(harness.MASTER_KEY)
NEW = LocalKey(bytes(range(100, 132)))
SECRET, UPSTREAM = "canary-sealed-4711", "canary-upstream-4711"
_SEALED = re.compile(rb"eyJ[A-Za-z0-9_-]+\.\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+")


class SealedSite(harness.Site):
    """The site, and what an operator and a thief see of it."""

    def lock(self, master: MasterKey = OLD) -> Lock:
        """Return what a process has that was started with this master key."""
        return Lock(self.store, master)

    def open(self, master: MasterKey = OLD) -> Vault:
        """Return the vault, as a process gets it that starts now."""
        return self.run(self.lock(master).open(self.clock.now()))

    def is_refused(self, master: MasterKey = OLD) -> str:
        """Return the code by which a start is refused, empty if it is not."""
        try:
            self.open(master)
        except Misconfigured as fault:
            return fault.code
        return ""

    def actor(self) -> Actor:
        """Return who acts now."""
        return Actor("operator:test", self.clock.now())

    def sealed_texts(self) -> list[str]:
        """Return every sealed text of the whole database but the envelopes, whatever table or column it is in."""
        connection = self.store.connection  # type: ignore[attr-defined]
        found: list[str] = []
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for name in names:
            if name == "vault_keys":
                continue
            for row in connection.execute(f'SELECT * FROM "{name}"'):  # noqa: S608 - the schema's own names
                for value in row:
                    octets = value.encode() if isinstance(value, str) else value if isinstance(value, bytes) else b""
                    found += [text.decode() for text in _SEALED.findall(octets)]
        return found

    def kids(self) -> list[str]:
        """Return which key each sealed text names, "0" for none."""
        heads = (codec.decode_json_object(codec.decode_base64url(text.split(".")[0])) for text in self.sealed_texts())
        return sorted(str(head.get("kid", "0")) for head in heads)

    def rows(self) -> dict[str, vaultkeys.WrappedKeys]:
        """Return the wrapped keys by master key."""
        return {row.wrapped_by: row for row in self.read(vaultkeys.every)}

    def works(self, vault: Vault) -> None:
        """Check that a process with this vault can use everything that is kept."""
        client = self.client("sealed")
        secrets = type(self.house.secrets)(vault.derive("client-secrets"), vault)
        assert secrets.verify(client.secrets, SECRET, self.clock.now())
        assert [one.reveal() for one in secrets.sealed(client.secrets, self.clock.now())] == [SECRET]
        assert secrets.verify(self.client("web").secrets, "web-secret", self.clock.now())
        connection = self.run(connections.show(self.store, self.tenant, "upstream"))
        assert vault.open(connection.sealed_secret, connectionrules.SECRET) == UPSTREAM.encode()
        assert b'"d"' in vault.open(connection.sealed_jwks, connectionrules.KEYS)
        for place in self.read(sealed.signing_keys, ("", ""), 50):
            assert vault.open(place.text.decode(), rotate.PURPOSE + place.key[1])
        for place in self.read(sealed.account_keys, ("", "", ""), 50):
            record = msgspec.json.decode(place.text, type=accountkeys.AccountKey)
            assert vault.open(record.sealed_private, accountsigning.PURPOSE + record.key_id)

    @property
    def tenant(self) -> tenants.Tenant:
        """The default tenant."""
        return self.run(tenants.show(self.store, seeds.SLUG))


def opens(text: str, octets: bytes) -> bool:
    """Tell whether somebody who has one key opens a text with it, by any purpose that is known."""
    for purpose in (unlocking.PROOF, "client-secret", connectionrules.SECRET, connectionrules.KEYS):
        with contextlib.suppress(IntaglioError):
            Vault(octets).open(text, purpose)
            return True
    return False


@contextlib.contextmanager
def of_before() -> Iterator[SealedSite]:
    """Give the site as the version before left it: its master key is the key that sealed everything."""
    site = SealedSite()
    try:
        proof = site.vault.seal(unlocking.PROOF_TEXT, unlocking.PROOF)
        site.write(installation.keep_fact, unlocking.PROOF, proof)
        kept = site.house.secrets.keep(SECRET, harness.NOW, sealed=True)
        site.add_client("sealed", secrets=(kept,), token_endpoint_auth_methods=("client_secret_jwt",))
        members = privatejwk.members(jwk.generate("ES256"), "canary") | {"use": "enc", "alg": "ECDH-ES"}
        jwks = codec.encode_json({"keys": [members]}).decode()
        wanted = Wanted(issuer="https://up.example", client_id="us", client_secret=Secret(UPSTREAM), jwks=Secret(jwks))
        site.run(connections.create(site.store, site.vault, site.actor(), site.tenant, "upstream", wanted))
        site.write(accountkeys.insert, accountsigning.make(site.vault, workloads.seeded(site), harness.NOW))
        yield site
    finally:
        site.close()
