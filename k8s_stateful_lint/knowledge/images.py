"""What is known about stateful images, and what a container of one will do with its settings.

The facts are rows of ``images.yaml``; here are their types, the look-up of a row for an image, and pure functions that
apply a row to the settings of one container. Where the settings do not show the answer, the answer is ``None``:
cannot tell.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from importlib import resources
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct, field

from k8s_stateful_lint.knowledge.image_reference import ImageReference, parse_image, parse_version

ImageClass: TypeAlias = Literal["single", "quorum", "ring", "shared", "cache", "none"]
Version: TypeAlias = tuple[int, ...]

DEFAULT_VARIANT = "default"

# A class makes more demands than those before it; in doubt the lower one is assumed.
_DEMANDS: tuple[ImageClass, ...] = ("none", "cache", "shared", "single", "ring", "quorum")
_NEWEST: Version = (9999,)


def _is_older(version: Version, text: str) -> bool:
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
        if self.since is not None and _is_older(version, self.since):
            return False
        return self.before is None or _is_older(version, self.before)

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
    also: Sign | None = None
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


class ProcessSettings(Struct, frozen=True, kw_only=True):
    """What a manifest says about the process of a container.

    A variable whose value is None has one, from somewhere that is not in the input. ``config_texts`` are the mounted
    files whose text is in the input, ``unknown_config_paths`` the mounts of ConfigMaps and Secrets that are not.
    """

    command: tuple[str, ...] | None = None
    args: tuple[str, ...] | None = None
    env: Mapping[str, str | None] = {}
    env_from_unknown: bool = False
    config_texts: Mapping[str, str] = {}
    unknown_config_paths: tuple[str, ...] = ()


class DataDirectory(Struct, frozen=True, kw_only=True):
    """A directory the server keeps data in: at its default place, or where ``moved_by`` moved it."""

    path: str
    required: bool = True
    default: bool = True
    moved_by: str | None = None
    parts: tuple[str, ...] = ()


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

    def extended(self, rows: Iterable[Mapping[str, Any]], mirrors: Mapping[str, str] | None = None) -> ImageTable:
        """Add rows of the user, or let them override the cells of the row with the same key."""
        user = ({"status": "verified", "source": "configuration", **row} for row in rows)
        return ImageTable(_read_rows([*self._cells(), *user]), {**self.mirrors, **(mirrors or {})})

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
    document = _load_yaml(resources.files(__package__).joinpath("images.yaml").read_bytes())
    return ImageTable(_read_rows(document["images"]), document["mirrors"])


def image_entries() -> Mapping[str, ImageEntry]:
    """The rows by their key."""
    return builtin_images().entries


def find_image(reference: ImageReference, mirrors: Mapping[str, str] | None = None) -> Match | None:
    """Find an image in the table of the package.

    It is looked up by its whole repository or, with ``exact`` false, by its last two segments; never by the last one
    alone. ``mirrors`` maps prefixes of repositories to what they mirror: ``{"registry.example.com/hub": "docker.io"}``.
    """
    return builtin_images().find(reference, mirrors)


def _read_rows(rows: Iterable[Mapping[str, Any]]) -> dict[str, ImageEntry]:
    """Convert rows.

    A row with ``like: other`` starts from the cells of an earlier row, without its status, source and note; a row
    with the key of an earlier one overrides its cells.
    """
    cells: dict[str, dict[str, Any]] = {}
    for row in rows:
        model = cells[row["like"]] if "like" in row else {}
        inherited = {k: v for k, v in model.items() if k not in ("source", "status", "note")}
        cells[row["key"]] = cells.get(row["key"], {}) | inherited | {k: v for k, v in row.items() if k != "like"}
    return {key: msgspec.convert(row, ImageEntry) for key, row in cells.items()}


def _load_yaml(data: bytes) -> Any:
    try:
        import yamlrocks
    except ImportError:
        from ruamel.yaml import YAML

        return YAML(typ="safe", pure=True).load(data)
    return yamlrocks.loads(data)


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
    return re.sub(r"(^|/)bitnami(?:legacy|secure)/", r"\1bitnami/", name)


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


def removed_options(match: Match, settings: ProcessSettings) -> tuple[str, ...]:
    """The options passed to the server that this version does not know any more."""
    version, args = match.layout_version, server_arguments(match, settings) or ()
    if version is None:
        return ()
    return tuple(
        removed.option
        for removed in match.entry.removed_options
        if not _is_older(version, removed.since) and _option_values(args, removed.option)
    )


def declared_volumes(match: Match) -> tuple[str, ...]:
    """The VOLUMEs that this version of the image certainly declares."""
    facts: tuple[DataPath | Volume, ...] = (*(p for p in match.entry.data if p.volume), *match.entry.volumes)
    return tuple(f.path for f in facts if f.path is not None and f.applies(match.layout_version, match.variant))


# --- the process -----------------------------------------------------------------------------------------------------

_SHELLS = frozenset({"sh", "bash", "ash", "dash", "zsh", "ksh"})
_KEYWORDS = frozenset({"if", "then", "else", "elif", "do", "while", "until", "!", "{", "time", "(", "case", "in"})
# Programs that start another one, and how many plain arguments come before it.
_WRAPPERS = {
    "exec": 0, "tini": 0, "tini-static": 0, "dumb-init": 0, "catatonit": 0, "env": 0, "nohup": 0, "nice": 0, "sudo": 0,
    "command": 0, "numactl": 0, "stdbuf": 0, "ionice": 0, "setpriv": 0, "catchsegv": 0, "gosu": 1, "su-exec": 1,
    "setuidgid": 1, "chpst": 0, "timeout": 1,
}  # fmt: skip
_WRAPPER_OPTIONS_WITH_VALUE = frozenset({"-u", "-g", "-n", "-a", "-U"})
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_SUBSTITUTION = "$__substitution__"


class _Call(Struct, frozen=True):
    """A call of the server. ``script``: the shell text around it, if any."""

    args: tuple[str, ...]
    is_default: bool = False
    script: str | None = None


def runs_server(match: Match, settings: ProcessSettings) -> bool:
    """Whether the container runs the image's server, as far as the image and the process tell.

    Clients, routers, dumps, `sleep` and unknown programs are not servers.
    """
    return _server_call(match.entry, settings) is not None


def server_arguments(match: Match, settings: ProcessSettings) -> tuple[str, ...] | None:
    """The arguments the server gets (without its own name); None if the container does not run it."""
    call = _server_call(match.entry, settings)
    return call.args if call is not None else None


def _server_call(entry: ImageEntry, settings: ProcessSettings) -> _Call | None:
    command = tuple(_expand(word, settings.env) for word in settings.command or ())
    args = tuple(_expand(word, settings.env) for word in settings.args or ())
    if not command:
        return _entrypoint_call(entry, args, settings, is_default=True)
    return _program_call(entry, (*command, *args), settings)


def _entrypoint_call(
    entry: ImageEntry, args: tuple[str, ...], settings: ProcessSettings, *, is_default: bool = False
) -> _Call | None:
    """What the image's entrypoint does with these arguments."""
    if not args:
        return _Call((), is_default=is_default) if entry.servers else None
    if any(_option_values(args, option) for option in entry.client_args):
        return None
    if args[0].startswith("-") or (entry.positional_args and re.search(entry.positional_args, args[0])):
        return _Call(args)
    for server in entry.servers:
        subcommand = server.split()[1:]
        if subcommand and list(args[: len(subcommand)]) == subcommand:
            return _Call(args)
    return _program_call(entry, args, settings)


