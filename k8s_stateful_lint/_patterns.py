"""Regular expressions that are compiled when they are first used.

There are more than a hundred in this program. Compiling them all takes longer than starting Python does, and a run of a
few files uses a dozen.
"""

import re
from typing import Any, AnyStr, cast


class _Pattern:
    def __init__(self, *written: Any) -> None:
        self._written = written

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        found = getattr(re.compile(*self._written), name)
        # From now on it is found without us, and is as quick as the compiled pattern's own.
        setattr(self, name, found)
        return found


def regex(text: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """What `re.compile` returns, compiled when it is first used; what is wrong in the text is told then."""
    return cast("re.Pattern[AnyStr]", _Pattern(text, flags))
