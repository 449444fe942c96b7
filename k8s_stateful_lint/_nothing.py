"""One empty dictionary for all that have none."""

from typing import Any, NoReturn


class _Nothing(dict[Any, Any]):
    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("the empty dictionary that everybody shares cannot be changed")

    __setitem__ = setdefault = update = __ior__ = _refuse

    def __reduce__(self) -> str:
        return "NOTHING"


NOTHING: dict[Any, Any] = _Nothing()
"""An empty dictionary that cannot be changed. Most objects have no annotations, and 64 bytes for each add up."""