def _program_call(entry: ImageEntry, words: Sequence[str], settings: ProcessSettings) -> _Call | None:
    words = _unwrapped(words)
    if not words:
        return None
    program = posixpath.basename(words[0])
    if program in _SHELLS:
        return _shell_call(entry, words[1:], settings)
    rest = tuple(words[1:])
    for server in entry.servers:
        name, *subcommand = server.split()
        hidden = bool(rest) and _is_opaque(rest[0])  # `exec cockroach ${ARGS[*]}`
        if program == name and (hidden or list(rest[: len(subcommand)]) == subcommand):
            return None if any(_option_values(rest, option) for option in entry.client_args) else _Call(rest)
    if program in entry.clients:
        return None
    if program in entry.entrypoints:
        return _entrypoint_call(entry, rest, settings)
    script = settings.config_texts.get(words[0])
    return _script_call(entry, script, settings) if script is not None else None


def _unwrapped(words: Sequence[str]) -> Sequence[str]:
    """Take away what only starts the program: assignments, `exec`, `tini --`, `gosu user` ..."""
    words = list(words)
    while words:
        if _ASSIGNMENT.match(words[0]) or words[0] in _KEYWORDS:
            words.pop(0)
            continue
        plain = _WRAPPERS.get(posixpath.basename(words[0]))
        if plain is None:
            return words
        words.pop(0)
        while words and words[0].startswith("-"):
            takes_value = words.pop(0) in _WRAPPER_OPTIONS_WITH_VALUE
            del words[: int(takes_value)]
        del words[:plain]
    return words


