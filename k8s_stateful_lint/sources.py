"""Which files are linted: paths, directories, globs and standard input."""

import glob
import os
import posixpath
import stat
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from k8s_stateful_lint.reading import SourceFile

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

STDIN = "<stdin>"
"""The path that people see for standard input."""

LARGEST = 100_000_000
"""Files with more bytes are not read: a cluster takes objects of up to 1.5 MB, and a dump of one is below this."""
_TOO_LARGE = f"it is larger than {LARGEST // 1_000_000} MB; split it, or leave it out with `exclude`"

EXTENSIONS = (".yaml", ".yml", ".json")


def is_no_file(path: str) -> bool:
    """Whether a path stands for a text that is in no file: standard input, or what an overlay or chart became."""
    name = path.rpartition("/")[2]
    return name.startswith("<") and name.endswith(">")


# The one name without an extension that kustomize reads.
_KUSTOMIZATION = "Kustomization"

CONFIG_NAME = ".k8s-stateful-lint.yaml"
BASELINE_NAME = ".k8s-stateful-lint-baseline.yaml"
# Files of this program: nobody lints them.
_OWN = frozenset({CONFIG_NAME, BASELINE_NAME})

# Directories that hold what others wrote, or no source at all.
SKIPPED_DIRECTORIES = frozenset(
    {".git", ".hg", ".svn", "node_modules", "vendor", ".venv", "venv", ".tox", ".nox", "__pycache__", ".terraform"}
)


class SourceProblem(msgspec.Struct, frozen=True):
    """A path that could not be read: it is `missing`, or `unreadable` for the reason in the message."""

    path: str
    message: str
    kind: Literal["missing", "unreadable"] = "unreadable"


class Sources(msgspec.Struct):
    """The files to lint, in order, each once.

    The list of paths is made at once, the bytes are read while `files` is iterated. A file that vanished or may not be
    read by then is added to `problems` and left out, so look at `problems` when the iteration is over.
    """

    paths: list[str] = []
    problems: list[SourceProblem] = []
    _stdin: Callable[[], bytes] | None = None
    _read: dict[str, SourceFile] = {}
    _hidden_names: dict[str, str] = {}

    @property
    def files(self) -> Iterator[SourceFile]:
        """The files with their bytes. Standard input is read once, however often this is iterated."""
        for path in self.paths:
            file = self.load(path)
            if file is not None:
                yield file

    def load(self, path: str) -> SourceFile | None:
        """One of `paths` with its bytes, or None and a problem."""
        if path in self._read:
            return self._read[path]
        try:
            if path != STDIN:
                return SourceFile(path, _bytes_of(self._hidden_names.get(path, path)))
            file = SourceFile(STDIN, _not_too_large(self._stdin() if self._stdin else b""))
        except OSError as error:
            problem = _problem(path, error)
            if problem not in self.problems:
                self.problems.append(problem)
            return None
        self._read[STDIN] = file
        return file

    def add(self, path: str) -> None:
        """Add a file by its path."""
        shown = legible(path)
        if shown != path:
            self._hidden_names[shown] = path
        self.paths.append(shown)


