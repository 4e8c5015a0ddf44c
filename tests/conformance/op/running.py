"""One run of one module: the client it registers, the sign-ins it makes, and what it found.

A module is a function of a `Run`. What it finds is collected; a fault after which it cannot go on ends it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode, urljoin

import msgspec

from tests.conformance.op import provider
from tests.conformance.op.checks import answers, findings, idtokens, published
from tests.conformance.op.checks.findings import Finding
from tests.conformance.op.checks.idtokens import Expected, Read
from tests.conformance.op.provider import Agent, Landing, Party, Provider
from tests.harness import Answer
from tests.web import markup

State = Literal["passed", "failed", "not there"]
Module = Callable[["Run"], None]
ALL_SCOPES = ("openid", "profile", "email", "address", "phone")


class NotThere(Exception):
    """The provider does not advertise what the module needs."""


class Stopped(Exception):
    """The module cannot go on; why is among its findings."""


class Variant(msgspec.Struct, frozen=True):
    """What a module is run with; the values are those of the suite's own configuration."""

    response_type: str = "code"
    response_mode: str = "default"
    client_auth: str = "client_secret_basic"
    registration: str = "static_client"

    def __str__(self) -> str:
        parts = [self.response_type.replace(" ", "+"), self.response_mode, self.client_auth, self.registration]
        return "-".join(part for part in parts if part not in ("default", "client_secret_basic", "static_client"))


class Result(msgspec.Struct, frozen=True):
    """What came of a module: passed without any finding, failed with them, or not there and why."""

    state: State
    findings: tuple[Finding, ...] = ()
    reason: str = ""


class SignedIn(msgspec.Struct):
    """One whole sign-in: what was asked, what came by the front channel and what from the token endpoint."""

    asked: dict[str, str]
    landing: Landing
    front: dict[str, Any]
    back: dict[str, Any]
    header: dict[str, Any]
    answer: dict[str, Any]
    raw: str

    @property
    def claims(self) -> dict[str, Any]:
        """The claims of the last ID token."""
        return self.back or self.front

    @property
    def access_token(self) -> str:
        """The last access token, empty if the response type gives none."""
        return str(self.answer.get("access_token") or self.landing.params.get("access_token") or "")