def _shell_call(entry: ImageEntry, words: Sequence[str], settings: ProcessSettings) -> _Call | None:
    for position, word in enumerate(words):
        if re.fullmatch(r"-\w*c\w*", word):
            return _script_call(entry, words[position + 1], settings) if position + 1 < len(words) else None
        if not word.startswith(("-", "+")) and word not in ("pipefail",):
            script = settings.config_texts.get(word)
            if script is not None:
                return _script_call(entry, script, settings)
            # `bash docker-entrypoint.sh mysqld`, but not `sh unknown.sh`.
            return _program_call(entry, words[position:], settings) if _known(entry, word) else None
    return None


def _known(entry: ImageEntry, word: str) -> bool:
    program = posixpath.basename(word)
    return program in entry.entrypoints or any(server.split()[0] == program for server in entry.servers)


def _script_call(entry: ImageEntry, script: str, settings: ProcessSettings) -> _Call | None:
    """The server call of a shell script; the last one, since the calls before it set things up."""
    flat = ProcessSettings(env=settings.env)  # no files: a script that calls itself must end
    found = None
    for words in _simple_commands(script):
        call = _program_call(entry, words, flat)
        if call is not None:
            found = _Call(call.args, script=script)
    return found


def _simple_commands(script: str) -> Iterator[list[str]]:
    """The simple commands of a shell script, roughly: substitutions become one opaque word."""
    text = re.sub(r"(^|\s)#[^\n]*", r"\1", script)
    text = re.sub(r"\\\r?\n", " ", _without_substitutions(text))
    lexer = shlex.shlex(text.replace("\n", " ; "), posix=True, punctuation_chars="();<>|&")
    lexer.commenters = ""
    lexer.whitespace_split = True
    words: list[str] = []
    try:
        for token in lexer:
            if token and not token.strip("();|&"):
                yield words
                words = []
            else:
                words.append(token)
    except ValueError:  # an open quote: a here-document, or not a shell script
        pass
    yield words


def _without_substitutions(script: str) -> str:
    """Replace `$(...)` and backticks, also nested ones."""
    script = re.sub(r"`[^`]*`", _SUBSTITUTION, script)
    result: list[str] = []
    position = depth = 0
    while position < len(script):
        if script.startswith("$(", position):
            if depth == 0:
                result.append(_SUBSTITUTION)
            depth += 1
            position += 2
            continue
        if depth:
            depth += {"(": 1, ")": -1}.get(script[position], 0)
        else:
            result.append(script[position])
        position += 1
    return "".join(result)


def _expand(text: str, env: Mapping[str, str | None]) -> str:
    """Expand `$(VAR)` as Kubernetes does; what has no literal value stays."""
    return re.sub(r"\$\(([A-Za-z0-9_.-]+)\)", lambda m: m[0] if (v := env.get(m[1])) is None else v, text)


# --- signs -----------------------------------------------------------------------------------------------------------


