"""Draw the schematics of the pages of circuits and netlists into docs/pictures; a test draws them again and compares.

python scripts/schematics.py
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
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


def _text(d: schemdraw.Drawing, at: tuple[float, float], text: str, side: str, color: str = "black") -> None:
    """Words beside a point: ``left``, ``right``, ``top`` or ``bottom`` of it, or ``on`` it."""
    x, y = {"left": (-0.25, 0), "right": (0.25, 0), "top": (0, 0.2), "bottom": (0, -0.2), "on": (0, 0)}[side]
    across = {"left": "right", "right": "left"}.get(side, "center")
    down = {"top": "bottom", "bottom": "top"}.get(side, "center")
    place = (at[0] + x - 0.1, at[1] + y - 0.1)  # a label is drawn as far up and to the right
    d.add(elm.Label().at(place).theta(0).label(text, "center", halign=across, valign=down, color=color))


def _wire(d: schemdraw.Drawing, *points: tuple[float, float]) -> None:
    """Lines through some points."""
    for a, b in pairwise(points):
        d.add(elm.Line().at(a).to(b))


def _dots(d: schemdraw.Drawing, *points: tuple[float, float]) -> None:
    """Where lines are joined."""
    for point in points:
        d.add(elm.Dot().at(point))


def _end(d: schemdraw.Drawing, at: tuple[float, float], label: str, side: str = "left") -> None:
    """A terminal."""
    d.add(elm.Dot(open=True).at(at))
    _text(d, at, label, side)


def _ground(d: schemdraw.Drawing, at: tuple[float, float]) -> None:
    d.add(elm.Ground().at(at))


def _nmos(d: schemdraw.Drawing, drain: tuple[float, float], gate: str) -> elm.Element:
    """An NMOS hanging from ``drain``, its gate to the left."""
    switch = d.add(elm.NFet().theta(0).at(drain).anchor("drain").reverse())
    _text(d, switch.gate, gate, "left")
    return switch


def _crossbar(d: schemdraw.Drawing, both_ends: bool) -> None:
    """One logical row and two columns: four banks between two word lines and two bit lines, with their wires."""
    across, down, aside, drop = 4.4, 3.8, 1.2, 1.7
    columns, lines = 2, ("p", "n")
    for p, polarity in enumerate(lines):
        y = -down * p
        _end(d, (-3.9, y), f"Vcm {'+-'[p]} v0")
        d.add(elm.ResistorIEC().at((-3.9, y)).to((-2.1, y)).label("driver", "top"))
        _dots(d, (-2.1, y))
        _text(d, (-2.1, y), f"w{polarity}0", "bottom")
        before = -2.1
        for q in range(columns):
            x = across * q
            if q:
                before += aside + 0.6
                _wire(d, (x - across, y), (before, y))
            d.add(elm.Resistor().at((before, y)).to((x, y)).label("r word", "top"))
            before = x
            _dots(d, (x, y), (x + aside, y - drop))
            d.add(elm.RBox().at((x, y)).to((x, y - drop)).label(f"0_{q}{polarity}", "top"))
            _wire(d, (x, y - drop), (x + aside, y - drop))
        if both_ends:
            _wire(d, (before, y), (before + aside + 0.5, y))
            d.add(elm.Resistor().at((before + aside + 0.5, y)).to((before + 3.6, y)).label("r word", "top"))
            _end(d, (before + 3.6, y), f"w{polarity}0", "right")
        else:
            d.add(elm.Line().at((before, y)).to((before + aside + 0.5, y)).linestyle(":"))
    for q in range(columns):
        x, first = across * q + aside, -drop
        if both_ends:
            _wire(d, (x, first), (x, 0.3))
            d.add(elm.Resistor().at((x, 0.3)).to((x, 2.0)).label("r bit", "bottom"))
            _end(d, (x, 2.0), f"b{q}", "top")
        else:
            d.add(elm.Line().at((x, first)).to((x, first + 0.9)).linestyle(":"))
        d.add(elm.Resistor().at((x, first)).to((x, 0.2 - down)).label("r bit", "bottom"))
        _wire(d, (x, 0.2 - down), (x, first - down))
        d.add(elm.Resistor().at((x, first - down)).to((x, first - down - 2.0)).label("r bit", "bottom"))
        end = first - down - 2.0
        _dots(d, (x, end))
        _text(d, (x, end), f"b{q}", "right")
        d.add(elm.SourceV().at((x, end - 1.8)).to((x, end)).label(f"Vb{q} = Vcm", "bottom"))
        _ground(d, (x, end - 1.8))


def crossbar(d: schemdraw.Drawing) -> None:
    """Lines that are driven and read at one end."""
    _crossbar(d, both_ends=False)


def both_ends(d: schemdraw.Drawing) -> None:
    """Lines that are driven and read at both: a name that is there twice is one node."""
    _crossbar(d, both_ends=True)


def bank(d: schemdraw.Drawing) -> None:
    """Figure 6.1."""
    for k in range(3):
        x = 2.6 * k
        resistor = d.add(elm.Resistor().at((x, 0)).to((x, -2)).label(f"R{k}", "bottom"))
        switch = _nmos(d, resistor.end, f"g{k}")
        _text(d, resistor.end, f"d{k}", "right")
        _wire(d, switch.source, (x, -4.2))
        _dots(d, (x, 0), (x, -4.2))
    _wire(d, (-1.4, 0), (6.4, 0))
    _wire(d, (-1.4, -4.2), (6.4, -4.2))
    _end(d, (-1.4, 0), "line")
    _text(d, (6.4, 0), "...", "right")
    _text(d, (-1.4, -4.2), "bit", "left")
    d.add(elm.Arrow().at((6.4, -4.2)).right(1.2).label("I", "top"))
    _text(d, (7.6, -4.2), "virtual ground", "right")


def gate(d: schemdraw.Drawing) -> None:
    """A branch with a transmission gate."""
    d.add(elm.Resistor().at((0, 3.2)).to((0, 1.2)).label("R0", "bottom"))
    _end(d, (0, 3.2), "line")
    _dots(d, (0, 1.2), (0, -2.2))
    _text(d, (0, 1.55), "d0", "right")
    _wire(d, (-1.6, 0.6), (-1.6, 1.2), (1.6, 1.2), (1.6, 0.6))
    left = d.add(elm.NFet(bulk=True).theta(0).at((-1.6, 0.2)).anchor("drain").reverse())
    right = d.add(elm.PFet(bulk=True).theta(0).at((1.6, 0.2)).anchor("source"))
    for x, switch in ((-1.6, left), (1.6, right)):
        _wire(d, (x, 0.6), (x, 0.2))
        _wire(d, (x, switch.center.y - 0.75), (x, -2.2))
    _wire(d, (-1.6, -2.2), (1.6, -2.2))
    _text(d, left.gate, "g0", "left")
    _text(d, right.gate, "h0", "right")
    _text(d, (-1.6, -0.55), "0", "right")
    _text(d, (1.6, -0.55), "well", "left")
    _text(d, (-2.6, 0.35), "M0", "on")
    _text(d, (2.6, 0.35), "Mp0", "on")
    d.add(elm.Arrow().at((0, -2.2)).to((0, -3.4)).label("I", "bottom"))
    _text(d, (0, -3.4), "bit, virtual ground", "bottom")


def links(d: schemdraw.Drawing) -> None:
    """A bank with links in place of switches."""
    for k in range(3):
        x = 2.6 * k
        if k == 1:
            d.add(elm.Resistor(color="gray").at((x, -0.4)).to((x, -2.4)).label("R1", "bottom", color="gray"))
            _text(d, (x, -2.5), "not linked", "bottom", color="gray")
            continue
        d.add(elm.Resistor().at((x, 0)).to((x, -2)).label(f"R{k}", "bottom"))
        _text(d, (x, -2), f"d{k}", "right")
        d.add(elm.ResistorIEC().at((x, -2)).to((x, -3.6)).label(f"link{k}", "bottom"))
        _dots(d, (x, 0), (x, -2), (x, -3.6))
    _wire(d, (-1.4, 0), (6.4, 0))
    _wire(d, (-1.4, -3.6), (6.4, -3.6))
    _end(d, (-1.4, 0), "line")
    _text(d, (6.4, 0), "...", "right")
    _text(d, (-1.4, -3.6), "bit", "left")
    d.add(elm.Arrow().at((6.4, -3.6)).right(1.2).label("I", "top"))
    _text(d, (7.6, -3.6), "virtual ground", "right")


def _box(d: schemdraw.Drawing, at: tuple[float, float], text: str) -> elm.Element:
    return d.add(elm.RBox().at(at).down().length(2.0).label(text, "bottom"))


def negated_input(d: schemdraw.Drawing) -> None:
    """A pair in one column."""
    for x, line, name, y in ((0.0, "wp = Vcm + v", "bank +", 1.2), (3.0, "wn = Vcm - v", "bank -", 0.4)):
        _wire(d, (-1.5, y), (x, y), (x, 0))
        _end(d, (-1.5, y), line)
        _box(d, (x, 0), name)
        _wire(d, (x, -2), (x, -3))
    _wire(d, (0, -3), (4, -3))
    _dots(d, (3, -3))
    _text(d, (0, -3), "bit", "left")
    d.add(elm.Arrow().at((4, -3)).right(1.2).label("I+ - I-", "top"))
    _text(d, (5.2, -3), "one virtual ground", "right")


def paired_columns(d: schemdraw.Drawing) -> None:
    """A pair in two columns."""
    _wire(d, (-1.5, 0.6), (3, 0.6))
    _end(d, (-1.5, 0.6), "w = Vcm + v")
    _dots(d, (0, 0.6))
    for x, name, current, bit in ((0.0, "bank +", "I+", "bp"), (3.0, "bank -", "I-", "bn")):
        _wire(d, (x, 0.6), (x, 0))
        _box(d, (x, 0), name)
        d.add(elm.Arrow().at((x, -2)).down(1.2).label(current, "bottom"))
        _text(d, (x, -3.2), bit, "bottom")
    _text(d, (3.9, -2.9), "two virtual grounds,\nsubtracted after conversion", "right")


def series(d: schemdraw.Drawing) -> None:
    """Figure 6.3."""
    _end(d, (-0.8, 0), "n0, virtual ground")
    _wire(d, (-0.8, 0), (0, 0))
    for k in range(3):
        x = 3.4 * k
        d.add(elm.Resistor().at((x, 0)).to((x + 3.4, 0)).label(f"R{k}", "top"))
        switch = d.add(elm.NFet().theta(270).at((x + 0.95, -1.2)).anchor("source"))
        _wire(d, (x + 0.4, 0), (x + 0.4, switch.source.y), switch.source)
        _wire(d, (x + 3.0, 0), (x + 3.0, switch.drain.y), switch.drain)
        _dots(d, (x + 0.4, 0), (x + 3.0, 0))
        _text(d, switch.gate, f"g{k}", "bottom")
        if k:
            _text(d, (x, 0), f"n{k}", "top")
    _wire(d, (10.2, 0), (11.0, 0))
    _end(d, (11.0, 0), "n3, line", "right")


def one_time(d: schemdraw.Drawing) -> None:
    """A fuse, its divider and the one of the middle, its latch, the branch's switch and a dummy of its gate."""
    for x, below, name in ((0.0, "fuse", "sense"), (2.4, "Rlower", "middle")):
        _end(d, (x, 0), "read", "top")
        d.add(elm.Resistor().at((x, 0)).to((x, -2)).label("Rupper" if x else "Rref", "bottom"))
        element = elm.Resistor() if x else elm.Fuse()
        d.add(element.at((x, -2)).to((x, -4)).label(below, "bottom"))
        _ground(d, (x, -4))
        _dots(d, (x, -2))
        _text(d, (x, -2), name, "left")
    left, right, top, foot = 6.0, 8.8, -1.0, -5.2
    _wire(d, (left, top), (right, top), (right, foot), (left, foot), (left, top))
    _text(d, (right, -3.2), "latch", "left")
    for y, node, port in ((-1.7, "sense", "plus"), (-3.2, "middle", "minus"), (-4.6, "hold", "hold")):
        _wire(d, (left - 0.7, y), (left, y))
        _text(d, (left - 0.7, y), node, "left")
        _text(d, (left, y), port, "right")
    _wire(d, (7.4, top), (7.4, top + 0.6))
    _text(d, (7.4, top + 0.6), "supply", "top")
    for y, node, load in ((-1.7, "low", "Cgate"), (-4.6, "high", "Cdummy")):
        _wire(d, (right, y), (10.2, y))
        _text(d, (right, y), node, "left")
        d.add(elm.Capacitor().at((10.2, y)).to((10.2, y - 1.4)).label(load, "bottom"))
        _ground(d, (10.2, y - 1.4))
    _dots(d, (10.2, -1.7))
    _wire(d, (10.2, -1.7), (11.8, -1.7))
    switch = d.add(elm.NFet().theta(0).at((11.8, -1.7)).anchor("gate").reverse())
    branch = d.add(elm.Resistor().at(switch.drain).up().label("Rbranch", "bottom"))
    _text(d, switch.drain, "drain", "right")
    _end(d, branch.end, "line", "top")
    _wire(d, switch.source, (switch.source.x, switch.source.y - 0.8))
    _text(d, (switch.source.x, switch.source.y - 0.8), "bit", "bottom")


