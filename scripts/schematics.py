"""Draw the schematics of the pages of circuits and netlists into docs/pictures; a test draws them again and compares.

python scripts/schematics.py
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import schemdraw
import schemdraw.elements as elm

PICTURES = Path(__file__).parent.parent / "docs" / "pictures"
schemdraw.use("svg")
schemdraw.svgconfig.text = "text"  # letters as text: small files, the same on every machine


def _drawing() -> schemdraw.Drawing:
    drawing = schemdraw.Drawing(show=False, unit=2.0, fontsize=11, color="black")
    drawing.config(margin=0.5, bgcolor="white")
    return drawing


def _text(d: schemdraw.Drawing, at: tuple[float, float], text: str, side: str) -> None:
    """Words beside a point: ``left``, ``right``, ``top`` or ``bottom`` of it."""
    x, y = {"left": (-0.2, 0), "right": (0.2, 0), "top": (0, 0.15), "bottom": (0, -0.15)}[side]
    across = {"left": "right", "right": "left"}.get(side, "center")
    down = {"top": "bottom", "bottom": "top"}.get(side, "center")
    d.add(elm.Label().at((at[0] + x, at[1] + y)).theta(0).label(text, "center", halign=across, valign=down))


def _nmos(d: schemdraw.Drawing, drain: tuple[float, float], gate: str) -> elm.Element:
    """An NMOS hanging from ``drain``, its gate to the left."""
    switch = d.add(elm.NFet().theta(0).at(drain).anchor("drain").reverse())
    _text(d, switch.gate, gate, "left")
    return switch


def _supply(d: schemdraw.Drawing, at: tuple[float, float], label: str) -> None:
    d.add(elm.Dot(open=True).at(at))
    _text(d, at, label, "left")


def crossbar(d: schemdraw.Drawing) -> None:
    """One logical row and two columns: four banks between two word lines and two bit lines, with their wires."""
    across, down, aside, drop = 4.4, 3.8, 1.2, 1.7
    columns, lines = 2, ("p", "n")
    for p, polarity in enumerate(lines):
        y = -down * p
        d.add(elm.Dot(open=True).at((-3.6, y)))
        _middle(d, (-3.8, y), f"Vcm {'+-'[p]} v0", "right")
        d.add(elm.ResistorIEC().at((-3.6, y)).to((-1.9, y)).label("driver", "top"))
        _middle(d, (-1.75, y - 0.35), f"w{polarity}0", "center")
        before = -1.9
        for q in range(columns):
            x = across * q
            if q:
                before += aside + 0.6
                d.add(elm.Line().at((x - across, y)).to((before, y)))
            d.add(elm.Resistor().at((before, y)).to((x, y)).label("r word", "top"))
            before = x
            d.add(elm.Dot().at((x, y)))
            d.add(elm.RBox().at((x, y)).to((x, y - drop)).label(f"0_{q}{polarity}", "top"))
            d.add(elm.Line().at((x, y - drop)).to((x + aside, y - drop)))
            d.add(elm.Dot().at((x + aside, y - drop)))
        d.add(elm.Line().at((before, y)).to((before + aside + 0.5, y)).linestyle(":"))
    for q in range(columns):
        x, first = across * q + aside, -drop
        d.add(elm.Line().at((x, first)).to((x, first + 0.9)).linestyle(":"))
        d.add(elm.Resistor().at((x, first)).to((x, 0.2 - down)).label("r bit", "bottom"))
        d.add(elm.Line().at((x, 0.2 - down)).to((x, first - down)))
        d.add(elm.Resistor().at((x, first - down)).to((x, first - down - 2.0)).label("r bit", "bottom"))
        end = first - down - 2.0
        d.add(elm.Dot().at((x, end)))
        _middle(d, (x + 0.25, end), f"b{q}", "left")
        d.add(elm.SourceV().at((x, end - 1.8)).to((x, end)).label(f"Vb{q} = Vcm", "bottom"))
        d.add(elm.Ground().at((x, end - 1.8)))


def _middle(d: schemdraw.Drawing, at: tuple[float, float], text: str, halign: str = "center") -> None:
    """Words at a point."""
    d.add(elm.Label().at(at).theta(0).label(text, "center", halign=halign, valign="center"))


def bank(d: schemdraw.Drawing) -> None:
    """Figure 6.1."""
    width = 3
    for k in range(width):
        x = 2.4 * k
        resistor = d.add(elm.Resistor().at((x, 0)).down().label(f"R{k}", "bottom"))
        switch = _nmos(d, resistor.end, f"g{k}")
        d.add(elm.Line().at(switch.source).to((x, -4.2)))
    d.add(elm.Line().at((-1.2, 0)).to((6.2, 0)))
    d.add(elm.Line().at((-1.2, -4.2)).to((6.2, -4.2)))
    _supply(d, (-1.2, 0), "line")
    _text(d, (6.2, 0), "...", "right")
    _text(d, (-1.2, -4.2), "bit", "left")
    d.add(elm.Arrow().at((6.2, -4.2)).right(1.2).label("I", "top"))
    _text(d, (7.4, -4.2), "virtual ground", "right")


def _box(d: schemdraw.Drawing, at: tuple[float, float], text: str) -> elm.Element:
    return d.add(elm.RBox().at(at).down().length(2.0).label(text, "bottom"))


def negated_input(d: schemdraw.Drawing) -> None:
    """A pair in one column."""
    for x, line, name, y in ((0.0, "Vcm + v", "bank +", 1.0), (3.0, "Vcm - v", "bank -", 0.3)):
        d.add(elm.Line().at((-1.5, y)).to((x, y)))
        _supply(d, (-1.5, y), line)
        d.add(elm.Line().at((x, y)).to((x, 0)))
        _box(d, (x, 0), name)
        d.add(elm.Line().at((x, -2)).to((x, -3)))
    d.add(elm.Line().at((0, -3)).to((4, -3)))
    d.add(elm.Arrow().at((4, -3)).right(1.2).label("I+ - I-", "top"))
    _text(d, (5.2, -3), "one virtual ground", "right")


def paired_columns(d: schemdraw.Drawing) -> None:
    """A pair in two columns."""
    d.add(elm.Line().at((-1.5, 0.6)).to((3, 0.6)))
    _supply(d, (-1.5, 0.6), "Vcm + v")
    for x, name, current in ((0.0, "bank +", "I+"), (3.0, "bank -", "I-")):
        d.add(elm.Line().at((x, 0.6)).to((x, 0)))
        _box(d, (x, 0), name)
        d.add(elm.Arrow().at((x, -2)).down(1.2).label(current, "bottom"))
    _text(d, (3.8, -3.0), "two virtual grounds,\nsubtracted after conversion", "right")


def series(d: schemdraw.Drawing) -> None:
    """Figure 6.3."""
    _text(d, (-0.6, 0), "bit", "left")
    d.add(elm.Line().at((-0.6, 0)).to((0, 0)))
    for k in range(3):
        x = 3.0 * k
        d.add(elm.Resistor().at((x, 0)).to((x + 3.0, 0)).label(f"R{k}", "top"))
        switch = d.add(elm.NFet().theta(270).at((x + 0.75, -1.2)).anchor("source"))
        d.add(elm.Line().at((x + 0.3, 0)).to((x + 0.3, switch.source.y)))
        d.add(elm.Line().at((x + 0.3, switch.source.y)).to(switch.source))
        d.add(elm.Line().at((x + 2.7, 0)).to((x + 2.7, switch.drain.y)))
        d.add(elm.Line().at((x + 2.7, switch.drain.y)).to(switch.drain))
        d.add(elm.Dot().at((x + 0.3, 0)))
        d.add(elm.Dot().at((x + 2.7, 0)))
        _text(d, switch.gate, f"g{k}", "bottom")
    d.add(elm.Line().at((9, 0)).to((9.6, 0)))
    _text(d, (9.6, 0), "line", "right")


def one_time(d: schemdraw.Drawing) -> None:
    """A fuse, its divider and its latch."""
    d.add(elm.Resistor().at((0, 0)).down().label("Rref", "bottom"))
    _supply(d, (0, 0), "Vread")
    d.add(elm.Dot().at((0, -2)))
    d.add(elm.Fuse().at((0, -2)).down().label("fuse", "bottom"))
    d.add(elm.Ground())
    latch = d.add(elm.Opamp().at((3.2, -2.0)).anchor("in1").right())
    d.add(elm.Line().at((0, -2)).to(latch.in1))
    _text(d, latch.in2, "Vread / 2", "left")
    _text(d, (latch.center.x + 0.2, latch.center.y), "latch", "left")
    d.add(elm.Line().at(latch.out).right(0.8))
    gate = d.here
    switch = d.add(elm.NFet().theta(0).at(gate).anchor("gate").reverse())
    d.add(elm.Resistor().at(switch.drain).up().label("Rk", "bottom"))
    _text(d, d.here, "line", "top")
    d.add(elm.Line().at(switch.source).down(0.6))
    _text(d, d.here, "bit", "bottom")


def selector(d: schemdraw.Drawing) -> None:
    """Half-selected cells."""
    columns, rows = ((0.0, "V/2"), (3.0, "0"), (6.0, "V/2")), ((0.0, "V/2"), (-3.0, "V"))
    for y, volt in rows:
        d.add(elm.Line().at((-1.4, y)).to((7.2, y)))
        _text(d, (-1.4, y), volt, "left")
    for x, volt in columns:
        d.add(elm.Line().at((x + 1.4, 0.9)).to((x + 1.4, -5.0)))
        _text(d, (x + 1.4, -5.0), volt, "bottom")
    for y, row in rows:
        for x, column in columns:
            d.add(elm.Resistor().at((x, y)).down().length(1.2).scale(0.6))
            d.add(elm.Diac().at((x, y - 1.2)).to((x + 1.4, y - 1.2)).scale(0.6))
            d.add(elm.Dot().at((x, y)))
            d.add(elm.Dot().at((x + 1.4, y - 1.2)))
            seen = {("V", "0"): "V", ("V/2", "V/2"): "0", ("V", "V/2"): "V/2", ("V/2", "0"): "V/2"}[row, column]
            d.add(elm.Label().at((x + 0.7, y - 1.9)).label(seen, "center", color="blue"))


def _amplifier(d: schemdraw.Drawing, at: tuple[float, float], feedback: elm.Element, label: str) -> elm.Element:
    """An amplifier whose inverting input is at ``at``, its feedback above it."""
    amplifier = d.add(elm.Opamp().at(at).anchor("in1").right())
    x, y = at
    top = y + 1.4
    d.add(elm.Line().at((x - 0.4, y)).to(at))
    d.add(elm.Dot().at((x - 0.4, y)))
    d.add(elm.Line().at((x - 0.4, y)).to((x - 0.4, top)))
    d.add(feedback.at((x - 0.4, top)).to((amplifier.out.x, top)).label(label, "top"))
    d.add(elm.Line().at((amplifier.out.x, top)).to(amplifier.out))
    d.add(elm.Dot().at(amplifier.out))
    d.add(elm.Line().at(amplifier.out).right(0.6))
    return amplifier


def amplifier(d: schemdraw.Drawing) -> None:
    """A column and its transimpedance amplifier."""
    for k, y in enumerate((0.0, -1.3, -2.6)):
        d.add(elm.Resistor().at((-2.4, y)).to((0, y)).label(f"1/G{k}", "top"))
        _supply(d, (-2.4, y), f"V{k}")
    d.add(elm.Line().at((0, 0)).to((0, -2.6)))
    d.add(elm.Line().at((0, 0)).to((1.6, 0)))
    part = _amplifier(d, (2.0, 0), elm.Resistor(), "Rf, same material")
    d.add(elm.SourceV().at((1.2, part.in2.y - 2.0)).up().label("Vos", "top").length(2.0))
    d.add(elm.Line().to(part.in2))
    _text(d, (1.2, part.in2.y - 2.0), "Vref", "bottom")
    _text(d, (part.out.x + 0.6, part.out.y), "out", "right")


def capacitors(d: schemdraw.Drawing) -> None:
    """The charge sum."""
    for k, y in enumerate((0.0, -3.2)):
        d.add(elm.Capacitor().at((-2.4, y)).to((0, y)).label(f"C{k}", "top"))
        d.add(elm.Switch().at((-4.8, y + 0.5)).to((-2.8, y + 0.5)).label(f"s{k}", "top"))
        d.add(elm.Switch().at((-4.8, y - 0.7)).to((-2.8, y - 0.7)).label("else", "bottom"))
        d.add(elm.Line().at((-2.8, y + 0.5)).to((-2.8, y - 0.7)))
        d.add(elm.Line().at((-2.8, y)).to((-2.4, y)))
        _text(d, (-4.8, y + 0.5), "Vref", "left")
        _text(d, (-4.8, y - 0.7), "0", "left")
    d.add(elm.Line().at((0, 0)).to((0, -3.2)))
    d.add(elm.Line().at((0, 0)).to((1.6, 0)))
    part = _amplifier(d, (2.0, 0), elm.Capacitor(), "Cf, same kind")
    d.add(elm.Line().at((1.6, 1.4)).to((1.6, 3.0)))
    d.add(elm.Switch().at((1.6, 3.0)).to((part.out.x, 3.0)).label("reset", "top"))
    d.add(elm.Line().at((part.out.x, 3.0)).to((part.out.x, 1.4)))
    d.add(elm.Line().at(part.in2).left(0.4))
    d.add(elm.Line().down(0.5))
    d.add(elm.Ground())
    _text(d, (part.out.x + 0.6, part.out.y), "out", "right")


def leakage(d: schemdraw.Drawing) -> None:
    """Three ways to bias open switches on signed lines."""
    cases = (("0 V ± 0.2 V", "0 V", "0 V"), ("0.3 V ± 0.2 V", "0 V", "0.3 V"), ("0 V ± 0.2 V", "-0.3 V", "0 V"))
    for k, (line, gate, ground) in enumerate(cases):
        x = 4.2 * k
        resistor = d.add(elm.Resistor().at((x, 0)).down())
        _text(d, (x, 0), line, "top")
        switch = _nmos(d, resistor.end, gate)
        d.add(elm.Arrow().at(switch.source).down(0.8))
        _text(d, d.here, ground, "bottom")


def bias(d: schemdraw.Drawing) -> None:
    """The current reference."""
    part = d.add(elm.Opamp().at((0, 0)).anchor("in2").right().flip())
    d.add(elm.Line().at(part.in2).left(0.8))
    _text(d, d.here, "Vref", "left")
    d.add(elm.Line().at(part.out).right(0.6))
    switch = d.add(elm.NFet().theta(0).at(d.here).anchor("gate").reverse())
    d.add(elm.Arrow().at((switch.drain.x, switch.drain.y + 1.4)).to(switch.drain).label("I = Vref / R", "right"))
    low = (switch.source.x, switch.source.y - 1.0)
    d.add(elm.Line().at(switch.source).to(low))
    d.add(elm.Dot().at(low))
    d.add(elm.Line().at(low).to((part.in1.x - 0.5, low[1])))
    d.add(elm.Line().to((part.in1.x - 0.5, part.in1.y)))
    d.add(elm.Line().to(part.in1))
    d.add(elm.ResistorVar().at(low).down().label("bank", "bottom"))
    d.add(elm.Ground())


def biquad(d: schemdraw.Drawing) -> None:
    """The filter after Tow and Thomas."""
    d.add(elm.ResistorVar().at((-2.4, 0)).to((0, 0)).label("R1", "top"))
    _supply(d, (-2.4, 0), "in")
    d.add(elm.Line().at((0, 0)).to((0.6, 0)))
    first = _amplifier(d, (1.0, 0), elm.Capacitor(), "C")
    left, right = 0.6, first.out.x
    d.add(elm.Line().at((left, 1.4)).to((left, 2.8)))
    d.add(elm.ResistorVar().at((left, 2.8)).to((right, 2.8)).label("RQ", "top"))
    d.add(elm.Line().at((right, 2.8)).to((right, 1.4)))
    start = (right + 0.6, first.out.y)
    y2 = first.out.y
    d.add(elm.ResistorVar().at(start).to((start[0] + 2.0, y2)).label("R2", "top"))
    second = _amplifier(d, (start[0] + 2.4, y2), elm.Capacitor(), "C")
    _text(d, (second.out.x + 0.1, second.out.y - 0.1), "out", "bottom")
    start = (second.out.x + 0.6, second.out.y)
    d.add(elm.Resistor().at(start).to((start[0] + 2.0, start[1])).label("r", "top"))
    third = _amplifier(d, (start[0] + 2.4, start[1]), elm.Resistor(), "r")
    end, top = (third.out.x + 0.6, third.out.y), 4.4
    d.add(elm.Line().at(end).to((end[0], top)))
    d.add(elm.ResistorVar().at((end[0], top)).to((left - 0.4, top)).label("R4", "top"))
    d.add(elm.Line().at((left - 0.4, top)).to((left - 0.4, 0)))
    d.add(elm.Dot().at((left - 0.4, 0)))
    for part in (first, second, third):
        d.add(elm.Line().at(part.in2).left(0.4))
        d.add(elm.Line().down(0.5))
        _text(d, d.here, "Vcm", "bottom")


DRAWINGS: dict[str, Callable[[schemdraw.Drawing], None]] = {
    "crossbar": crossbar,
    "bank": bank,
    "negated-input": negated_input,
    "paired-columns": paired_columns,
    "series": series,
    "one-time": one_time,
    "selector": selector,
    "amplifier": amplifier,
    "capacitors": capacitors,
    "leakage": leakage,
    "bias": bias,
    "biquad": biquad,
}


def draw(name: str) -> bytes:
    """The SVG of one schematic."""
    drawing = _drawing()
    DRAWINGS[name](drawing)
    data: bytes = drawing.get_imagedata("svg")
    return data


if __name__ == "__main__":
    for each in DRAWINGS:
        (PICTURES / f"circuit-{each}.svg").write_bytes(draw(each))
