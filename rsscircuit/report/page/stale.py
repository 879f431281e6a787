"""Results of another design than the one beside them: what they are called, and the commands that repeat them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Result = Mapping[str, Any]
Words = Callable[[str, Result], Sequence[str]]


def words_of(name: str, result: Result) -> tuple[str, tuple[str, ...], bool]:
    """The command that writes a result, the options that tell it from others, and whether it takes inputs and labels.

    Args:
        name: Of the result, below ``results/``.
        result: What it says of another design; what it does not say is left out.
    """
    for start, (command, data, words) in _COMMANDS.items():
        if name.startswith(start):
            return command, tuple(words(name, result)), data
    return "inspect", (), False


def _nothing(name: str, result: Result) -> Sequence[str]:
    return ()


def _option(result: Result, key: str, option: str | None = None) -> list[str]:
    return [option or f"--{key}", str(result[key])] if key in result else []


def _images(name: str, result: Result) -> Sequence[str]:
    images = list(result.get("images", ()))
    first = images == list(range(len(images)))
    return ("--engine", "ngspice", "--images", str(len(images)) if first else ",".join(map(str, images)))


def _tile(name: str, result: Result) -> list[str]:
    return [*_option(result, "layer"), *_option(result, "tile")]


def _fixed(name: str) -> list[str]:
    return ["--fixed-program"] if "_fixed" in name else []


def _trials(name: str, result: Result) -> Sequence[str]:
    asked = _option(result, "asked", "--trials") or _option(result, "trial")
    return [*_tile(name, result), *asked, *_option(result, "engine"), *_fixed(name), *_option(result, "seed")]


def _simulation(name: str, result: Result) -> Sequence[str]:
    options = result.get("options", {})
    chosen = {key: options[key] for key in ("analysis", "switch", "celsius", "supply") if options.get(key) is not None}
    asked = [word for key in chosen for word in _option(chosen, key)]
    wires = ["--wires" if options["wires"] else "--ideal-wires"] if "wires" in options else []
    inputs = [] if options.get("analysis") == "noise" else ["--inputs", "V.npy"]
    return [*_tile(name, result), *inputs, *_option(result, "engine"), *asked, *wires]


def _small(name: str, result: Result) -> Sequence[str]:
    kind = "--transient" if "transient" in name else "--closed-loop"
    tile = result["tiles"][0] if result.get("tiles") else {}
    return [kind, *_tile(name, tile)]


_COMMANDS: Mapping[str, tuple[str, bool, Words]] = {
    "cost": ("cost", False, _nothing),
    "evaluate_ngspice": ("evaluate", True, _images),
    "evaluate": ("evaluate", True, _nothing),
    "attribution": ("evaluate", True, lambda name, result: ("--attribute", *_option(result, "images", "--limit"))),
    "yield_": (
        "yield",
        True,
        lambda name, result: [*_option(result, "asked", "--dies"), *_fixed(name), *_option(result, "seed")],
    ),
    "montecarlo_": ("montecarlo", False, _trials),
    "simulate_": ("simulate", False, _simulation),
    "signoff_": ("signoff", False, _small),
    "signoff": ("signoff", False, _nothing),
}