def latch(d: schemdraw.Drawing) -> None:
    """The latch that senses a fuse, transistor by transistor, gates joined by name."""
    tail = d.add(elm.PFet().theta(0).at((4.0, 0)).anchor("source").reverse())
    _text(d, tail.source, "supply", "top")
    _text(d, tail.gate, "hold", "left")
    _text(d, tail.center, "Mtail", "right")
    top = -2.0
    _wire(d, tail.drain, (4.0, top))
    _wire(d, (1.6, top), (6.4, top))
    _dots(d, (4.0, top))
    _text(d, (4.0, top), "top", "bottom")
    halves = (("plus", "Mplus", "x", "low", "high"), ("minus + Vos", "Mminus", "y", "high", "low"))
    for sign, (gate, name, inner, out, other) in zip((-1, 1), halves, strict=True):
        x, inward = 4.0 + 2.4 * sign, ("right", "left")[sign > 0]

        def fet(kind: elm.Element, at: tuple[float, float], gate: str, name: str, sign: int = sign) -> elm.Element:
            anchor = "source" if isinstance(kind, elm.PFet) else "drain"
            kind = kind.theta(0).at(at).anchor(anchor)
            made = d.add(kind.reverse() if sign < 0 else kind)
            _text(d, made.gate, gate, ("left", "right")[sign > 0])
            _text(d, made.center, name, ("right", "left")[sign > 0])
            return made

        upper = fet(elm.PFet(), (x, top), gate, name)
        y1 = float(upper.drain.y) - 0.5
        _wire(d, upper.drain, (x, y1))
        _text(d, (x, y1), inner, inward)
        cross = fet(elm.PFet(), (x, y1), other, f"Mp{out}")
        y2 = float(cross.drain.y) - 1.1
        _wire(d, cross.drain, (x, y2), (x - 0.9 * sign, y2))
        _end(d, (x - 0.9 * sign, y2), out, inward)
        _ground(d, fet(elm.NFet(), (x, y2), other, f"Mn{out}").source)
        far = x + 3.8 * sign
        for y, node in ((y1, inner), (y2, out)):
            _dots(d, (x, y))
            _wire(d, (x, y), (far, y))
            _ground(d, fet(elm.NFet(), (far, y), "hold", f"Mr{node}").source)


