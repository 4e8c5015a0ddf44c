"""A relying party: authorization code flow with PKCE, refresh, userinfo and logout, as pure flows.

OpenID Connect Core 3.1 and 12, RFC 7636 (S256), RFC 8628 (devices), RFC 9207 (iss), RFC 9700, OpenID Connect
RP-Initiated Logout 1.0.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from intaglio.errors import Refused
from intaglio.ids import Secret
from intaglio.protocol import device, pkce
from intaglio.relying import answers, calls, renewal
from intaglio.relying.answers import SignInFailed
from intaglio.relying.records import DeviceStarted, Provider, SignedIn, Transaction
from intaglio.tokens import jwk
from intaglio.tokens.claims import IDToken
from intaglio.tokens.raw import RawToken
from intaglio.validate import discovery, policy, validator
from intaglio.validate.policy import Expectation, Occasion
from intaglio.validate.report import ValidationReport
from intaglio.validate.ruleset import RuleSet
from intaglio.validate.standard import STANDARD
from intaglio.wire import url
from intaglio.wire.flow import Flow

if TYPE_CHECKING:
    from intaglio.tokens.encryptionkeys import DecryptionKeys


def _fail(code: str, **detail: object) -> NoReturn:
    raise SignInFailed(code, detail=detail)


def _keys(uri: str) -> Flow[jwk.KeySet]:
    reply = yield from discovery.document(uri)
    return jwk.read_set(discovery.members(reply))


class RelyingParty(msgspec.Struct, frozen=True, kw_only=True):
    """One client at one issuer; `scope` holds `openid`, `algorithms` is what the client registered for ID tokens.

    `rules` are those by which its ID tokens are believed, `decryption` opens encrypted ones. `discovery_uri` is where
    its document is, if not at the issuer's own place. An issuer of several tenants has the rules' placeholder in it.
    """

    issuer: str
    client_id: str
    redirect_uri: str
    client_secret: Secret | None = None
    scope: str = "openid"
    algorithms: tuple[str, ...] = policy.ALL_ALGORITHMS
    leeway: int = policy.DEFAULT_LEEWAY
    rules: RuleSet = STANDARD
    decryption: DecryptionKeys | None = None
    discovery_uri: str | None = None

    def discover(self) -> Flow[Provider]:
        """Fetch the issuer's document and keys.

        Raises `Unavailable` with `discovery-mismatch`, `bad-answer` or what the driver raises, and `Refused` with
        `malformed-key` for a key set that cannot be used.
        """
        metadata = yield from discovery.fetch(self.issuer, self.discovery_uri)
        keys = yield from _keys(metadata.jwks_uri)
        return Provider(metadata, keys)

    def begin(
        self,
        provider: Provider,
        *,
        state: str,
        nonce: str,
        code_verifier: str,
        prompt: str | None = None,
        max_age: int | None = None,
        **extra: str,
    ) -> str:
        """Return the URL to send the browser to, with PKCE S256 (OpenID Connect Core 3.1.2.1, RFC 7636 section 4.3).

        The three texts are random, of this sign-in alone, and kept as its `Transaction`. `extra` are further
        parameters: `login_hint`, `ui_locales`, `acr_values`, `access_type` and the like.
        """
        fields = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": self.scope,
            "state": state,
            "nonce": nonce,
            "code_challenge": pkce.challenge(code_verifier),
            "code_challenge_method": "S256",
        }
        if prompt is not None:
            fields["prompt"] = prompt
        if max_age is not None:
            fields["max_age"] = str(max_age)
        if fields.keys() & extra.keys():
            raise ValueError("a parameter that the sign-in sets itself")
        endpoint = calls.endpoint(provider, "authorization_endpoint")
        return url.with_query(endpoint, [*fields.items(), *extra.items()])

    def finish(
        self, provider: Provider, transaction: Transaction, params: Mapping[str, str], *, now: int
    ) -> Flow[SignedIn]:
        """Check the parameters that came back, redeem the code, and return the tokens with the report.

        Raises `SignInFailed` with `state-mismatch`, `response-issuer-mismatch`, `authorization-error`, `code-missing`,
        `token-endpoint-error`, `token-answer-malformed`; `Refused` with a validation code; `Unavailable`.
        """
        code = self._code(provider, transaction, params)
        fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", self.redirect_uri),
            ("code_verifier", transaction.code_verifier),
        ]
        reply = yield calls.token_call(provider, self.client_id, self.client_secret, fields)
        members = answers.token_answer(reply)
        if "id_token" not in members:
            _fail("token-answer-malformed", rule="id_token is missing")
        occasion = Occasion(transaction.nonce, members["access_token"], max_age=transaction.max_age)
        report = yield from self._judge(provider, members["id_token"], occasion, now)
        token, sender = report.believed(), params.get("iss")
        # RFC 9207 2.4: of an issuer with several tenants, the one that answered must be the one of the token.
        if sender is not None and sender not in (token.iss, self.issuer):
            _fail("response-issuer-mismatch", expected=token.iss, received=answers.plain(sender))
        return _signed_in(members, token, report)

    def start_device(self, provider: Provider) -> Flow[DeviceStarted]:
        """Ask for the codes of a device (RFC 8628 section 3.1). Raises `SignInFailed` and `Unavailable`."""
        reply = yield calls.device_call(provider, self.client_id, self.client_secret, self.scope)
        return calls.device_answer(reply)

    def poll_device(self, provider: Provider, started: DeviceStarted, *, now: int) -> Flow[SignedIn | str]:
        """Ask whether the person has decided: the tokens, or `authorization_pending` or `slow_down` (RFC 8628 3.5).

        Raises `SignInFailed` (`token-endpoint-error` with `access_denied` or `expired_token` in `detail`), `Refused`,
        `Unavailable`.
        """
        fields = [("grant_type", device.GRANT), ("device_code", started.device_code.reveal())]
        reply = yield calls.token_call(provider, self.client_id, self.client_secret, fields)
        try:
            members = answers.token_answer(reply)
        except SignInFailed as fault:
            error = str(fault.detail.get("error", ""))
            if error in ("authorization_pending", "slow_down"):
                return error
            raise
        if "id_token" not in members:
            _fail("token-answer-malformed", rule="id_token is missing")
        occasion = Occasion(access_token=members["access_token"])
        report = yield from self._judge(provider, members["id_token"], occasion, now)
        return _signed_in(members, report.believed(), report)

    def refresh(self, provider: Provider, refresh_token: Secret, previous: IDToken, *, now: int) -> Flow[SignedIn]:
        """Use a refresh token; a new ID token must continue `previous` (OpenID Connect Core 12.2).

        Raises as `finish` does; the codes of a token that does not continue begin with `refresh-`.
        """
        fields = [("grant_type", "refresh_token"), ("refresh_token", refresh_token.reveal())]
        reply = yield calls.token_call(provider, self.client_id, self.client_secret, fields)
        members = answers.token_answer(reply)
        if "id_token" not in members:
            return _signed_in(members, previous, None)
        occasion = Occasion(access_token=members["access_token"])
        report = yield from self._judge(provider, members["id_token"], occasion, now)
        continued = renewal.continued(previous, report)
        return _signed_in(members, continued.believed(), continued)

    def userinfo(self, provider: Provider, access_token: Secret, subject: str) -> Flow[dict[str, Any]]:
        """Fetch the claims about `subject`, which is the ID token's `sub` (OpenID Connect Core 5.3).

        Raises `SignInFailed` with `userinfo-error` or `userinfo-subject-mismatch`, and `Unavailable`.
        """
        reply = yield calls.userinfo_call(provider, access_token)
        return calls.userinfo_answer(reply, subject)

    def logout_url(
        self,
        provider: Provider,
        id_token_hint: RawToken | None = None,
        post_logout_redirect_uri: str | None = None,
        state: str | None = None,
    ) -> str | None:
        """Return the URL that signs the person out at the issuer, or None if it has none (RP-Initiated Logout 2).

        Raises `Unavailable` (`address-refused`) for an address that no browser is sent to.
        """
        if provider.metadata.url("end_session_endpoint") is None:
            return None
        endpoint = calls.endpoint(provider, "end_session_endpoint")
        fields = {
            "id_token_hint": None if id_token_hint is None else id_token_hint.reveal(),
            "client_id": self.client_id,
            "post_logout_redirect_uri": post_logout_redirect_uri,
            "state": state,
        }
        return url.with_query(endpoint, [(name, value) for name, value in fields.items() if value is not None])

    def _code(self, provider: Provider, transaction: Transaction, params: Mapping[str, str]) -> str:
        # RFC 6749 10.12: the answer belongs to the sign-in that this browser began.
        if not hmac.compare_digest(params.get("state", "").encode("utf-8", "replace"), transaction.state.encode()):
            _fail("state-mismatch")
        # RFC 9207 2.4: mix-up; an issuer that promises `iss` must send it.
        promised = provider.metadata.members.get("authorization_response_iss_parameter_supported") is True
        sender = params.get("iss")
        if (sender is None and promised) or (sender is not None and not self._is_own(sender)):
            _fail("response-issuer-mismatch", expected=self.issuer, received=answers.plain(sender))
        if "error" in params:
            told = {name: answers.plain(params[name]) for name in ("error", "error_description") if name in params}
            _fail("authorization-error", **told)
        code = params.get("code")
        if not code:
            _fail("code-missing")
        return code

    def _is_own(self, sender: str) -> bool:
        """Tell whether an issuer is ours: to the letter, but for the tenant where it has several."""
        place = self.rules.placeholder
        if not place or place not in self.issuer:
            return sender == self.issuer
        before, _, behind = self.issuer.partition(place)
        tenant = sender.removeprefix(before).removesuffix(behind)
        return sender == before + tenant + behind and tenant.replace("-", "").isalnum()

    def _expectation(self) -> Expectation:
        return Expectation(
            issuer=self.issuer,
            audience=self.client_id,
            leeway=self.leeway,
            algorithms=self.algorithms,
            authorized_parties=(self.client_id,) if self._judges_party() else None,
            decryption=self.decryption,
            rules=self.rules,
        )

    def _judges_party(self) -> bool:
        return any(rule.judge == "azp" for rule in self.rules.rules)

    def _judge(self, provider: Provider, text: str, occasion: Occasion, now: int) -> Flow[ValidationReport]:
        # OpenID Connect Discovery 4.3: a provider that was found for another issuer has no say here.
        if provider.issuer != self.issuer:
            _fail("provider-mismatch", expected=self.issuer, received=provider.issuer)
        expectation = self._expectation()
        report = validator.check(text, expectation, provider.keys, now, occasion)
        if report.only_failure() != "key-unknown":
            return report
        # OpenID Connect Core 10.1.1: the issuer may have rotated its keys since it was asked.
        try:
            keys = yield from _keys(provider.metadata.jwks_uri)
        except Refused:
            return report
        return validator.check(text, expectation, keys, now, occasion)


def _signed_in(members: Mapping[str, Any], token: IDToken, report: ValidationReport | None) -> SignedIn:
    expires_in, scope, refresh_token = members.get("expires_in"), members.get("scope"), members.get("refresh_token")
    return SignedIn(
        token=token,
        report=report,
        raw=RawToken(members["id_token"]) if report is not None else None,
        access_token=Secret(members["access_token"]),
        refresh_token=None if refresh_token is None else Secret(refresh_token),
        expires_in=expires_in if type(expires_in) is int and expires_in >= 0 else None,
        scope=scope if isinstance(scope, str) else None,
    )
