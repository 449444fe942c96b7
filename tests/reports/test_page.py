"""The HTML page: read as a browser reads it, and opened in one where there is one."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
import zlib
from html.parser import HTMLParser
from pathlib import Path

import pytest

from k8s_stateful_lint import lint, lint_text
from k8s_stateful_lint.config import Config
from k8s_stateful_lint.engine.report import Report
from k8s_stateful_lint.reports import Style, picture, render
from k8s_stateful_lint.reports.graph import Element, Picture, walk
from tests.reports.made import CLEAN, HOSTILE, NOTHING, ONE, SEVERAL, hostile, many

ROOT = Path(__file__).resolve().parent.parent.parent
RULES = ("recycle-reclaim-policy", "rwo-claim-multi-node", "claim-not-found", "governing-service-not-headless")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
VOID = {"meta", "input", "br", "link", "img", "hr"}


def page(what: Report) -> str:
    return render("html", what, Style())


@pytest.fixture
def shop(monkeypatch) -> Report:
    monkeypatch.chdir(ROOT)
    return lint("examples/shop", config=Config(select=RULES))


class Reader(HTMLParser):
    """Collects what a page consists of, and that its elements are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data) -> None:
        self.text += data

    def attributes(self, name: str) -> list[str]:
        return [attrs[name] or "" for _, attrs in self.elements if name in attrs]

    def count(self, css: str) -> int:
        return sum(css in (attrs.get("class") or "").split() for _, attrs in self.elements)


@pytest.mark.parametrize("what", [CLEAN, NOTHING, ONE, SEVERAL, many(300), *map(hostile, HOSTILE)])
def test_pages_are_well_formed(what: Report) -> None:
    read = Reader(page(what))
    assert read.open == []
    assert read.count("finding") == len(what.findings)
    ids = read.attributes("id")
    assert len(ids) == len(set(ids))
    for target in read.attributes("href"):
        assert target.startswith("https://kubernetes.io/") or target[1:] in ids, target


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names_add_no_element(text: str) -> None:
    def skeleton(name: str) -> list[tuple[str, list[str]]]:
        # Backticks may set words in another font.
        elements = Reader(page(hostile(name))).elements
        return [(tag, sorted(attributes)) for tag, attributes in elements if tag != "code"]

    assert skeleton(text) == skeleton("harmless")


def test_hostile_names_in_the_graph_add_no_element() -> None:
    def drawn(name: str) -> list[str]:
        root = Element(f"a:{name}", name, name, [name], name, [("error", "some-rule")])
        root.children.append((name, Element("b", "Claim", "b")))
        return [
            tag
            for tag, _ in Reader(picture.Drawing([root]).svg(lambda element, rule: None)).elements
            if tag not in {"text"}
        ]

    for text in HOSTILE:
        assert drawn(text) == drawn("harmless")


def test_nothing_is_loaded_from_outside(shop: Report) -> None:
    text = page(shop)
    read = Reader(text)
    assert not read.attributes("src")
    assert "@import" not in text
    assert "url(" not in text
    assert [tag for tag, _ in read.elements].count("script") == 1
    assert "default-src 'none'" in text


def test_without_script_it_is_a_plain_list(shop: Report) -> None:
    """The controls are hidden until the script shows them; no finding is."""
    read = Reader(page(shop))
    hidden = {attrs.get("id") for _, attrs in read.elements if "hidden" in attrs}
    assert hidden == {"filters", "none"}


def test_the_page_shows_findings_frames_remedies_and_the_graph(shop: Report) -> None:
    read = Reader(page(shop))
    assert read.text.count("What to do") == len(shop.findings) > 2
    assert read.count("frame") == sum(1 + len(one.related) for one in shop.findings)
    for one in shop.findings:
        assert one.message.replace("`", "") in read.text
    assert {attrs["data-rule"] for tag, attrs in read.elements if tag == "article"} == {f.rule for f in shop.findings}
    names = [label for label in read.attributes("aria-label") if label.startswith("Storage graph of ")]
    assert any("StatefulSet shop/kafka" in name for name in names)
    linked = [target for tag, attrs in read.elements if tag == "a" and (target := attrs["href"]).startswith("#f-")]
    assert linked, "problems in the picture lead to their findings"


