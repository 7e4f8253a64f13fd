"""Makes a drawing fit for a page: names instead of colours, no style, no role, short numbers, nothing unseen."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from growth_pipelines.console.plots.specs import CLASSES

_NAMESPACE = "{http://www.w3.org/2000/svg}"
# What of a drawing is kept; colours turn into classes. The page's sheet sets the face.
_KEPT = {
    *("viewBox", "transform", "d", "x", "x1", "x2", "y", "y1", "y2", "width", "height", "r"),
    *("fill", "stroke", "stroke-width", "stroke-dasharray", "fill-opacity", "stroke-opacity", "opacity"),
    *("text-anchor", "font-size", "font-weight", "stroke-linecap"),
}
_USUAL = {"opacity": "1", "stroke-width": "1", "font-weight": "normal", "stroke-linecap": "butt"}
_NUMBER = re.compile(r"-?\d+\.\d+")
_UNSEEN = {"none", "transparent"}


def compact(svg: str) -> str:
    """``svg`` as it goes into a page. Raises ValueError for what is no SVG of Vega's."""
    try:
        root = ElementTree.fromstring(svg)  # noqa: S314 - made by our own renderer from our own numbers
    except ElementTree.ParseError as error:
        raise ValueError(f"no drawing: {error}") from error
    box = root.get("viewBox", "")
    inner = "".join(_written(child) for child in root)
    return f'<svg viewBox="{_short(box)}" aria-hidden="true" focusable="false">{inner}</svg>'


def _written(element: ElementTree.Element) -> str:
    tag = element.tag.removeprefix(_NAMESPACE)
    if tag not in {"g", "path", "line", "rect", "text", "circle"} or element.get("display") == "none":
        return ""
    inside = "".join(_written(child) for child in element)
    text = _escaped(element.text or "") if tag == "text" else ""
    if _is_empty(tag, element, inside + text):
        return ""
    attributes = _attributes(element)
    if tag == "g" and not attributes:
        return inside
    return f"<{tag}{attributes}>{text}{inside}</{tag}>" if inside or text else f"<{tag}{attributes}/>"


def _is_empty(tag: str, element: ElementTree.Element, inside: str) -> bool:
    if tag in {"g", "text"}:
        return not inside
    if tag == "path" and not (element.get("d") or "").strip():
        return True
    drawn = [element.get(name) for name in ("fill", "stroke") if element.get(name) not in _UNSEEN]
    # Backgrounds and groups' frames have no colour of their own.
    return not any(drawn) or element.get("class", "") in {"background", "foreground"}


def _attributes(element: ElementTree.Element) -> str:
    classes: list[str] = []
    written = ""
    for name, value in element.attrib.items():
        if name not in _KEPT or _USUAL.get(name) == value:
            continue
        if name in {"fill", "stroke"} and value in CLASSES:
            classes.append(f"{name[0]}-{CLASSES[value]}")
        elif not (name == "transform" and value == "translate(0,0)"):
            written += f' {name}="{_escaped(_short(value.removesuffix("px")))}"'
    return (f' class="{" ".join(classes)}"' if classes else "") + written


def _short(text: str) -> str:
    """Numbers to a tenth of a pixel."""
    return _NUMBER.sub(lambda found: f"{round(float(found[0]), 1):g}", text)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
