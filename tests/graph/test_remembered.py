"""Objects that there are many of have no dictionaries of their own."""

import sys
from collections.abc import Iterator

import pytest

from k8s_stateful_lint.graph.remembered import Many, remembered

# CPython keeps at most 30 names for a class; it counts one of them off for each of its first instances.
MOST_ATTRIBUTES = 27


def subclasses(of: type) -> Iterator[type]:
    for found in of.__subclasses__():
        yield found
        yield from subclasses(found)


class Thing(Many):
    """Has a remembered value."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.worked_out = 0

    @remembered
    def double(self) -> int:
        """Twice the number."""
        self.worked_out += 1
        return 2 * self.number

    @remembered
    def other(self) -> str:
        """Another one."""
        return str(self.number)


class Special(Thing):
    """Takes part in what its base works out."""

    @remembered
    def double(self) -> int:
        """One more."""
        return super().double + 1


def test_works_a_value_out_once() -> None:
    thing = Thing(3)
    assert (thing.double, thing.double, thing.worked_out) == (6, 6, 1)


def test_a_subclass_may_ask_its_base() -> None:
    thing = Special(3)
    assert (thing.double, thing.double, thing.worked_out) == (7, 7, 1)


def test_is_documented() -> None:
    assert isinstance(Thing.double, remembered)
    assert Thing.double.__doc__ == "Twice the number."


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="is about CPython's dictionaries")
def test_keeps_values_without_a_dictionary_of_their_names() -> None:
    things = [Special(number) for number in range(1_000)]
    for thing in things:
        assert thing.double
        assert thing.other
    # A dictionary that shares its names with others is smaller than a copy, which does not.
    attributes = vars(things[-1])
    assert sys.getsizeof(attributes) < sys.getsizeof(dict(attributes))


@pytest.mark.parametrize("kind", sorted({*subclasses(Many)} - {Thing, Special}, key=lambda kind: kind.__name__))
def test_no_class_has_more_names_than_are_shared(kind: type) -> None:
    names = {name for base in kind.__mro__ for name, found in vars(base).items() if isinstance(found, remembered)}
    code = (base.__init__.__code__ for base in kind.__mro__ if hasattr(vars(base).get("__init__"), "__code__"))
    assigned = {name for each in code for name in each.co_names}
    assert len(names | assigned) <= MOST_ATTRIBUTES
