"""A page about one rule, as Markdown: the terminal, the documentation and SARIF show the same text."""

from __future__ import annotations

from k8s_stateful_lint.engine.cards import MANIFEST, Card, Example, Head, card, heads
from k8s_stateful_lint.engine.catalogue import canonical, families, unknown_rule


def page(name: str, fact: str | None = None) -> str:
    """The page of a rule or family, or of a driver or image.

    Raises:
        KeyError: there is no such rule, family or fact; the argument is a message for people.

    """
    if name in {"driver", "image"}:
        if fact is None:
            example = "ebs.csi.aws.com" if name == "driver" else "postgres:17"
            raise KeyError(f"say which {name}: explain {name} {example}")
        from k8s_stateful_lint.reports import facts

        return facts.driver_page(fact) if name == "driver" else facts.image_page(fact)
    rule = canonical(name)
    if rule is None and name in families():
        return _family_page(name)
    if rule is None:
        raise KeyError(unknown_rule(name))
    return rule_page(heads()[rule], card(rule))


def _family_page(family: str) -> str:
    from k8s_stateful_lint.reports.rules import severity_text

    rules = [head for head in heads().values() if head.family == family]
    lines = (f"- `{head.name}`, {severity_text(head)}: {head.summary}." for head in rules)
    return f"# {family}\n\n" + "\n".join(lines) + "\n\n`k8s-stateful-lint explain RULE` tells why, with examples.\n"


def rule_page(head: Head, whole: Card) -> str:
    """The page of a rule."""
    parts = [f"# {head.name}", f"{whole.summary}.", _facts(head, whole)]
    parts += ["## Why", whole.why.strip(), "## What to do", whole.fix.strip()]
    steps = _steps(head, whole)
    if steps:
        parts += ["With the names of the first example below:", "```sh\n" + "\n".join(steps) + "\n```"]
    if whole.exceptions:
        parts += ["## When it is silent", "\n".join(f"- {' '.join(text.split())}" for text in whole.exceptions)]
    if whole.options:
        parts += ["## Options", _options(whole)]
    parts += ["## Examples", *_example(whole.examples.bad[0], "Bad")]
    parts += _example(whole.examples.good[0], "Good")
    parts += ["## More", "\n".join(f"- <{url}>" for url in whole.references)]
    parts += [
        "## Suppress it",
        f"`# k8s-stateful-lint: ignore[{head.name}] reason` at the end of the line or above it, or the annotation\n"
        f'`k8s-stateful-lint/ignore: "{head.name}: reason"` on the object.',
    ]
    return "\n\n".join(parts) + "\n"


def _steps(head: Head, whole: Card) -> tuple[str, ...]:
    """The commands that a rule about a change advises, for its first bad example."""
    sides = whole.examples.bad[0].sides
    if not sides:
        return ()
    from k8s_stateful_lint.config import config_from
    from k8s_stateful_lint.engine.compare import Side, compare
    from k8s_stateful_lint.reading import SourceFile

    old, new = ([SourceFile(name, text.encode()) for name, text in texts.items()] for texts in sides.values())
    report = compare(Side("before", old), Side("after", new), config_from(whole.examples.bad[0].config))
    return next((finding.steps for finding in report.findings if finding.rule == head.name), ())


def _facts(head: Head, whole: Card) -> str:
    severities = [f"**{head.severity}**"]
    if whole.production:
        severities.append(f"{whole.production} in production")
    if whole.development:
        severities.append(f"{whole.development} in development")
    fixes = {"none": "none", "safe": "safe", "unsafe": "needs review"}
    return (
        f"Severity: {', '.join(severities)}. Confidence: {head.confidence}. Family: {head.family}. "
        f"Wave: {head.wave}{' (off unless asked for)' if head.wave == 'strict' else ''}. "
        f"Mechanical fix: {fixes[whole.autofix]}."
    )


def _options(whole: Card) -> str:
    return "\n".join(
        f"- `{key}` (default `{option.default}`): {' '.join(option.description.split())}"
        for key, option in whole.options.items()
    )


def _example(example: Example, word: str) -> list[str]:
    blocks = [f"**{word}:** {example.title}"]
    for side, texts in (example.sides or {"": example.texts}).items():
        if side:
            blocks.append(f"{side.capitalize()}:" if texts else f"{side.capitalize()}: nothing")
        for name, text in texts.items():
            if name != MANIFEST:
                blocks.append(f"`{name}`")
            blocks.append(f"```yaml\n{text.rstrip()}\n```")
    return blocks
