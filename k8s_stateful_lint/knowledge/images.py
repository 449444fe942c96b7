"""What is known about stateful images: the types of the rows of ``images.yaml``, and the row of an image.

What a container of an image will do with its settings is in :mod:`~k8s_stateful_lint.knowledge.image_process`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct, field

from k8s_stateful_lint._patterns import regex
from k8s_stateful_lint.knowledge._tables import compiled
from k8s_stateful_lint.knowledge.image_reference import ImageReference, parse_image, parse_version

ImageClass: TypeAlias = Literal["single", "quorum", "ring", "shared", "cache", "none"]
Version: TypeAlias = tuple[int, ...]

DEFAULT_VARIANT = "default"

_NEWEST: Version = (9999,)
_OTHER_BITNAMI = regex(r"(^|/)bitnami(?:legacy|secure)/")


def is_older(version: Version, text: str) -> bool:
    """Whether a version is older than a written one; what is not written is zero: 8 is not older than 8.0."""
    bound = parse_version(text) or ()
    length = max(len(version), len(bound))
    return version + (0,) * (length - len(version)) < bound + (0,) * (length - len(bound))


class _Row(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a row: a misspelt column is an error."""


class _Ranged(_Row, frozen=True, kw_only=True):
    """A fact about some versions (``since`` inclusive, ``before`` exclusive) or variants of an image; absent = all."""

    since: str | None = None
    before: str | None = None
    variants: tuple[str, ...] = ()

    def applies(self, version: Version | None, variant: str | None) -> bool | None:
        """Whether the fact is about this version and variant; None if it cannot be told."""
        answers = (self._of_version(version), self._of_variant(variant))
        if False in answers:
            return False
        return None if None in answers else True

    def _of_version(self, version: Version | None) -> bool | None:
        if self.since is None and self.before is None:
            return True
        if version is None:
            return None
        if self.since is not None and is_older(version, self.since):
            return False
        return self.before is None or is_older(version, self.before)

    def _of_variant(self, variant: str | None) -> bool | None:
        if not self.variants:
            return True
        return None if variant is None else variant in self.variants


class Sign(_Row, frozen=True, kw_only=True):
    """Something in the settings of a container that means something; any one of the ways is enough.

    ``args`` are options (``--replSet``) or subcommands (``start-dev``), ``env`` variables (``PATRONI_*`` for a
    prefix), both optionally with a ``value`` they must match in full; ``command`` is searched in the arguments joined
    by blanks, ``text`` in the container's configuration files; ``mount`` is any persistent mount and
    ``default_command`` the image's own command. ``without`` are options that must not be there, ``also`` is a second
    sign that must be.
    """

    env: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    value: str | None = None
    command: str | None = None
    text: str | None = None
    mount: bool = False
    default_command: bool = False
    without: tuple[str, ...] = ()
    also: "Sign | None" = None
    reason: str | None = None


class Switch(Sign, frozen=True, kw_only=True):
    """A sign that gives a container another class than its image has by default."""

    becomes: ImageClass


class DataPath(_Ranged, frozen=True, kw_only=True):
    """A directory with data. ``volume``: the image declares it a VOLUME. ``parts``: names below it mounted alone.

    Without a path the place is known only if something moves it; ``{major}`` stands for the major version.
    """

    path: str | None = None
    name: str = "data"
    required: bool = True
    volume: bool = False
    parts: tuple[str, ...] = ()


class Volume(_Ranged, frozen=True, kw_only=True):
    """A VOLUME of the image that is no data path."""

    path: str


class Mover(_Row, frozen=True, kw_only=True):
    """An option or variable that moves a data path.

    An argument with a blank is an option and its key: ``-c data_directory`` means ``-c data_directory=...``.
    ``kind``: the value is a directory, a file in it, a comma list of directories, a CockroachDB store, or the
    directories and URLs after MinIO's ``server``.
    ``template`` makes the path of the value (``{}/data``). The first mover of a path that is set wins.
    """

    moves: str = "data"
    env: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    kind: Literal["directory", "file", "list", "store", "endpoints"] = "directory"
    template: str = "{}"


