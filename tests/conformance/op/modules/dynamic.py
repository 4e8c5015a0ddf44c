"""Clients that register themselves, request objects, keys that change.

OpenID Connect Dynamic Client Registration 1.0, RFC 7591, RFC 7592, Core 6 and 8.1, Core 4.
"""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import urljoin

from joserfc import jwt

from intaglio import codec
from intaglio.server.admin import keys as admin_keys
from intaglio.server.devmode import seeds
from intaglio.server.keyring.rings import RingId
from tests.conformance.op import provider
from tests.conformance.op.checks import answers, idtokens, published
from tests.conformance.op.modules.requests import refused
from tests.conformance.op.provider import Agent, Call
from tests.conformance.op.running import NotThere, Run
from tests.harness import Answer
from tests.web import markup

# --- redirect URIs


def ensure_redirect_uri_in_authorization_request(run: Run) -> None:
    """With two registered addresses the request has to name one."""
    run.start(redirect_uris=[run.address("one"), run.address("two")])
    refused(run, redirect_uri=None)


def redirect_uri_query_ok(run: Run) -> None:
    """A registered query stays, and what is answered comes behind it."""
    run.start(redirect_uris=[run.address("callback?foo=bar")])
    done = run.sign_in()
    if run.mode != "fragment":
        run.expect(
            dict(done.landing.fields).get("foo") == "bar" or "foo=bar" in done.landing.url, "redirect-query-lost"
        )


def redirect_uri_query_mismatch(run: Run) -> None:
    """Another query than the registered one is another address."""
    run.start(redirect_uris=[run.address("callback?foo=bar")])
    refused(run, redirect_uri=run.address("callback?bar=foo"))


def redirect_uri_query_added(run: Run) -> None:
    """A query where none is registered makes another address."""
    run.start()
    refused(run, redirect_uri=run.party.redirect_uri + "?foo=bar")


def redirect_uri_regfrag(run: Run) -> None:
    """An address with a fragment is not registered (RFC 6749 3.1.2)."""
    _unregistrable(run, "invalid_redirect_uri", redirect_uris=[run.address("callback#foo=bar")])


def _unregistrable(run: Run, *errors: str, **metadata: Any) -> None:
    run.look()
    run.offers("registration_endpoint")
    answer = run.op.json("POST", run.op.endpoint("registration_endpoint"), run.usual() | metadata)
    run.demand(answer.status == 400, "registered", answer.status)
    body = answer.json()
    run.expect(body.get("error") in errors, "error-code", body.get("error"))
    run.add(answers.no_store(answer))


# --- what people see


def registration_logo_uri(run: Run) -> None:
    """The sign-in page shows the client's logo."""
    _shown(run, "img", "src", logo_uri=run.address("logo.png"))


def registration_policy_uri(run: Run) -> None:
    """The sign-in pages lead to the client's policy."""
    _shown(run, "a", "href", policy_uri=run.address("policy.html"))


def registration_tos_uri(run: Run) -> None:
    """The sign-in pages lead to the client's terms."""
    _shown(run, "a", "href", tos_uri=run.address("terms.html"))


PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAACAAAAAgCAAAAABWESUoAAAAFklEQVR4nGNoIAAYRhWMKhhVMFIVAABCAAAfNUt+NwAAAABJRU5ErkJggg=="
)
"""A grey square as PNG."""


def _shown(run: Run, tag: str, attribute: str, **metadata: str) -> None:
    ((name, address),) = metadata.items()
    run.op.world.put(address, PICTURE, "image/png")
    run.start(**metadata)
    run.sign_in()
    pages = [page for page in run.agent.pages if page.is_page]
    run.demand(pages, "page-missing")
    for page in pages:
        found = [one.attributes.get(attribute, "") for one in markup.tagged(markup.read(page.body), tag)]
        if tag == "img":
            _drawn(run, page, found, address)
        else:
            run.expect(address in found, f"not-shown-{name}", found)


def _drawn(run: Run, page: Answer, sources: list[str], address: str) -> None:
    """Check that one of the page's pictures is the client's: from its own address, or handed on by the provider."""
    own = [urljoin(page.url, one) for one in sources if run.agent.is_own(urljoin(page.url, one))]
    drawn = [one for one in own if run.op.get(one).body == PICTURE]
    policy = page.header("content-security-policy") or ""
    rules = dict(rule.strip().partition(" ")[::2] for rule in policy.split(";"))
    allowed = rules.get("img-src", rules.get("default-src", "*")).split()
    direct = address in sources and {"*", "https:", provider.RP} & set(allowed)
    run.expect(drawn or direct, "not-shown-logo_uri", f"{sources} {allowed}")


# --- keys and subjects


def registration_jwks_uri(run: Run) -> None:
    """The keys of `private_key_jwt` are fetched from the client's address."""
    address = run.address("jwks.json")
    run.op.world.put(address, json.dumps(provider.key_set(provider.key())).encode())
    run.start(jwks=None, jwks_uri=address)
    run.sign_in()
    run.expect(any(call.url == address for call in run.op.world.asked), "jwks-uri-not-asked")


