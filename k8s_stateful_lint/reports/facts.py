"""Pages about what we know: a driver, or a stateful image, with the source of every fact."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from k8s_stateful_lint.knowledge import NEWEST, Driver, VolumePlugin, builtin, format_version
from k8s_stateful_lint.knowledge.image_process import ProcessSettings, data_directories
from k8s_stateful_lint.knowledge.image_reference import parse_image
from k8s_stateful_lint.knowledge.images import Match, declared_volumes, find_image, image_entries, lost_found, user_of

_CLASSES = {
    "single": "one writer for each data directory",
    "quorum": "members vote: an odd number, at least three",
    "ring": "replicated, any number of members",
    "shared": "files that several pods may share",
    "cache": "may lose everything at any time",
    "none": "keeps no data",
}


def driver_page(name: str) -> str:
    """What is known of a driver or provisioner.

    Raises:
        KeyError: it is not in the table; the argument is a message for people.

    """
    knowledge = builtin()
    driver = knowledge.driver(name)
    plugin = knowledge.plugin_of_provisioner(name) or knowledge.plugin(name)
    if driver is None and plugin is None:
        names = [row.name for row in knowledge.drivers]
        near = [known for known in names if name in known] or difflib.get_close_matches(name, names, n=1, cutoff=0.5)
        raise KeyError(f"nothing is known of a driver {name}" + (f"; did you mean {near[0]}?" if near else ""))
    parts = [f"# {name}"]
    if plugin is not None:
        parts.append(_plugin_state(plugin))
    if driver is not None:
        parts += _driver_facts(driver, name)
        sources = f"{driver.source}" + (f" ({driver.date})" if driver.date else "")
        parts.append(f"Status: {driver.status}. Source: {_sources(sources)}.")
    elif plugin is not None:
        parts.append(f"Status: {plugin.status}. Source: {_sources(plugin.source)}.")
    return "\n\n".join(parts) + "\n"


def _plugin_state(plugin: VolumePlugin) -> str:
    if plugin.redirected(NEWEST):
        return (
            f"In-tree plugin `{plugin.key}`: works only through the CSI driver `{plugin.redirect}`, if it is installed."
        )
    if plugin.removed is not None:
        since = format_version(plugin.removed)
        return f"In-tree plugin `{plugin.key}`: does nothing since {since}. The API still accepts it, and pods hang."
    return f"In-tree plugin `{plugin.key}`: works at {format_version(NEWEST)}."


def _sources(text: str) -> str:
    """Sources with the abbreviations of the tables written out."""
    for short, long in (("KK ", "kubernetes/kubernetes "), ("DOC ", "kubernetes.io/docs/")):
        text = re.sub(rf"\b{short}", long, text)
    return text


def _table(rows: Iterable[tuple[str, str | None]]) -> str:
    lines = (f"| {label} | {value if value is not None else 'unknown'} |" for label, value in rows)
    return "\n".join(("| Fact | Value |", "|---|---|", *lines))


def _driver_facts(driver: Driver, name: str) -> list[str]:
    parts = []
    if driver.name != name:
        parts.append(f"The same as `{driver.name}`.")
    if driver.retired:
        parts.append("Retired." + (f" Use `{driver.successor}`." if driver.successor else ""))
    rows = [
        ("kind of storage", driver.kind),
        ("ReadWriteMany on a file system", _answer(driver.rwx_filesystem, driver.rwx_filesystem_condition)),
        ("ReadWriteMany on a raw device", _answer(driver.rwx_block, driver.rwx_block_condition)),
        ("ReadOnlyMany", driver.rox),
        ("attachment", driver.attachment),
        ("bound to a", driver.topology),
        ("network file system", driver.network_file_system),
        ("volume expansion", _yes(driver.expansion)),
        ("snapshots", _yes(driver.snapshot)),
        ("raw block volumes", _yes(driver.raw_block)),
        ("fsGroup policy", driver.fs_group_policy),
        ("default file system", driver.default_fstype),
        ("class parameters", ", ".join(f"`{key}`" for key in driver.parameters) if driver.parameters else None),
    ]
    parts.append(_table(rows))
    if driver.note:
        parts.append(driver.note)
    return parts


def _answer(answer: str | None, condition: object) -> str | None:
    parameter = getattr(condition, "parameter", None)
    if answer != "conditional" or parameter is None:
        return answer
    value, minimum = getattr(condition, "value", None), getattr(condition, "minimum", None)
    return f"only with `{parameter}: {value}`" if value else f"only with `{parameter}` of at least {minimum}"


def _yes(value: bool | None) -> str | None:
    return None if value is None else "yes" if value else "no"


def image_page(text: str) -> str:
    """What is known of an image.

    Raises:
        KeyError: it cannot be read or is not in the table; the argument is a message for people.

    """
    reference = parse_image(text)
    if reference is None:
        raise KeyError(f"{text} is no image reference")
    match = find_image(reference)
    if match is None:
        repositories = {
            name.removeprefix("docker.io/library/").removeprefix("docker.io/"): name
            for entry in image_entries().values()
            for name in entry.repositories
        }
        near = difflib.get_close_matches(text.partition(":")[0], repositories, n=1, cutoff=0.6)
        raise KeyError(f"nothing is known of the image {text}" + (f"; did you mean {near[0]}?" if near else ""))
    return _image_facts(text, match)


def _image_facts(text: str, match: Match) -> str:
    entry = match.entry
    parts = [f"# {text}", f"Known as **{entry.key}**: {_CLASSES[entry.class_]}."]
    if not match.exact:
        parts.append("Recognised by the last two segments of its repository only.")
    if match.floating:
        parts.append("The tag names no version, so the newest is assumed.")
    rows: list[tuple[str, str | None]] = []
    directories = data_directories(match, ProcessSettings())
    if directories is None:
        rows.append(("data directories", "depend on a version that the reference does not tell"))
    else:
        rows += [("data directory" if d.required else "optional directory", f"`{d.path}`") for d in directories]
    rows.append(("declared VOLUMEs", ", ".join(f"`{path}`" for path in declared_volumes(match)) or "none"))
    movers = [f"`{name}`" for mover in entry.moved_by for name in (*mover.env, *mover.args)]
    rows.append(("moved by", ", ".join(dict.fromkeys(movers)) or None))
    user = user_of(match)
    if user is not None:
        start = " (starts as root, then drops to it)" if user.starts_as_root else ""
        group = f":{user.gid}" if user.gid is not None else ""
        rows.append(("runs as", f"{user.uid}{group}{start}" if user.uid is not None else None))
    rows += [
        ("on NFS", entry.nfs),
        ("`lost+found` in the data directory", lost_found(match)),
        ("shutdown needs at least", f"{entry.grace} seconds" if entry.grace else None),
        ("members start", entry.start),
        ("tag parts that make a data format", str(entry.format_parts) if entry.format_parts else None),
    ]
    parts.append(_table(rows))
    if entry.note:
        parts.append(entry.note)
    parts.append(f"Status: {entry.status}. Source: {_sources(entry.source)}.")
    return "\n\n".join(parts) + "\n"