def test_what_shares_a_claim_is_one_drawing() -> None:
    claim, cls = Element("claim", "PersistentVolumeClaim", "c"), Element("class", "StorageClass", "s")
    claim.children.append(("comes from", cls))
    roots = [Element(name, "Deployment", name, children=[("mounts", claim)]) for name in ("a", "b")]
    roots.append(Element("c", "StatefulSet", "c", children=[("uses", cls)]))
    found = picture.grouped(roots)
    assert [[root.name for root in group] for group in found] == [["a", "b"], ["c"]]
    assert [len(picture.Drawing(group).elements) for group in found] == [4, 2]


def test_a_claim_template_named_like_its_stateful_set() -> None:
    container = "{name: db, image: 'db:1', volumeMounts: [{name: data, mountPath: /data}]}"
    text = f"""\
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: data}}
spec:
  selector: {{matchLabels: {{app: db}}}}
  template: {{metadata: {{labels: {{app: db}}}}, spec: {{containers: [{container}]}}}}
  volumeClaimTemplates: [{{metadata: {{name: data}}, spec: {{accessModes: [ReadWriteOnce]}}}}]
"""
    report = lint_text(text)
    assert report.graph is not None
    (root,) = Picture(report.graph, report).roots(None)
    assert [element.kind for element in walk(root)] == ["StatefulSet", "volume", "claim template"]
    assert len(picture.Drawing([root]).elements) == 3


def test_claims_that_nobody_defines_are_one_only_where_they_may_be() -> None:
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: {space}}}\nspec:\n"
    pod += "  containers: [{{name: a, image: a:1}}]\n"
    volume = "  volumes: [{{name: data, persistentVolumeClaim: {{claimName: {claim}}}}}]\n"
    several = [
        ("a", "one", "data"),
        ("b", "one", "data"),
        ("c", "two", "data"),
        ("d", "two", "'${X}'"),
        ("e", "two", "'${X}'"),
    ]
    text = "---\n".join((pod + volume).format(name=name, space=space, claim=claim) for name, space, claim in several)
    report = lint_text(text)
    assert report.graph is not None
    roots = Picture(report.graph, report).roots(None)
    missing = [element.id for root in roots for element in walk(root) if element.is_missing]
    assert [missing.index(key) for key in missing] == [0, 0, 2, 3, 4]


def test_boxes_do_not_overlap(shop: Report) -> None:
    for match in re.finditer(r"<svg xmlns.*?</svg>", page(shop), re.DOTALL):
        boxes = [
            tuple(float(value) for value in found)
            for found in re.findall(r'<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"', match[0])
        ]
        assert boxes
        for index, (x, y, w, h) in enumerate(boxes):
            for left, top, width, height in boxes[index + 1 :]:
                assert x + w <= left or left + width <= x or y + h <= top or top + height <= y


# In a browser -------------------------------------------------------------------------------------------------------


def browse(tmp_path: Path, text: str, *arguments: str) -> bytes:
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    flags = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
        "--disable-component-update --disable-sync --hide-scrollbars"
    )
    command = [CHROMIUM, *flags.split(), f"--user-data-dir={tmp_path / 'profile'}", *arguments]
    done = subprocess.run(
        [*command, (tmp_path / "page.html").as_uri()], capture_output=True, timeout=120, check=True, cwd=tmp_path
    )
    return done.stdout


