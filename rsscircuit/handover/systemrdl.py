"""The register map in SystemRDL 2.0 (Accellera, 2018), and what PeakRDL makes of it.

The SystemRDL is written from the one table of registers; IP-XACT, HTML, Markdown and the C header are PeakRDL's.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from rsscircuit.controller.config import ControllerConfig
from rsscircuit.controller.registers import CONTROLLER_VERSION, Access, Field, Register, register_table

MAP = "xbar"
VENDOR, LIBRARY = "rsscircuit", "xbar"
_PROPERTIES = {
    Access.CONSTANT: "sw = r; hw = na;",
    Access.READ: "sw = r; hw = w;",
    Access.READ_WRITE: "sw = rw; hw = r;",
    Access.WRITE: "sw = w; hw = r;",
    Access.COMMAND: "sw = w; hw = r; singlepulse;",
    Access.CLEAR: "sw = rw; hw = w; onwrite = woclr; hwset;",
    Access.COUNT: "sw = rw; hw = r; onwrite = wclr; counter; incrsaturate;",
    Access.PUSH: "sw = w; hw = r;",
    Access.POP: "sw = r; hw = w; onread = ruser;",
}
_INDEX = "html/index.html"
_ICONS = ("FontAwesome/fa-solid-900.woff2", "FontAwesome/fa-regular-400.woff2")
_HOLDS_NO_VALUE = (Access.READ, Access.PUSH, Access.POP)


def to_systemrdl(config: ControllerConfig) -> str:
    """The registers of ``config``."""
    registers = "\n".join(_register(register) for register in register_table(config))
    major, minor = CONTROLLER_VERSION >> 16, CONTROLLER_VERSION & 0xFFFF
    return (
        f"addrmap {MAP} {{\n"
        '  name = "Crossbar switch controller";\n'
        f"  desc = \"Register map {major}.{minor}. Unmapped addresses, accesses against a field's rights and commands "
        'that cannot start are answered with an error.";\n'
        "  default regwidth = 32;\n"
        "  default accesswidth = 32;\n"
        "  addressing = regalign;\n"
        f"{registers}"
        "};\n"
    )


def _register(register: Register) -> str:
    fields = "".join(_field(field) for field in register.fields)
    external = "external " if register.is_port else ""
    return (
        f"  {external}reg {{\n    desc = {_quoted(register.text)};\n{fields}"
        f"  }} {register.name} @ {register.address:#04x};\n"
    )


def _field(field: Field) -> str:
    reset = "" if field.access in _HOLDS_NO_VALUE else f" = {field.reset:#x}"
    return (
        f"    field {{ {_PROPERTIES[field.access]} desc = {_quoted(field.text)}; }} "
        f"{field.name}[{field.low + field.width - 1}:{field.low}]{reset};\n"
    )


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def register_files(config: ControllerConfig) -> dict[str, bytes]:
    """``xbar.rdl`` and PeakRDL's IP-XACT, HTML, Markdown and C header: file name to content."""
    from peakrdl_cheader.exporter import CHeaderExporter
    from peakrdl_html import HTMLExporter
    from peakrdl_ipxact import IPXACTExporter
    from peakrdl_ipxact.exporter import Standard
    from peakrdl_markdown import MarkdownExporter
    from systemrdl.compiler import RDLCompiler

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / f"{MAP}.rdl").write_text(to_systemrdl(config), "utf-8")
        compiler = RDLCompiler()
        compiler.compile_file(str(folder / f"{MAP}.rdl"))
        top = compiler.elaborate(MAP).top
        IPXACTExporter(standard=Standard.IEEE_1685_2014, vendor=VENDOR, library=LIBRARY, version="1.0").export(
            top, str(folder / f"{MAP}.xml")
        )
        MarkdownExporter().export(top, str(folder / f"{MAP}.md"))
        CHeaderExporter().export(top, str(folder / f"{MAP}.h"))
        HTMLExporter().export(top, str(folder / "html"))
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
    pages = {name: content for name, content in found.items() if not _is_left_out(name)}
    return pages | {_INDEX: _timeless(pages[_INDEX])}


def _is_left_out(name: str) -> bool:
    """Starters of other systems' browsers, and 5 MB of fonts: the icons alone are kept, once."""
    return "launcher" in name or ("/fonts/" in name and not name.endswith(_ICONS))


def _timeless(page: bytes) -> bytes:
    """The page without the second in which it was made, and without the formulae that it would ask the network for."""
    text = re.sub(r"(BUILD_TS = |\?ts=)\d+", r"\g<1>0", page.decode())
    text = re.sub(
        r"<script async[^>]*MathJax[^>]*></script>", "<script>var MathJax = {Hub: {Queue() {}}};</script>", text
    )
    return re.sub(r"<script[^>]*x-mathjax-config[^>]*>.*?</script>\s*", "", text, flags=re.DOTALL).encode()
