"""What the maintainers' programs share: the list of problems, the folders that exist, records and fingerprints."""

import ast
import fcntl
import hashlib
import importlib.util
import json
import os
import re
import symtable
import sys
import tomllib
from contextlib import contextmanager
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(os.environ.get("CATALOG_ROOT") or Path(__file__).resolve().parent.parent)
FRAME = re.compile(
    r"^# --- idiom: (?:interface|claims|main) ---\n.*?^# --- end of idiom ---$", re.MULTILINE | re.DOTALL
)


class CatalogError(Exception):
    """Something a person must put right, told in one line."""


def problems():
    """Return the list of problems of catalog.toml, in historical order."""
    return sorted(tomllib.loads((ROOT / "catalog.toml").read_text())["problem"], key=lambda entry: entry["order"])


def module_name(slug):
    return slug.replace("-", "_")


def script(slug):
    """Return the path of a folder's script. Raises CatalogError if there is no such folder."""
    path = ROOT / slug / f"{module_name(slug)}.py"
    if not path.is_file():
        raise CatalogError(f"there is no folder {slug!r} (a folder is named like nbb-xor)")
    return path


def slugs():
    """Return the slugs of the folders that exist, in historical order."""
    return [
        entry["slug"] for entry in problems() if (ROOT / entry["slug"] / f"{module_name(entry['slug'])}.py").is_file()
    ]


@cache
def load(slug):
    """Import and return a folder's script as a module. Raises CatalogError if it cannot be loaded."""
    path = script(slug)
    spec = importlib.util.spec_from_file_location(module_name(slug), path)
    module = sys.modules[module_name(slug)] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        for name in ("ARMS", "PRESETS", "CLAIMS", "judge"):
            if not getattr(module, name):
                raise ValueError(f"{name} is empty")
    except Exception as error:
        raise CatalogError(f"{path.name} cannot be loaded: {error!r}") from error
    return module


# ---------------------------------------------------------------- fingerprints
def canonical(node):
    """Return a syntax tree as nested tuples, alike in all versions of Python: no docstrings, annotations or help."""
    if isinstance(node, list):
        return tuple(canonical(item) for item in node)
    if not isinstance(node, ast.AST):
        return repr(node)
    if (
        isinstance(node, ast.AnnAssign)
        and isinstance(node.value, ast.Call)
        and getattr(node.value.func, "id", "") == "option"
    ):
        return ("option",)
    kept = []
    for name, value in ast.iter_fields(node):
        if name == "body" and isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node) is not None:
            value = value[1:]
        if value not in (None, []) and name not in ("ctx", "kind", "type_comment", "annotation", "returns", "simple"):
            kept.append((name, canonical(value)))
    return (type(node).__name__, *kept)


def stored(node):
    """Yield the names that a top-level statement defines or changes, not those local to a comprehension or lambda."""
    if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp | ast.Lambda):
        return
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    if isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store):
        yield from (name.id for name in ast.walk(node.value) if isinstance(name, ast.Name))
    for child in ast.iter_child_nodes(node):
        yield from stored(child)


def globals_of(statement):
    """Yield the global names that a top-level statement uses; a function's own variables are none of them."""
    waiting = [symtable.symtable(ast.unparse(statement), "", "exec")]
    while waiting:
        scope = waiting.pop()
        waiting += scope.get_children()
        yield from (name.get_name() for name in scope.get_symbols() if scope.get_type() == "module" or name.is_global())


def is_door(statement, function):
    """Return whether a statement of a function is a door to a variant of it: `if <settings>: return other(...)` with
    the function's own arguments, where the test is made of fields of `config` and constants."""
    match statement:
        case ast.If(test=test, body=[ast.Return(value=ast.Call(func=ast.Name(), args=args, keywords=[]))], orelse=[]):
            parts = (ast.BoolOp, ast.UnaryOp, ast.Compare, ast.Attribute, ast.Constant, ast.Tuple)
            marks = (ast.boolop, ast.unaryop, ast.cmpop, ast.expr_context)
            return ast.unparse(args) == ast.unparse(function.args.args) and all(
                isinstance(node, parts + marks) or getattr(node, "id", "") == "config" for node in ast.walk(test)
            )
    return False


def doors(function):
    """Return test (as text) -> statement for the doors at the head of a function, before any other statement."""
    body = function.body[ast.get_docstring(function) is not None : -1]
    return {ast.unparse(door.test): door for door in takewhile(lambda line: is_door(line, function), body)}


class Definition(NamedTuple):
    """The top-level statements that define or change one name."""

    code: tuple  # their syntax trees, each as `canonical` gives it
    names: set  # the global names that they use
    attributes: set  # the attributes that they read, the settings among them
    replaced: set  # the settings that they replace in a config, "" for unnamed ones or a config of their own


