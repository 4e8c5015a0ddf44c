"""`intaglio token verify`: every check on a token, listed, and one exit code.

OpenID Connect Core 3.1.3.7; the rules are those of the dialect.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from intaglio.cli import faults, output, token_input, token_output
from intaglio.cli.faults import Exit

if TYPE_CHECKING:
    from intaglio.tokens.jwk import KeySet
    from intaglio.validate.keysource import KeySource
    from intaglio.validate.report import ValidationReport
    from intaglio.validate.ruleset import RuleSet

F = TypeVar("F", bound=Callable[..., Any])
COLUMNS = ("outcome", "name", "code", "expected", "received")
DIALECTS = ("standard", "google", "microsoft", "auth0", "cloudentity")
FILES = ("jwks", "access_token_file", "code_file", "client_secret_file", "decryption_key", "password_file")
_AGAIN = "may be given again."

EXPECTED = (
    click.option("--issuer", required=True, help="Whose token it must be, exactly."),
    click.option("--audience", "audiences", required=True, multiple=True, help=f"Your client_id, exactly; {_AGAIN}"),
    click.option("--also", multiple=True, help=f"Another audience that may stand beside yours; {_AGAIN}"),
    click.option(
        "--dialect", type=click.Choice(DIALECTS), default="standard", show_default=True, help="Whose rules hold."
    ),
    click.option("--authorized-party", "parties", multiple=True, help=f"What azp may be; {_AGAIN}"),
    click.option("--organization", help="The organization that it must be for, by id or name."),
    click.option("--email", "emails", multiple=True, help=f"An address that may sign in; {_AGAIN}"),
    click.option("--algorithm", "algorithms", multiple=True, help=f"Algorithm that is allowed; {_AGAIN}"),
    click.option("--require-encrypted", is_flag=True, help="Refuse a token that is only signed."),
)
"""What holds for every token of a client."""
OCCASION = (
    click.option("--nonce", help="The nonce that was sent."),
    click.option("--access-token-file", metavar="FILE", help="The access token that came along; at_hash must fit."),
    click.option("--require-at-hash", is_flag=True, help="Refuse a token without at_hash."),
    click.option("--code-file", metavar="FILE", help="The code that came along; c_hash must fit."),
    click.option("--state", help="The state that came along; s_hash must fit."),
    click.option("--max-age", type=click.IntRange(min=0), help="Seconds since the person signed in, at most."),
)
"""What is known of the one sign-in."""
CLOCK = (
    click.option("--at", metavar="TIME", help="Check as of then: epoch seconds, 2026-01-31T12:00:00Z, -2h or +30m."),
    click.option("--leeway", type=click.IntRange(0, 300), help="Seconds that clocks may differ; else the dialect's."),
)
KEYS = (
    click.option("--jwks", metavar="FILE|URL", help="The issuer's keys; without it they are found by discovery."),
    click.option("--discovery-uri", metavar="URL", help="Where the issuer's document is, if not where it should be."),
    click.option("--ca-file", metavar="FILE", help="Certificate authorities to trust beside the machine's."),
    click.option(
        "--client-secret-file", metavar="FILE", help="Your client secret: HS256, and no other algorithm, is allowed."
    ),
    click.option("--decryption-key", metavar="FILE", help="Private key for encrypted tokens: JWK, JWK Set or PEM."),
    click.option("--password-file", metavar="FILE", help="Password of that key if it is an encrypted PEM."),
)
"""What signatures are checked with, and what opens an encrypted token."""
EXAMPLES = """\b
Examples:
  intaglio token verify --issuer https://id.example.com --audience web < token.txt
  intaglio token verify --issuer https://id.example.com --audience web --jwks keys.json --at -2h @token.txt
  intaglio token verify --issuer https://login.example.com/ --audience web --dialect auth0 \\
    --organization org_42 --nonce n-0S6 -o json @token.txt
  intaglio token verify --issuer https://id.example.com --audience web --client-secret-file - @token.txt
