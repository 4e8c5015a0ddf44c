"""`intaglio token`: look at an ID token, or have every check run on it. Needs the library only."""

from __future__ import annotations

from typing import Any

import click

from intaglio.cli import faults, output, secretinput
from intaglio.cli.faults import Exit

CHECK_COLUMNS = ("outcome", "name", "code", "expected", "received")


@click.group("token")
def command() -> None:
    """Inspect and verify ID tokens."""


def _text(token: str) -> str:
    return secretinput.read_text("-") if token == "-" else token


@command.command("inspect")
@click.argument("token", default="-")
@output.option
def inspect(token: str, form: str | None) -> None:
    """Show what is inside a token, without checking anything.

    TOKEN is the token itself, or - for stdin, which is what happens without it.
    """
    from intaglio.tokens import peek

    seen = peek.peek(_text(token))
    faults.say("Nothing was checked: anybody may have written this.")
    for problem in seen.problems:
        faults.say(f"note: {problem}")
    record = {"kind": seen.kind, "header": seen.header, "payload": seen.payload, "problems": seen.problems}
    if output.chosen(form) == "table":
        output.write_list(_rows(record), "table", columns=("part", "name", "value", "time"), value="name")
    else:
        output.write_one(record, form, value="payload")


def _rows(record: dict[str, Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [{"part": "", "name": "kind", "value": record["kind"]}]
    for part in ("header", "payload"):
        for name, value in (record[part] or {}).items():
            is_instant = name in {"exp", "iat", "nbf", "auth_time", "updated_at"} and type(value) is int
            time = output.instant(value) if is_instant else None
            rows.append({"part": part, "name": name, "value": output.plain(value), "time": time})
    return rows


@command.command("verify")
@click.argument("token", default="-")
@click.option("--issuer", required=True, help="Whose token it must be, exactly.")
@click.option("--audience", required=True, help="For whom it must be, exactly (the client_id).")
@click.option("--nonce", help="The nonce that was sent.")
@click.option("--max-age", type=click.IntRange(min=0), help="Seconds since the person signed in, at most.")
@click.option(
    "--leeway", type=click.IntRange(0, 300), default=60, show_default=True, help="Seconds that clocks may differ."
)
@click.option("--algorithm", "algorithms", multiple=True, help="Algorithm that is allowed; may be given again.")
@click.option("--jwks", help="File with the issuer's keys; without it they are fetched.")
@click.option("--ca-file", help="Certificate authorities to trust beside the machine's.")
@output.option
def verify(token: str, form: str | None, **options: Any) -> int:
    """Run every check on a token and list them.

    TOKEN is the token itself, or - for stdin, which is what happens without it. Exit code 0 if it is to be believed,
    3 if not, 4 if it has expired and nothing else is wrong, 9 if the issuer's keys cannot be had.
    """
    verdict = _explain(_text(token), options)
    report = verdict.to_dict()
    code = _code(report["checks"])
    # The claims of a token that is not believed are nobody's words, so they are not repeated as if they were.
    record = report | {"claims": verdict.believed().claims if code is Exit.OK else None}
    faults.say("Believed." if code is Exit.OK else "Not believed.")
    if output.chosen(form) == "table":
        output.write_list(report["checks"], "table", columns=CHECK_COLUMNS, value="name")
    else:
        output.write_one(record, form, value="claims")
    for check in report["checks"]:
        if check["outcome"] == "fail" and check["hint"]:
            faults.say(f"next step for {check['name']}: {check['hint']}")
    return code


def _explain(text: str, options: dict[str, Any]) -> Any:
    from intaglio import client, codec
    from intaglio.tokens import jwk
    from intaglio.validate import policy

    keys = None
    if options["jwks"]:
        try:
            keys = jwk.read_set(codec.decode_json_object(secretinput.read_text(options["jwks"]).encode()))
        except codec.CodecError as exc:
            raise click.UsageError(f"--jwks expects a JSON Web Key Set: {exc}.") from exc
    validator = client.Validator(
        issuer=options["issuer"],
        audience=options["audience"],
        leeway=options["leeway"],
        algorithms=options["algorithms"] or policy.ALL_ALGORITHMS,
        ca_file=options["ca_file"],
        keys=keys,
    )
    try:
        return validator.explain(text.strip(), nonce=options["nonce"], max_age=options["max_age"])
    finally:
        validator.close()


def _code(checks: list[dict[str, str]]) -> Exit:
    codes = [check["code"] for check in checks if check["outcome"] == "fail"]
    if not codes and all(check["outcome"] != "skipped" for check in checks if check["name"] == "signature"):
        return Exit.OK
    if "keys-unavailable" in codes:
        return Exit.UNREACHABLE
    return Exit.TOKEN_EXPIRED if codes == ["token-expired"] else Exit.TOKEN_INVALID
