"""What a pool of external identities and its providers may be, whoever makes them; and what is to be warned of.

Google's page on workload identity federation (limits, conditions); OpenID Connect Discovery 1.0 (issuers).
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import urlsplit

import msgspec

from intaglio import codec
from intaglio.errors import Misconfigured, Refused
from intaglio.protocol.pools import PoolChanges, ProviderChanges
from intaglio.server.model.pools import Pool, PoolProvider
from intaglio.server.registry import fields, looseness, sharedissuers, strangers
from intaglio.server.registry.looseness import Finding
from intaglio.server.registry.mappings import Mapping
from intaglio.tokens import chains, jwk
from intaglio.tokens.jwk import KeySet
from intaglio.validate import discovery
from intaglio.wire import url

MAX_AUDIENCES = 10
MAX_AUDIENCE = 256
MAX_JWKS = 64 * 1024
MAX_ANCHORS = 64 * 1024
OLDEST = 7 * 86400

_ID = re.compile(r"[a-z0-9-]{4,32}")
_RESERVED = "gcp-"
_VISIBLE = re.compile(r"[\x21-\x7e]{1,256}")
_UNPRINTABLE = {"Cc", "Cf", "Cs", "Co"}


def pool(made: Pool) -> Pool:
    """Return a pool whose fields can be kept; raises `Misconfigured` (`pool-id-invalid`, `text-invalid`)."""
    _identifier("pool-id-invalid", "pool", made.pool_id)
    _texts(made.display_name, made.description)
    return made


def provider(made: PoolProvider, namespace: str, *, development: bool) -> PoolProvider:
    """Return a provider whose fields can be kept; http issuers on this machine only with `development`.

    Raises `Misconfigured`: `provider-id-invalid`, `text-invalid`, `provider-kind-unclear`, `issuer-unusable`,
    `jwks-invalid`, `trust-anchors-invalid`, `audience-invalid`, `max-age-invalid`, `mapping-invalid`,
    `expression-invalid`, `condition-missing`, `condition-open`.
    """
    _identifier("provider-id-invalid", "provider", made.provider_id)
    _texts(made.display_name, made.description)
    if bool(made.issuer) == bool(made.trust_anchors) or (made.trust_anchors and (made.jwks or made.discovery_uri)):
        expected = "an issuer, with or without keys, or trust anchors"
        raise fields.refuse("provider-kind-unclear", "The provider's kind is not clear.", expected, "both or neither")
    if made.trust_anchors:
        anchors(made)
    else:
        _issuer(made, development=development)
    _audiences(made)
    if not 60 <= made.max_age <= OLDEST:
        raise fields.refuse("max-age-invalid", "max_age cannot be used.", f"60 to {OLDEST} seconds", made.max_age)
    mapping = Mapping(made.attribute_mapping, made.attribute_condition, namespace)
    if why := open_to_strangers(made, mapping, namespace):
        raise why
    return made


def anchors(made: PoolProvider) -> chains.Anchors:
    """Return the authorities of a provider of client certificates; raises `Misconfigured` (`trust-anchors-invalid`)."""
    public, expected = "The trust anchors cannot be used.", "certificates of authorities in PEM"
    if len(made.trust_anchors) > MAX_ANCHORS:
        raise fields.refuse("trust-anchors-invalid", public, expected, "longer than 64 KiB")
    try:
        return chains.Anchors(made.trust_anchors)
    except Refused as refusal:
        raise fields.refuse("trust-anchors-invalid", public, expected, refusal.detail.get("rule")) from refusal


def keys(made: PoolProvider) -> KeySet:
    """Return the keys that were handed over with a provider; raises `Misconfigured` (`jwks-invalid`)."""
    expected, public = "a JSON Web Key Set with public keys that can be used", "The key set cannot be used."
    if len(made.jwks) > MAX_JWKS:
        raise fields.refuse("jwks-invalid", public, expected, "longer than 64 KiB")
    try:
        found = jwk.read_set(codec.decode_json_object(made.jwks.encode()))
    except (Refused, codec.CodecError) as fault:
        received = fault.detail.get("rule") if isinstance(fault, Refused) else fault
        raise fields.refuse("jwks-invalid", public, expected, received) from None  # may be about a private key
    # A key that is left out without a word would be missed when the issuer signs with it.
    if found.skipped or not found.keys:
        raise fields.refuse("jwks-invalid", public, expected, "; ".join(found.skipped) or "no key")
    return found


def open_to_strangers(made: PoolProvider, mapping: Mapping, namespace: str, own: str = "") -> Misconfigured | None:
    """Return why a provider of a shared issuer would let anybody in; None if it does not.

    `own` is the issuer of this server, which is shared by all its accounts. D6 50 of the security list: trust without
    a condition on the subject.
    """
    is_own = bool(own) and made.issuer == own
    shared = sharedissuers.OWN if is_own else sharedissuers.of(made.issuer) if made.issuer else None
    if shared is None:
        return None
    hint = "Say which of its tokens are yours, as in: assertion.repository_owner_id == '12345'"
    expected = f"a condition, for {shared.name} gives tokens to everybody"
    if not made.attribute_condition:
        public = "A provider for this issuer needs a condition."
        return fields.refuse("condition-missing", public, expected, "none", hint)
    if not looseness.mentions(made.attribute_condition, namespace) or strangers.admits(
        shared, made.issuer, made.attribute_condition, mapping
    ):
        public = "The condition lets strangers in."
        return fields.refuse("condition-open", public, expected, made.attribute_condition, hint)
    loose = [one for one in looseness.patterns(made.attribute_condition) if one.refused]
    if loose:
        public = "A pattern in the condition fits more than it seems to."
        return fields.refuse("condition-open", public, loose[0].text, made.attribute_condition, loose[0].hint)
    return None


def findings(made: PoolProvider, namespace: str) -> list[Finding]:
    """Return what is allowed and still to be warned of: names that change owners, loose patterns, no condition."""
    shared = sharedissuers.of(made.issuer) if made.issuer else None
    found = looseness.patterns(made.attribute_condition)
    found += looseness.names(made.attribute_condition, made.attribute_mapping, shared.ids if shared else {})
    if not made.attribute_condition:
        found.append(
            Finding(
                "no-condition", "Every token of this issuer for the provider's audience gets in.", "Set a condition."
            )
        )
    if made.allowed_audiences and not any("//" in one for one in made.allowed_audiences):
        text = "The audience names nothing of this provider: whoever accepts the same one can bring its tokens here."
        found.append(Finding("plain-audience", text, f"Leave it out: the audience is then {namespace}'s full name."))
    return found


def _identifier(code: str, what: str, value: str) -> None:
    if not _ID.fullmatch(value) or value.startswith(_RESERVED):
        expected = f"4 to 32 of a-z, 0-9 and hyphen, not beginning with {_RESERVED}"
        raise fields.refuse(code, f"The {what}'s name cannot be used.", expected, ascii(value[:80]))


def _texts(display_name: str, description: str) -> None:
    for name, value, longest in (("display_name", display_name, 32), ("description", description, 256)):
        if len(value) > longest or any(unicodedata.category(letter) in _UNPRINTABLE for letter in value):
            expected = f"at most {longest} characters, none of them a control or format character"
            raise fields.refuse("text-invalid", f"{name} cannot be used.", expected, ascii(value[:80]))


def _issuer(made: PoolProvider, *, development: bool) -> None:
    addresses = {"issuer": made.issuer}
    if made.discovery_uri:
        addresses["discovery_uri"] = made.discovery_uri
    for name, value in addresses.items():
        # The document's place is judged here as well: what cannot be asked is refused before the first token comes.
        discovery.location(made.issuer, value if name == "discovery_uri" else None)
        loopback = development and value.startswith("http://") and url.is_loopback_host(urlsplit(value).hostname or "")
        if not (value.startswith("https://") or loopback):
            public = f"Invalid OIDC {name.replace('_', ' ')}. The scheme must be https."
            expected = "https" + (", or http to this machine" if development else "")
            raise fields.refuse("issuer-unusable", public, expected, value)
    if made.jwks:
        keys(made)


def _audiences(made: PoolProvider) -> None:
    listed = made.allowed_audiences
    if len(listed) > MAX_AUDIENCES or len(set(listed)) != len(listed):
        received = f"{len(listed)} audiences"
        expected = f"at most {MAX_AUDIENCES} different ones"
        raise fields.refuse("audience-invalid", "The allowed audiences cannot be used.", expected, received)
    for one in listed:
        # D6 50 of the security list: an audience is one name; a pattern or an empty one would be everybody's.
        if not _VISIBLE.fullmatch(one) or "*" in one:
            expected = f"1 to {MAX_AUDIENCE} visible ASCII characters without *"
            raise fields.refuse("audience-invalid", "An allowed audience cannot be used.", expected, ascii(one[:80]))


def changed(known: PoolProvider, changes: ProviderChanges, now: int) -> PoolProvider:
    """Return a provider with changes."""
    given = {name: getattr(changes, name) for name in changes.__struct_fields__ if name != "disabled"}
    made = msgspec.structs.replace(known, **{name: value for name, value in given.items() if value is not None})
    return msgspec.structs.replace(made, disabled_at=disabled_at(known.disabled_at, now, disabled=changes.disabled))


def changed_pool(known: Pool, changes: PoolChanges, now: int) -> Pool:
    """Return a pool with changes."""
    given = {"display_name": changes.display_name, "description": changes.description}
    made = msgspec.structs.replace(known, **{name: value for name, value in given.items() if value is not None})
    return msgspec.structs.replace(made, disabled_at=disabled_at(known.disabled_at, now, disabled=changes.disabled))


def disabled_at(known: int | None, now: int, *, disabled: bool | None) -> int | None:
    """Return since when something is disabled, after it was asked to be so or not; None leaves it as it is."""
    if disabled is None or disabled == (known is not None):
        return known
    return now if disabled else None
