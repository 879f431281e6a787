"""Technologies: the numbers of a process, each with its source, and the cell model they make."""

from rsscircuit.technology.loader import (
    DEFAULT,
    Technology,
    load_technology,
    parse_technology,
    preset_names,
    technology_text,
)

__all__ = ["DEFAULT", "Technology", "load_technology", "parse_technology", "preset_names", "technology_text"]
