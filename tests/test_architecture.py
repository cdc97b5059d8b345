"""The dependency rule, read from the imports themselves. It has no exceptions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "iotlab"

BASE = {"errors", "clock", "stats", "failpoints"}
ROOMS = {"domain", "table", "mqtt"}
WORKERS = {"bridge", "triggers", "notify", "emulator"}

MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "clock": set(),
    "stats": set(),
    "failpoints": set(),
    "domain": BASE,
    "table": BASE,
    "mqtt": BASE,
    "bridge": ROOMS | BASE,
    "triggers": ROOMS | BASE,
    "notify": ROOMS | BASE,
    "emulator": ROOMS | BASE,
    "config": {"domain", "mqtt"} | BASE,
    "lab": {"config"} | WORKERS | ROOMS | BASE,
    "gui": {"lab", "config"} | WORKERS | ROOMS | BASE,
    "cli": {"gui", "lab", "config"} | WORKERS | ROOMS | BASE,
}
"""Each part of iotlab, and the parts that it may import. A new part needs a line here."""

ONLY_IN: dict[str, str | tuple[str, ...]] = {
    "PySide6": "iotlab.gui",
    "shiboken6": "iotlab.gui",
    "pyqtgraph": "iotlab.gui",
    "paho": "iotlab.mqtt.client",
    "amqtt": "iotlab.mqtt",
    "boto3": ("iotlab.table", "iotlab.notify.channels.sns", "iotlab.triggers.mapping.destinations"),
    "botocore": ("iotlab.table", "iotlab.notify.channels.sns", "iotlab.triggers.mapping.destinations"),
    "apsw": "iotlab.table",
    "apprise": "iotlab.notify",
    "typer": "iotlab.cli",
    "keyring": "iotlab.config.secret",
}
"""Packages of others, and the place of ours that knows each: one, or one for each service of a cloud."""

MODULES = sorted(PACKAGE.rglob("*.py"))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Yield each module that a file imports, wherever in the file, with its line."""
    package = module_name(path) if path.name == "__init__.py" else module_name(path).rpartition(".")[0]
    return imports_of(path.read_text(encoding="utf-8"), package)


def imports_of(text: str, package: str) -> Iterator[tuple[str, int]]:
    """Yield each module that a text of Python imports, as if it stood in ``package``."""
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Import():
                yield from ((alias.name, node.lineno) for alias in node.names)
            case ast.ImportFrom(level=0, module=str(module)):
                yield from ((f"{module}.{alias.name}", node.lineno) for alias in node.names)
            case ast.ImportFrom(level=level, module=module):
                above = package.rsplit(".", level - 1)[0] if level > 1 else package
                yield from (
                    (".".join(filter(None, [above, module, alias.name])), node.lineno) for alias in node.names
                )
            case ast.Call(args=[ast.Constant(value=str(text)), *_], func=function) if (
                _name(function) == "import_module"
            ):
                yield text, node.lineno


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def part_of(module: str) -> str:
    """Return the part of iotlab that a module belongs to; empty for the package itself."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def is_within(module: str, place: str | tuple[str, ...]) -> bool:
    places = (place,) if isinstance(place, str) else place
    return any(module == each or module.startswith(f"{each}.") for each in places)


def test_every_module_imports_only_what_its_part_may() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in MODULES
        for name, line in imports(path)
        if is_within(name, "iotlab") and not _allowed(part_of(module_name(path)), part_of(name))
    ]
    assert not wrong, "\n".join(wrong)


def _allowed(part: str, imported: str) -> bool:
    return imported in {part, "__version__"} or imported in MAY_IMPORT.get(part, set())


def test_every_part_has_its_line_in_the_table() -> None:
    assert {part_of(module_name(path)) for path in MODULES} - {""} <= set(MAY_IMPORT)


def test_each_package_of_others_is_known_in_one_place() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}, which belongs in {place}"
        for path in MODULES
        for name, line in imports(path)
        for package, place in ONLY_IN.items()
        if is_within(name, package) and not is_within(module_name(path), place)
    ]
    assert not wrong, "\n".join(wrong)


def test_the_table_of_parts_has_no_circle() -> None:
    resolved: set[str] = set()
    while len(resolved) < len(MAY_IMPORT):
        ready = {part for part, below in MAY_IMPORT.items() if below <= resolved} - resolved
        assert ready, f"a circle among {set(MAY_IMPORT) - resolved}"
        resolved |= ready


def test_parts_on_one_line_do_not_know_each_other() -> None:
    for line in (BASE, ROOMS, WORKERS):
        for part in line:
            assert not MAY_IMPORT[part] & line, part


def test_settings_are_read_by_the_top_only() -> None:
    assert {part for part, below in MAY_IMPORT.items() if "config" in below} == {"lab", "gui", "cli"}


def test_every_form_of_import_is_seen() -> None:
    text = """
import iotlab.gui.app
from iotlab import lab as the_lab
from . import neighbour
from .. import clock
from ..cli import app
def later():
    from PySide6.QtCore import QObject
    import_module("iotlab.triggers")
    importlib.import_module("boto3")
"""
    assert {name for name, _ in imports_of(text, "iotlab.table")} == {
        "iotlab.gui.app",
        "iotlab.lab",
        "iotlab.table.neighbour",
        "iotlab.clock",
        "iotlab.cli.app",
        "PySide6.QtCore.QObject",
        "iotlab.triggers",
        "boto3",
    }