def refresh_token_rp_key_rotation(run: Run) -> None:
    """When the client changes its keys, they are fetched again."""
    address = run.address("jwks.json")
    run.op.world.put(address, json.dumps(provider.key_set(provider.key("first"))).encode())
    run.start(jwks=None, jwks_uri=address, grant_types=[*run.usual()["grant_types"], "refresh_token"])
    done = run.sign_in(scope="openid offline_access", prompt="consent")
    token = done.answer.get("refresh_token")
    if not token:
        raise NotThere("no refresh token was given")
    run.op.world.put(address, json.dumps(provider.key_set(provider.key("third"))).encode())
    run.party.key = provider.key("third")
    run.op.wait(60)
    answer, found = answers.token_answer(
        run.op.token(run.party, {"grant_type": "refresh_token", "refresh_token": str(token)})
    )
    run.add(found)
    run.expect(answer.get("access_token"), "rotated-key-refused")


def registration_sector_uri(run: Run) -> None:
    """A sector identifier that lists the addresses is accepted; two clients of one sector see one subject."""
    run.look()
    run.offers("subject_types_supported", "pairwise")
    sector, uris = _sector(run)
    run.start(subject_type="pairwise", sector_identifier_uri=sector, redirect_uris=uris[:1])
    run.expect(any(call.url == sector for call in run.op.world.asked), "sector-not-asked")
    other = run.register("-other", subject_type="pairwise", sector_identifier_uri=sector, redirect_uris=uris[1:])
    stranger = run.register("-stranger", subject_type="public")
    first, second, third = run.sign_in(), run.sign_in(other), run.sign_in(stranger)
    run.expect(first.claims["sub"] == second.claims["sub"], "pairwise-sector")
    run.expect(first.claims["sub"] != third.claims["sub"], "pairwise-public")
    for done in (first, third) if first.access_token else ():
        run.userinfo(done)


def registration_sector_bad(run: Run) -> None:
    """A sector identifier that does not list the address is refused."""
    run.look()
    run.offers("subject_types_supported", "pairwise")
    sector, _ = _sector(run)
    _unregistrable(
        run,
        "invalid_client_metadata",
        subject_type="pairwise",
        sector_identifier_uri=sector,
        redirect_uris=[run.address("not-listed")],
    )


def _sector(run: Run) -> tuple[str, list[str]]:
    uris = [run.address("callback"), run.address("callback-other")]
    run.op.world.put(run.address("sector.json"), json.dumps(uris).encode())
    return run.address("sector.json"), uris


def server_rotate_keys(run: Run) -> None:
    """After a change of keys the set has the new one and still the old one, and tokens verify before and after."""
    run.start()
    before = run.sign_in()
    old = {one["kid"] for one in run.keys["keys"]}
    site = run.op.site
    ring = RingId(seeds.TENANT_ID)
    site.run(admin_keys.publish_successor(site.store, site.clock, site.vault, ring, "RS256"))
    run.op.wait(2)
    run.refetch_keys()
    new = {one["kid"] for one in run.keys["keys"]}
    run.expect(new - old, "key-not-new")
    run.wish(old <= new, "key-gone")
    run.add(idtokens.signature(before.raw, before.header, run.keys))
    run.op.wait(2 * 86400)
    run.refetch_keys()
    after = run.sign_in(agent=Agent(run.op))
    run.expect(after.header["kid"] in new - old, "key-not-used", after.header["kid"])


# --- request objects


def _unsigned(claims: dict[str, Any]) -> str:
    head = codec.encode_base64url(codec.encode_json({"alg": "none"}))
    return f"{head}.{codec.encode_base64url(codec.encode_json(claims))}."


def _signed(run: Run, claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "RS256"}, claims, run.party.key)


def _object(run: Run, asked: dict[str, str]) -> dict[str, Any]:
    """Return the members of an object with as little beside the parameters as the suite's have: no times, no name."""
    return {**asked, "iss": run.party.client_id, "aud": run.op.metadata["issuer"]}


def _outside(asked: dict[str, str], **more: str) -> dict[str, str]:
    # RFC 9101 5, Core 6.1: what OAuth requires stays in the query, everything else is in the object.
    return {name: asked[name] for name in ("client_id", "response_type", "scope", "redirect_uri")} | more


def _works(run: Run, asked: dict[str, str], outside: dict[str, str]) -> None:
    landing = run.visit(outside)
    run.complete(landing, asked, next(one for one in run.parties if one.client_id == asked["client_id"]))


def _none_is_offered(run: Run) -> bool:
    run.look()
    return "none" in (run.op.metadata.get("request_object_signing_alg_values_supported") or ())


def unsigned_request_object(run: Run) -> None:
    """An unsigned request object by value works, or is refused as not supported."""
    run.start()
    _unsigned_by(run, None, "request_not_supported")


