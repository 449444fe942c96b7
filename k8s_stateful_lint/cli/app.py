"""The program: its commands put together."""

from __future__ import annotations

from typing import Annotated

import typer

from k8s_stateful_lint._about import __version__
from k8s_stateful_lint.cli.check import check, check_changed
from k8s_stateful_lint.cli.compare import compare
from k8s_stateful_lint.cli.explain import explain, rules
from k8s_stateful_lint.cli.graph import graph

app = typer.Typer(
    name="k8s-stateful-lint",
    help="Lint stateful Kubernetes manifests: claims, volumes, classes, StatefulSets and the databases on them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def _main(
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.", is_eager=True)] = False,
) -> None:
    if version:
        print(f"k8s-stateful-lint {__version__}")
        raise typer.Exit


app.command()(check)
app.command("check-changed", hidden=True)(check_changed)
app.command()(compare)
app.command()(graph)
app.command()(explain)
app.command()(rules)
