"""The empty dictionary that many objects share."""

import copy
import pickle

import pytest

from k8s_stateful_lint._nothing import NOTHING
from k8s_stateful_lint.model.base import LabelSelector, Metadata


def test_what_is_not_written_is_one_dictionary() -> None:
    assert Metadata().labels is Metadata(name="db").annotations is LabelSelector().match_labels is NOTHING
    assert NOTHING == {}


def test_cannot_be_changed() -> None:
    for change in (
        lambda: NOTHING.__setitem__("app", "db"),
        lambda: NOTHING.setdefault("app", "db"),
        lambda: NOTHING.update(app="db"),
        lambda: NOTHING.__ior__({"app": "db"}),
    ):
        with pytest.raises(TypeError, match="cannot be changed"):
            change()
    assert not NOTHING


def test_stays_the_same_in_copies_and_in_other_processes() -> None:
    metadata = Metadata()
    assert copy.deepcopy(metadata).labels is NOTHING
    assert pickle.loads(pickle.dumps(metadata)).labels is NOTHING