class ConfigFile(_Row, frozen=True, kw_only=True):
    """A configuration file that can move a data path.

    ``pattern`` finds the value in its text. The file is read if ``args`` or ``env`` name it (``positional``: a plain
    argument that ends so), or if it is at or below one of ``paths``. ``replaces``: the default path stands in the
    image's own file, so that another file without the key leaves it unknown.
    """

    args: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    positional: str | None = None
    paths: tuple[str, ...] = ()
    moves: str = "data"
    pattern: str | None = None
    kind: Literal["directory", "file", "list"] = "directory"
    template: str = "{}"
    replaces: bool = False


class OtherPaths(_Row, frozen=True, kw_only=True):
    """Mount paths of an image that hold no data of the server."""

    config: tuple[str, ...] = ()
    init_scripts: tuple[str, ...] = ()
    backup: tuple[str, ...] = ()


class User(_Ranged, frozen=True, kw_only=True):
    """Who the program is in the end. ``starts_as_root``: it starts as root, chowns its data and drops to the user."""

    uid: int | None = None
    gid: int | None = None
    starts_as_root: bool | None = None
    arbitrary_users: bool | None = None


class LostFound(_Ranged, frozen=True, kw_only=True):
    """What a ``lost+found`` in the data directory does."""

    effect: Literal["fatal", "tolerated"]


class Probes(_Row, frozen=True, kw_only=True):
    """Patterns searched in a probe's command line or HTTP path."""

    cluster_level: tuple[str, ...] = ()
    node_local: tuple[str, ...] = ()


class ServiceLink(_Ranged, frozen=True, kw_only=True):
    """A variable (``NEO4J_*`` for a prefix) that the image reads as its configuration."""

    variable: str
    fatal: bool = False


class RemovedOption(_Row, frozen=True, kw_only=True):
    """An option the server does not know any more, which stops it from starting."""

    option: str
    since: str


class Secrets(_Row, frozen=True, kw_only=True):
    """Variables that are read only while the data directory is empty."""

    passwords: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    databases: tuple[str, ...] = ()


class KeyFile(_Row, frozen=True, kw_only=True):
    """An option, variable or fixed path of a key file the program wants closed to group and others.

    ``root_owned_mode``: the mode accepted when root owns the file.
    """

    args: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    path: str | None = None
    root_owned_mode: str | None = None


class Heap(_Row, frozen=True, kw_only=True):
    """An option or variable that sets the size of a heap or cache; ``pattern`` finds the size in its value."""

    env: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    pattern: str = "(.+)"
    unit: Literal["bytes", "GB"] = "bytes"


class ImageEntry(_Row, frozen=True, kw_only=True):
    """One row of the table; ``images.yaml`` explains the columns. An absent cell is unknown: no rule rests on it."""

    key: str
    repositories: tuple[str, ...]
    class_: ImageClass = field(name="class")
    status: Literal["verified", "partial", "unverified"]
    source: str
    note: str | None = None

    variants: dict[str, str] = {}
    version_pattern: str | None = None
    floating_version: str | None = None
    switches: tuple[Switch, ...] = ()
    non_voting: tuple[Sign, ...] = ()

    data: tuple[DataPath, ...] = ()
    volumes: tuple[Volume, ...] = ()
    runs_without_storage: bool = False
    other_paths: OtherPaths = OtherPaths()
    moved_by: tuple[Mover, ...] = ()
    config_files: tuple[ConfigFile, ...] = ()
    misspelt_env: dict[str, str] = {}
    workdir: str | None = None

    entrypoints: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()
    client_args: tuple[str, ...] = ()
    positional_args: str | None = None
    development: tuple[Sign, ...] = ()
    standalone: tuple[Sign, ...] = ()
    replication: tuple[Sign, ...] = ()
    several_primaries: tuple[Sign, ...] = ()
    duplicates_allowed: bool = False

    users: tuple[User, ...] = ()
    nfs: Literal["no", "caution", "supported"] | None = None
    smb_fatal: bool = False
    lost_found: tuple[LostFound, ...] = ()
    mode_check: bool = False
    ships_content: bool = False
    writes: tuple[str, ...] = ()
    shared_memory: bool = False
    map_count: bool = False

    grace: int | None = None
    grace_written_by_chart: int | None = None
    probes: Probes = Probes()
    on_delete: bool = False
    start: Literal["parallel", "ordered", "either"] | None = None
    dns_peers: bool = False
    membership_variables: tuple[str, ...] = ()
    seed_variables: tuple[str, ...] = ()
    node_name_in_path: bool = False
    node_name_variables: tuple[str, ...] = ()
    arbiter: str | None = None
    role_labels: tuple[str, ...] = ()

    service_links: tuple[ServiceLink, ...] = ()
    format_parts: int | None = None
    upgrade: Literal["tool", "one-step", "any-step"] | None = None
    series: tuple[str, ...] = ()
    removed_options: tuple[RemovedOption, ...] = ()
    secrets: Secrets = Secrets()
    key_files: tuple[KeyFile, ...] = ()
    heap: tuple[Heap, ...] = ()