@cache
def definitions(source, shut=frozenset()):
    """Return name -> Definition for the top-level names of a script, outside the frame's own idioms. Doors whose tests
    are in `shut` are left out."""
    found = {}
    for statement in ast.parse(FRAME.sub(lambda match: "\n" * match[0].count("\n"), source)).body:
        if isinstance(statement, ast.FunctionDef):
            for test, door in doors(statement).items():
                if test in shut:
                    statement.body.remove(door)
        whole = isinstance(statement, ast.FunctionDef | ast.ClassDef)
        names = {statement.name} if whole else set(stored(statement)) - {"ARMS", "PRESETS", "CLAIMS"}
        code, uses = canonical(statement), set(globals_of(statement))
        attributes = {node.attr for node in ast.walk(statement) if isinstance(node, ast.Attribute)}
        calls = [node for node in ast.walk(statement) if isinstance(node, ast.Call)]
        calls = [call for call in calls if ast.unparse(call.func).split(".")[-1] == "replace"]
        replaced = {keyword.arg or "" for call in calls for keyword in call.keywords}
        replaced |= {""} if "Config" in uses else set()
        for name in names:
            old = found.get(name, Definition((), set(), set(), set()))
            more = (old.names | uses, old.attributes | attributes, old.replaced | replaced)
            found[name] = Definition((*old.code, code), *more)
    return found


@cache
def tests_of_doors(source):
    """Return the tests of all doors of a script."""
    functions = [statement for statement in ast.parse(source).body if isinstance(statement, ast.FunctionDef)]
    return frozenset(test for function in functions for test in doors(function))


def reach(known, name):
    """Return name -> Definition for all that a function reaches, itself among them."""
    reached, waiting = {}, [name]
    while waiting:
        name = waiting.pop()
        if name in known and name not in reached:
            reached[name] = known[name]
            waiting += known[name].names
    return reached


def fingerprint(source, arm):
    """Return 16 hex digits over the code that an arm's function reaches and the settings that this code reads.

    A door that the arm's settings keep shut leads nowhere and does not count, unless code that is reached replaces a
    setting that the door asks for.
    """
    shut = frozenset(test for test in tests_of_doors(source) if not eval(test, {"config": arm.config}))
    asked = {"", *(node.attr for test in shut for node in ast.walk(ast.parse(test)) if isinstance(node, ast.Attribute))}
    reached = reach(definitions(source, shut), arm.run.__name__)
    if shut and any(asked & definition.replaced for definition in reached.values()):
        reached = reach(definitions(source), arm.run.__name__)
    read = set().union(*(definition.attributes for definition in reached.values()))
    config = {
        f.name: getattr(arm.config, f.name)
        for f in arm.config.__dataclass_fields__.values()
        if f.metadata["counts"] and f.name in read
    }
    code = sorted((name, definition.code) for name, definition in reached.items())
    return hashlib.sha256(repr((code, sorted(config.items()))).encode()).hexdigest()[:16]


def fingerprints(slug, module):
    """Return arm -> fingerprint for every arm of a folder."""
    source = script(slug).read_text()
    return {name: fingerprint(source, arm) for name, arm in module.ARMS.items()}


# ---------------------------------------------------------------- records
def read_record(slug):
    """Return a folder's results.json, or an empty record. Raises CatalogError if the file is damaged."""
    path = ROOT / slug / "results.json"
    if not path.exists():
        return {"slug": slug, "arms": {}}
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise CatalogError(f"{path} is damaged ({error}); restore it with git") from None


def dump(record):
    """Return a record as text, one cell a line, in a fixed order."""
    lines = []
    for arm in sorted(record["arms"]):
        cells = [
            f"   {json.dumps(seed)}: {json.dumps(record['arms'][arm][seed], sort_keys=True, allow_nan=False)}"
            for seed in sorted(record["arms"][arm], key=int)
        ]
        lines.append(f"  {json.dumps(arm)}: {{\n" + ",\n".join(cells) + "\n  }")
    return f'{{\n "slug": {json.dumps(record["slug"])},\n "arms": {{\n' + ",\n".join(lines) + "\n }\n}\n"


def write(path, record):
    """Write a record to a file, whole or not at all. OSError on a full disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_text(dump(record))
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def locked(name):
    """Hold a folder's record (or a cell) for one process at a time."""
    folder = ROOT / "build" / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / name, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def merge(slug, cells):
    """Put cells {arm: {seed: cell}} into a folder's results.json, whole or not at all. OSError on a full disk."""
    with locked(slug):
        record = read_record(slug)
        for arm, seeds in cells.items():
            record["arms"].setdefault(arm, {}).update(seeds)
        write(ROOT / slug / "results.json", record)


def fresh(slug, module, record=None):
    """Return the part of the record whose fingerprints match the code: arm -> seed -> cell."""
    record, current = record or read_record(slug), fingerprints(slug, module)
    kept = {
        arm: {seed: cell for seed, cell in seeds.items() if cell["fingerprint"] == current.get(arm)}
        for arm, seeds in record["arms"].items()
    }
    return {arm: seeds for arm, seeds in kept.items() if seeds}


def unbroken(seeds):
    """Return the cells of seeds 0 ... N-1 without a gap: what may be reported."""
    kept = {}
    while str(len(kept)) in seeds:
        kept[str(len(kept))] = seeds[str(len(kept))]
    return kept
