"""What a container of a known image does with its settings: which program runs, as what, and where its data is.

Pure functions that apply a row of the image table to the command, arguments and environment of one container. Where the
settings do not show the answer, the answer is ``None``: cannot tell.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from k8s_stateful_lint._patterns import regex
from k8s_stateful_lint.knowledge.images import (
    ConfigFile,
    DataPath,
    ImageClass,
    ImageEntry,
    Match,
    Sign,
    is_older,
)

# A class makes more demands than those before it; in doubt the lower one is assumed.
_DEMANDS: tuple[ImageClass, ...] = ("none", "cache", "shared", "single", "ring", "quorum")


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
_ASSIGNMENT = regex(r"[A-Za-z_][A-Za-z0-9_]*=")
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


def has_several_primaries(match: Match, settings: ProcessSettings) -> bool:
    """Whether several servers take writes, each for its part, and send clients on to the right one (Redis Cluster)."""
    return _reason(match.entry.several_primaries, match, settings) is not None


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
        span = re.search(r"\{([0-9]{1,18})\.\.\.([0-9]{1,18})\}", path)
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


def removed_options(match: Match, settings: ProcessSettings) -> tuple[str, ...]:
    """The options passed to the server that this version does not know any more."""
    version, args = match.layout_version, server_arguments(match, settings) or ()
    if version is None:
        return ()
    return tuple(
        removed.option
        for removed in match.entry.removed_options
        if not is_older(version, removed.since) and _option_values(args, removed.option)
    )