def legible(path: str) -> str:
    r"""A path that every report can hold: bytes of a name that are no UTF-8 become ``\xff``."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return path.encode("utf-8", "surrogateescape" if os.name == "posix" else "surrogatepass").decode(
            "utf-8", "backslashreplace"
        )
    return path


def _bytes_of(path: str) -> bytes:
    """The bytes of a regular file, or of a pipe that the shell has opened for us.

    Raises:
        OSError: it cannot be read, has become something else since it was found, or is too large.

    """
    if _is_open_pipe(path):
        with open(path, "rb") as stream:  # noqa: PTH123
            return _not_too_large(stream.read(LARGEST + 1))
    # Who opens a pipe like a file waits for its writer, perhaps for ever.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError("it is no regular file")
        if status.st_size > LARGEST:
            raise OSError(_TOO_LARGE)
        # One byte more than there should be, so that a single call also tells that the file ends there.
        data = os.read(descriptor, status.st_size + 1)
        if len(data) != status.st_size:
            with open(descriptor, "rb", closefd=False) as file:
                data = _not_too_large(data + file.read(LARGEST + 1))
        return data
    finally:
        os.close(descriptor)


def _not_too_large(data: bytes) -> bytes:
    if len(data) > LARGEST:
        raise OSError(_TOO_LARGE)
    return data


def _is_open_pipe(path: str) -> bool:
    """Whether this is a pipe that is open already, as in ``check <(kustomize build)``: to open it cannot hang."""
    return path.startswith(("/dev/fd/", "/proc/self/fd/", "/dev/stdin")) and stat.S_ISFIFO(os.stat(path).st_mode)  # noqa: PTH116


def find_sources(
    paths: Sequence[str],
    *,
    stdin: Callable[[], bytes] | None = None,
    exclude: Sequence[str] = (),
    relative: Callable[[str], str] = posixpath.normpath,
    without: Sequence[str] = (),
) -> Sources:
    """The files that `paths` name.

    A file given by name is always taken, whatever its extension. A directory is walked for YAML and JSON files, without
    what `.gitignore` files ignore, from the root of the repository downwards. A `-` is standard input, read by `stdin`.
    A path that does not exist but is a glob is expanded (`**` included).

    `exclude` holds globs as `matches_path` reads them; it applies to what a directory or a glob yields. What they are
    matched against is the path as `relative` makes it. The files `without` are never taken, not even by name.

    A path that does not exist, or a directory that may not be listed, is a problem, not an exception.
    """
    finder = _Finder(exclude, stdin, relative)
    for path in without:
        finder.leave_out(path)
    return finder.find(paths)


def matches_path(path: str, globs: Sequence[str]) -> bool:
    """Whether a path matches one of the globs, see `matching_glob`."""
    return matching_glob(path, globs) is not None


def matching_glob(path: str, globs: Sequence[str]) -> str | None:
    """The first of the globs that a path matches: the path itself, or a folder on the way to it.

    A glob without a slash also matches any single name on the way; `*` matches slashes, too; `**/` may be nothing.
    """
    if not globs:
        return None
    parts = path.split("/")
    ways = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
    for pattern in globs:
        whole = pattern.removeprefix("./").rstrip("/")
        for form in {whole, whole.removeprefix("**/")}:
            if any(fnmatchcase(candidate, form) for candidate in (ways if "/" in form else [*ways, *parts])):
                return pattern
    return None


def is_manifest(path: str, exclude: Sequence[str] = ()) -> bool:
    """Whether a file would be taken if a directory held it at this path (with posix separators, relative to there).

    What `.gitignore` files ignore is not looked at: it is for files that are no longer, or not yet, in a directory.
    """
    folders = path.split("/")[:-1]
    return (
        path.lower().endswith(EXTENSIONS)
        and SKIPPED_DIRECTORIES.isdisjoint(folders)
        and path.rpartition("/")[2] not in _OWN
        and not matches_path(path, exclude)
    )


class _Finder:
    def __init__(
        self, exclude: Sequence[str], stdin: Callable[[], bytes] | None, relative: Callable[[str], str]
    ) -> None:
        self.exclude = exclude
        self.relative = relative
        self.sources = Sources(_stdin=stdin)
        self.seen: set[tuple[int, int]] = set()
        self.visited: set[tuple[int, int]] = set()

    def find(self, paths: Sequence[str]) -> Sources:
        for path in paths:
            if path == "-":
                if STDIN not in self.sources.paths:
                    self.sources.paths.append(STDIN)
            elif os.path.lexists(path) or not glob.has_magic(path):
                self.path(path)
            else:
                self.glob(path)
        return self.sources

    def leave_out(self, path: str) -> None:
        try:
            status = Path(path).stat()
        except (OSError, ValueError):
            return
        self.seen.add((status.st_dev, status.st_ino))

    def path(self, path: str) -> None:
        try:
            status = Path(path).stat()
        except (OSError, ValueError) as error:
            self.problem(path, error)
            return
        if stat.S_ISDIR(status.st_mode):
            ignored = _Ignored.above(path)
            # Who names an ignored directory means it.
            self.walk(_shown(path), _Ignored() if ignored(path, directory=True) else ignored)
        elif stat.S_ISREG(status.st_mode) or _is_open_pipe(path):
            self.add(_shown(path), (status.st_dev, status.st_ino))
        else:
            self.sources.problems.append(SourceProblem(legible(_shown(path)), "not a regular file"))

    def glob(self, pattern: str) -> None:
        matches = sorted(glob.glob(pattern, recursive=True), key=_order)  # noqa: PTH207 - it takes absolute patterns
        if not matches:
            self.sources.problems.append(SourceProblem(legible(_shown(pattern)), "no file matches", "missing"))
        for match in matches:
            if self.excluded(_shown(match)):
                continue
            if not Path(match).is_dir():
                self.path(match)
            elif not pattern.endswith(("**", "**/")):
                # `**` yields every directory and every file below it: the files are enough.
                self.path(match)

    def walk(self, top: str, ignored: "_Ignored") -> None:
        """Add the files below a directory; all paths here are as shown to people."""
        stack = [(top, ignored)]
        while stack:
            directory, ignored = stack.pop()
            try:
                status = os.stat(directory)  # noqa: PTH116 - pathlib would take most of the time of a walk
                if (status.st_dev, status.st_ino) in self.visited:
                    continue
                self.visited.add((status.st_dev, status.st_ino))
                with os.scandir(directory) as scan:
                    entries = sorted(scan, key=lambda entry: entry.name)
            except OSError as error:
                self.problem(directory, error)
                continue
            names = {entry.name for entry in entries}
            if "pyvenv.cfg" in names and directory != top:
                # A virtual environment by any other name.
                continue
            if ".gitignore" in names:
                ignored = ignored.and_those_of(directory)
            prefix = "" if directory == "." else directory.rstrip("/") + "/"
            below = []
            for entry in entries:
                path = prefix + entry.name
                if self.is_directory(entry):
                    if entry.name not in SKIPPED_DIRECTORIES and not self.excluded(path):
                        below.append((path, ignored))
                elif _is_manifest(entry.name) and not self.excluded(path) and not ignored(path):
                    self.file(path, entry, status.st_dev)
            # The files of a directory come before those of its subdirectories.
            stack.extend(item for item in reversed(below) if not ignored(item[0], directory=True))

    def is_directory(self, entry: os.DirEntry[str]) -> bool:
        try:
            return entry.is_dir()
        except OSError:
            return False

    def file(self, path: str, entry: os.DirEntry[str], device: int) -> None:
        """Add a file that a directory holds: what is no regular file is no problem there."""
        try:
            if not entry.is_symlink():
                # What the directory says is enough: asking for the status of every file takes longer than reading it.
                if entry.is_file():
                    self.add(path, (device, entry.inode()))
                return
            status = os.stat(path)  # noqa: PTH116
        except OSError as error:
            self.problem(path, error)
            return
        if stat.S_ISREG(status.st_mode):
            self.add(path, (status.st_dev, status.st_ino))

    def add(self, path: str, identity: tuple[int, int]) -> None:
        if identity not in self.seen:
            self.seen.add(identity)
            self.sources.add(path)

    def excluded(self, shown: str) -> bool:
        return bool(self.exclude) and matches_path(self.relative(shown), self.exclude)

    def problem(self, path: str, error: Exception) -> None:
        self.sources.problems.append(_problem(_shown(path), error))


class _Ignored:
    """What the .gitignore files above and in a directory ignore: the deepest file that says anything decides."""

    def __init__(self, specs: tuple[tuple[str, "GitIgnoreSpec"], ...] = ()) -> None:
        self.specs = specs

    @classmethod
    def above(cls, directory: str) -> "_Ignored":
        """The rules that apply to `directory` from outside: from the root of its repository downwards."""
        ignored = cls()
        root = _absolute(directory)
        parents = [root, *root.parents]
        for count, parent in enumerate(parents):
            if (parent / ".git").exists():
                for outer in reversed(parents[1 : count + 1]):
                    if (outer / ".gitignore").is_file():
                        ignored = ignored.and_those_of(str(outer))
                break
        return ignored

    def and_those_of(self, directory: str) -> "_Ignored":
        """These rules and those of the .gitignore in `directory`, which go first."""
        # Only needed where there is such a file: importing it costs more than walking a small directory.
        from pathspec import GitIgnoreSpec

        base = _absolute(directory)
        try:
            lines = (base / ".gitignore").read_text("utf-8", "replace").splitlines()
            spec = GitIgnoreSpec.from_lines(lines)
        except (OSError, ValueError):
            return self
        return _Ignored(((base.as_posix(), spec), *self.specs))

    def __call__(self, path: str, *, directory: bool = False) -> bool:
        if not self.specs:
            return False
        absolute = _absolute(path).as_posix()
        for base, spec in self.specs:
            relative = absolute.removeprefix(base).lstrip("/") + ("/" if directory else "")
            verdict = spec.check_file(relative).include
            if verdict is not None:
                return verdict
        return False


def _is_manifest(name: str) -> bool:
    return (name.lower().endswith(EXTENSIONS) and name not in _OWN) or name == _KUSTOMIZATION


def _absolute(path: str) -> Path:
    """The absolute path without following symbolic links: git's rules go by where a file stands."""
    return Path(os.path.abspath(path))  # noqa: PTH100


def _order(path: str) -> list[str]:
    return Path(path).as_posix().split("/")


def _shown(path: str) -> str:
    """The path as people wrote it, with posix separators and without a leading `./`."""
    return Path(path).as_posix()


def _problem(path: str, error: Exception) -> SourceProblem:
    if path.startswith(("http:/", "https:/")):
        return SourceProblem(legible(path), "addresses are not read: download it first, or pipe it into -", "missing")
    if isinstance(error, (FileNotFoundError, NotADirectoryError)) and not Path(path).is_symlink():
        return SourceProblem(legible(path), "no such file or directory", "missing")
    message = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return SourceProblem(legible(path), f"cannot be read: {message[:1].lower()}{message[1:]}")
