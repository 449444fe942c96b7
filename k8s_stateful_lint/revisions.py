"""Two revisions of some manifests, wherever they are: directories, files, archives, standard input, git.

A file has the same path in both revisions, so that it is known again; how people see it is its label.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import msgspec

from k8s_stateful_lint.git import Blob, GitError, Repository
from k8s_stateful_lint.reading import SourceFile
from k8s_stateful_lint.sources import STDIN, SourceProblem, find_sources, is_manifest

if TYPE_CHECKING:
    import tempfile

WORKING_TREE = "working tree"
INDEX = "staged changes"
_LARGEST_MEMBER = 64 * 1024 * 1024  # bytes; no manifest is so large, and an archive may be hostile


class RevisionError(Exception):
    """A revision cannot be read; the text says which, and what to do."""


class Revision(msgspec.Struct):
    """One of two revisions: how people call it, its files, and what could not be read.

    ``folder`` is where its files are on the disk, by their path; None where they are not. ``prefix`` is what people see
    before a path.
    """

    name: str
    files: list[SourceFile] = []
    problems: list[SourceProblem] = []
    folder: Path | None = None
    prefix: str = ""
    _temporary: tempfile.TemporaryDirectory[str] | None = None

    def close(self) -> None:
        """Remove the temporary folder, if there is one: nothing is read from it any more."""
        if self._temporary is not None:
            self._temporary.cleanup()


class Wanted(msgspec.Struct, frozen=True):
    """What is to be compared.

    ``arguments`` are OLD and NEW, or a range ``A..B``, and paths; with ``base`` or ``staged`` they are paths only. With
    ``on_disk``, revisions of git are written to a temporary folder as well, for programs that build on them.
    """

    arguments: Sequence[str] = ()
    base: str | None = None
    staged: bool = False
    exclude: Sequence[str] = ()
    stdin: Callable[[], bytes] | None = None
    on_disk: bool = False

    @property
    def place(self) -> str:
        """A path near the new revision: there the configuration is looked for."""
        if self.base is not None or self.staged:
            return self.arguments[0] if self.arguments else "."
        existing = [path for path in self.arguments[:2] if os.path.exists(path)]  # noqa: PTH110 - any text is a path
        return existing[-1] if existing and not existing[-1].startswith("-") else "."


def read_revisions(wanted: Wanted) -> tuple[Revision, Revision]:
    """The old and the new revision.

    Raises:
        RevisionError: what is asked for makes no sense, or one of both is not there.

    """
    try:
        return _revisions(wanted)
    except GitError as error:
        raise RevisionError(str(error)) from error


def _revisions(wanted: Wanted) -> tuple[Revision, Revision]:
    arguments = list(wanted.arguments)
    if wanted.staged or wanted.base is not None:
        if wanted.staged and wanted.base is not None:
            raise RevisionError("--staged compares with HEAD: leave --from out")
        return _staged(arguments, wanted) if wanted.staged else _working_tree(wanted.base or "", arguments, wanted)
    if arguments and ".." in arguments[0] and not os.path.lexists(arguments[0]):
        return _range(arguments[0], arguments[1:], wanted)
    if len(arguments) < 2:
        raise RevisionError(
            "say what to compare: OLD NEW (directories, files, archives, '-', git revisions), A..B, or --from REVISION"
        )
    old, new, *paths = arguments
    if old == new == "-":
        raise RevisionError("standard input can be one of the two revisions, not both")
    if paths:
        for name in (old, new):
            if _is_path(name):
                raise RevisionError(f"too many arguments: paths follow two git revisions, but {name} is a path")
        return _two_commits(old, new, paths, wanted)
    if not _is_path(old) and not _is_path(new):
        return _two_commits(old, new, [], wanted)
    return _two_sides(old, new, wanted)


def _is_path(name: str) -> bool:
    return name == "-" or os.path.lexists(name)


# Git ------------------------------------------------------------------------------------------------------------------


def _working_tree(base: str, paths: list[str], wanted: Wanted) -> tuple[Revision, Revision]:
    """A revision against the working tree, from where both went different ways."""
    repository = Repository.around(paths[0] if paths else ".")
    if repository.root is None:
        raise RevisionError("this is a bare repository, which has no working tree: give two revisions, A..B")
    commit = repository.commit(base)
    # What came to the base branch since is no change of ours: it would be shown the wrong way round.
    start = (repository.merge_base(commit, "HEAD") if repository.has("HEAD") else None) or commit
    below = _below(repository, paths)
    old = _committed(repository, base, start, below, wanted, is_old=True)
    new = Revision(WORKING_TREE, folder=Path())
    for path in repository.working_tree(below):
        if _is_wanted(path, below, wanted):
            place = repository.root / path
            try:
                new.files.append(SourceFile(_shown(repository, path), place.read_bytes()))
            except OSError as error:
                new.problems.append(SourceProblem(_shown(repository, path), f"cannot be read: {error.strerror}"))
    return _both_have_something(old, new, paths)


def _staged(paths: list[str], wanted: Wanted) -> tuple[Revision, Revision]:
    repository = Repository.around(paths[0] if paths else ".")
    below = _below(repository, paths)
    old = Revision("HEAD")
    if repository.has("HEAD"):
        old = _committed(repository, "HEAD", repository.commit("HEAD"), below, wanted, is_old=True)
    blobs = [blob for blob in repository.index(below) if _is_wanted(blob.path, below, wanted)]
    new = Revision(INDEX, list(_files(repository, blobs)))
    if wanted.on_disk:
        _write_out(repository, new, None)
    return _both_have_something(old, new, paths)


def _range(text: str, paths: list[str], wanted: Wanted) -> tuple[Revision, Revision]:
    """``A..B`` as it stands, ``A...B`` from where B left A; what is not written is HEAD."""
    dots = "..." if "..." in text else ".."
    left, _, right = text.partition(dots)
    left, right = left or "HEAD", right or "HEAD"
    return _two_commits(left, right, paths, wanted, from_common=dots == "...")


def _two_commits(
    left: str, right: str, paths: list[str], wanted: Wanted, *, from_common: bool = False
) -> tuple[Revision, Revision]:
    try:
        repository = Repository.around(paths[0] if paths else ".")
    except GitError as error:
        raise RevisionError(f"there is no file or directory {left}, and {error}") from error
    before, after = repository.commit(left), repository.commit(right)
    if from_common:
        common = repository.merge_base(before, after)
        if common is None:
            raise RevisionError(
                f"{left} and {right} have no common commit here; a shallow clone may lack it: use {left}..{right}"
            )
        before = common
    below = _below(repository, paths)
    old = _committed(repository, left, before, below, wanted, is_old=True)
    new = _committed(repository, right, after, below, wanted)
    return _both_have_something(old, new, paths)


def _below(repository: Repository, paths: list[str]) -> list[str]:
    """The paths from the root; several of which one is the root are the root."""
    full = [repository.full_path(path) for path in paths]
    return [] if "" in full else full


def _committed(
    repository: Repository, name: str, commit: str, below: list[str], wanted: Wanted, *, is_old: bool = False
) -> Revision:
    blobs = [blob for blob in repository.tree(commit, below) if _is_wanted(blob.path, below, wanted)]
    files = list(_files(repository, blobs, name if is_old else ""))
    revision = Revision(name, files, prefix=f"{name}:" if is_old else "")
    if wanted.on_disk:
        _write_out(repository, revision, commit)
    return revision


def _write_out(repository: Repository, revision: Revision, commit: str | None) -> None:
    """Put a revision into a temporary folder; the paths count from where people are in the repository."""
    import tempfile

    revision._temporary = tempfile.TemporaryDirectory(prefix="k8s-stateful-lint-")
    top = Path(revision._temporary.name)
    repository.write_out(commit, top)
    place = top / repository.full_path(".") if repository.root is not None else top
    place.mkdir(parents=True, exist_ok=True)
    revision.folder = place


def _files(repository: Repository, blobs: list[Blob], revision: str = "") -> Iterator[SourceFile]:
    contents = repository.contents(blobs)
    for blob in blobs:
        path = _shown(repository, blob.path)
        label = f"{revision}:{path}" if revision else ""
        yield SourceFile(path, contents[blob.object_name], label, revision)


def _is_wanted(path: str, below: list[str], wanted: Wanted) -> bool:
    return path in below or is_manifest(path, wanted.exclude)


def _shown(repository: Repository, path: str) -> str:
    """A path of the repository as people see it from where they are."""
    if repository.root is None:
        return path
    return Path(os.path.relpath(repository.root / path)).as_posix()


def _both_have_something(old: Revision, new: Revision, paths: list[str]) -> tuple[Revision, Revision]:
    """Both revisions; it is an error if paths were given and neither has any file there."""
    if paths and not old.files and not new.files and not new.problems:
        raise RevisionError(f"neither {old.name} nor {new.name} has a manifest in {', '.join(paths)}")
    return old, new


# Directories, files, archives -----------------------------------------------------------------------------------------


def _two_sides(old: str, new: str, wanted: Wanted) -> tuple[Revision, Revision]:
    sides = (_side(old, wanted), _side(new, wanted))
    both_single = all(len(side.files) == 1 and _is_single(name) for side, name in zip(sides, (old, new), strict=True))
    before, after = sides
    if both_single:
        # Two files compared with each other are the same file, whatever they are called.
        path = after.files[0].path
        before.files[0] = SourceFile(path, before.files[0].data, before.files[0].label)
    before.files = [SourceFile(file.path, file.data, file.shown, before.name) for file in before.files]
    return before, after


def _is_single(name: str) -> bool:
    return name == "-" or (Path(name).is_file() and not _is_archive(name))


def _side(name: str, wanted: Wanted) -> Revision:
    if name == "-":
        return Revision(STDIN, [SourceFile(STDIN, wanted.stdin() if wanted.stdin else b"")])
    if not _is_path(name):
        try:
            repository = Repository.around(".")
        except GitError as error:
            raise RevisionError(f"there is no file or directory {name}, and {error}") from error
        return _committed(repository, name, repository.commit(name), [], wanted)
    if Path(name).is_file() and _is_archive(name):
        return Revision(name, list(_archived(name, wanted)))
    sources = find_sources([name], exclude=wanted.exclude)
    root = name if Path(name).is_dir() else os.path.dirname(name)  # noqa: PTH120 - empty for the current directory
    files = [
        SourceFile(Path(os.path.relpath(file.path, root or ".")).as_posix(), file.data, file.path)
        for file in sources.files
    ]
    shown = Path(name).as_posix()
    if not Path(name).is_dir():
        return Revision(shown, files, sources.problems)
    return Revision(shown, files, sources.problems, Path(name).resolve(), "" if shown == "." else f"{shown}/")


def _is_archive(name: str) -> bool:
    import tarfile
    import zipfile

    return zipfile.is_zipfile(name) or tarfile.is_tarfile(name)


def _archived(name: str, wanted: Wanted) -> Iterator[SourceFile]:
    """The manifests of an archive, without the one directory that all of its members may be in."""
    import tarfile
    import zipfile

    try:
        members = dict(_zipped(name) if zipfile.is_zipfile(name) else _tarred(name))
    except (OSError, EOFError, zipfile.BadZipFile, tarfile.TarError, RuntimeError) as error:
        raise RevisionError(f"{name}: the archive cannot be read: {error}") from error
    tops = {path.split("/")[0] for path in members}
    common = f"{tops.pop()}/" if len(tops) == 1 and all("/" in path for path in members) else ""
    for path, data in sorted(members.items()):
        if is_manifest(path, wanted.exclude):
            yield SourceFile(path.removeprefix(common), data, f"{Path(name).as_posix()}:{path}")


def _zipped(name: str) -> Iterator[tuple[str, bytes]]:
    """Every file of an archive; only manifests are unpacked."""
    import zipfile

    with zipfile.ZipFile(name) as archive:
        for member in archive.infolist():
            path = PurePosixPath(member.filename).as_posix()
            if not member.is_dir() and member.file_size <= _LARGEST_MEMBER:
                yield path, archive.read(member) if is_manifest(path) else b""


def _tarred(name: str) -> Iterator[tuple[str, bytes]]:
    import tarfile

    with tarfile.open(name) as archive:
        for member in archive:
            path = PurePosixPath(member.name).as_posix()
            if member.isfile() and member.size <= _LARGEST_MEMBER:
                file = archive.extractfile(member) if is_manifest(path) else None
                yield path, file.read() if file is not None else b""