def selector(d: schemdraw.Drawing) -> None:
    """Half-selected cells."""
    columns = ((0.0, "b0", "V/2"), (3.0, "b1", "0"), (6.0, "b2", "V/2"))
    rows = ((0.0, "w0", "V/2"), (-3.0, "w1", "V"))
    for y, name, volt in rows:
        _wire(d, (-1.4, y), (7.9, y))
        _text(d, (-1.4, y), f"{name}: {volt}", "left")
    for x, name, volt in columns:
        _wire(d, (x + 1.4, 0.7), (x + 1.4, -5.0))
        _text(d, (x + 1.4, -5.0), f"{name}: {volt}", "bottom")
    for y, _, row in rows:
        for x, _, column in columns:
            d.add(elm.Resistor().at((x, y)).down().length(1.2).scale(0.6))
            d.add(elm.Diac().at((x, y - 1.2)).to((x + 1.4, y - 1.2)).scale(0.6))
            _dots(d, (x, y), (x + 1.4, y - 1.2))
            seen = {("V", "0"): "V", ("V/2", "V/2"): "0", ("V", "V/2"): "V/2", ("V/2", "0"): "V/2"}[row, column]
            _text(d, (x + 0.7, y - 1.85), seen, "on", color="blue")


def _amplifier(d: schemdraw.Drawing, at: tuple[float, float], feedback: elm.Element, label: str) -> elm.Element:
    """An amplifier whose inverting input is at ``at``, its feedback above it."""
    amplifier = d.add(elm.Opamp().at(at).anchor("in1").right())
    x, y = at
    top, out = y + 1.4, amplifier.out
    _wire(d, at, (x - 0.4, y), (x - 0.4, top))
    d.add(feedback.at((x - 0.4, top)).to((out.x, top)).label(label, "top"))
    _wire(d, (out.x, top), out, (out.x + 0.6, out.y))
    _dots(d, (x - 0.4, y), out)
    return amplifier


