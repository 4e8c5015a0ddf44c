"""One list of commands about tenants, clients, users and keys, with what each is to end with."""

from __future__ import annotations

import re
from typing import NamedTuple

from intaglio.cli.faults import Exit

SECRET = "canary-" * 6
PASSWORD = "correct horse"


class Step(NamedTuple):
    """A command, what it reads, how it ends, and a word of what it says on stderr where it fails."""

    words: tuple[str, ...]
    code: Exit = Exit.OK
    told: str = ""
    stdin: str = ""


def step(line: str, code: Exit = Exit.OK, told: str = "", stdin: str = "") -> Step:
    """Return a command that is written in one line; a tilde stands for a blank within a word."""
    return Step(tuple(word.replace("~", " ") for word in line.split()), code, told, stdin)


WEB = "client create Web --tenant acme --client-id web --redirect-uri https://app.example/cb"
STEPS = (
    step("tenant create acme --name Acme --host id.acme.example --id-token-lifetime 20m --set auth0.x=1", Exit.USAGE),
    step("tenant create acme --name Acme~Inc --host id.acme.example --id-token-lifetime 20m --sign-up"),
    step("tenant create acme", Exit.CONFLICT, "tenant-exists"),
    step("tenant create Not!", Exit.USAGE, "slug-invalid"),
    step("tenant create system", Exit.USAGE, "slug-reserved"),
    step("tenant create other --grant-lifetime refresh_token:id_token=5m"),
    step("tenant list"),
    step("tenant list --limit 1 -o value"),
    step("tenant list --after acme --limit 1 -o yaml"),
    step("tenant show acme -o table"),
    step("tenant show nobody", Exit.NOT_FOUND, "tenant-unknown"),
    step("tenant update acme --name Acme~Ltd --no-sign-up --encrypt-id-tokens never --domain acme.example"),
    step("tenant update other --domain acme.example", Exit.CONFLICT, "domain-taken"),
    step("tenant update acme --id-token-lifetime 5", Exit.USAGE, "lifetime-invalid"),
    step("tenant update acme --id-token-lifetime default"),
    step(f"{WEB} --secret-file -", stdin=SECRET),
    step(f"{WEB} --secret-file -", Exit.CONFLICT, "client-exists", stdin=SECRET),
    step("client create Spa --tenant acme --client-id spa --public --redirect-uri https://spa.example/cb"),
    step("client create Bad --tenant acme --redirect-uri http://a.example/cb", Exit.USAGE, "redirect-uri"),
    step("client create Nowhere --tenant nobody --redirect-uri https://a.example/cb", Exit.NOT_FOUND, "tenant-unknown"),
    step("client list --tenant acme"),
    step("client list --tenant acme -o table"),
    step("client show web --tenant acme"),
    step("client show nobody --tenant acme", Exit.NOT_FOUND, "client-unknown"),
    step("client update web --tenant acme --name Web~2 --scope openid~email --id-token-lifetime 10m"),
    step("client update web --tenant acme --redirect-uri https://app.example/#x", Exit.USAGE, "redirect-uri-invalid"),
    step("client secret add web --tenant acme --secret-file -", stdin=SECRET + "2"),
    step("client secret add spa --tenant acme", Exit.USAGE, "secret-unused"),
    step("client secret list web --tenant acme"),
    step("client secret remove web 000000000000 --tenant acme", Exit.NOT_FOUND, "secret-unknown"),
    step("client update web --tenant acme --name Other --etag stale", Exit.CONFLICT, "record-changed"),
    step("client disable web --tenant acme --etag stale", Exit.CONFLICT, "record-changed"),
    step("user delete ada --tenant acme --yes --etag stale", Exit.NOT_FOUND, "user-unknown"),
    step("tenant update acme --etag * --name Acme_Inc"),
    step("client disable web --tenant acme"),
    step("client disable web --tenant acme -o value"),
    step("client enable web --tenant acme"),
    step("client update web --tenant acme --disable"),
    step("client delete spa --tenant acme", Exit.USAGE, "confirmation-missing"),
    step("client delete spa --tenant acme --yes"),
    step("client delete spa --tenant acme --yes", Exit.NOT_FOUND, "client-unknown"),
    step("user create ada --tenant acme --password-file - --claim name=Ada~Lovelace", stdin=PASSWORD),
    step("user create ADA --tenant acme --no-password", Exit.CONFLICT, "user-exists"),
    step("user create eve --tenant acme --password-file -", Exit.USAGE, "password-invalid", stdin="short"),
    step("user create bob --tenant acme --no-password --claim email=bob@example.com --claim email_verified=true"),
    step("user create mallory --tenant acme --no-password --claim sub=x", Exit.USAGE, "claim-invalid"),
    step("user list --tenant acme --limit 1"),
    step("user show ADA --tenant acme -o yaml"),
    step("user show nobody --tenant acme", Exit.NOT_FOUND, "user-unknown"),
    step("user update ada --tenant acme --claim nickname=Countess --claim name= --metadata theme=dark"),
    step("user password bob --tenant acme --password-file -", stdin=PASSWORD),
    step("user password bob --tenant acme --no-password"),
    step("user sessions ada --tenant acme"),
    step("user export nobody --tenant acme", Exit.NOT_FOUND, "user-unknown"),
    step("user sign-out ada --tenant acme --applications"),
    step("user disable ada --tenant acme"),
    step("user enable ada --tenant acme"),
    step("user delete bob --tenant acme --yes"),
    step("user show bob --tenant acme", Exit.NOT_FOUND, "user-unknown"),
    step("key create --tenant acme"),
    step("key list --tenant acme"),
    step("key create --tenant acme --alg ES256"),
    step("key show nobody --tenant acme", Exit.NOT_FOUND, "key-unknown"),
    step("key update nobody --tenant acme --at +2d", Exit.NOT_FOUND, "key-unknown"),
    step("key disable nobody --tenant acme --yes", Exit.NOT_FOUND, "key-unknown"),
    step("key delete nobody --tenant acme --yes", Exit.NOT_FOUND, "key-unknown"),
    step("tenant disable acme"),
    step("tenant enable acme"),
    step("tenant delete acme", Exit.USAGE, "confirmation-missing"),
    step("tenant delete acme --yes -q"),
    step("tenant show acme", Exit.NOT_FOUND, "tenant-unknown"),
    step("tenant delete other --yes"),
    step("tenant list"),
)

_CHANGING = (
    (re.compile(r" +"), " "),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "UUID"),
    (re.compile(r"\b1[789]\d{8}\b"), "INSTANT"),
    (re.compile(r"\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "INSTANT"),
    (re.compile(r"(etag\W{1,6})[\w-]{24}"), r"\1ETAG"),
    (re.compile(r"(secret_id\W{1,6})[0-9a-f]{12}"), r"\1SECRET"),
)


def settled(text: str) -> str:
    """Return what was written without what is another one each time: identifiers, instants, marks of versions."""
    for pattern, word in _CHANGING:
        text = pattern.sub(word, text)
    return text
