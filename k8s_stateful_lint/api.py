"""The Python API: lint files, directories or text, and get a report.

>>> from k8s_stateful_lint import lint_text
>>> report = lint_text('''
... apiVersion: v1
... kind: PersistentVolume
... metadata: {name: pv0003}
... spec:
...   capacity: {storage: 5Gi}
...   accessModes: [ReadWriteOnce]
...   persistentVolumeReclaimPolicy: Recycle
...   nfs: {path: /tmp, server: 172.17.0.2}
... ''')
>>> [finding.rule for finding in report.findings]
['recycle-reclaim-policy']
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from itertools import chain

from k8s_stateful_lint.config import Config
from k8s_stateful_lint.engine.report import Notice, Report
from k8s_stateful_lint.engine.run import run
from k8s_stateful_lint.graph.facts import ClusterFacts, read_facts
from k8s_stateful_lint.reading import SourceFile
from k8s_stateful_lint.sources import find_sources, legible


def lint(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    config: Config | None = None,
    stdin: Callable[[], bytes] | None = None,
    kustomize: bool = False,
    helm: bool = False,
) -> Report:
    """Lint files and directories as one input; ``-`` reads standard input.

    Args:
        paths: One path or several. What cannot be read is a notice of the report, the rest is still linted.
        config: Facts and choices; the defaults where it is None.
        stdin: Reads standard input, where ``-`` is among the paths.
        kustomize: Build every overlay first, with the ``kustomize`` or ``kubectl`` on the PATH, and judge what it makes
            of its files. What cannot be built is a notice of the kind ``not-rendered``.
        helm: Render every chart first, with the ``helm`` on the PATH.

    Raises:
        ConfigError: the configuration names a rule, an option or a version that does not exist.

    """
    settings = config or Config()
    several: Sequence[str] = (
        [os.fspath(paths)] if isinstance(paths, str | os.PathLike) else [os.fspath(path) for path in paths]
    )
    sources = find_sources(
        several, stdin=stdin, exclude=settings.exclude, relative=settings.relative, without=settings.not_linted
    )
    notices = (Notice(kind="unreadable-path", message=p.message, file=p.path) for p in sources.problems)
    if not (kustomize or helm):
        return run(sources.files, settings, notices, cluster=_cluster(settings))
    from k8s_stateful_lint.engine.builds import notices_of
    from k8s_stateful_lint.rendering import render
    from k8s_stateful_lint.schema import targets_of

    rendering = render(
        sources.paths,
        kustomize=kustomize,
        helm=helm,
        namespace=settings.namespace,
        version=targets_of(settings)[-1],
    )
    told = chain(notices, notices_of(rendering))
    return run(sources.files, settings, told, rendering=rendering, cluster=_cluster(settings))


def lint_text(text: str | bytes, *, config: Config | None = None, name: str = "<stdin>") -> Report:
    """Lint one text that may hold several documents. It never raises for any text.

    Args:
        text: YAML or JSON.
        config: Facts and choices; the defaults where it is None.
        name: What reports call the file.

    """
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    settings = config or Config()
    return run([SourceFile(legible(name), data)], settings, cluster=_cluster(settings))


def _cluster(config: Config) -> ClusterFacts | None:
    return read_facts(config.cluster_facts) if config.cluster_facts is not None else None