def amplifier(d: schemdraw.Drawing) -> None:
    """A column, its drivers and its transimpedance amplifier."""
    rows = (0.0, -1.4, -2.8)
    for k, y in enumerate(rows):
        _end(d, (-5.0, y), f"V{k}")
        d.add(elm.ResistorIEC().at((-5.0, y)).to((-3.0, y)).label("" if k else "driver", "top"))
        _dots(d, (-3.0, y))
        _text(d, (-2.9, y), f"w{k}", "bottom")
        d.add(elm.Resistor().at((-2.6, y)).to((-0.4, y)).label(f"1/G{k}", "top"))
        _wire(d, (-3.0, y), (-2.6, y))
        _wire(d, (-0.4, y), (0, y))
    _wire(d, (0, 0), (0, rows[-1]))
    _dots(d, *((0, y) for y in rows[:-1]))
    _wire(d, (0, 0), (1.8, 0))
    _text(d, (0.7, 0), "sum", "top")
    part = _amplifier(d, (2.2, 0), elm.Resistor(), "Rf, same material")
    low = part.in2.y - 2.4
    d.add(elm.SourceV().at((1.5, low)).to((1.5, part.in2.y - 0.4)))
    _text(d, (1.9, low + 1.0), "Vos", "right")
    _wire(d, (1.5, part.in2.y - 0.4), (1.5, part.in2.y), part.in2)
    _end(d, (1.5, low), "ref", "bottom")
    _text(d, (part.out.x + 0.6, part.out.y), "out", "right")