def request_uri_unsigned_or_unsupported(run: Run) -> None:
    """An unsigned request object by reference works, or is refused as not supported."""
    address = run.address("request.jwt")
    run.start(request_uris=[address])
    _unsigned_by(run, address, "request_uri_not_supported")


def unsigned_request_object_registered(run: Run) -> None:
    """Who registered `none` may send an unsigned object by value."""
    run.start(request_object_signing_alg="none")
    _unsigned_by(run, None)


def request_uri_unsigned_registered(run: Run) -> None:
    """Who registered `none` may send an unsigned object by reference."""
    address = run.address("request.jwt")
    run.start(request_object_signing_alg="none", request_uris=[address])
    _unsigned_by(run, address)


def _unsigned_by(run: Run, address: str | None, *refusals: str) -> None:
    """Send an unsigned object, by reference if there is an address; a refusal by one of these errors is good."""
    asked = run.request(run.parties[-1])
    # By reference the suite's objects do not even say whose they are.
    text = _unsigned(asked if address is not None else asked | {"iss": asked["client_id"], "aud": run.op.issuer})
    more = {"request": text} if address is None else {"request_uri": address}
    if address is not None:
        run.op.world.put(address, text.encode(), "application/jwt")
    landing = run.visit(_outside(asked, **more))
    if "error" in landing.params and refusals:
        # The state was inside the object, which nobody read; so it need not come back.
        run.add(answers.callback(landing, landing.where, run.op.metadata["issuer"], None))
        run.add(answers.error_callback(landing, *refusals))
        return
    run.complete(landing, asked, run.parties[-1])


def ensure_request_object_with_redirect_uri(run: Run) -> None:
    """The address inside the request object counts, not the one in the query."""
    run.look()
    run.offers("request_parameter_supported")
    run.start(request_object_signing_alg="RS256", jwks=provider.key_set(provider.key()))
    asked = run.request()
    outside = _outside(asked, request=_signed(run, _object(run, asked)), redirect_uri=run.address("not-registered"))
    _works(run, asked, outside)


def request_uri_unsigned(run: Run) -> None:
    """Where the metadata offers `none`, an unsigned object by reference works for whoever registered the address."""
    if not _none_is_offered(run):
        raise NotThere("request_object_signing_alg_values_supported has no none")
    address = run.address("request.jwt")
    run.start(request_uris=[address])
    _unsigned_by(run, address)


def request_uri_signed_rs256(run: Run) -> None:
    """A signed request object by reference is fetched, verified and used."""
    run.look()
    run.offers("request_uri_parameter_supported")
    address = run.address("request.jwt")
    run.start(request_object_signing_alg="RS256", request_uris=[address], jwks=provider.key_set(provider.key()))
    asked = run.request()
    signed = _signed(run, _object(run, asked))
    run.op.world.put(address, signed.encode(), "application/jwt")
    _works(run, asked, _outside(asked, request_uri=address))
    run.expect(any(call.url == address for call in run.op.world.asked), "request-uri-not-asked")


def request_object_forged(run: Run) -> None:
    """A request object that another key signed is refused."""
    run.look()
    run.offers("request_parameter_supported")
    run.start(request_object_signing_alg="RS256", jwks=provider.key_set(provider.key()))
    asked = run.request()
    forged = jwt.encode({"alg": "RS256"}, _object(run, asked), provider.key("forger"))
    landing = run.visit(_outside(asked, request=forged))
    run.expect(landing.is_error_page or landing.params.get("error") == "invalid_request_object", "forged-object-used")


def ensure_client_assertion_with_iss_aud_succeeds(run: Run) -> None:
    """A client assertion may name the issuer as its audience."""
    run.start()
    asked = run.request()
    landing = run.visit(asked)
    run.arrive(landing, asked)
    answer = run.redeem(landing, audience=run.op.metadata["issuer"])
    if answer.status != 200:
        run.add(answers.token_error(answer, "invalid_client"))
    run.wish(answer.status == 200, "assertion-issuer-refused", answer.text[:200])


# --- third-party initiated login


def third_party_init_login(run: Run) -> None:
    """The address where others may begin a sign-in is kept, and told when the registration is read."""
    address = run.address("initiate-login")
    run.start(initiate_login_uri=address)
    run.expect(run.party.told.get("initiate_login_uri") == address, "initiate-login-not-told")
    run.demand(run.party.management, "registration-management")
    assert run.party.management is not None
    where, token = run.party.management
    answer = run.op.send(Call("GET", where, (("authorization", f"Bearer {token}"),)))
    body, found = published.document(answer)
    run.need(found)
    run.expect(body.get("initiate_login_uri") == address, "initiate-login-not-kept", body.get("initiate_login_uri"))
    run.sign_in()


def third_party_init_login_nohttps(run: Run) -> None:
    """That address has to be https (Core 4)."""
    _unregistrable(run, "invalid_client_metadata", initiate_login_uri="http://rp.example.com/initiate")