class Match(Struct, frozen=True, kw_only=True):
    """An image that is in the table.

    ``variant`` is ``"default"`` unless the tag names one, and None if there is only a digest. ``version`` is what the
    image says of the program's version; None if it says nothing. ``exact`` is false if only the last two segments of
    the repository are known (a mirror): one step less confidence.
    """

    entry: ImageEntry
    variant: str | None
    version: Version | None
    exact: bool
    floating: bool = False

    @property
    def layout_version(self) -> Version | None:
        """The version whose facts hold: of a floating tag the newest, unless the row says otherwise."""
        if self.version is not None or not self.floating:
            return self.version
        if self.entry.floating_version is None:
            return _NEWEST
        return parse_version(self.entry.floating_version)


# --- the table -------------------------------------------------------------------------------------------------------


class ImageTable:
    """The rows and where to find them."""

    def __init__(self, entries: Mapping[str, ImageEntry], mirrors: Mapping[str, str]) -> None:
        """Index rows by their repositories; where two rows name one, the later counts."""
        self.entries = entries
        self.mirrors = mirrors
        self._names: dict[str, ImageEntry] = {}
        self._tails: dict[str, ImageEntry] = {}
        for entry in entries.values():
            for repository in entry.repositories:
                self._names[repository] = entry
                _, _, path = repository.partition("/")
                tail = "/".join(path.split("/")[-2:])
                # `registry.k8s.io/etcd` and `host/database/*` say too little without the registry.
                if "/" in tail and not tail.endswith("/*"):
                    self._tails.setdefault(tail, entry)
        self._patterns = [(name[:-1], entry) for name, entry in self._names.items() if name.endswith("*")]
        self._tail_patterns = [(name[:-1], entry) for name, entry in self._tails.items() if name.endswith("*")]

    def extended(self, rows: Iterable[Mapping[str, Any]], mirrors: Mapping[str, str] | None = None) -> "ImageTable":
        """Add rows of the user, or let them override the cells of the row with the same key."""
        user = ({"status": "verified", "source": "configuration", **row} for row in rows)
        return ImageTable(entries_of([*self._cells(), *user]), {**self.mirrors, **(mirrors or {})})

    def find(self, reference: ImageReference, mirrors: Mapping[str, str] | None = None) -> Match | None:
        """Find the row of an image, by its whole repository or, with ``exact`` false, by its last two segments."""
        name = _modern_bitnami(_unmirrored(reference.name, {**self.mirrors, **(mirrors or {})}))
        entry = self._names.get(name) or _by_prefix(name, self._patterns)
        if entry is not None:
            return _match(entry, reference, name, exact=True)
        tail = "/".join(name.split("/")[1:][-2:])
        entry = self._tails.get(tail) or _by_prefix(tail, self._tail_patterns)
        return _match(entry, reference, name, exact=False) if entry is not None else None

    def _cells(self) -> Iterator[dict[str, Any]]:
        for entry in self.entries.values():
            cells: dict[str, Any] = msgspec.to_builtins(entry)
            yield cells


@lru_cache(maxsize=1)
def builtin_images() -> ImageTable:
    """The table of the package."""
    shipped = msgspec.json.decode(compiled("images"), type=_Shipped)
    return ImageTable({entry.key: entry for entry in shipped.images}, shipped.mirrors)


def image_entries() -> Mapping[str, ImageEntry]:
    """The rows by their key."""
    return builtin_images().entries


