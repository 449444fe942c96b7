"""kustomization.yaml, as far as files alone can be understood (kustomize api/types/kustomization.go)."""

from typing import Any

from k8s_stateful_lint.model.base import ApiStruct, Metadata


class LabelTransformer(ApiStruct, frozen=True):
    """``labels[i]``: labels added to every object, and on request to selectors and templates."""

    pairs: dict[str, str] = {}
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
    common_labels: dict[str, str] = {}
    labels: tuple[LabelTransformer, ...] = ()
    replicas: tuple[ReplicaOverride, ...] = ()
    images: tuple[ImageOverride, ...] = ()
    secret_generator: tuple[dict[str, Any], ...] = ()
    config_map_generator: tuple[dict[str, Any], ...] = ()
    generator_options: dict[str, Any] = {}
    vars: tuple[dict[str, Any], ...] = ()
    replacements: tuple[Any, ...] = ()

    @property
    def patch_files(self) -> tuple[str, ...]:
        """The patches that are files, as paths relative to the kustomization."""
        written = [patch if isinstance(patch, str) else patch.get("path") for patch in self._all_patches]
        return tuple(path for path in written if isinstance(path, str) and "\n" not in path)

    @property
    def inline_patches(self) -> tuple[str, ...]:
        """The texts of the patches that are written into the kustomization."""
        written = [patch if isinstance(patch, str) else patch.get("patch") for patch in self._all_patches]
        return tuple(text for text in written if isinstance(text, str) and "\n" in text)

    @property
    def _all_patches(self) -> tuple[dict[str, Any] | str, ...]:
        return (*self.patches, *self.patches_json6902, *self.patches_strategic_merge)
