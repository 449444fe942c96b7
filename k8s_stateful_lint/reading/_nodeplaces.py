"""Places from a tree of nodes."""

from collections.abc import Iterator

from . import _scalars
from ._nodes import Node, merge_sources, raw_key
from ._places import Extent, Spot, behind_colon, block_scalar_end, skip_properties
from ._source import Route

Entries = dict[str, tuple[Node, Node]]


class NodePlaces:
    """Answers from the careful engine's tree. It can always tell."""

    def __init__(self, text: str, root: Node) -> None:
        """`root` is the tree of `text`, one whose value could be built."""
        self._text = text
        self._root = root
        self._entries: dict[int, Entries] = {}

    def find(self, route: Route) -> Spot | None:
        """See `Places.find`."""
        key: Node | None = None
        node = self._root
        for step in route:
            target = node.resolved
            if target.pairs is not None and isinstance(step, str):
                entry = self._mapping(target).get(step)
                if entry is None:
                    return None
                key, node = entry
            elif target.items is not None and isinstance(step, int) and 0 <= step < len(target.items):
                key, node = None, target.items[step]
            else:
                return None
        return self._spot(key, node)

    def opaque(self) -> Iterator[Extent]:
        """See `Places.opaque`."""
        stack = [self._root]
        while stack:
            node = stack.pop()
            if node.pairs is not None:
                for pair in node.pairs:
                    stack.extend(pair)
            elif node.items is not None:
                stack.extend(node.items)
            elif node.style:
                yield self._extent(node)

    def _mapping(self, node: Node) -> Entries:
        entries = self._entries.get(id(node))
        if entries is None:
            entries = self._entries[id(node)] = {}
            for key_node, value_node in node.pairs or ():
                if key_node.is_merge():
                    for source in merge_sources(value_node):
                        entries.update(self._mapping(source))
                else:
                    entries[_scalars.key(raw_key(key_node))] = (key_node, value_node)
        return entries

    def _spot(self, key: Node | None, node: Node) -> Spot:
        key_extent = self._extent(key) if key is not None else None
        first_key = None
        target = node.resolved
        if target is node and target.pairs:
            first_key = self._extent(target.pairs[0][0])
        collection = node.items is not None or node.pairs is not None
        extent = self._extent(node)
        if node.plain and node.start == node.end and not collection:
            # The parsers place an empty value at what comes next, or not: it belongs to its colon or dash.
            after = behind_colon(self._text, key_extent[1]) if key_extent else len(self._text[: node.start].rstrip())
            extent = after, after
        return Spot(key_extent, extent, first_key, collection and not node.flow)

    def _extent(self, node: Node) -> Extent:
        start = skip_properties(self._text, node.start)
        if node.style in ("|", ">"):
            return start, block_scalar_end(self._text, start)
        if (node.items is not None or node.pairs is not None) and not node.flow:
            return start, max(start, self._end(node))
        return start, max(start, node.end)

    def _end(self, node: Node) -> int:
        """The end of the last thing in a block collection."""
        while not node.flow and (node.items or node.pairs):
            if node.items:
                node = node.items[-1]
                continue
            assert node.pairs is not None
            key, value = node.pairs[-1]
            if value.plain and value.start == value.end:
                return behind_colon(self._text, key.end)
            node = value
        return self._extent(node)[1]