def find_image(reference: ImageReference, mirrors: Mapping[str, str] | None = None) -> Match | None:
    """Find an image in the table of the package.

    It is looked up by its whole repository or, with ``exact`` false, by its last two segments; never by the last one
    alone. ``mirrors`` maps prefixes of repositories to what they mirror: ``{"registry.example.com/hub": "docker.io"}``.
    """
    return builtin_images().find(reference, mirrors)


class _Shipped(Struct, frozen=True):
    """The table of the package."""

    images: tuple[ImageEntry, ...]
    mirrors: dict[str, str]


def entries_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, ImageEntry]:
    """Convert rows, and check their types."""
    return {key: msgspec.convert(row, ImageEntry) for key, row in cells_of(rows).items()}


def cells_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The cells of each row by its key.

    A row with ``like: other`` starts from the cells of an earlier row, without its status, source and note; a row
    with the key of an earlier one overrides its cells.
    """
    cells: dict[str, dict[str, Any]] = {}
    for row in rows:
        model = cells[row["like"]] if "like" in row else {}
        inherited = {k: v for k, v in model.items() if k not in ("source", "status", "note")}
        cells[row["key"]] = cells.get(row["key"], {}) | inherited | {k: v for k, v in row.items() if k != "like"}
    return cells


def _unmirrored(name: str, mirrors: Mapping[str, str]) -> str:
    """Replace the longest prefix that is a mirror by what it mirrors."""
    for prefix in sorted(mirrors, key=len, reverse=True):
        base = prefix.rstrip("/")
        if name == base or name.startswith(base + "/"):
            inner = name[len(base) :].strip("/")
            parsed = parse_image("/".join(part for part in (mirrors[prefix].strip("/"), inner) if part))
            return parsed.name if parsed else name
    return name


def _by_prefix(name: str, patterns: Iterable[tuple[str, ImageEntry]]) -> ImageEntry | None:
    return next((entry for prefix, entry in patterns if name.startswith(prefix)), None)


def _modern_bitnami(name: str) -> str:
    """The frozen and the secured copies of the Bitnami images are laid out as the images themselves."""
    return _OTHER_BITNAMI.sub(r"\1bitnami/", name) if "bitnami" in name else name


def _match(entry: ImageEntry, reference: ImageReference, name: str, *, exact: bool) -> Match:
    version = reference.version
    if entry.version_pattern is not None:
        # The subject is the whole reference: some images carry the version in the repository, or behind another one.
        found = re.search(entry.version_pattern, f"{name}:{reference.tag or ''}")
        version = tuple(int(part) for part in found.groups() if part) if found else None
    variant: str | None = DEFAULT_VARIANT
    if reference.tag is None and reference.digest is not None and entry.variants:
        variant = None
    for pattern, name_of_variant in entry.variants.items():
        if reference.tag is not None and re.search(pattern, reference.tag):
            variant = name_of_variant
            break
    return Match(
        entry=entry,
        variant=variant,
        version=version,
        exact=exact,
        floating=reference.floating and version is None,
    )


# --- facts by version and variant ------------------------------------------------------------------------------------


def user_of(match: Match) -> User | None:
    """The user of this version and variant; None if unknown."""
    for user in match.entry.users:
        answer = user.applies(match.layout_version, match.variant)
        if answer is None:
            return None
        if answer:
            return user
    return None


def other_users(match: Match) -> tuple[User, ...]:
    """The users of the other variants of the image."""
    version, own = match.layout_version, user_of(match)
    return tuple(u for u in match.entry.users if u is not own and u.applies(version, None) is not False)


def lost_found(match: Match) -> Literal["fatal", "tolerated"] | None:
    """What ``lost+found`` in the data directory does to this version; None if unknown."""
    for fact in match.entry.lost_found:
        answer = fact.applies(match.layout_version, match.variant)
        if answer is None:
            return None
        if answer:
            return fact.effect
    return None


def service_links(match: Match) -> tuple[ServiceLink, ...]:
    """The variables of Services that this version reads as configuration."""
    return tuple(s for s in match.entry.service_links if s.applies(match.layout_version, match.variant))


def declared_volumes(match: Match) -> tuple[str, ...]:
    """The VOLUMEs that this version of the image certainly declares."""
    facts: tuple[DataPath | Volume, ...] = (*(p for p in match.entry.data if p.volume), *match.entry.volumes)
    return tuple(f.path for f in facts if f.path is not None and f.applies(match.layout_version, match.variant))
