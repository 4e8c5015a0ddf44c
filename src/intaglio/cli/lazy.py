"""A group whose commands are imported when they are used, so that `--help` costs nothing."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from intaglio.cli import manners

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class OutputClosed(Exception):
    """Whoever read our output has had enough."""


class LazyGroup(click.Group):
    """A group over a table of names: each leads to a module of this package and one line of help."""

    def __init__(self, *args: object, table: Mapping[str, tuple[str, str]], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the table."""
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module and return its `command`."""
        if cmd_name not in self.table:
            return None
        module = importlib.import_module(self.table[cmd_name][0])
        command: click.Command = module.command
        manners.adopt(command)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete the names of commands from the table, importing none of them."""
        from click.shell_completion import CompletionItem

        # What click does for any command: its options.
        found = click.Command.shell_complete(self, ctx, incomplete)
        names = [CompletionItem(name, help=line) for name, (_, line) in self.table.items()]
        return [one for one in names if one.value.startswith(incomplete)] + found

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; raises `OutputClosed` where click itself would end the process with a failure."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise OutputClosed from error

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; for an unknown one, name the closest."""
        import difflib

        name = args[0]
        if name in self.table or name.startswith("-"):
            return super().resolve_command(ctx, args)
        close = difflib.get_close_matches(name, self.table, n=1)
        hint = f" Did you mean '{close[0]}'?" if close else ""
        raise click.UsageError(f"There is no command '{name}'.{hint}", ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table, importing none of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in self.table.items()])
