"""`fastzt completion`: what makes a shell complete commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

PROGRAM = "fastzt"
VARIABLE = "_FASTZT_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print a script that makes SHELL complete the commands and options of fastzt.

    \b
      bash: fastzt completion bash > ~/.local/share/bash-completion/completions/fastzt
      zsh:  fastzt completion zsh > "${fpath[1]}/_fastzt"
      fish: fastzt completion fish > ~/.config/fish/completions/fastzt.fish
    """
    maker = get_completion_class(shell)
    assert maker is not None
    click.echo(maker(context.find_root().command, {}, PROGRAM, VARIABLE).source())
