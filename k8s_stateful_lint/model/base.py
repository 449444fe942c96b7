"""The base of every API type, and metadata, which they all share."""

import msgspec

from k8s_stateful_lint._nothing import NOTHING


class ApiStruct(msgspec.Struct, frozen=True, rename="camel", kw_only=True, gc=False):
    """A part of the Kubernetes API: unknown fields are ignored, absent ones mean "not written"."""


class OwnerReference(ApiStruct, frozen=True):
    """``metadata.ownerReferences[i]``: the object was made by a controller."""

    kind: str = ""
    name: str = ""


class Metadata(ApiStruct, frozen=True):
    """``metadata`` of an object, a pod template or a claim template."""

    name: str = ""
    generate_name: str = ""
    namespace: str | None = None
    labels: dict[str, str] = NOTHING
    annotations: dict[str, str] = NOTHING
    owner_references: tuple[OwnerReference, ...] = ()


class SelectorRequirement(ApiStruct, frozen=True):
    """One ``matchExpressions[i]``, of labels or of nodes."""

    key: str = ""
    operator: str = ""
    values: tuple[str, ...] = ()


class LabelSelector(ApiStruct, frozen=True):
    """A selector of labels: every entry must hold; an empty one matches everything."""

    match_labels: dict[str, str] = NOTHING
    match_expressions: tuple[SelectorRequirement, ...] = ()

    def matches(self, labels: dict[str, str]) -> bool:
        """Whether an object with these labels is selected."""
        return all(labels.get(key) == value for key, value in self.match_labels.items()) and all(
            requirement_holds(requirement, labels) for requirement in self.match_expressions
        )

    @property
    def is_empty(self) -> bool:
        """Whether nothing is demanded (``{}``)."""
        return not self.match_labels and not self.match_expressions

    @property
    def keys(self) -> frozenset[str]:
        """Every label key the selector speaks about."""
        return frozenset(self.match_labels) | {requirement.key for requirement in self.match_expressions}


def requirement_holds(requirement: SelectorRequirement, labels: dict[str, str]) -> bool:
    """Evaluate one requirement the way apimachinery's labels.Requirement does."""
    present = requirement.key in labels
    match requirement.operator:
        case "In":
            return present and labels[requirement.key] in requirement.values
        case "NotIn":
            return not present or labels[requirement.key] not in requirement.values
        case "Exists":
            return present
        case "DoesNotExist":
            return not present
        case _:
            return False
