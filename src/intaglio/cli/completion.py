"""`intaglio completion`: the completion script of a shell."""

from __future__ import annotations

import click

SHELLS = ("bash", "zsh", "fish", "powershell")

EXAMPLES = """\b
Examples:
  bash:        eval "$(intaglio completion bash)"
  zsh:         eval "$(intaglio completion zsh)"
  fish:        intaglio completion fish | source
  PowerShell:  intaglio completion powershell | Out-String | Invoke-Expression
"""


@click.command("completion", epilog=EXAMPLES)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    Put the line for your shell into its start file (~/.bashrc, ~/.zshrc, ~/.config/fish/config.fish, $PROFILE).
    """
    from click import shell_completion

    chosen = shell_completion.get_completion_class(shell)
    if chosen is None:
        raise click.UsageError(f"There is no completion for {shell}.")
    root = context.find_root().command
    script = chosen(root, {}, "intaglio", "_INTAGLIO_COMPLETE")
    # The class's own source() would first run bash to ask for its version; any bash from 4.4 will do.
    click.echo(script.source_template % script.source_vars())
