"""The program: its commands put together."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from k8s_stateful_lint._about import __version__
from k8s_stateful_lint.cli import baseline
from k8s_stateful_lint.cli.check import check, check_changed
from k8s_stateful_lint.cli.compare import compare
from k8s_stateful_lint.cli.config import config
from k8s_stateful_lint.cli.explain import explain, rules
from k8s_stateful_lint.cli.facts import facts
from k8s_stateful_lint.cli.graph import graph
from k8s_stateful_lint.cli.init import init
from k8s_stateful_lint.cli.options import Option, parameters_of

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


def _declared(command: Callable[..., None]) -> Callable[..., None]:
    """The command as typer wants it: with its own marks in place of ours."""

    @wraps(command)
    def call(**values: Any) -> None:
        command(**values)

    marks: dict[str, Any] = {}
    for name, written, declared in parameters_of(command):
        if isinstance(declared, Option):
            mark = typer.Option(*declared.names, metavar=declared.metavar, help=declared.help)
        else:
            mark = typer.Argument(metavar=declared.metavar, help=declared.help)
        marks[name] = Annotated[written, mark]
    plain = signature(command)
    parameters = [each.replace(annotation=marks[each.name]) for each in plain.parameters.values()]
    call.__signature__ = plain.replace(parameters=parameters)  # type: ignore[attr-defined]
    call.__annotations__ = marks
    return call


class _Command(TyperCommand):
    """A command whose help shows arguments as they are declared: typer adds the types that Python knows them by."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the sections on arguments and options."""
        sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        for parameter in self.get_params(ctx):
            if (record := parameter.get_help_record(ctx)) is not None:
                is_argument = parameter.param_type_name == "argument"
                name = parameter.metavar or record[0] if is_argument else record[0]
                sections["Arguments" if is_argument else "Options"].append((name, record[1]))
        for title, records in sections.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


app.command(cls=_Command)(_declared(check))
app.command("check-changed", cls=_Command, hidden=True)(_declared(check_changed))
app.command(cls=_Command)(_declared(compare))
app.command(cls=_Command)(_declared(graph))
app.command(cls=_Command)(_declared(explain))
app.command(cls=_Command)(_declared(rules))
app.command(cls=_Command)(_declared(init))
app.command(cls=_Command)(_declared(config))
app.command(cls=_Command)(_declared(facts))
_baseline = typer.Typer(
    help="Let old findings wait, and report new ones.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)
_baseline.command(cls=_Command)(_declared(baseline.create))
_baseline.command(cls=_Command)(_declared(baseline.update))
_baseline.command(cls=_Command)(_declared(baseline.show))
app.add_typer(_baseline, name="baseline")
