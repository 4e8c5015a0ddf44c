"""The front door of the library: a validator that fetches its issuer's keys itself, blocking or async.

OpenID Connect Core 3.1.3.7, OpenID Connect Discovery 1.0.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from intaglio.clock import Clock, SystemClock
from intaglio.dialects import believing
from intaglio.errors import Unavailable
from intaglio.net.guard import Guard
from intaglio.tokens import jwk, jws
from intaglio.tokens.claims import IDToken
from intaglio.tokens.jwk import KeySet
from intaglio.tokens.raw import RawToken
from intaglio.validate import discovery, keysource, policy, validator
from intaglio.validate.keysource import KeySource
from intaglio.validate.policy import NO_OCCASION, AnyAudience, Expectation, Occasion
from intaglio.validate.report import ValidationReport
from intaglio.wire.flow import Flow

if TYPE_CHECKING:
    from intaglio.net.sync import SyncDriver
    from intaglio.tokens.encryptionkeys import DecryptionKeys
    from intaglio.tokens.sharedsecret import SharedSecret
    from intaglio.validate.ruleset import RuleSet


def _loop() -> object:
    import asyncio  # noqa: PLC0415  (30 ms, which programs that block need not pay)

    return asyncio.get_running_loop()


class _Pooled:
    """What belongs to one event loop: its connections."""

    def __init__(self, guard: Guard, ca_file: str | None) -> None:
        from intaglio.net.pooled import PooledDriver  # noqa: PLC0415  (loads the HTTP client)

        self.loop = _loop()
        self.driver = PooledDriver(guard, ca_file=ca_file)


def _text(token: object) -> str | bytes:
    if isinstance(token, RawToken):
        return token.reveal()
    # Whatever else a program passes by mistake is no token and is told so, rather than a traceback.
    return token if isinstance(token, (str, bytes)) else ""


def _several(names: Iterable[str]) -> tuple[str, ...]:
    # A string is several letters; and what is nothing to go through, the expectation names.
    return (names,) if isinstance(names, str) or not isinstance(names, Iterable) else tuple(names)


def _secret(given: str | SharedSecret | None) -> SharedSecret | None:
    if given is None:
        return None
    from intaglio.tokens.sharedsecret import SharedSecret  # noqa: PLC0415  (few need it)

    return SharedSecret(given) if isinstance(given, str) else given


def _decryption(given: str | Mapping[str, Any] | DecryptionKeys | None) -> DecryptionKeys | None:
    from intaglio.tokens import encryptionkeys  # noqa: PLC0415  (few need it)

    if isinstance(given, str):
        return encryptionkeys.DecryptionKeys((encryptionkeys.from_pem(given),))
    return encryptionkeys.read_private_set(given) if isinstance(given, Mapping) else given


def _source(
    issuer: str,
    rules: RuleSet,
    keys: Mapping[str, Any] | KeySet | KeySource | None,
    discovery_uri: str | None,
    clock: Clock,
) -> KeySource:
    """Return where keys come from."""
    if isinstance(keys, Mapping):
        return keysource.FixedKeys(jwk.read_set(keys))
    if isinstance(keys, KeySet):
        return keysource.FixedKeys(keys)
    if keys is not None:
        return keys
    asked = discovery_uri or believing.discovery_uri(issuer, rules)
    return keysource.RemoteKeys(issuer, discovery_uri=asked, clock=clock)


class Validator:
    """Believes ID tokens of one issuer for one audience, or refuses them; may be shared between threads.

    The issuer's keys are found by discovery (at `discovery_uri`, if it is not where the issuer's name says), kept, and
    asked for again when they are old or a new one appears. `keys` gives them instead: a JSON Web Key Set as read from
    JSON, or a source that several validators share. `dialect` names the rules: standard, google, microsoft, auth0 or
    cloudentity.

    `audience` is one or several of your own client ids; `also` lists others that may stand beside them. `leeway` is in
    seconds, None the dialect's own. `client_secret` allows HS256, and nothing else unless `algorithms` says so.
    `decryption_keys` (PEM, a private JWK or a set of them) opens encrypted tokens; with `require_encrypted` others are
    refused. `authorized_parties`, `organization` and `emails` bound azp, the organization and the e-mail address.
    `ca_file` adds certificate authorities to the machine's.
    """

    def __init__(
        self,
        *,
        issuer: str,
        audience: str | Iterable[str] | AnyAudience,
        dialect: str = "standard",
        leeway: int | None = None,
        algorithms: Iterable[str] | None = None,
        also: Iterable[str] = (),
        authorized_parties: Iterable[str] | None = None,
        organization: str | None = None,
        emails: Iterable[str] | None = None,
        client_secret: str | SharedSecret | None = None,
        decryption_keys: str | Mapping[str, Any] | DecryptionKeys | None = None,
        require_encrypted: bool = False,
        keys: Mapping[str, Any] | KeySet | KeySource | None = None,
        discovery_uri: str | None = None,
        ca_file: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Raise `Misconfigured` with `expectation-unusable`, `dialect-unknown` or `issuer-unusable` for nonsense.

        Raises `Refused` with `malformed-key` or `secret-too-short` for keys and secrets that cannot be used.
        """
        rules = believing.rules(dialect)
        usual = rules.algorithms or policy.ALL_ALGORITHMS
        if client_secret is not None:
            usual = (policy.SECRET_ALGORITHM,)
        self._expectation = Expectation(
            issuer,
            audience if isinstance(audience, (str, AnyAudience)) else _several(audience),
            leeway=rules.leeway if leeway is None else leeway,
            algorithms=usual if algorithms is None else _several(algorithms),
            also=_several(also),
            authorized_parties=None if authorized_parties is None else _several(authorized_parties),
            organization=organization,
            emails=None if emails is None else _several(emails),
            secret=_secret(client_secret),
            decryption=_decryption(decryption_keys),
            require_encrypted=require_encrypted,
            rules=rules,
        )
        discovery.location(issuer)
        if keys is None and self._expectation.allowed_algorithms == {policy.SECRET_ALGORITHM}:
            keys = KeySet(())  # a secret is all that is needed, and nobody is asked
        self._clock = clock or SystemClock()
        self._keys = _source(issuer, rules, keys, discovery_uri, self._clock)
        self._guard, self._ca_file = Guard(self._keys.configured), ca_file
        self._lock = threading.Lock()
        self._blocking: SyncDriver | None = None
        self._pooled: _Pooled | None = None

    def validate(
        self,
        token: str | bytes | RawToken,
        *,
        nonce: str | None = None,
        access_token: str | None = None,
        code: str | None = None,
        state: str | None = None,
        max_age: int | None = None,
        require_at_hash: bool = False,
    ) -> IDToken:
        """Return the claims of a token that every check believes.

        `nonce` was sent with the sign-in; `access_token`, `code` and `state` came along with the token and must fit its
        hashes (`c_hash` and `s_hash` must then be there, `at_hash` with `require_at_hash`); `max_age` is in seconds.

        Raises `TokenRefused`, which is a `Refused`, with the code of the first failure and the whole report in
        `.report`; `Unavailable` with code `keys-unavailable` if the issuer's keys cannot be had.
        """
        occasion = _occasion(nonce, access_token, code, state, max_age, require_at_hash)
        text, now = _text(token), self._clock.now()
        return validator.validate(text, self._expectation, self._current(text, now), now, occasion)

    def explain(
        self,
        token: str | bytes | RawToken,
        *,
        nonce: str | None = None,
        access_token: str | None = None,
        code: str | None = None,
        state: str | None = None,
        max_age: int | None = None,
        require_at_hash: bool = False,
    ) -> ValidationReport:
        """Return the report on a token, every check with what was expected and received; raises for no token."""
        occasion = _occasion(nonce, access_token, code, state, max_age, require_at_hash)
        text, now = _text(token), self._clock.now()
        try:
            keys = self._current(text, now)
        except Unavailable as fault:
            return validator.check(text, self._expectation, None, now, occasion, why=_cause(fault))
        return validator.check(text, self._expectation, keys, now, occasion, skew=self._keys.skew)

    async def avalidate(
        self,
        token: str | bytes | RawToken,
        *,
        nonce: str | None = None,
        access_token: str | None = None,
        code: str | None = None,
        state: str | None = None,
        max_age: int | None = None,
        require_at_hash: bool = False,
    ) -> IDToken:
        """Return what `validate` returns, without blocking the event loop; raises as it does."""
        occasion = _occasion(nonce, access_token, code, state, max_age, require_at_hash)
        text, now = _text(token), self._clock.now()
        return validator.validate(text, self._expectation, await self._acurrent(text, now), now, occasion)

    async def aexplain(
        self,
        token: str | bytes | RawToken,
        *,
        nonce: str | None = None,
        access_token: str | None = None,
        code: str | None = None,
        state: str | None = None,
        max_age: int | None = None,
        require_at_hash: bool = False,
    ) -> ValidationReport:
        """Return what `explain` returns, without blocking the event loop."""
        occasion = _occasion(nonce, access_token, code, state, max_age, require_at_hash)
        text, now = _text(token), self._clock.now()
        try:
            keys = await self._acurrent(text, now)
        except Unavailable as fault:
            return validator.check(text, self._expectation, None, now, occasion, why=_cause(fault))
        return validator.check(text, self._expectation, keys, now, occasion, skew=self._keys.skew)

    def close(self) -> None:
        """Close kept connections; the validator may be used again afterwards."""
        blocking, self._blocking = self._blocking, None
        if blocking is not None:
            blocking.close()

    async def aclose(self) -> None:
        """Close pooled connections; the validator may be used again afterwards, on another event loop too."""
        pooled, self._pooled = self._pooled, None
        if pooled is not None and pooled.loop is _loop():
            await pooled.driver.aclose()

    def _current(self, text: str | bytes, now: int) -> KeySet:
        return self._keys.obtain(now, jws.peek_kid(text), self._run)

    async def _acurrent(self, text: str | bytes, now: int) -> KeySet:
        return await self._keys.aobtain(now, jws.peek_kid(text), self._arun)

    def _run(self, flow: Flow[KeySet]) -> KeySet:
        with self._lock:
            if self._blocking is None:
                from intaglio.net.sync import SyncDriver  # noqa: PLC0415  (loads the HTTP client)

                self._blocking = SyncDriver(self._guard, ca_file=self._ca_file)
            driver = self._blocking
        return driver.run(flow)

    async def _arun(self, flow: Flow[KeySet]) -> KeySet:
        if self._pooled is None or self._pooled.loop is not _loop():
            self._pooled = _Pooled(self._guard, self._ca_file)
        return await self._pooled.driver.run(flow)


def _cause(fault: Unavailable) -> str:
    return str(fault.detail.get("cause") or fault.code)


def _occasion(
    nonce: str | None,
    access_token: str | None,
    code: str | None,
    state: str | None,
    max_age: int | None,
    require_at_hash: bool,  # noqa: FBT001  (the keywords of one call, in their order)
) -> Occasion:
    given = (nonce, access_token, code, state, max_age)
    if given == (None,) * 5 and not require_at_hash:
        return NO_OCCASION
    return Occasion(nonce, access_token, code, state, max_age, require_at_hash)
