"""``explain`` and ``rules``: what the catalogue and the tables say."""

from __future__ import annotations

import sys
from typing import Annotated

from k8s_stateful_lint.cli.options import Argument, option
from k8s_stateful_lint.cli.shared import Colour, fail, make_style, show_markdown


def explain(
    rule: Annotated[str, Argument(metavar="RULE", help="A rule or family, or the word driver or image.")],
    name: Annotated[str | None, Argument(metavar="NAME", help="Which driver or image.")] = None,
    color: Colour = "auto",
) -> None:
    """Explain a rule: why it matters, what to do, when it is silent.

    Of a family, list the rules. Of a driver or image, say what is known.
    """
    from k8s_stateful_lint.reports import explain as page

    try:
        text = page.page(rule, name)
    except KeyError as error:
        fail(str(error.args[0]))
    show_markdown(text, color)


def rules(
    format_name: Annotated[
        str, option("--format", metavar="table|json|markdown", help="How they are listed.")
    ] = "table",
    color: Colour = "auto",
) -> None:
    """List every rule with its family, severity and wave."""
    from k8s_stateful_lint.reports import rules as listing

    if format_name not in {"table", "json", "markdown"}:
        fail(f"there is no format {format_name} for rules; use table, json or markdown")
    style = make_style(color)
    sys.stdout.write(listing.render(format_name, style))
