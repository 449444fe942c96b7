"""kustomization.yaml, as far as files alone can be understood (kustomize api/types/kustomization.go)."""

from collections.abc import Iterator
from typing import Any

from k8s_stateful_lint._nothing import NOTHING
from k8s_stateful_lint.model.base import ApiStruct, Metadata


class LabelTransformer(ApiStruct, frozen=True):
    """``labels[i]``: labels added to every object, and on request to selectors and templates."""

    pairs: dict[str, str] = NOTHING
    include_selectors: bool = False
    include_templates: bool = False


class ReplicaOverride(ApiStruct, frozen=True):
    """``replicas[i]``."""

    name: str = ""
    count: int | None = None


class ImageOverride(ApiStruct, frozen=True):
    """``images[i]``."""

    name: str = ""
    new_name: str | None = None
    new_tag: str | int | float | None = None
    digest: str | None = None


class KustomizationBody(ApiStruct, frozen=True):
    """A Kustomization or Component; entries that may be inline patches stay raw."""

    metadata: Metadata = Metadata()
    resources: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    # The oldest form of a patch is the name of its file.
    patches: tuple[dict[str, Any] | str, ...] = ()
    patches_strategic_merge: tuple[str, ...] = ()
    patches_json6902: tuple[dict[str, Any], ...] = ()
    namespace: str | None = None
    name_prefix: str = ""
    name_suffix: str = ""
    common_labels: dict[str, str] = NOTHING
    labels: tuple[LabelTransformer, ...] = ()
    replicas: tuple[ReplicaOverride, ...] = ()
    images: tuple[ImageOverride, ...] = ()
    secret_generator: tuple[dict[str, Any], ...] = ()
    config_map_generator: tuple[dict[str, Any], ...] = ()
    generator_options: dict[str, Any] = NOTHING
    vars: tuple[dict[str, Any], ...] = ()
    replacements: tuple[Any, ...] = ()

    @property
    def written_patches(self) -> Iterator[tuple[tuple[str, int], dict[str, Any] | str]]:
        """Every patch with its route, in the order in which kustomize runs them."""
        fields: tuple[tuple[str, tuple[dict[str, Any] | str, ...]], ...] = (
            ("patchesStrategicMerge", self.patches_strategic_merge),
            ("patches", self.patches),
            ("patchesJson6902", self.patches_json6902),
        )
        for field, entries in fields:
            for index, entry in enumerate(entries):
                yield (field, index), entry

    @property
    def patch_files(self) -> tuple[str, ...]:
        """The patches that are files, as paths relative to the kustomization."""
        return tuple(path for _, entry in self.written_patches if (path := patch_file(entry)) is not None)


def patch_file(entry: dict[str, Any] | str) -> str | None:
    """The file that an entry of ``patches`` names; None for a patch that is written into the kustomization."""
    path = entry if isinstance(entry, str) else entry.get("path")
    return path if isinstance(path, str) and path and "\n" not in path else None


def patch_text(entry: dict[str, Any] | str) -> str | None:
    """The patch that is written into the kustomization; None where a file is named."""
    text = entry if isinstance(entry, str) else entry.get("patch")
    return text if isinstance(text, str) and ("\n" in text or not isinstance(entry, str)) else None
