"""Draws the timing diagrams of the datasheet, from WaveJSON, with schemdraw.

Run ``python scripts/timing_diagrams.py`` to write them; a test compares them with what stands there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import schemdraw
from schemdraw.logic import TimingDiagram

FOLDER = Path(__file__).parent.parent / "templates" / "handover" / "pictures"

WAVES: dict[str, list[dict[str, Any]]] = {
    "write_pulse": [
        {"name": "clk", "wave": "p........"},
        {"name": "row, word, wdata", "wave": "x3......x", "data": ["stable"]},
        {"name": "we", "wave": "0..1..0.."},
        {"name": "TIMING", "wave": "x4.5..6.x", "data": ["setup", "pulse", "hold"]},
    ],
    "read": [
        {"name": "clk", "wave": "p....."},
        {"name": "row, word", "wave": "x3...x", "data": ["stable"]},
        {"name": "re", "wave": "0.10.."},
        {"name": "rdata", "wave": "x..4.x", "data": ["word"]},
    ],
    "conversion": [
        {"name": "clk", "wave": "p............"},
        {"name": "adc_column", "wave": "x3.......3..x", "data": ["column", "next"]},
        {"name": "adc_request", "wave": "0.1...0...1.."},
        {"name": "adc_acknowledge", "wave": "0..1..0....1."},
        {"name": "adc_code", "wave": "x..4..x....4.", "data": ["code", "code"]},
    ],
    "kill": [
        {"name": "clk", "wave": "p........."},
        {"name": "kill", "wave": "0.1....0.."},
        {"name": "oe", "wave": "1.0......."},
        {"name": "programmed", "wave": "1.....0..."},
        {"name": "fault", "wave": "0.....1..."},
    ],
}


def draw(name: str) -> bytes:
    """One diagram as SVG."""
    schemdraw.use("svg")
    schemdraw.svgconfig.text = "text"  # letters as text: small files, the same on every machine
    drawing = schemdraw.Drawing(show=False, fontsize=11)
    drawing.config(margin=1.0, bgcolor="white")
    drawing += TimingDiagram({"signal": WAVES[name]}, ygap=0.3, grid=False)
    text: str = drawing.get_imagedata("svg").decode()
    return (text.rstrip() + "\n").encode()


def main() -> None:
    """Write every diagram."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in WAVES:
        (FOLDER / f"{name}.svg").write_bytes(draw(name))


if __name__ == "__main__":
    main()
