"""What is worked out once for an object, and kept in little space."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from functools import cached_property as remembered
else:

    class remembered:  # noqa: N801 - stands for functools.cached_property
        """A property that is worked out when it is first asked for, and is an attribute from then on.

        `functools.cached_property` does the same by way of ``__dict__``, which makes a dictionary of its own for
        every object. In a subclass of `Many`, this makes none.
        """

        def __init__(self, function: Callable[[Any], Any]) -> None:
            """Decorate a method."""
            self.function = function
            self.__doc__ = function.__doc__

        def __set_name__(self, owner: type, name: str) -> None:
            """Take the name of the method."""
            self.name = name

        def __get__(self, instance: object | None, owner: type | None = None) -> Any:
            """Work it out: where it is known, the attribute is found first."""
            if instance is None:
                return self
            value = self.function(instance)
            setattr(instance, self.name, value)
            return value


class Many:
    """The base of classes that have an instance for every object of the input, or several.

    CPython keeps the attributes of instances side by side, without names, as long as the class knows all names and
    there are fewer than thirty; for an instance with a name that the class does not know, it makes a dictionary of 300
    to 1,700 bytes. A class learns names from its first instances, and there are thousands when the first property is
    asked for: so it is told the names of all properties that are `remembered`.
    """

    def __init_subclass__(cls) -> None:
        """Tell the class its names."""
        super().__init_subclass__()
        first = object.__new__(cls)
        for base in reversed(cls.__mro__):
            for name, attribute in vars(base).items():
                if isinstance(attribute, remembered):
                    setattr(first, name, None)


__all__ = ["Many", "remembered"]
