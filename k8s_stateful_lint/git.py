"""What a git repository holds, asked of git itself: no checkout, and nothing in the working tree changes."""

from __future__ import annotations

import io
import os
import posixpath
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

import msgspec

_REGULAR_FILE = b"100"  # the beginning of its mode; links are 120000, submodules 160000


class GitError(Exception):
    """Git cannot be asked, or has not what was asked for; the text says what to do."""


class Blob(msgspec.Struct, frozen=True):
    """A file of a revision: its path from the root of the repository, and its object."""

    path: str
    object_name: str


class Repository(msgspec.Struct, frozen=True, dict=True):
    """The repository that a directory is in."""

    directory: str = "."

    @classmethod
    def around(cls, path: str) -> Repository:
        """The repository of a path, which need not exist in the working tree.

        Raises:
            GitError: there is none, or no git.

        """
        place = Path(path)
        while not place.is_dir() and place != place.parent:
            place = place.parent
        repository = cls(str(place))
        repository._ask("rev-parse", "--git-dir")
        return repository

    @cached_property
    def root(self) -> Path | None:
        """The top of the working tree; None in a bare repository."""
        if self._ask("rev-parse", "--is-bare-repository").strip() == b"true":
            return None
        return Path(os.fsdecode(self._ask("rev-parse", "--show-toplevel").rstrip(b"\n")))

    @property
    def is_shallow(self) -> bool:
        """Whether older commits were left out when it was cloned."""
        return self._ask("rev-parse", "--is-shallow-repository").strip() == b"true"

    # Revisions ------------------------------------------------------------------------------------------------------

    def has(self, revision: str) -> bool:
        """Whether there is a commit of this name."""
        return self._resolved(revision) is not None

    def commit(self, revision: str) -> str:
        """The commit that a name means.

        Raises:
            GitError: there is none.

        """
        found = self._resolved(revision)
        if found is not None:
            return found
        if self._resolved(f"origin/{revision}") is not None:
            raise GitError(f"there is no revision {revision} here, but there is origin/{revision}")
        hint = f"; it may be missing from this shallow clone: git fetch --depth=1 origin {revision}"
        raise GitError(f"there is no revision {revision} in this repository" + (hint if self.is_shallow else ""))

    def merge_base(self, left: str, right: str) -> str | None:
        """The commit from which two commits went different ways; None where it is not here."""
        done = self._run("merge-base", left, right)
        return os.fsdecode(done.stdout.strip()) if done.returncode == 0 else None

    def _resolved(self, revision: str) -> str | None:
        if not revision or revision.startswith("-"):
            return None
        done = self._run("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
        return os.fsdecode(done.stdout.strip()) if done.returncode == 0 else None

    # Files ----------------------------------------------------------------------------------------------------------

    def full_path(self, path: str) -> str:
        """A path from the root of the repository; the root itself is empty.

        Raises:
            GitError: it lies outside.

        """
        if self.root is None:
            return posixpath.normpath(Path(path).as_posix()).removeprefix(".")
        root, absolute = self.root.resolve(), Path(os.path.abspath(path))  # noqa: PTH100 - links are not followed
        if absolute.resolve() == root:
            return ""
        try:
            return (absolute.parent.resolve() / absolute.name).relative_to(root).as_posix()
        except ValueError:
            raise GitError(f"{path} is outside of the repository {self.root}") from None

    def tree(self, commit: str, paths: Sequence[str]) -> Iterator[Blob]:
        """The files of a commit below some paths, which count from the root."""
        listed = self._ask("ls-tree", "-r", "-z", "--full-tree", commit, "--", *filter(None, paths))
        for entry in listed.split(b"\0"):
            head, _, path = entry.partition(b"\t")
            fields = head.split()
            if len(fields) == 3 and fields[0].startswith(_REGULAR_FILE):
                yield Blob(os.fsdecode(path), os.fsdecode(fields[2]))

    def index(self, paths: Sequence[str]) -> Iterator[Blob]:
        """The files as they are staged."""
        listed = self._ask_root("ls-files", "--stage", "-z", "--", *filter(None, paths))
        for entry in listed.split(b"\0"):
            head, _, path = entry.partition(b"\t")
            fields = head.split()
            if len(fields) == 3 and fields[0].startswith(_REGULAR_FILE) and fields[2] == b"0":
                yield Blob(os.fsdecode(path), os.fsdecode(fields[1]))

    def working_tree(self, paths: Sequence[str]) -> Iterator[str]:
        """The paths of the files in the working tree that git knows or would not ignore."""
        options = ("--cached", "--others", "--exclude-standard", "-z")
        listed = self._ask_root("ls-files", *options, "--", *filter(None, paths))
        for path in dict.fromkeys(listed.split(b"\0")):
            place = Path(self.root or ".", os.fsdecode(path))
            if path and place.is_file() and not place.is_symlink():
                yield os.fsdecode(path)

    def contents(self, blobs: Iterable[Blob]) -> dict[str, bytes]:
        """The bytes of some files, by the name of their objects.

        Raises:
            GitError: an object is not here (a partial clone that cannot reach its origin).

        """
        names = dict.fromkeys(blob.object_name for blob in blobs)
        output = self._ask("cat-file", "--batch", given="".join(f"{name}\n" for name in names).encode())
        found: dict[str, bytes] = {}
        start = 0
        for name in names:
            end = output.index(b"\n", start)
            head = output[start:end].split()
            if len(head) != 3:
                raise GitError(f"the object {name} is not in this repository: is it a partial clone?")
            size = int(head[2])
            found[name] = output[end + 1 : end + 1 + size]
            start = end + 2 + size
        return found

    def write_out(self, commit: str | None, folder: Path) -> None:
        """Put the files of a commit, or what is staged, into a folder outside of the repository."""
        if commit is None:
            self._ask_root("checkout-index", "--all", f"--prefix={folder.resolve()}{os.sep}")
            return
        import tarfile

        with tarfile.open(fileobj=io.BytesIO(self._ask_root("archive", "--format=tar", commit))) as archive:
            archive.extractall(folder, filter="data")

    # Asking git -----------------------------------------------------------------------------------------------------

    def _ask_root(self, *words: str) -> bytes:
        return Repository(str(self.root or self.directory))._ask(*words)

    def _ask(self, *words: str, given: bytes = b"") -> bytes:
        done = self._run(*words, given=given)
        if done.returncode != 0:
            said = done.stderr.decode("utf-8", "replace").strip().removeprefix("fatal: ")
            if "not a git repository" in said:
                where = "this directory" if self.directory == "." else self.directory
                raise GitError(f"{where} is in no git repository")
            raise GitError(f"git {words[0]}: {said or f'exit code {done.returncode}'}")
        return done.stdout

    def _run(self, *words: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        command = ["git", "--no-optional-locks", "--literal-pathspecs", "-C", self.directory, *words]
        try:
            return subprocess.run(command, input=given, capture_output=True, check=False)
        except OSError as error:
            raise GitError(f"git cannot be run: {error.strerror}") from error