"""


def _options(function: F) -> F:
    for add in reversed((*EXPECTED, *OCCASION, *CLOCK, *KEYS)):
        function = add(function)
    return function


@click.command("verify", epilog=EXAMPLES)
@click.argument("token", required=False)
@_options
@token_output.option("the claims")
def command(token: str | None, form: str | None, **options: Any) -> int:
    """Run every check on a token and list them.

    TOKEN is the token itself, @FILE for a file, or - for stdin, which is what happens without it. Space around it is
    left out, nothing else: what a program would refuse is refused here.

    Exit code 0 if it is to be believed; 3 if not; 4 if it has expired and nothing else is wrong; 9 if the issuer's
    keys, which are needed to tell, cannot be had. Secrets are read from files, from stdin (-) or, where that is a
    terminal, from a prompt.
    """
    token_input.refuse_shared_stdin(token, ((f"--{name.replace('_', '-')}", options[name]) for name in FILES))
    report = _explain(token, options)
    code = exit_code(report)
    faults.say("Believed." if code is Exit.OK else "Not believed.")
    _write(report, token_output.chosen(form))
    return code


def exit_code(report: ValidationReport) -> Exit:
    """Return what a report comes to.

    An issuer that cannot be reached decides unless the token is malformed, which no key would mend: what else is wrong
    with a token that nobody is known to have written says little.
    """
    from intaglio.validate.report import reason

    if report.to_dict()["believed"]:
        return Exit.OK
    codes = [failed.code for failed in report.failures()]
    if "keys-unavailable" in codes and not any(reason(code) == "malformed" for code in codes):
        return Exit.UNREACHABLE
    return Exit.TOKEN_EXPIRED if report.only_failure() == "token-expired" else Exit.TOKEN_INVALID


def _write(report: ValidationReport, form: str) -> None:
    if form == "text":
        click.echo(token_output.safe(report.to_text().rstrip("\n")))
        return
    record = report.to_dict()
    # The claims of a token that is not believed are nobody's words, so they are not repeated as if they were.
    record["claims"] = dict(report.believed().claims) if record["believed"] else None
    for failed in report.failures():
        told = f"{failed.name} ({failed.code}): expected {failed.expected or '-'}; received {failed.received or '-'}"
        faults.say(token_output.one_line(f"  {told}" + (f"; next step: {failed.hint}" if failed.hint else "")))
    if form == "table":
        output.write_list(record["checks"], form, columns=COLUMNS, value="name")
    else:
        output.write_one(record, form, value="claims")


def _explain(token: str | None, options: dict[str, Any]) -> ValidationReport:
    import msgspec

    from intaglio import client, clock
    from intaglio.cli import token_times

    _refuse_unused(options)
    now = clock.SystemClock().now()
    at = None if options["at"] is None else token_times.parse(options["at"], now)
    # Secrets and keys first: a prompt must not come after a token has been pasted.
    expected, occasion = _expected(options), _occasion(options)
    validator = client.Validator(
        issuer=options["issuer"], **expected, clock=None if at is None else clock.FixedClock(at)
    )
    try:
        report = validator.explain(token_input.token_octets(token).strip(), **occasion)
    finally:
        validator.close()
    if at is not None:
        faults.say(f"Checked as of {output.instant(at)}, {token_times.relative(at, now)}.")
        # The issuer's clock was not compared with ours but with the one that was put.
        report.clocks = report.clocks and msgspec.structs.replace(report.clocks, skew=None)
    return report


def _expected(options: dict[str, Any]) -> dict[str, Any]:
    secret_file, key_file = options["client_secret_file"], options["decryption_key"]
    secret = token_input.shared_secret("--client-secret-file", secret_file) if secret_file is not None else None
    decryption = None
    if key_file is not None:
        password = (options["password_file"], "--password-file")
        decryption = token_input.decryption_keys("--decryption-key", key_file, *password)
    return {
        "audience": options["audiences"],
        "dialect": options["dialect"],
        "leeway": options["leeway"],
        "algorithms": _algorithms(options),
        "also": options["also"],
        "authorized_parties": options["parties"] or None,
        "organization": options["organization"],
        "emails": options["emails"] or None,
        "client_secret": secret,
        "decryption_keys": decryption,
        "require_encrypted": options["require_encrypted"],
        "keys": _keys(options),
        "discovery_uri": options["discovery_uri"],
        "ca_file": options["ca_file"],
    }


def _occasion(options: dict[str, Any]) -> dict[str, Any]:
    access_token, code = options["access_token_file"], options["code_file"]
    return {
        "nonce": options["nonce"],
        "access_token": None if access_token is None else token_input.line("Access token", access_token),
        "code": None if code is None else token_input.line("Code", code),
        "state": options["state"],
        "max_age": options["max_age"],
        "require_at_hash": options["require_at_hash"],
    }


def _algorithms(options: dict[str, Any]) -> tuple[str, ...] | None:
    from intaglio.validate import policy

    chosen: tuple[str, ...] = options["algorithms"]
    # RFC 8725 2.1: a shared secret only where the caller has one.
    if policy.SECRET_ALGORITHM in chosen and options["client_secret_file"] is None:
        raise click.UsageError(f"--algorithm {policy.SECRET_ALGORITHM} needs --client-secret-file.")
    known = (*policy.ALL_ALGORITHMS, policy.SECRET_ALGORITHM)
    for name in chosen:
        if name not in known:
            raise click.UsageError(f"--algorithm expects one of {', '.join(known)}; received {name[:40]!r}.")
    return chosen or None


def _keys(options: dict[str, Any]) -> KeySet | KeySource | None:
    from intaglio.tokens import jwk
    from intaglio.validate import keysource, policy

    named = options["jwks"]
    if named is not None and named.startswith(("https://", "http://")):
        return keysource.RemoteKeys(options["issuer"], jwks_uri=named)
    if named is not None:
        return token_input.key_set("--jwks", named)
    only_secret = set(options["algorithms"]) <= {policy.SECRET_ALGORITHM}
    # With a secret there is nothing to ask the issuer for.
    return jwk.KeySet(()) if options["client_secret_file"] is not None and only_secret else None


def _refuse_unused(options: dict[str, Any]) -> None:
    """Raise `click.UsageError` for what would look like a check and be none."""
    for needed, by in (
        ("decryption_key", "password_file"),
        ("decryption_key", "require_encrypted"),
        ("access_token_file", "require_at_hash"),
    ):
        if options[by] and not options[needed]:
            raise click.UsageError(f"--{by.replace('_', '-')} needs --{needed.replace('_', '-')}.")
    if options["jwks"] is not None and options["discovery_uri"] is not None:
        raise click.UsageError("--discovery-uri is for finding the keys; --jwks gives them. Use one of the two.")
    for option, judge in (("organization", "organization"), ("emails", "email")):
        if options[option]:
            _refuse_unjudged(option.removesuffix("s"), judge, options["dialect"])


def _refuse_unjudged(option: str, judge: str, dialect: str) -> None:
    from intaglio.dialects import believing

    def judges(rules: RuleSet) -> bool:
        return any(rule.judge == judge for rule in rules.rules)

    if not judges(believing.rules(dialect)):
        able = ", ".join(name for name in believing.DIALECTS if judges(believing.rules(name)))
        raise click.UsageError(f"--{option} is checked by --dialect {able}; received --dialect {dialect}.")
