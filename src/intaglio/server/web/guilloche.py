"""Draw the engraved ornaments (rosettes and a wave band) as SVG text, always the same for the same numbers.

SVG 2 sections 9 (paths) and 5.5 (`use`). Colours are presentation attributes, because the Content Security Policy of
the pages forbids inline style.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import msgspec

PAPER = "#FBFAF7"
ACCENT = "#1F6F5C"

_SVG = "http://www.w3.org/2000/svg"


class Ring(msgspec.Struct, frozen=True):
    """One ring of a rosette: a wave of `lobes` petals between two radii, repeated `turns` times within one petal."""

    inner: float
    outer: float
    lobes: int
    turns: int
    width: float
    twist: float = 0.0


def rosette(rings: Sequence[Ring], size: int, ink: str = "#000", disc: str = "") -> str:
    """Return an SVG of `size` user units square; `disc` fills a circle behind the lines."""
    half = size // 2
    shapes = [f'<circle cx="{half}" cy="{half}" r="{half}" fill="{disc}"/>'] if disc else []
    for number, ring in enumerate(rings):
        shapes.append(_ring(f"r{number}", ring, half))
    return _document(f"0 0 {size} {size}", f'<g fill="none" stroke="{ink}">', "".join(shapes) + "</g>")


def band(width: int, height: int, waves: int, line: float, ink: str = "#000") -> str:
    """Return an SVG tile that repeats sideways without a seam: `waves` sine lines whose phases share one period."""
    middle, reach = height / 2, height / 2 - line

    def wave(phase: float, share: float) -> Callable[[float], tuple[float, float]]:
        return lambda t: (width * t, middle + reach * share * math.sin(2 * math.pi * t + phase))

    lines = []
    for step in range(waves):
        share = math.cos(math.pi * step / waves)
        for phase in (0.0, math.pi / 2):
            path = _smooth(wave(phase, share), samples=16, closed=False)
            lines.append(f'<path d="{path}"/>')
    return _document(
        f"0 0 {width} {height}", f'<g fill="none" stroke="{ink}" stroke-width="{line}">', "".join(lines) + "</g>"
    )


def mark() -> str:
    """Return the rosette that stands beside the word Intaglio; drawn to be used as a mask, so its ink is black."""
    return rosette(
        (Ring(inner=7, outer=30, lobes=6, turns=3, width=1.1, twist=0.35), Ring(30.4, 31.2, 12, 1, 0.8)), size=64
    )


def favicon() -> str:
    """Return the rosette in paper on a disc of accent: readable on light and dark browser frames."""
    return rosette((Ring(inner=5, outer=25, lobes=6, turns=2, width=1.6, twist=0.35),), 64, ink=PAPER, disc=ACCENT)


def seal() -> str:
    """Return the large rosette that lies behind pages; drawn to be used as a mask."""
    rings = (
        Ring(inner=40, outer=150, lobes=12, turns=6, width=0.5, twist=0.9),
        Ring(inner=132, outer=236, lobes=24, turns=4, width=0.5, twist=0.6),
        Ring(inner=222, outer=262, lobes=48, turns=3, width=0.5),
        Ring(inner=268, outer=318, lobes=36, turns=5, width=0.5, twist=0.8),
    )
    return rosette(rings, size=640)


def ribbon() -> str:
    """Return the wave band used as a rule between sections; drawn to be used as a mask."""
    return band(width=48, height=12, waves=6, line=0.6)


DRAWINGS: dict[str, Callable[[], str]] = {
    "mark.svg": mark,
    "favicon.svg": favicon,
    "seal.svg": seal,
    "ribbon.svg": ribbon,
}


def _ring(name: str, ring: Ring, half: int) -> str:
    middle, reach = (ring.inner + ring.outer) / 2, (ring.outer - ring.inner) / 2

    def point(t: float) -> tuple[float, float]:
        wave = ring.lobes * 2 * math.pi * t
        # The twist bends each petal along the ring, as the eccentric arm of a rose engine does.
        angle = 2 * math.pi * t + ring.twist * math.sin(wave) / ring.lobes
        radius = middle + reach * math.cos(wave)
        return half + radius * math.sin(angle), half - radius * math.cos(angle)

    path = _smooth(point, samples=ring.lobes * 10, closed=True)
    drawn = [f'<path id="{name}" stroke-width="{ring.width}" d="{path}"/>']
    for turn in range(1, ring.turns):
        degrees = 360 / ring.lobes * turn / ring.turns
        drawn.append(f'<use href="#{name}" transform="rotate({degrees:.2f} {half} {half})"/>')
    return "".join(drawn)


def _smooth(point: Callable[[float], tuple[float, float]], samples: int, *, closed: bool) -> str:
    """Return path data through the samples: quadratic curves whose joints are the middles between neighbours."""
    spots = [point(step / samples) for step in range(samples + 1)]
    if not closed:
        return "M" + "L".join(_pair(*spot) for spot in spots)
    joints = [((x + u) / 2, (y + v) / 2) for (x, y), (u, v) in itertools.pairwise(spots)]
    curves = [f"Q{_pair(*spots[step])} {_pair(*joints[step])}" for step in range(1, samples)]
    return f"M{_pair(*joints[0])}{''.join(curves)}Q{_pair(*spots[0])} {_pair(*joints[0])}Z"


def _pair(x: float, y: float) -> str:
    return f"{round(x, 1):g} {round(y, 1):g}"


def _document(view: str, opening: str, content: str) -> str:
    return f'<svg xmlns="{_SVG}" viewBox="{view}">{opening}{content}</svg>\n'
