"""The picture of imports: no circle, and no arrow from a lower room to a higher one."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[1]
# From the top down; a module may import from its own room and from those below it.
ROOMS = [
    ("all_api",),
    ("cosyvoice.serve.gunicorn_worker",),
    ("cosyvoice.serve.server", "cosyvoice.serve.routes"),
    ("cosyvoice.__main__",),
    ("cosyvoice.serve.request_log", "cosyvoice.serve.checks", "cosyvoice.serve.selfcheck"),
    ("cosyvoice.serve.speaking", "cosyvoice.serve.storage"),
    ("cosyvoice.serve.http",),
    ("cosyvoice.serve.cluster",),
    ("cosyvoice.serve.config", "cosyvoice.serve.addresses", "cosyvoice.serve.places"),
    ("cosyvoice.bin",),
    ("cosyvoice.cli", "cosyvoice.training"),
    ("cosyvoice.encoders", "cosyvoice.dataset"),
    ("cosyvoice.tokenizer",),
    ("cosyvoice.text",),
    ("cosyvoice.llm", "cosyvoice.flow", "cosyvoice.hifigan"),
    ("cosyvoice.transformer", "matcha"),
    ("cosyvoice.utils",),
]


def modules() -> dict[str, Path]:
    files = {"all_api": ROOT / "all_api.py"}
    for top in (ROOT, ROOT / "third_party/Matcha-TTS"):
        for path in [*top.glob("cosyvoice/**/*.py"), *top.glob("matcha/**/*.py")]:
            name = ".".join(path.relative_to(top).with_suffix("").parts)
            files[name.removesuffix(".__init__")] = path
    return files


def imports(path: Path, known: dict) -> set[str]:
    """The modules of the project that a file imports, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return found & known.keys()


def room_of(module: str) -> int | None:
    for number, prefixes in enumerate(ROOMS):
        if any(module == prefix or module.startswith(prefix + ".") for prefix in prefixes):
            return number
    return None


def test_no_import_climbs():
    known = modules()
    climbing = [
        f"{module} -> {imported}"
        for module, path in known.items()
        for imported in imports(path, known)
        if room_of(module) is not None and room_of(imported) is not None
        if room_of(imported) < room_of(module)
    ]
    assert not climbing


def test_every_module_has_a_room():
    assert {module for module in modules() if room_of(module) is None} == {
        "cosyvoice",
        "cosyvoice.serve",
    }


def test_imports_have_no_circle():
    known = modules()
    TopologicalSorter({module: imports(path, known) for module, path in known.items()}).prepare()
