"""Cards: what a rule is, why it matters and how to mend it, as data in ``rules/<family>/<name>.yaml``.

A run needs only the heads of the cards, which stand together in the generated ``rules/index.json``; the prose is read
when somebody asks for it.
"""

from functools import cache
from pathlib import Path
from typing import Any, Literal

import msgspec

from k8s_stateful_lint.config import Confidence, Severity
from k8s_stateful_lint.knowledge.versions import Version, parse_version

Wave = Literal["core", "full", "strict"]
INDEX_NAME = "index.json"
MANIFEST = "manifest.yaml"  # what the only file of an example is called


class _CardPart(msgspec.Struct, frozen=True, rename="kebab", kw_only=True, forbid_unknown_fields=True):
    """The base of every part of a card: an unknown key is an error."""


class Option(_CardPart, frozen=True):
    """A parameter of a rule."""

    default: Any
    description: str


class Example(_CardPart, frozen=True):
    """A manifest (or several files) with what the rule says about it.

    A bad example carries ``# <- here`` at the end of every line the rule must point at. ``also`` names other rules
    that may fire. ``severity`` and ``confidence`` are those of the rule's findings here.

    A rule that compares two revisions has examples with ``old`` and ``new`` instead, each one manifest or several
    files; the marker is on the side that the finding points into.
    """

    title: str
    manifest: str = ""
    files: dict[str, str] = {}
    old: str | dict[str, str] | None = None
    new: str | dict[str, str] | None = None
    config: dict[str, Any] = {}
    also: tuple[str, ...] = ()
    severity: Severity | None = None
    confidence: Confidence | None = None
    message: str | None = None

    @property
    def texts(self) -> dict[str, str]:
        """The files of an example of a single revision."""
        return {**self.files, **({MANIFEST: self.manifest} if self.manifest else {})}

    @property
    def sides(self) -> dict[str, dict[str, str]]:
        """The files before and after a change, of an example of two revisions; else empty."""
        if self.old is None and self.new is None:
            return {}
        written = {"before": self.old or {}, "after": self.new or {}}
        return {side: text if isinstance(text, dict) else {MANIFEST: text} for side, text in written.items()}


class Examples(_CardPart, frozen=True):
    """Manifests that the rule speaks about, and such that it leaves alone."""

    bad: tuple[Example, ...]
    good: tuple[Example, ...]


class Head(_CardPart, frozen=True):
    """What a run needs to know of a rule."""

    name: str
    family: str
    summary: str
    severity: Severity
    confidence: Confidence
    wave: Wave
    fix: str
    url: str
    # The severity in an environment, where it differs and the rule itself sets none.
    production: Severity | None = None
    development: Severity | None = None
    # Whether patches of other objects are judged too: only rules that never speak about something absent.
    partial: bool = False
    # The first and the last version of Kubernetes that the rule is about.
    since: str | None = None
    until: str | None = None
    aliases: tuple[str, ...] = ()
    options: dict[str, Any] = {}
    # Rules that the engine itself implements have a card but no function.
    engine: bool = False
    # The module of the function below `checks`, and the types of what the function is called with.
    module: str = ""
    subjects: tuple[str, ...] = ()

    def applies_to(self, target: Version) -> bool:
        """Whether the rule is about a version of Kubernetes."""
        return (self.since is None or parse_version(self.since) <= target) and (
            self.until is None or target <= parse_version(self.until)
        )


class Card(_CardPart, frozen=True):
    """Everything about a rule that is not code."""

    summary: str
    severity: Severity
    confidence: Confidence
    wave: Wave
    why: str
    fix: str
    references: tuple[str, ...]
    examples: Examples
    production: Severity | None = None
    development: Severity | None = None
    autofix: Literal["none", "safe", "unsafe"] = "none"
    partial: bool = False
    since: str | None = None
    until: str | None = None
    aliases: tuple[str, ...] = ()
    options: dict[str, Option] = {}
    exceptions: tuple[str, ...] = ()
    engine: bool = False

    def head(self, family: str, name: str) -> Head:
        """The part of the card that a run needs."""
        return Head(
            name=name,
            family=family,
            summary=self.summary,
            severity=self.severity,
            confidence=self.confidence,
            wave=self.wave,
            fix=" ".join(self.fix.split()),
            url=self.references[0] if self.references else "",
            production=self.production,
            development=self.development,
            partial=self.partial,
            since=self.since,
            until=self.until,
            aliases=self.aliases,
            options={key: option.default for key, option in self.options.items()},
            engine=self.engine,
        )


class CardError(Exception):
    """A card cannot be read; the text says which and why."""


@cache
def rules_directory() -> Path:
    """Where the cards are: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "rules"
    return installed if installed.is_dir() else package.parent / "rules"


@cache
def heads() -> dict[str, Head]:
    """The head of every card, by the name of the rule, in the order of families and names."""
    data = (rules_directory() / INDEX_NAME).read_bytes()
    return {head.name: head for head in msgspec.json.decode(data, type=tuple[Head, ...])}


def read_cards() -> dict[str, Head]:
    """The heads read from the cards themselves."""
    found = {}
    for path in sorted(rules_directory().glob("*/*.yaml")):
        found[path.stem] = read_card(path).head(path.parent.name, path.stem)
    return found


def card(name: str) -> Card:
    """The whole card of a rule.

    Raises:
        KeyError: there is no such rule.
        CardError: its card cannot be read.

    """
    head = heads()[name]
    return read_card(rules_directory() / head.family / f"{name}.yaml")


def read_card(path: Path) -> Card:
    """Read one card.

    Raises:
        CardError: it is not YAML, or a key is missing, unknown or of the wrong type.

    """
    from k8s_stateful_lint.reading import SourceFile, read

    reading = read(SourceFile(path.name, path.read_bytes()))
    if reading.faults or len(reading.documents) != 1:
        raise CardError(f"{path.name}: " + "; ".join(fault.message for fault in reading.faults))
    try:
        return msgspec.convert(reading.documents[0].value, Card, strict=True)
    except msgspec.ValidationError as error:
        raise CardError(f"{path.name}: {error}") from error


def encode_index(found: dict[str, Head]) -> bytes:
    """The text of the index."""
    text = msgspec.json.encode(sorted(found.values(), key=lambda head: (head.family, head.name)))
    return msgspec.json.format(text, indent=1) + b"\n"
