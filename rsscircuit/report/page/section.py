"""What a section of the report is made of: values without any HTML, which the template lays out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from rsscircuit.report.page.drawing import Drawing

MOST_SHOWN, SHOWN_OF_MORE = 8, 4  # figures of one kind


class Mark(StrEnum):
    """Where a figure comes from."""

    EMITTED = "emitted"  #: counted in the files of the design
    SIMULATED = "simulated"  #: by circuit equations or SPICE, on the emitted design and its virtual die
    MEASURED = "measured"  #: by instruments, on a die that exists
    ASSUMED = "assumed"  #: component models, some of whose figures no source gives


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One picture.

    Attributes:
        name: Of its files, and its anchor.
        title: A few words.
        caption: How to read it.
        alt: What it shows, for those who do not see it.
        mark: Where its data come from.
        drawing: The picture and its data.
    """

    name: str
    title: str
    caption: str
    alt: str
    mark: Mark
    drawing: Drawing


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table.

    Attributes:
        title: A few words.
        heads: Of its columns.
        rows: The cells; the first of a row is its head.
        left, trailing: How many columns from the left and from the right are text; the others are numbers.
        mark: Where its data come from, None where they are of different kinds.
        note: What a reader has to know.
    """

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: int = 1
    trailing: int = 0
    mark: Mark | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One figure of the summary."""

    name: str
    value: str
    note: str
    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What is not there, and the command that would add it.

    Attributes:
        what: In words.
        command: A line for a shell.
        state: Why it is not there.
    """

    what: str
    command: str
    state: str = "Not run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One section.

    Attributes:
        anchor: Its place in the page.
        title: A few words.
        lead: What a reader learns, with the figures of this design.
        prose: Paragraphs after it.
        warnings: What a reader must not overlook.
        cards, opening, figures, folded, tables: What it shows, in this order; opening are tables, folded are figures
            that a reader has to ask for.
        missing: What it would show.
        commands: Command lines, to be copied.
    """

    anchor: str
    title: str
    lead: str
    prose: Sequence[str] = ()
    warnings: Sequence[str] = ()
    cards: Sequence[Card] = ()
    opening: Sequence[Table] = ()
    figures: Sequence[Figure] = ()
    folded: Sequence[Figure] = ()
    tables: Sequence[Table] = ()
    missing: Sequence[Missing] = ()
    commands: Sequence[str] = ()


def parted(figures: Sequence[Figure], badness: Sequence[float]) -> tuple[list[Figure], list[Figure]]:
    """The figures to show, and those to fold where there are more than a reader looks through: all but the worst.

    Args:
        figures: A figure a layer, in the order of the network, which is kept.
        badness: How bad each is.
    """
    if len(figures) <= MOST_SHOWN:
        return list(figures), []
    worst = sorted(range(len(figures)), key=lambda place: (-badness[place], place))[:SHOWN_OF_MORE]
    shown = [figure for place, figure in enumerate(figures) if place in worst]
    return shown, [figure for place, figure in enumerate(figures) if place not in worst]
