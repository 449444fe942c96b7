import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8s_stateful_lint.knowledge.image_reference import parse_image

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "name", "tag", "digest"),
    [
        ("postgres", "docker.io/library/postgres", None, None),
        ("postgres:16.3-alpine", "docker.io/library/postgres", "16.3-alpine", None),
        ("docker.io/postgres", "docker.io/library/postgres", None, None),
        ("index.docker.io/library/postgres", "docker.io/library/postgres", None, None),
        ("registry-1.docker.io/bitnami/mysql:8", "docker.io/bitnami/mysql", "8", None),
        ("bitnami/postgresql:16", "docker.io/bitnami/postgresql", "16", None),
        ("localhost/db", "localhost/db", None, None),
        ("localhost:5000/db:1", "localhost:5000/db", "1", None),
        ("registry:5000/db", "registry:5000/db", None, None),
        ("registry.example.com:5000/a/b/c", "registry.example.com:5000/a/b/c", None, None),
        ("[::1]:5000/db:2", "[::1]:5000/db", "2", None),
        (f"postgres@{DIGEST}", "docker.io/library/postgres", None, DIGEST),
        (f"quay.io/coreos/etcd:v3.5.9@{DIGEST}", "quay.io/coreos/etcd", "v3.5.9", DIGEST),
        ("REGISTRY/db", "REGISTRY/db", None, None),
    ],
)
def test_parses(text: str, name: str, tag: str | None, digest: str | None) -> None:
    reference = parse_image(text)
    assert reference is not None
    assert (reference.text, reference.name, reference.tag, reference.digest) == (text, name, tag, digest)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "Postgres",
        "library/Postgres",
        "postgres:",
        "postgres:a b",
        "postgres:.16",
        "postgres@sha256:abc",
        "postgres@",
        ":16",
        "/postgres",
        "quay.io/",
        "a//b",
        "-a/b",
        "{{ .Values.image }}",
        "${IMAGE}",
        "<image>",
        "postgres:16:17",
        "a" * 300,
        "0123456789abcdef" * 4,
    ],
)
def test_refuses(text: str) -> None:
    assert parse_image(text) is None


@pytest.mark.parametrize(
    ("tag", "version"),
    [
        ("16", (16,)),
        ("16.3-alpine", (16, 3)),
        ("v3.5.9", (3, 5, 9)),
        ("16-3.4", (16,)),
        ("8.0.36_build1", (8, 0, 36)),
        ("17beta1", (17,)),
        ("5.0rc1", (5, 0)),
        ("2022-latest", (2022,)),
        ("3-core", (3,)),
        ("latest", None),
        ("pg16", None),
        ("RELEASE.2024-01-01T00-00-00Z", None),
        ("20240101", None),
        ("5f3c1ab", None),
        ("alpine3.20", None),
    ],
)
def test_version(tag: str, version: tuple[int, ...] | None) -> None:
    reference = parse_image(f"x:{tag}")
    assert reference is not None
    assert reference.version == version


@pytest.mark.parametrize(
    ("text", "floating"),
    [
        ("x", True),
        ("x:latest", True),
        ("x:lts", True),
        ("x:LATEST", True),
        ("x:alpine", True),
        ("x:alpine3.20", True),
        ("x:bookworm", True),
        ("x:lts-jdk17", True),
        ("x:management-alpine", True),
        ("x:stable-alpine", True),
        ("x:16", False),
        ("x:16-alpine", False),
        ("x:pg16", False),
        ("x:latest-pg16", False),
        ("x:abc123", False),
        ("x:my-branch", False),
        (f"x@{DIGEST}", False),
        (f"x:latest@{DIGEST}", False),
    ],
)
def test_floating(text: str, floating: bool) -> None:
    reference = parse_image(text)
    assert reference is not None
    assert reference.floating is floating


_ALNUM = string.ascii_lowercase + string.digits
components = st.from_regex(r"[a-z0-9]+(?:(?:[._]|__|-{1,2})[a-z0-9]+){0,2}", fullmatch=True).filter(
    lambda c: len(c) < 40
)
registries = st.sampled_from(["quay.io", "localhost", "localhost:5000", "r.example.com:443", "docker.io", "[::1]:80"])
tags = st.text(_ALNUM + string.ascii_uppercase + "_", min_size=1, max_size=1).flatmap(
    lambda first: st.text(_ALNUM + string.ascii_uppercase + "_.-", max_size=30).map(lambda rest: first + rest)
)


@given(
    registries,
    st.lists(components, min_size=1, max_size=4),
    st.none() | tags,
    st.none() | st.just(DIGEST),
)
def test_round_trip(registry: str, path: list[str], tag: str | None, digest: str | None) -> None:
    """What is written out again in full is the same reference."""
    text = f"{registry}/{'/'.join(path)}" + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")
    first = parse_image(text)
    assert first is not None
    again = parse_image(
        first.name + (f":{first.tag}" if first.tag else "") + (f"@{first.digest}" if first.digest else "")
    )
    assert again is not None
    assert (again.registry, again.repository, again.tag, again.digest) == (
        first.registry,
        first.repository,
        first.tag,
        first.digest,
    )
    assert first.repository.endswith("/".join(path))


@given(st.text(max_size=60))
def test_never_raises(text: str) -> None:
    reference = parse_image(text)
    if reference is not None:
        assert reference.floating in (True, False)
        assert reference.version is None or all(part >= 0 for part in reference.version)