def capacitors(d: schemdraw.Drawing) -> None:
    """The charge sum, its first capacitor selected and its second not."""
    for k, y in enumerate((0.0, -3.4)):
        d.add(elm.Capacitor().at((-2.2, y)).to((0, y)).label(f"C{k}", "top"))
        up, down = (("Su0: up", "Sd0: down"), ("Su1: open", "Sd1: always"))[k]
        d.add(elm.Switch().at((-5.2, y + 0.6)).to((-2.8, y + 0.6)).label(up, "top"))
        d.add(elm.Switch().at((-5.2, y - 0.8)).to((-2.8, y - 0.8)).label(down, "bottom"))
        _wire(d, (-2.8, y + 0.6), (-2.8, y - 0.8))
        _wire(d, (-2.8, y), (-2.2, y))
        _dots(d, (-2.8, y))
        _text(d, (-2.3, y), f"b{k}", "bottom")
        _text(d, (-5.2, y + 0.6), "vref", "left")
        _wire(d, (-5.2, y - 0.8), (-5.5, y - 0.8))
        _ground(d, (-5.5, y - 0.8))
    _wire(d, (0, 0), (0, -3.4))
    _wire(d, (0, 0), (1.8, 0))
    _dots(d, (0, 0))
    _text(d, (0.7, 0), "sum", "top")
    part = _amplifier(d, (2.2, 0), elm.Capacitor(), "Cf, same kind")
    left, right = 1.8, part.out.x
    _wire(d, (left, 1.4), (left, 3.2))
    d.add(elm.Switch().at((left, 3.2)).to((right, 3.2)).label("Sreset", "top"))
    _wire(d, (right, 3.2), (right, 1.4))
    _dots(d, (left, 1.4), (right, 1.4))
    _wire(d, part.in2, (left, part.in2.y), (left, part.in2.y - 0.4))
    _ground(d, (left, part.in2.y - 0.4))
    _text(d, (right + 0.6, part.out.y), "out", "right")


def injection(d: schemdraw.Drawing) -> None:
    """A reset switch that opens between two equal capacitors."""
    switch = d.add(elm.NFet().theta(90).at((0, 0)).anchor("source"))
    left, right = sorted((switch.source, switch.drain), key=lambda each: float(each.x))
    _text(d, switch.gate, "gate, falling", "top")
    for end, way, name, side in ((left, -1.0, "a", "left"), (right, 1.0, "b", "right")):
        x, y = end.x + way, end.y
        _wire(d, end, (x + 0.6 * way, y))
        _dots(d, (x, y))
        d.add(elm.Capacitor().at((x, y)).to((x, y - 1.8)).label(f"C{name}", "bottom"))
        _ground(d, (x, y - 1.8))
        _text(d, (x + 0.6 * way, y), name, side)


