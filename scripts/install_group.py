"""Install one dependency group of pyproject.toml with this interpreter's pip.

``pip install --group`` needs pip 25.1; this does the same with any pip. Words after the group go to pip.
"""

import subprocess
import sys
import tomllib
from pathlib import Path


def packages(groups: dict[str, list[str | dict[str, str]]], name: str) -> list[str]:
    """The requirements of a group, included groups and all."""
    found: list[str] = []
    for entry in groups[name]:
        found += packages(groups, entry["include-group"]) if isinstance(entry, dict) else [entry]
    return found


def main() -> None:
    """Install the group named on the command line."""
    project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text("utf-8"))
    wanted = packages(project["dependency-groups"], sys.argv[1])
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *sys.argv[2:], *wanted], check=True)


if __name__ == "__main__":
    main()
