"""The entry point: finds the command, runs it, turns errors into words and an exit code."""

from __future__ import annotations

import os
import sys

import click

from intaglio import __version__
from intaglio.cli import faults, lazy, manners
from intaglio.cli.faults import Exit
from intaglio.errors import IntaglioError

COMMANDS = {
    "dev": ("intaglio.cli.dev", "Start everything for development, seeded and ready."),
    "serve": ("intaglio.cli.serve", "Start the configured issuer."),
    "work": ("intaglio.cli.work", "Do what `serve` has decided: tell applications of logouts."),
    "healthcheck": ("intaglio.cli.healthcheck", "Ask the running server whether it is ready, for containers."),
    "gate": ("intaglio.cli.gate", "Stand in front of services and let in who may call them."),
    "admin": ("intaglio.cli.admin", "Begin with the first administrator; list, add and remove administrators."),
    "tenant": ("intaglio.cli.tenant", "List, show, create, update, disable and delete tenants."),
    "client": ("intaglio.cli.client", "List, show, create, update, disable and delete clients; their secrets."),
    "user": ("intaglio.cli.user", "List, show, create, update, disable and delete users; their sessions."),
    "group": ("intaglio.cli.group", "Create, list and delete groups of users; who is in them."),
    "organization": ("intaglio.cli.organization", "Create, list, show and delete organizations; their members."),
    "claim-rule": ("intaglio.cli.claim_rule", "Add, list, remove and try claims of your own in people's tokens."),
    "lifetime-policy": ("intaglio.cli.lifetime_policy", "Say how long tokens live by policies, and assign them."),
    "connection": ("intaglio.cli.connection", "Let people sign in at other providers; try whether one answers."),
    "identity": ("intaglio.cli.identity", "List and forget who users are at other providers."),
    "project": ("intaglio.cli.project", "Create, list and show projects."),
    "service-account": (
        "intaglio.cli.service_account",
        "Create, list, show, change, disable and delete service accounts; their keys.",
    ),
    "policy": ("intaglio.cli.policy", "Show and change who has which role on a resource."),
    "role": ("intaglio.cli.role", "List roles; create, change and delete a project's own."),
    "iam": ("intaglio.cli.iam", "Explain who may do what, draw who can become whom, and check it for danger."),
    "federation": (
        "intaglio.cli.federation",
        "Let identities of other issuers in: pools, their providers, and a trial of a token.",
    ),
    "audit": ("intaglio.cli.audit", "Read, pass on and check the audit log."),
    "service": ("intaglio.cli.target", "Create, list, show, change and delete target services."),
    "key": ("intaglio.cli.key", "List, show, create, update, disable and delete signing keys."),
    "masterkey": ("intaglio.cli.masterkey", "See, change, give up and recover the key under which all else is kept."),
    "login": ("intaglio.cli.login", "Sign in with the browser or a code; list who is signed in."),
    "logout": ("intaglio.cli.logout", "End a sign-in, here and at the issuer."),
    "print-identity-token": ("intaglio.cli.print_identity_token", "The same as `token get`, under gcloud's name."),
    "token": ("intaglio.cli.token", "Get, inspect, verify and preview ID tokens."),
    "metadata": (
        "intaglio.cli.metadata",
        "Give the programs of this machine their tokens.",
    ),
    "migrate": ("intaglio.cli.migrate", "Bring the database up to date."),
    "db": ("intaglio.cli.database", "Back the database up, restore it, copy it to another one."),
    "config": ("intaglio.cli.config", "Check and show the settings."),
    "doctor": (
        "intaglio.cli.doctor",
        "Look at an issuer from here: its address, metadata, keys, headers and clock; who it believes about its name.",
    ),
    "completion": ("intaglio.cli.completion", "Print the completion script of a shell."),
}


@click.command(
    name="intaglio",
    cls=lazy.LazyGroup,
    table=COMMANDS,
    params=manners.options(hidden=False),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="intaglio %(version)s")
def group() -> None:
    """Self-hosted OpenID Connect ID tokens for people and workloads.

    Data goes to stdout, words to stderr. Secrets are read from a prompt, a file or stdin, never from the command
    line. The options below go with every command, before or behind its name.
    """


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    manners.reset()
    try:
        outcome = group.main(arguments, prog_name="intaglio", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        faults.tell_usage(error)
        return Exit.USAGE
    except (click.Abort, KeyboardInterrupt):
        faults.insist("interrupted")
        return Exit.INTERRUPTED
    except IntaglioError as error:
        faults.tell(error)
        return faults.code_of(error)
    except (BrokenPipeError, lazy.OutputClosed):
        # Whoever read our output has had enough; the interpreter must not complain about it when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    except ModuleNotFoundError as error:
        return _missing_part(error)
    except Exception as error:  # noqa: BLE001 - the last door: no stack trace for people, no secret of a local variable
        return _unexpected(error)
    return outcome if isinstance(outcome, int) else Exit.OK


def _missing_part(error: ModuleNotFoundError) -> int:
    if (error.name or "").partition(".")[0] == "intaglio":
        return _unexpected(error)
    faults.insist(f"error: This command needs a part that is not installed: {error.name} (part-missing)")
    faults.insist("  expected: the server part beside the library")
    faults.insist("  next step: pip install 'intaglio[server]'")
    return Exit.USAGE


def _unexpected(error: Exception) -> int:
    if os.environ.get("INTAGLIO_DEBUG"):
        raise error
    faults.insist(f"error: Something unexpected happened: {type(error).__name__} (unexpected)")
    faults.insist("  next step: set INTAGLIO_DEBUG=1 to see where, and report it")
    return Exit.UNEXPECTED
