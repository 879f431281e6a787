"""Draw the crossbar of docs/netlists.md into docs/pictures/circuit-crossbar.svg; a test draws it again and compares.

python scripts/crossbar_schematic.py
"""

from __future__ import annotations

from pathlib import Path

import schemdraw
import schemdraw.elements as elm

PICTURE = Path(__file__).parent.parent / "docs" / "pictures" / "circuit-crossbar.svg"
schemdraw.use("svg")
schemdraw.svgconfig.text = "text"  # letters as text: a small file, the same on every machine
ACROSS, DOWN, ASIDE, DROP = 4.4, 3.8, 1.2, 1.7


def _text(d: schemdraw.Drawing, at: tuple[float, float], text: str, halign: str = "center") -> None:
    d.add(elm.Label().at(at).theta(0).label(text, "center", halign=halign, valign="center"))


def draw() -> bytes:
    """One logical row and two columns: four banks between two word lines and two bit lines, with their wires."""
    d = schemdraw.Drawing(show=False, unit=2.0, fontsize=11, color="black")
    d.config(margin=0.5, bgcolor="white")
    columns, lines = 2, ("p", "n")
    for p, polarity in enumerate(lines):
        y = -DOWN * p
        d.add(elm.Dot(open=True).at((-3.6, y)))
        _text(d, (-3.8, y), f"Vcm {'+-'[p]} v0", "right")
        d.add(elm.ResistorIEC().at((-3.6, y)).to((-1.9, y)).label("driver", "top"))
        _text(d, (-1.75, y - 0.35), f"w{polarity}0", "center")
        before = -1.9
        for q in range(columns):
            x = ACROSS * q
            if q:
                before += ASIDE + 0.6
                d.add(elm.Line().at((x - ACROSS, y)).to((before, y)))
            d.add(elm.Resistor().at((before, y)).to((x, y)).label("r word", "top"))
            before = x
            d.add(elm.Dot().at((x, y)))
            d.add(elm.RBox().at((x, y)).to((x, y - DROP)).label(f"0_{q}{polarity}", "top"))
            d.add(elm.Line().at((x, y - DROP)).to((x + ASIDE, y - DROP)))
            d.add(elm.Dot().at((x + ASIDE, y - DROP)))
        d.add(elm.Line().at((before, y)).to((before + ASIDE + 0.5, y)).linestyle(":"))
    for q in range(columns):
        x, first = ACROSS * q + ASIDE, -DROP
        d.add(elm.Line().at((x, first)).to((x, first + 0.9)).linestyle(":"))
        d.add(elm.Resistor().at((x, first)).to((x, 0.2 - DOWN)).label("r bit", "bottom"))
        d.add(elm.Line().at((x, 0.2 - DOWN)).to((x, first - DOWN)))
        d.add(elm.Resistor().at((x, first - DOWN)).to((x, first - DOWN - 2.0)).label("r bit", "bottom"))
        end = first - DOWN - 2.0
        d.add(elm.Dot().at((x, end)))
        _text(d, (x + 0.25, end), f"b{q}", "left")
        d.add(elm.SourceV().at((x, end - 1.8)).to((x, end)).label(f"Vb{q} = Vcm", "bottom"))
        d.add(elm.Ground().at((x, end - 1.8)))
    data: bytes = d.get_imagedata("svg")
    return data


if __name__ == "__main__":
    PICTURE.write_bytes(draw())