def effective_class(match: Match, settings: ProcessSettings, has_persistent_mount: bool) -> ImageClass:
    """The class of the container: the image's, changed by the first switch that is seen.

    A switch that cannot be seen counts only if it leads to a class with fewer demands.
    """
    base = match.entry.class_
    for switch in match.entry.switches:
        seen = _seen(switch, match.entry, settings, mount=has_persistent_mount)
        weaker = _DEMANDS.index(switch.becomes) < _DEMANDS.index(base)
        if seen or (seen is None and weaker):
            return switch.becomes
    return base


def votes(match: Match, settings: ProcessSettings) -> bool | None:
    """Whether the container is a voting member of a quorum; None if the settings do not show it."""
    entry = match.entry
    if not runs_server(match, settings):
        return False
    answers = [_seen(sign, entry, settings) for sign in (*entry.non_voting, *entry.standalone)]
    if True in answers:
        return False
    for switch in entry.switches:
        seen = _seen(switch, entry, settings, mount=True)
        if seen is None:
            return None
        if seen:
            return _unless_unknown(switch.becomes == "quorum", answers)
    return _unless_unknown(entry.class_ == "quorum", answers)


def _unless_unknown(member: bool, answers: Sequence[bool | None]) -> bool | None:
    return None if member and None in answers else member


def in_development_mode(match: Match, settings: ProcessSettings) -> str | None:
    """Why the server keeps its data only as a toy does, or None."""
    return _reason(match.entry.development, match, settings)


def standalone(match: Match, settings: ProcessSettings) -> str | None:
    """The setting that keeps every server to itself, or None."""
    return _reason(match.entry.standalone, match, settings)


def replication_marker(match: Match, settings: ProcessSettings) -> str | None:
    """The setting that ties several servers together, or None."""
    return _reason(match.entry.replication, match, settings)


def _reason(signs: Iterable[Sign], match: Match, settings: ProcessSettings) -> str | None:
    for sign in signs:
        if _seen(sign, match.entry, settings):
            return sign.reason or _evidence(sign, match.entry, settings)
    return None


def _evidence(sign: Sign, entry: ImageEntry, settings: ProcessSettings) -> str:
    """What made the sign true, for a message."""
    args = _arguments(entry, settings)
    for option in sign.args:
        if _option_values(args, option):
            return f"the argument `{option}`"
    for name in _env_names(sign, settings):
        return f"the variable `{name}`"
    return "its configuration" if sign.text else "its arguments"


def _arguments(entry: ImageEntry, settings: ProcessSettings) -> tuple[str, ...]:
    call = _server_call(entry, settings)
    return call.args if call is not None else ()


def _env_names(sign: Sign, settings: ProcessSettings) -> Iterator[str]:
    for wanted in sign.env:
        for name in settings.env:
            if name == wanted or (wanted.endswith("*") and name.startswith(wanted[:-1])):
                yield name


def _seen(sign: Sign, entry: ImageEntry, settings: ProcessSettings, *, mount: bool = False) -> bool | None:
    """Whether the sign is there; None if it could be in something that is not in the input."""
    call = _server_call(entry, settings)
    args = call.args if call is not None else ()
    if any(_option_values(args, option) for option in sign.without):
        return False
    answer = _seen_itself(sign, entry, settings, call, mount=mount)
    if sign.also is None or answer is False:
        return answer
    second = _seen(sign.also, entry, settings, mount=mount)
    if second is False:
        return False
    return None if None in (answer, second) else True


def _seen_itself(
    sign: Sign, entry: ImageEntry, settings: ProcessSettings, call: _Call | None, *, mount: bool
) -> bool | None:
    args = call.args if call is not None else ()
    if sign.mount and mount:
        return True
    if sign.default_command and call is not None and call.is_default:
        return True
    if sign.command is not None and re.search(sign.command, " ".join(args)):
        return True
    unknown = bool(sign.args or sign.command) and any(_is_opaque(word) for word in args)
    values: list[str | None] = [value for option in sign.args for value in _option_values(args, option)]
    values += [settings.env[name] for name in _env_names(sign, settings)]
    for value in values:
        if sign.value is None:
            return True
        if value is None or "$" in value:
            unknown = True
        elif re.fullmatch(sign.value, value.strip(), re.IGNORECASE):
            return True
    if sign.text is not None:
        if any(re.search(sign.text, text, re.MULTILINE) for text in settings.config_texts.values()):
            return True
        unknown = unknown or _reads_unknown_config(entry, settings, args)
    return None if unknown else False