class Run:
    """A module under way against one provider, in one variant."""

    def __init__(self, op: Provider, variant: Variant) -> None:
        self.op = op
        self.variant = variant
        self.number = provider.number()
        self.findings: list[Finding] = []
        self.parties: list[Party] = []
        self.keys: dict[str, Any] = {}
        self.agent = Agent(op)
        self.alg = "RS256"
        self.decrypt_with: Any = None

    # --- findings

    def add(self, found: Iterable[Finding]) -> None:
        """Note findings and go on."""
        self.findings += found

    def need(self, found: Iterable[Finding]) -> None:
        """Note findings, and stop if there are any."""
        found = list(found)
        self.findings += found
        if found:
            raise Stopped

    def expect(self, truth: object, code: str, seen: object = "") -> None:
        """Note a failure unless something is true."""
        if not truth:
            self.findings.append(findings.fail(code, seen))

    def wish(self, truth: object, code: str, seen: object = "") -> None:
        """Note a warning unless something is true."""
        if not truth:
            self.findings.append(findings.warn(code, seen))

    def demand(self, truth: object, code: str, seen: object = "") -> None:
        """Note a failure and stop unless something is true."""
        if not truth:
            self.need([findings.fail(code, seen)])

    def offers(self, member: str, *values: str) -> None:
        """Stop as not there unless the metadata lists one of the values (or, without any, says yes)."""
        given = self.op.metadata.get(member)
        if not given or (values and not set(values) & set(given)):
            raise NotThere(f"{member} has no {' or '.join(values) or 'value'}")

    # --- beginnings

    @property
    def words(self) -> list[str]:
        """The words of the response type."""
        return self.variant.response_type.split()

    @property
    def mode(self) -> str:
        """Where answers have to come."""
        if self.variant.response_mode != "default":
            return self.variant.response_mode
        return "query" if self.variant.response_type == "code" else "fragment"

    @property
    def dynamic(self) -> bool:
        """Whether clients register themselves."""
        return self.variant.registration == "dynamic_client"

    @property
    def party(self) -> Party:
        """The first client."""
        return self.parties[0]

    def address(self, path: str) -> str:
        """Return an address of this run's relying party."""
        return self.op.address(self.number, path)

    def look(self) -> None:
        """Read metadata and keys, as each module does first."""
        self.op.metadata, found = published.document(self.op.get(self.op.issuer + published.DISCOVERY_TAIL))
        self.need(found)
        self.need(
            findings.fail("metadata-missing", n)
            for n in ("authorization_endpoint", "jwks_uri")
            if n not in self.op.metadata
        )
        self.refetch_keys()

    def refetch_keys(self) -> None:
        """Read the provider's keys."""
        self.keys, found = published.document(self.op.get(self.op.endpoint("jwks_uri")))
        self.need(found)
        self.add(published.keys(self.keys))

    def start(self, **metadata: Any) -> Party:
        """Read the metadata, stop if the variant is not offered, and register a client."""
        self.look()
        variant = self.variant
        offered = [frozenset(words.split()) for words in self.op.metadata.get("response_types_supported", ())]
        if frozenset(self.words) not in offered:
            raise NotThere(f"response_types_supported has no {variant.response_type}")
        if variant.response_mode != "default":
            self.offers("response_modes_supported", variant.response_mode)
        if "code" in self.words:
            self.offers("token_endpoint_auth_methods_supported", variant.client_auth)
        if self.dynamic:
            self.offers("registration_endpoint")
        return self.register(**metadata)

    def usual(self, suffix: str = "") -> dict[str, Any]:
        """Return the members of a usual registration in this variant."""
        grants = ["authorization_code"] if "code" in self.words else []
        grants += ["implicit"] if {"id_token", "token"} & set(self.words) else []
        members: dict[str, Any] = {
            "client_name": f"Relying party {self.number}{suffix}",
            "redirect_uris": [self.address(f"callback{suffix}")],
            "grant_types": grants,
            "response_types": [self.variant.response_type],
            "token_endpoint_auth_method": self.variant.client_auth,
        }
        if self.dynamic or self.variant.client_auth == "private_key_jwt":
            members["jwks"] = provider.key_set(provider.key("second" if suffix else "first"))
        if self.dynamic:
            members["contacts"] = ["operator@rp.example.com"]
        return members

    def register(self, suffix: str = "", **metadata: Any) -> Party:
        """Register a client, by itself or by the operator; None leaves a usual member out."""
        members = {name: value for name, value in (self.usual(suffix) | metadata).items() if value is not None}
        made = self._dynamic(members) if self.dynamic else self.op.static(self.number, members, suffix)
        made.method = members.get("token_endpoint_auth_method", "client_secret_basic")
        made.key = provider.key("second" if suffix else "first")
        self.parties.append(made)
        return made

    def _dynamic(self, members: dict[str, Any]) -> Party:
        answer = self.op.json("POST", self.op.endpoint("registration_endpoint"), members)
        # Registration 3.2: 201, JSON, nothing kept; the management members come both or not at all (RFC 7592 3).
        self.demand(answer.status == 201, "registration-status", f"{answer.status} {answer.text[:300]}")
        self.add(answers.no_store(answer))
        told = answer.json()
        self.demand(isinstance(told.get("client_id"), str), "registration-client-id")
        pair = [told.get("registration_client_uri"), told.get("registration_access_token")]
        self.expect(all(pair) or not any(pair), "registration-management")
        secret = str(told.get("client_secret", ""))
        if secret:
            self.expect("client_secret_expires_at" in told, "registration-secret-expires-at")
        for name, value in members.items():
            if name in told and name not in ("jwks", "scope"):
                self.expect(_same(told[name], value), "registration-member", f"{name}: {told[name]}")
        management = (str(pair[0]), str(pair[1])) if all(pair) else None
        return Party(told["client_id"], secret, members["redirect_uris"][0], members, management=management, told=told)

    def finish(self) -> None:
        """Take the clients that registered themselves away again (RFC 7592 2.3)."""
        for party in self.parties:
            if party.management is not None:
                address, token = party.management
                answer = self.op.send(provider.Call("DELETE", address, (("authorization", f"Bearer {token}"),)))
                self.wish(answer.status == 204, "unregister-status", answer.status)

    # --- sign-ins

    def request(self, party: Party | None = None, **changes: str | None) -> dict[str, str]:
        """Return the parameters of a usual authorization request; None leaves one out."""
        party = party or self.party
        asked: dict[str, str | None] = {
            "response_type": self.variant.response_type,
            "client_id": party.client_id,
            "redirect_uri": party.redirect_uri,
            "scope": "openid",
            "state": f"state-{provider.number()}-Aa.~_-",
            "nonce": f"nonce-{provider.number()}",
            "response_mode": None if self.variant.response_mode == "default" else self.variant.response_mode,
        }
        return {name: value for name, value in (asked | changes).items() if value is not None}

    def visit(
        self, asked: Mapping[str, str], agent: Agent | None = None, *, act: bool = True, post: bool = False
    ) -> Landing:
        """Take a browser to the authorization endpoint."""
        agent, endpoint = agent or self.agent, self.op.endpoint("authorization_endpoint")
        if post:
            return agent.open(endpoint, "POST", asked, act=act)
        return agent.open(f"{endpoint}?{urlencode(dict(asked))}", act=act)

    def expected(self, asked: Mapping[str, str], **more: Any) -> Expected:
        """Return what an ID token for the request must agree with."""
        usual: dict[str, Any] = {
            "issuer": self.op.metadata["issuer"],
            "client_id": asked["client_id"],
            "keys": self.keys,
            "now": self.op.now,
            "nonce": asked.get("nonce", ""),
            "alg": self.alg,
            "decrypt_with": self.decrypt_with,
            "state": asked.get("state", ""),
            "needs_auth_time": "max_age" in asked,
        }
        return Expected(**(usual | more))

    def arrive(self, landing: Landing, asked: Mapping[str, str]) -> tuple[Read, str]:
        """Check a good answer of the authorization endpoint; return its ID token, read and raw, if it has one."""
        self.need(answers.callback(landing, self.mode, self.op.metadata["issuer"], asked.get("state", "")))
        self._scripts(landing)
        address, _, query = asked["redirect_uri"].partition("?")
        self.expect(landing.url.partition("?")[0] == address, "callback-url", landing.url)
        own = frozenset(dict(parse_qsl(query)))
        self.need(answers.good_callback(landing, self.variant.response_type, own))
        given = landing.params
        if "id_token" not in given:
            return Read({}, {}), ""
        expected = self.expected(
            asked,
            access_token=given.get("access_token", ""),
            code=given.get("code", ""),
            needs_at_hash="token" in self.words,
            needs_c_hash="code" in self.words,
        )
        read, found = idtokens.id_token(given["id_token"], expected)
        self.add(found)
        return read, given["id_token"]

    def _scripts(self, landing: Landing) -> None:
        """Read the scripts of a page that posts itself as an old engine would."""
        elements = markup.read(landing.page.body) if landing.page is not None else []
        for one in markup.tagged(elements, "script"):
            source = one.attributes.get("src", "")
            answer = self.op.get(urljoin(landing.page.url, source)) if source and landing.page else None
            self.expect(answer is None or answer.status == 200, "form-post-script", source)
            text = answer.text if answer else one.text
            self.add(answers.old_script(text) if "submit" in text else [])

    def redeem(self, landing: Landing, party: Party | None = None, audience: str = "", **more: str) -> Answer:
        """Redeem the code of an answer."""
        party = party or self.party
        form = {
            "grant_type": "authorization_code",
            "code": landing.params["code"],
            "redirect_uri": party.redirect_uri,
            **more,
        }
        return self.op.token(party, form, audience)

    def sign_in(
        self, party: Party | None = None, agent: Agent | None = None, verifier: str = "", **changes: str | None
    ) -> SignedIn:
        """Go through a whole sign-in, checking all of it."""
        asked = self.request(party, **changes)
        return self.complete(self.visit(asked, agent), asked, party, verifier)

    def complete(
        self,
        landing: Landing,
        asked: dict[str, str],
        party: Party | None = None,
        verifier: str = "",
        audience: str = "",
    ) -> SignedIn:
        """Check what came of a request, and redeem its code if it has one."""
        front, raw = self.arrive(landing, asked)
        result = SignedIn(asked, landing, front.claims, {}, front.header, {}, raw)
        if "code" not in self.words:
            return result
        more = {"code_verifier": verifier} if verifier else {}
        result.answer, found = answers.token_answer(self.redeem(landing, party, audience, **more))
        self.need(found)
        result.raw = str(result.answer.get("id_token", ""))
        expected = self.expected(asked, access_token=result.answer["access_token"], code=landing.params["code"])
        read, found = idtokens.id_token(result.answer.get("id_token"), expected)
        self.add(found)
        self.demand(read.claims, "id-token-unreadable")
        result.back, result.header = read.claims, read.header
        for name in ("iss", "sub") if front.claims else ():
            # Core 3.3.3.6: both ID tokens of a hybrid flow name one person.
            self.expect(front.claims.get(name) == read.claims.get(name), f"hybrid-{name}")
        return result

    def userinfo(self, signed_in: SignedIn) -> dict[str, Any]:
        """Ask UserInfo and check its answer."""
        body, found = answers.userinfo(self.op.userinfo(signed_in.access_token), signed_in.claims.get("sub"))
        self.need(found)
        return body


def _same(told: Any, asked: Any) -> bool:
    if isinstance(told, list) and isinstance(asked, list):
        return set(map(json.dumps, told)) >= set(map(json.dumps, asked))
    return bool(told == asked)


def execute(module: Module, op: Provider, variant: Variant) -> Result:
    """Run a module to its end."""
    run = Run(op, variant)
    try:
        module(run)
    except NotThere as reason:
        run.finish()
        # What was found before counts: a faulty provider does not get away with lacking something else.
        return Result("failed" if run.findings else "not there", tuple(run.findings), str(reason))
    except Stopped:
        pass
    except (KeyError, ValueError, AssertionError, TypeError, AttributeError) as fault:
        run.findings.append(findings.fail("unreadable", f"{type(fault).__name__}: {fault}"))
    run.finish()
    return Result("failed" if run.findings else "passed", tuple(run.findings))
