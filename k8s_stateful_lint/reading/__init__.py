"""From bytes to documents: values, source positions and comments. Knows YAML, not Kubernetes.

`read` never raises, whatever the bytes are. Values are what Kubernetes would read, see `_scalars` for the dialect. Two
engines stand behind it: yamlrocks reads what is plain, at speed; ruamel.yaml reads all the rest, and everything where
yamlrocks is not installed.
"""

from ._document import Document, Engine
from ._heads import Unread
from ._nodes import MAX_DEPTH
from ._reading import Notice, Reading, read
from ._source import Comment, Fault, Route, SourceFile, Span, digest

__all__ = [
    "MAX_DEPTH",
    "Comment",
    "Document",
    "Engine",
    "Fault",
    "Notice",
    "Reading",
    "Route",
    "SourceFile",
    "Span",
    "Unread",
    "digest",
    "read",
]
