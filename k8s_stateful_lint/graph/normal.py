"""What an object says once the API server has read it: the form in which two revisions of it are compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from k8s_stateful_lint._patterns import regex
from k8s_stateful_lint.knowledge.image_reference import parse_image
from k8s_stateful_lint.model.placeholders import is_placeholder, is_quantity_placeholder
from k8s_stateful_lint.model.quantities import QuantityError, parse_quantity
from k8s_stateful_lint.model.raw import entries

if TYPE_CHECKING:
    from k8s_stateful_lint.knowledge import Knowledge
    from k8s_stateful_lint.reading import Route

_QUANTITIES = frozenset({"requests", "limits", "capacity", "overhead"})
# Pointers of the API whose empty value says something: every other empty map or list is left out when it is written.
_MEANT_EMPTY = frozenset({"emptyDir", "selector", "labelSelector", "namespaceSelector"})
_STEP = regex(r"[^.\[\]]+|\[\]")


def normal_form(knowledge: Knowledge, object_: str, value: Any) -> Any:
    """A value without what says nothing: nulls, empty maps and lists, and defaults; quantities as numbers.

    Args:
        knowledge: The tables with the defaults.
        object_: Which defaults apply: a kind, or ``ClaimSpec`` or ``PodSpec``.
        value: The raw value.

    """
    form = _copied(value, "")
    if object_ == "PodSpec":
        _strip_pull_policies(form)
    for row in knowledge.defaults(object_):
        _strip(form, _STEP.findall(row.path), row.value)
    return _pruned(form)


def differences(old: Any, new: Any, *, depth: int = 99) -> Iterator[Route]:
    """The routes at which two normal forms differ, down to ``depth`` keys; a placeholder differs from nothing.

    A route is one of the new form where it has the field, else of the old one.
    """
    if isinstance(old, Mapping) and isinstance(new, Mapping) and depth > 0:
        for key in (*old, *(key for key in new if key not in old)):
            for route in differences(old.get(key), new.get(key), depth=depth - 1):
                yield (key, *route)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new) and depth > 0:
        for index, (left, right) in enumerate(zip(old, new, strict=True)):
            for route in differences(left, right, depth=depth - 1):
                yield (index, *route)
    elif old != new and not _is_unknown(old) and not _is_unknown(new):
        yield ()


def differ(old: Any, new: Any) -> bool:
    """Whether two normal forms differ anywhere."""
    return next(differences(old, new), None) is not None


def _is_unknown(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_is_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(_is_unknown(item) for item in value)
    return is_placeholder(value)


def _copied(value: Any, key: str) -> Any:
    if isinstance(value, Mapping):
        if key in _QUANTITIES:
            return {name: _quantity(item) for name, item in value.items() if item is not None}
        return {name: _copied(item, name) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_copied(item, "") for item in value]
    return _quantity(value) if key == "sizeLimit" else value


def _quantity(value: Any) -> Any:
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return value
    if is_quantity_placeholder(value):
        return "${QUANTITY}"  # a name in capitals is as unknown as any other placeholder
    try:
        return parse_quantity(value)
    except QuantityError:
        return value


def _strip(form: Any, steps: list[str], default: Any) -> None:
    """Take a default out of every place a path leads to."""
    for index, step in enumerate(steps):
        if step == "[]":
            for item in form if isinstance(form, list) else ():
                _strip(item, steps[index + 1 :], default)
            return
        if not isinstance(form, dict) or step not in form:
            return
        if index == len(steps) - 1:
            if form[step] == default and type(form[step]) is type(default):
                del form[step]
            return
        form = form[step]


def _strip_pull_policies(form: Any) -> None:
    """``imagePullPolicy``: Always for the tag latest, else IfNotPresent (KK pkg/apis/core/v1/defaults.go)."""
    for field in ("containers", "initContainers"):
        for _, container in entries(form.get(field) if isinstance(form, dict) else None):
            if not isinstance(container.get("image"), str):
                continue
            image = parse_image(container["image"])
            latest = image is not None and image.digest is None and image.tag in (None, "latest")
            if container.get("imagePullPolicy") == ("Always" if latest else "IfNotPresent"):
                del container["imagePullPolicy"]


def _pruned(form: Any) -> Any:
    if isinstance(form, dict):
        pruned = {key: _pruned(value) for key, value in form.items()}
        return {k: v for k, v in pruned.items() if k in _MEANT_EMPTY or not (isinstance(v, dict | list) and not v)}
    if isinstance(form, list):
        return [_pruned(item) for item in form]
    return form
