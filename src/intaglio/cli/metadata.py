"""`intaglio metadata`: tokens for the programs of this machine, as from a cloud's metadata server."""

from __future__ import annotations

import pathlib
import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from intaglio.cli import faults

if TYPE_CHECKING:
    from intaglio.net.pooled import PooledDriver

PROFILES = ("gce", "run", "functions", "gke", "appengine-standard", "appengine-flexible", "build")
LANGUAGES = ("python", "node", "go", "java", "ruby", "gcloud")
SHELLS = ("sh", "fish", "powershell", "dotenv")
FILE = click.Path(exists=True, dir_okay=False, path_type=pathlib.Path)
ADDRESS = "127.0.0.1:8181"


@click.group("metadata")
def command() -> None:
    """Give the programs of this machine their tokens.

    They get them as from a cloud's metadata server.
    """


@command.command("serve")
@click.option("--server", required=True, metavar="URL", help="The issuer whose tokens are given.")
@click.option("--listen", default=ADDRESS, show_default=True, metavar="ADDRESS:PORT", help="Where programs ask.")
@click.option("--account", default="", metavar="EMAIL", help="The service account that everybody here may have.")
@click.option("--accounts-file", type=FILE, help="TOML: a table `users` of an account for each Unix user.")
@click.option("--key-file", type=FILE, help="Prove it by this key file of a service account.")
@click.option("--kubernetes-token", type=FILE, help="Prove it by the projected token of a pod.")
@click.option("--certificate", type=FILE, help="Prove it by this client certificate (PEM, the chain behind it).")
@click.option("--key", type=FILE, help="The certificate's private key (PEM).")
@click.option("--audience-of-provider", default="", metavar="NAME", help="The pool's provider that believes the proof.")
@click.option("--profile", type=click.Choice(PROFILES), default="gce", show_default=True, help="The platform to be.")
@click.option("--project-number", type=click.IntRange(1), help="The project's number, where the provider has none.")
@click.option("--ca-file", type=FILE, help="Authorities that are believed when the server is called.")
@click.option("--allow-other-address", is_flag=True, help="Listen where other machines can ask, too.")
def serve(server: str, listen: str, ca_file: pathlib.Path | None, **options: Any) -> int:
    """Give the programs of this machine tokens of a service account, fetched from the issuer.

    It holds no signing key and keeps nothing. It proves itself by one of a key file, a Kubernetes token, or a client
    certificate; files are read again when they change. Whoever can reach its address gets the account's tokens, so it
    listens on this machine alone, refuses proxies and browsers, and with --accounts-file gives each Unix user its own.
    """
    from intaglio.server.agent import serving

    host, port = _place(listen)
    kubernetes, certificate = options["kubernetes_token"], options["certificate"]
    _check(server, options)
    wanted = serving.Wanted(
        server=server.rstrip("/"),
        host=host,
        port=port,
        profile=options["profile"],
        account=options["account"],
        accounts_file=options["accounts_file"],
        key_file=options["key_file"],
        kubernetes_token=kubernetes,
        certificate=certificate,
        certificate_key=options["key"],
        provider=options["audience_of_provider"],
        project_number=options["project_number"] or 0,
        allow_other_address=options["allow_other_address"],
    )
    say = faults.say

    def started(line: str) -> None:
        say(line)
        if line.startswith("ready:"):
            say("\nFor the programs that are to find it:\n")
            say(_written("sh", LANGUAGES, f"{host}:{port}" if ":" not in host else f"[{host}]:{port}", explain=True))

    return serving.serve(wanted, _driver(wanted.server, ca_file), started)


def _check(server: str, options: dict[str, Any]) -> None:
    proofs = [name for name in ("key_file", "kubernetes_token", "certificate") if options[name] is not None]
    if len(proofs) != 1:
        raise click.UsageError("Give one of --key-file, --kubernetes-token, --certificate.")
    if (options["certificate"] is None) != (options["key"] is None):
        raise click.UsageError("--certificate and --key go together.")
    if (proofs != ["key_file"]) != bool(options["audience_of_provider"]):
        raise click.UsageError("--audience-of-provider goes with --kubernetes-token and --certificate.")
    if options["account"] and options["accounts_file"]:
        raise click.UsageError("Give --account or --accounts-file, not both.")
    if proofs != ["key_file"] and not options["account"] and not options["accounts_file"]:
        raise click.UsageError("Give --account or --accounts-file.")
    if not server.startswith(("https://", "http://")):
        raise click.UsageError("--server is an address that begins with https:// (http:// on this machine).")


def _place(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise click.UsageError("--listen is an address and a port, as 127.0.0.1:8181 or [::1]:8181.")
    return ("127.0.0.1" if host == "localhost" else host), int(port)


def _driver(server: str, ca_file: pathlib.Path | None) -> Callable[[], PooledDriver]:
    def make() -> PooledDriver:
        from intaglio.dialects.google import upstream
        from intaglio.net.guard import Guard, Limits
        from intaglio.net.pooled import PooledDriver

        trusted = str(ca_file) if ca_file is not None else None
        return PooledDriver(Guard(upstream.addresses(server)), ca_file=trusted, limits=Limits(seconds=2.5))

    return make


@command.command("env")
@click.option("--at", default=ADDRESS, show_default=True, metavar="ADDRESS:PORT", help="Where the metadata server is.")
@click.option("--language", type=click.Choice(LANGUAGES), multiple=True, help="Only for these; without it for all.")
@click.option("--shell", type=click.Choice(SHELLS), default="sh", show_default=True, help="How to write the lines.")
@click.option("--project", default="", help="The project's name, for clients that else look for it elsewhere.")
@click.option("--explain/--no-explain", default=True, help="Say of each line why it is there, as a comment.")
def env(at: str, language: tuple[str, ...], shell: str, project: str, explain: bool) -> None:
    """Print the environment by which clients of each language find a metadata server.

    For a shell: eval "$(intaglio metadata env --language python)".
    """
    click.echo(_written(shell, language or LANGUAGES, at, project=project, explain=explain))


def _written(shell: str, languages: tuple[str, ...], at: str, *, project: str = "", explain: bool) -> str:
    from intaglio.dialects.google import environment

    known, lines, seen = environment.variables(at, project), [], set()
    for language in languages:
        new = [one for one in known[language] if one.name not in seen]
        seen |= {one.name for one in new}
        lines += [f"# {language}" + ("" if new else ": nothing more")] if explain else []
        for one in new:
            lines += [f"# {one.why}"] if explain else []
            lines.append(_line(shell, one.name, one.value))
    return "\n".join(lines)


def _line(shell: str, name: str, value: str) -> str:
    if shell == "powershell":
        return f"$env:{name} = '" + value.replace("'", "''") + "'"
    if shell == "fish":
        return f"set -gx {name} {shlex.quote(value)}"
    return f"{name}={shlex.quote(value)}" if shell == "dotenv" else f"export {name}={shlex.quote(value)}"