def colours(png: bytes) -> set[bytes]:
    """The different colours of every seventh line of a picture."""
    width, height, depth, kind = struct.unpack(">IIBB", png[16:26])
    size = {2: 3, 6: 4}[kind]
    assert depth == 8
    data, offset = b"", 8
    while offset < len(png):
        (length,) = struct.unpack(">I", png[offset : offset + 4])
        if png[offset + 4 : offset + 8] == b"IDAT":
            data += png[offset + 8 : offset + 8 + length]
        offset += length + 12
    raw, stride = zlib.decompress(data), width * size + 1
    # Filtered bytes tell as well whether a line is of one colour: then all but the first pixel are the same.
    return {
        raw[row * stride + 1 + at : row * stride + 1 + at + size]
        for row in range(0, height, 7)
        for at in range(0, width * size, size)
    }


needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")


@needs_chromium
@pytest.mark.slow
@pytest.mark.xdist_group("chromium")
@pytest.mark.parametrize("flags", [(), ("--blink-settings=preferredColorScheme=0",)], ids=["light", "dark"])
@pytest.mark.parametrize("size", ["1280,1600", "390,844"], ids=["desktop", "phone"])
def test_it_looks_like_something(shop: Report, size: str, flags: tuple[str, ...], tmp_path) -> None:
    browse(tmp_path, page(shop), f"--window-size={size}", f"--screenshot={tmp_path / 'shot.png'}", *flags)
    assert len(colours((tmp_path / "shot.png").read_bytes())) > 50


@needs_chromium
@pytest.mark.slow
@pytest.mark.xdist_group("chromium")
def test_the_browser_shows_findings_and_filters(shop: Report, tmp_path) -> None:
    dom = browse(tmp_path, page(shop), "--dump-dom").decode()
    read = Reader(dom)
    assert read.count("finding") == len(shop.findings)
    hidden = {attrs.get("id") for _, attrs in read.elements if "hidden" in attrs}
    assert hidden == {"none"}, "the script ran: it shows the filters"
    assert f"{len(shop.findings)} of {len(shop.findings)}" in read.text


@needs_chromium
@pytest.mark.slow
@pytest.mark.xdist_group("chromium")
def test_the_browser_runs_no_script_of_a_manifest(tmp_path) -> None:
    text = "</script><img src=x onerror=\"document.title='pwned'\"><script>document.title='pwned'</script>"
    dom = browse(tmp_path, page(hostile(text)), "--dump-dom").decode()
    assert "<title>pwned" not in dom
    # Even an element that got through would find that nothing may run.
    smuggled = page(ONE).replace("<main>", f"<main><img src=x onerror=\"document.title='pwned'\">{text[9:]}")
    assert "<title>pwned" not in browse(tmp_path, smuggled, "--dump-dom").decode()


@needs_chromium
@pytest.mark.slow
@pytest.mark.xdist_group("chromium")
def test_the_filters_filter(tmp_path) -> None:
    """A second script, let in by its own digest, uses the controls."""
    import base64
    import hashlib

    script = """
    const form = document.querySelector("#filters form");
    const shown = () => document.querySelectorAll(".finding:not([hidden])").length;
    const set = (name, value) => { form.elements[name].value = value; form.dispatchEvent(new Event("input")); };
    const told = [shown()];
    form.querySelector("[value=info]").click(); told.push(shown());
    set("rule", "no-such-rule"); told.push(shown());
    set("rule", ""); set("environment", "production"); told.push(shown());
    set("environment", ""); set("object", "PersistentVolume archive"); told.push(shown());
    set("text", "nothing has this"); told.push(shown()); told.push(document.getElementById("none").hidden);
    form.reset();
    setTimeout(() => { told.push(shown()); document.title = told.join(" "); });
    """
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    text = page(SEVERAL).replace("script-src ", f"script-src 'sha256-{digest}' ")
    text = text.replace("</body>", f"<script>{script}</script></body>")
    dom = browse(tmp_path, text, "--dump-dom", "--virtual-time-budget=2000").decode()
    assert re.search(r"<title>(.*)</title>", dom)[1] == "3 2 1 1 2 0 false 3"
