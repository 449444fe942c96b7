"""Overlays and charts, rendered by their own programs: texts to lint, and the files that each line came from.

Nothing here talks to the network, and nothing is written into the tree.
"""

from k8s_stateful_lint.knowledge.versions import NEWEST, Version

from .rendered import Files, Rendered, Rendering, RenderProblem

__all__ = ["Files", "RenderProblem", "Rendered", "Rendering", "render"]


def render(
    paths: list[str],
    *,
    kustomize: bool = False,
    helm: bool = False,
    only: tuple[str, ...] = (),
    namespace: str | None = None,
    version: Version = NEWEST,
    files: Files | None = None,
) -> Rendering:
    """Render the overlays and charts among the files of an input.

    Args:
        paths: The files of the input, as `find_sources` gives them.
        kustomize: Build every overlay: a kustomization of the input that no other one of it includes.
        helm: Render every chart, once with its own values and once with each further file of values.
        only: Globs of directories; others are not rendered. All are, where it is empty.
        namespace: The namespace of a chart's release; `default` where it is None.
        version: The version of Kubernetes that charts are rendered for (``.Capabilities.KubeVersion``).
        files: How the files are called, where that is not their path from the current directory.

    """
    rendering = Rendering(files=files or Files())
    if kustomize:
        from .overlays import render_overlays

        render_overlays(paths, only, rendering)
    if helm:
        from .charts import render_charts

        render_charts(paths, only, namespace, version, rendering)
    return rendering