def _reads_unknown_config(entry: ImageEntry, settings: ProcessSettings, args: Sequence[str]) -> bool:
    return any(_config_texts(file, settings, args) is None for file in entry.config_files)


# --- data directories ------------------------------------------------------------------------------------------------


class _CannotTellError(Exception):
    """The settings do not show where the data is."""


def data_directories(match: Match, settings: ProcessSettings) -> tuple[DataDirectory, ...] | None:
    """Where the server keeps its data; None if the settings do not show it."""
    call = _server_call(match.entry, settings)
    args = call.args if call is not None else ()
    try:
        _refuse_opaque(match.entry, call)
        found: list[DataDirectory] = []
        for path in match.entry.data:
            applies = path.applies(match.layout_version, match.variant)
            if applies is None:
                raise _CannotTellError
            if applies:
                found += _locate(path, match, settings, args)
    except _CannotTellError:
        return None
    return tuple({directory.path: directory for directory in reversed(found)}.values())[::-1]


def _is_opaque(word: str) -> bool:
    """Whether a word of a script stands for words that nobody can read; `"$@"` stands for none."""
    return word.startswith("$") and word not in ("$@", "$*")


def _refuse_opaque(entry: ImageEntry, call: _Call | None) -> None:
    """Refuse to guess where a script sets the moving variables, or passes options nobody can read."""
    if call is None or call.script is None:
        return
    movers = [name for mover in entry.moved_by for name in mover.env]
    if any(re.search(rf"(?:^|[\s;&]){re.escape(name)}=", call.script) for name in movers):
        raise _CannotTellError
    if any(_is_opaque(word) for word in call.args):
        raise _CannotTellError


def _locate(path: DataPath, match: Match, settings: ProcessSettings, args: Sequence[str]) -> Iterator[DataDirectory]:
    places, moved_by = _moved(path, match.entry, settings, args)
    for place in places if places is not None else (_default_place(path, match),):
        absolute = _absolute(place, match.entry)
        yield DataDirectory(
            path=absolute,
            required=path.required,
            default=moved_by is None,
            moved_by=moved_by,
            parts=tuple(posixpath.join(absolute, part) for part in path.parts),
        )


def _default_place(path: DataPath, match: Match) -> str:
    if path.path is None:
        raise _CannotTellError
    major = str(match.layout_version[0]) if match.layout_version else ""
    return path.path.replace("{major}", major)


def _absolute(path: str, entry: ImageEntry) -> str:
    if path.startswith("/"):
        return posixpath.normpath(path)
    if entry.workdir is None:
        raise _CannotTellError
    return posixpath.normpath(posixpath.join(entry.workdir, path))


def _moved(
    path: DataPath, entry: ImageEntry, settings: ProcessSettings, args: Sequence[str]
) -> tuple[tuple[str, ...] | None, str | None]:
    """The places a data path was moved to and by what; (None, None) if it was not moved."""
    for mover in entry.moved_by:
        if mover.moves != path.name:
            continue
        for option in mover.args:
            values = _endpoints(args, option) if mover.kind == "endpoints" else _option_values(args, option)
            if values:
                values = values if mover.kind == "endpoints" else values[-1:]
                return tuple(p for v in values for p in _places(v, mover.kind, mover.template)), option
        for name in mover.env:
            if name in settings.env:
                value = settings.env[name]
                if value == "":
                    continue
                text = None if value is None else _expand(value, settings.env)
                return tuple(_places(text, mover.kind, mover.template)), name
    for file in entry.config_files:
        if file.moves != path.name:
            continue
        texts = _config_texts(file, settings, args)
        if texts is None:
            raise _CannotTellError
        for name, text in texts.items():
            hits = re.findall(file.pattern, text, re.MULTILINE) if file.pattern else []
            if hits:
                return tuple(p for hit in hits[-1:] for p in _places(hit, file.kind, file.template)), name
        if texts and file.replaces:
            raise _CannotTellError
    return None, None