def leakage(d: schemdraw.Drawing) -> None:
    """Three ways to bias open switches on signed lines."""
    cases = (("0 V ± 0.2 V", "0 V", "0 V"), ("0.3 V ± 0.2 V", "0 V", "0.3 V"), ("0 V ± 0.2 V", "-0.3 V", "0 V"))
    for k, (line, gate, ground) in enumerate(cases):
        x = 4.2 * k
        resistor = d.add(elm.Resistor().at((x, 0)).down())
        _text(d, (x, 0), f"line: {line}", "top")
        switch = _nmos(d, resistor.end, gate)
        d.add(elm.Arrow().at(switch.source).down(0.8))
        _text(d, d.here, f"bit: {ground}", "bottom")


def bias(d: schemdraw.Drawing) -> None:
    """The current reference."""
    part = d.add(elm.Opamp().at((0, 0)).anchor("in2").right().flip())
    _wire(d, part.in2, (part.in2.x - 0.8, part.in2.y))
    _end(d, (part.in2.x - 0.8, part.in2.y), "ref")
    _wire(d, part.out, (part.out.x + 0.9, part.out.y))
    _text(d, (part.out.x + 0.5, part.out.y), "drive", "top")
    switch = d.add(elm.NFet().theta(0).at((part.out.x + 0.9, part.out.y)).anchor("gate").reverse())
    x, high, low = switch.drain.x, switch.drain.y, switch.source.y - 0.8
    d.add(elm.Arrow().at((x, high + 1.4)).to((x, high)))
    _text(d, (x, high + 0.6), "I = Vref / R", "right")
    _end(d, (x, high + 1.4), "supply", "top")
    _wire(d, switch.source, (x, low), (part.in1.x - 0.5, low), (part.in1.x - 0.5, part.in1.y), part.in1)
    _dots(d, (x, low))
    _text(d, (x, low), "sense", "right")
    _box(d, (x, low), "bank")
    _ground(d, (x, low - 2))


def biquad(d: schemdraw.Drawing) -> None:
    """The filter after Tow and Thomas."""
    d.add(elm.ResistorVar().at((-2.4, 0)).to((-0.4, 0)).label("R1", "top"))
    _end(d, (-2.4, 0), "in")
    _wire(d, (-0.4, 0), (0.6, 0))
    first = _amplifier(d, (1.0, 0), elm.Capacitor(), "C1")
    left, right = 0.6, first.out.x
    _wire(d, (left, 1.4), (left, 2.8))
    d.add(elm.ResistorVar().at((left, 2.8)).to((right, 2.8)).label("RQ", "top"))
    _wire(d, (right, 2.8), (right, 1.4))
    _dots(d, (left, 1.4), (right, 1.4))
    y2 = first.out.y
    d.add(elm.ResistorVar().at((right + 0.6, y2)).to((right + 2.6, y2)).label("R2", "top"))
    second = _amplifier(d, (right + 3.0, y2), elm.Capacitor(), "C2")
    x3, y3 = second.out.x + 0.6, second.out.y
    d.add(elm.Resistor().at((x3, y3)).to((x3 + 2.0, y3)).label("Ri1", "top"))
    third = _amplifier(d, (x3 + 2.4, y3), elm.Resistor(), "Ri2")
    end, top = (third.out.x + 0.6, third.out.y), 4.4
    _wire(d, end, (end[0], top))
    d.add(elm.ResistorVar().at((left - 0.6, top)).to((end[0], top)).label("R4", "top"))
    _wire(d, (left - 0.6, top), (left - 0.6, 0))
    _dots(d, (left - 0.6, 0))
    for k, part in enumerate((first, second, third), start=1):
        _wire(d, part.in2, (part.in2.x - 0.4, part.in2.y), (part.in2.x - 0.4, part.in2.y - 0.5))
        _text(d, (part.in2.x - 0.4, part.in2.y - 0.5), "ref", "bottom")
        _text(d, (part.in1.x - 0.4, part.in1.y), f"s{k}", "bottom")
        _text(d, (part.out.x + 0.2, part.out.y), f"o{k}", "bottom")


DRAWINGS: dict[str, Callable[[schemdraw.Drawing], None]] = {
    "crossbar": crossbar,
    "both-ends": both_ends,
    "bank": bank,
    "gate": gate,
    "negated-input": negated_input,
    "paired-columns": paired_columns,
    "series": series,
    "one-time": one_time,
    "latch": latch,
    "links": links,
    "selector": selector,
    "amplifier": amplifier,
    "capacitors": capacitors,
    "injection": injection,
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
