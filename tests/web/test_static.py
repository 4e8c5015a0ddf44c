"""The packaged files: known names only, small, drawn by our own code, with inks that can be read."""

from __future__ import annotations

import base64
import hashlib
import importlib.resources
import re
import subprocess
import sys

import pytest

from intaglio.server.web import guilloche, render

HTML = render.HTMLPages()
FOLDER = importlib.resources.files("intaglio.server.web") / "static"
STYLE = (FOLDER / "style.css").read_text(encoding="utf-8")

LIGHT = {
    "paper": "#FBFAF7",
    "ink": "#1C2430",
    "soft": "#5A6472",
    "line": "#DAD6CC",
    "accent": "#1F6F5C",
    "warning": "#9A5B00",
    "refused": "#A3262A",
}
DARK = {
    "paper": "#14181E",
    "ink": "#E8E6E1",
    "soft": "#A2ABB6",
    "line": "#2C333D",
    "accent": "#63C2A8",
    "warning": "#E0A84A",
    "refused": "#F0837F",
}

# (text, ground): every pair that the style sheet sets as text; `tint` is 5 % accent in paper.
TEXT_PAIRS = [
    ("ink", "paper"),
    ("soft", "paper"),
    ("accent", "paper"),
    ("warning", "paper"),
    ("refused", "paper"),
    ("paper", "accent"),
    ("ink", "tint"),
    ("accent", "tint"),
]
# Borders of fields and buttons, and the focus ring (WCAG 2.2: 1.4.11, 2.4.13).
EDGE_PAIRS = [("soft", "paper"), ("accent", "paper"), ("refused", "paper")]


def _declared(block: str) -> dict[str, str]:
    return dict(re.findall(r"--(\w+): (#[0-9A-F]{6});", block))


def _palettes() -> dict[str, dict[str, str]]:
    light, dark = STYLE.split("@media (prefers-color-scheme: dark)", 1)
    dark = dark.split("/* Ground */")[0]
    found: dict[str, dict[str, str]] = {}
    for scheme, text in (("light", light), ("dark", dark)):
        inks = _declared(re.search(r":root \{(.*?)\}", text, re.DOTALL).group(1))  # type: ignore[union-attr]
        found[scheme] = inks
        for name, block in re.findall(r"\.accent-(\w+) \{(.*?)\}", text):
            found[f"{scheme}-{name}"] = inks | _declared(block)
    return found


PALETTES = _palettes()


def _luminance(colour: tuple[float, float, float]) -> float:
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def _colour(inks: dict[str, str], name: str) -> tuple[float, float, float]:
    if name == "tint":
        accent, paper = _colour(inks, "accent"), _colour(inks, "paper")
        red, green, blue = (0.05 * a + 0.95 * p for a, p in zip(accent, paper, strict=True))
        return red, green, blue
    value = inks[name]
    return int(value[1:3], 16) / 255, int(value[3:5], 16) / 255, int(value[5:7], 16) / 255


def _contrast(inks: dict[str, str], one: str, two: str) -> float:
    low, high = sorted((_luminance(_colour(inks, one)), _luminance(_colour(inks, two))))
    return (high + 0.05) / (low + 0.05)


def test_contrast_formula() -> None:
    """The formula itself: black on white is 21 to 1, #767676 on white 4.54 to 1 (WCAG 2.2, contrast ratio)."""
    inks = {"black": "#000000", "white": "#FFFFFF", "grey": "#767676"}
    assert round(_contrast(inks, "black", "white"), 2) == 21
    assert round(_contrast(inks, "grey", "white"), 2) == 4.54


def test_the_inks_are_those_of_the_design() -> None:
    """Paper and inks, light and dark, are exactly the ones the look prescribes."""
    assert PALETTES["light"] == LIGHT
    assert PALETTES["dark"] == DARK


def test_every_accent_has_a_light_and_a_dark_ink() -> None:
    """Each accent a tenant may choose is drawn for both schemes; green is the one without a class."""
    named = {name.partition("-")[2] for name in PALETTES} - {""}
    assert named | {"green"} == render.ACCENTS
    assert len(PALETTES) == 2 * len(render.ACCENTS)


@pytest.mark.parametrize("scheme", PALETTES)
@pytest.mark.parametrize(("text", "ground"), TEXT_PAIRS)
def test_text_can_be_read(scheme: str, text: str, ground: str) -> None:
    """Every pair used for text reaches 4.5 to 1 (WCAG 2.2: 1.4.3)."""
    assert _contrast(PALETTES[scheme], text, ground) >= 4.5