def _places(value: str | None, kind: str, template: str) -> Iterator[str]:
    """The directories a value means."""
    if value is None:
        raise _CannotTellError
    if kind == "store":
        fields = dict(part.split("=", 1) for part in value.split(",") if "=" in part)
        if fields.get("type") == "mem":
            return
        value = fields.get("path", value.split(",")[0])
    if kind == "endpoints":
        yield from _endpoint_directories(value)
        return
    for part in value.split(",") if kind == "list" else (value,):
        text = template.replace("{}", part.strip().strip("\"'").removeprefix("file:"))
        if not text or re.search(r"[$`]|\{\{|<.*>", text):
            raise _CannotTellError
        yield posixpath.dirname(text) or "." if kind == "file" else text


def _endpoints(args: Sequence[str], subcommand: str) -> list[str]:
    """The plain arguments after a subcommand."""
    if subcommand not in args:
        return []
    found: list[str] = []
    words = iter(args[args.index(subcommand) + 1 :])
    for word in words:
        if not word.startswith("-"):
            found.append(word)
        elif "=" not in word and word not in ("--quiet", "--anonymous", "--json"):
            next(words, None)
    return found


def _endpoint_directories(value: str) -> Iterator[str]:
    """`http://minio-{0...3}.minio/data{1...2}` is /data1 and /data2 (of every pod)."""
    for word in value.split():
        path = re.sub(r"^https?://[^/]*", "", word)
        if not path or re.search(r"[$`]", path):
            raise _CannotTellError
        span = re.search(r"\{(\d+)\.\.\.(\d+)\}", path)
        if span is None:
            yield path
            continue
        for number in range(int(span[1]), min(int(span[2]), int(span[1]) + 64) + 1):
            yield from _endpoint_directories(f"{path[: span.start()]}{number}{path[span.end() :]}")


def _config_texts(file: ConfigFile, settings: ProcessSettings, args: Sequence[str]) -> Mapping[str, str] | None:
    """The texts of the configuration files of this kind that are read; None if one is not in the input."""
    named: list[str | None] = [value for option in file.args for value in _option_values(args, option)]
    named += [settings.env[name] for name in file.env if name in settings.env]
    if file.positional:
        named += [word for word in args if not word.startswith("-") and re.search(file.positional, word)]
    texts: dict[str, str] = {}
    for name in named:
        if name is None:
            return None
        below = {path: text for path, text in settings.config_texts.items() if _is_below(path, name)}
        if not below and not any(_is_below(name, shipped) for shipped in file.paths):
            return None
        texts |= below
    for place in (*file.paths, *(name for name in named if name is not None)):
        texts |= {path: text for path, text in settings.config_texts.items() if _is_below(path, place)}
        if any(_is_below(path, place) or _is_below(place, path) for path in settings.unknown_config_paths):
            return None
    return texts


def _is_below(path: str, ancestor: str) -> bool:
    path, ancestor = posixpath.normpath(path), posixpath.normpath(ancestor)
    return path == ancestor or path.startswith(ancestor.rstrip("/") + "/")


def _option_values(args: Sequence[str], option: str) -> list[str]:
    """The values an option has in the arguments: `--a=x`, `--a x`, `-Dx`, `-c key=x`; "" if it stands alone."""
    values: list[str] = []
    name, _, key = option.partition(" ")
    for position, word in enumerate(args):
        following = args[position + 1] if position + 1 < len(args) else ""
        if key:
            for pair in (following if word == name else "", word.removeprefix(name) if word.startswith(name) else ""):
                if pair.startswith(f"{key}="):
                    values.append(pair[len(key) + 1 :])
        elif word == name:
            values.append("" if following.startswith("-") else following)
        elif word.startswith(f"{name}="):
            values.append(word[len(name) + 1 :])
        elif re.fullmatch(r"-[A-Z]", name) and word.startswith(name) and word[1] != "-":
            values.append(word[2:])
    return values
