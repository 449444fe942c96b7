"""Image references: `registry/path:tag@digest` as the container runtimes read them."""

import re
from functools import lru_cache

from msgspec import Struct

from k8s_stateful_lint._patterns import regex

DOCKER_HUB = "docker.io"

_HUB_NAMES = frozenset({DOCKER_HUB, "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})

# The grammar of distribution/reference (regexp.go), which containerd and CRI-O share.
_DOMAIN = regex(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*"
    r"|\[[A-Fa-f0-9:]+\])(?::[0-9]+)?"
)
_PATH_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_PATH = regex(rf"{_PATH_COMPONENT}(?:/{_PATH_COMPONENT})*")
_TAG = regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = regex(r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9A-Fa-f]{32,}")
_BARE_ID = regex(r"[0-9a-f]{64}")
_LONGEST_NAME = 255

# "16.3-alpine", "v3.5.9", "5.0rc1". Five digits and more are dates and build numbers, not versions.
_VERSION = regex(r"v?(\d{1,4}(?:\.\d+)*)(?:$|[-_+.]|(?:rc|beta|alpha|a|b)\d*(?:$|[-_.]))", re.IGNORECASE)

_FLOATING_WORDS = frozenset({"latest", "stable", "edge", "main", "master", "lts"})
# Words that say how an image is built (base system, packaging), not which program version is inside.
_VARIANT_WORD = regex(
    r"(?:alpine|debian|ubuntu|ubi|rhel|centos|rocky|oraclelinux|oracle|ol|c|el|fedora|jdk|jre|java|php|node)\d*(?:\.\d+)*"
    r"|wheezy|jessie|stretch|buster|bullseye|bookworm|trixie|forky|xenial|bionic|focal|jammy|noble|slim|distroless"
    r"|windowsservercore|nanoserver|ltsc\d+|scratch|temurin|corretto|perl|oss|management|apache|fpm|cli|rootless"
    r"|unprivileged|core|enterprise|community|developer",
    re.IGNORECASE,
)


class ImageReference(Struct, frozen=True, gc=False):
    """One image reference, normalised: `postgres:16` is `docker.io/library/postgres` with tag `16`."""

    text: str
    registry: str
    repository: str
    tag: str | None = None
    digest: str | None = None

    @property
    def name(self) -> str:
        """Registry and repository: `docker.io/library/postgres`."""
        return f"{self.registry}/{self.repository}"

    @property
    def version(self) -> tuple[int, ...] | None:
        """The version that the tag begins with; None if it begins with none."""
        return parse_version(self.tag) if self.tag else None

    @property
    def floating(self) -> bool:
        """Whether what is pulled may change: no tag and no digest, or a tag that names no version.

        Such a tag consists only of floating words (`latest`, `lts` ...) and of words for the base system or the
        packaging (`alpine`, `alpine3.20`, `bookworm`, `management-alpine`). `16-alpine` and `pg16` do not float, and
        neither does anything with a digest.
        """
        if self.digest is not None:
            return False
        if self.tag is None:
            return True
        return all(
            word.lower() in _FLOATING_WORDS or _VARIANT_WORD.fullmatch(word) is not None for word in self.tag.split("-")
        )


@lru_cache(maxsize=4096)
def parse_image(text: str) -> ImageReference | None:
    """Parse an image reference; None if no container runtime would accept it (templates, upper-case names ...)."""
    name, at, digest = text.partition("@")
    if at and not _DIGEST.fullmatch(digest):
        return None
    tag = None
    colon = name.rfind(":")
    if colon > name.rfind("/"):
        name, tag = name[:colon], name[colon + 1 :]
        if not _TAG.fullmatch(tag):
            return None
    registry, path = _split_registry(name)
    if path is None or _BARE_ID.fullmatch(name):
        return None
    return ImageReference(text=text, registry=registry, repository=path, tag=tag, digest=digest or None)


def parse_version(text: str) -> tuple[int, ...] | None:
    """The dotted number a tag begins with: `v1.2.3-x` is (1, 2, 3); `RELEASE.2024-01-01` and `20240101` are None."""
    found = _VERSION.match(text)
    return tuple(int(part) for part in found[1].split(".")) if found else None


def _split_registry(name: str) -> tuple[str, str | None]:
    first, slash, rest = name.partition("/")
    if slash and (first == "localhost" or "." in first or ":" in first or first != first.lower()):
        registry, path = first, rest
    else:
        registry, path = DOCKER_HUB, name
    if registry in _HUB_NAMES:
        registry = DOCKER_HUB
        if "/" not in path:
            path = f"library/{path}"
    valid = _DOMAIN.fullmatch(registry) and _PATH.fullmatch(path) and len(path) <= _LONGEST_NAME
    return registry, path if valid else None