@pytest.mark.parametrize("scheme", PALETTES)
@pytest.mark.parametrize(("edge", "ground"), EDGE_PAIRS)
def test_controls_can_be_seen(scheme: str, edge: str, ground: str) -> None:
    """Edges of controls and the focus ring reach 3 to 1 (WCAG 2.2: 1.4.11)."""
    assert _contrast(PALETTES[scheme], edge, ground) >= 3


def test_text_uses_no_other_colour() -> None:
    """Colours are written in the palettes only, and text is never set in the colour of lines."""
    rest = STYLE.split("/* Ground */", 1)[1]
    assert re.findall(r"#(?!000\b)[0-9A-Fa-f]{3,8}\b(?=[^{]*\})", rest) == []
    assert re.search(r"[ ;{]color: var\(--line\)", rest) is None


def test_style_sheet_is_small_and_alone() -> None:
    """One style sheet under 20 kB that loads nothing but our drawings."""
    assert len(STYLE.encode()) < 20_000
    assert "@import" not in STYLE
    assert set(re.findall(r"url\(([^)]*)\)", STYLE)) <= set(guilloche.DRAWINGS)


@pytest.mark.parametrize("needed", ["prefers-color-scheme: dark", "prefers-reduced-motion", ":focus-visible"])
def test_style_sheet_respects_preferences(needed: str) -> None:
    """Dark scheme, reduced motion and the focus ring are provided for."""
    assert needed in STYLE


def test_controls_are_large_enough() -> None:
    """Buttons, fields and copy buttons are at least 44 px high."""
    for selector in (r"\.button", r"\.field input", r"\.copy", r"nav a"):
        block = re.search(rf"^{selector} \{{(.*?)\}}", STYLE, re.DOTALL | re.MULTILINE)
        assert block is not None
        height = re.search(r"min-height: (\d+)px", block.group(1))
        assert height is not None
        assert int(height.group(1)) >= 44


@pytest.mark.parametrize("name", guilloche.DRAWINGS)
def test_drawings_are_what_our_code_draws(name: str) -> None:
    """The packaged drawing is the output of guilloche.py, and holds no style, script or address of its own."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    assert text == guilloche.DRAWINGS[name]()
    assert re.search(r"style|script|https?://(?!www\.w3\.org/2000/svg)", text) is None


def test_rosette_has_the_symmetry_of_its_lobes() -> None:
    """A ring of three turns is one path and two rotated copies of it."""
    drawn = guilloche.rosette((guilloche.Ring(inner=4, outer=20, lobes=6, turns=3, width=1),), 64)
    assert (drawn.count("<path"), re.findall(r"rotate\((\S+)", drawn)) == (1, ["20.00", "40.00"])


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "../render.py",
        "..%2frender.py",
        "/etc/passwd",
        "style.css/",
        "STYLE.CSS",
        "style.css\x00",
        "login.html",
    ],
)
def test_unknown_names_are_not_served(name: str) -> None:
    """Nothing but the listed names is served, however the name is spelled (CWE-22)."""
    assert HTML.static(name) is None


@pytest.mark.parametrize("name", render.STATIC_TYPES)
def test_static_files(name: str) -> None:
    """Each file comes with its type and a hash of exactly the bytes served."""
    found = HTML.static(name)
    assert found is not None
    content, content_type, version = found
    assert content_type == render.STATIC_TYPES[name]
    assert version == render.HTMLPages().static(name)[2]  # type: ignore[index]
    assert re.fullmatch(r"[A-Za-z0-9_-]{16}", version)
    assert base64.urlsafe_b64decode(version) == hashlib.sha256(content).digest()[:12]


def test_every_packaged_file_is_served() -> None:
    """No file lies in the folder unused."""
    assert {entry.name for entry in FOLDER.iterdir() if entry.is_file()} == set(render.STATIC_TYPES)


def test_served_style_sheet_names_drawings_with_their_hash() -> None:
    """Drawings named in the style sheet may be cached for ever too."""
    content = HTML.static("style.css")
    mark = HTML.static("mark.svg")
    assert content is not None
    assert mark is not None
    assert f"url(mark.svg?v={mark[2]})".encode() in content[0]
    assert re.search(rb"url\([a-z]+\.svg\)", content[0]) is None


def test_scripts_build_no_markup() -> None:
    """Scripts set text only, so nothing they copy can become markup."""
    for name in ("copy.js", "form_post.js", "web_message.js"):
        text = (FOLDER / name).read_text(encoding="utf-8")
        assert (
            re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval|Function|fetch|https?:", text) is None
        )


def test_importing_the_renderer_does_not_import_jinja2() -> None:
    """Jinja2 is loaded when pages are constructed, so commands that show none do not pay for it."""
    code = "import sys; from intaglio.server.web import render; print('jinja2' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == "False"
