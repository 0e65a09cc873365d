"""The maintainers' programs: idioms, fingerprints, verdicts, records, documents."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import catalog
import docs
import idioms
import pytest
import record
import reproduce
import verdicts

TOOLS = Path(catalog.__file__).parent


def test_copies_of_idioms_are_identical():
    assert not idioms.faults()


def test_documents_are_in_step_with_the_records():
    behind = [str(path.relative_to(catalog.ROOT)) for path, text in docs.documents() if path.read_text() != text]
    assert not behind, f"out of step, run `make docs`: {behind}"


def test_effort_counts_a_run_that_never_got_there_at_its_bound():
    arm = SimpleNamespace(config=SimpleNamespace(limit=100))
    module = SimpleNamespace(ARMS={"toy": arm}, PRESETS={"quick": ()}, EFFORT={"first": "limit", "last": "limit"})
    cell = {"seconds": 2.0, "metrics": {"first": [10, 20, None], "last": [30, None, None]}}
    assert list(docs.effort_rows(module, {"toy": {"0": cell}})) == [
        ("`toy`", 3, "67%", "first", "15 ± 7", "115"),
        ("`toy`", 3, "33%", "last", "30", "115"),
    ]


def test_the_list_has_59_problems_in_order():
    entries = catalog.problems()
    assert len(entries) == len({entry["slug"] for entry in entries}) == len({entry["order"] for entry in entries}) == 59
    strangers = [
        path.parent.name
        for path in catalog.ROOT.glob("*/results.json")
        if path.parent.name not in {entry["slug"] for entry in entries}
    ]
    assert not strangers, f"folders that catalog.toml does not list: {strangers}"


# ---------------------------------------------------------------- fingerprints
SCRIPT = '''
"""A toy."""
# --- idiom: interface ---
def watch(x): return x
# --- end of idiom ---
SCALE = 2
def helper(x):
    """Help."""
    return SCALE * x
def control(config): return config.other
def method(config, seed):
    x = config.rate
    return watch(helper(x))
CLAIMS = [x for x in (1, 2)]
TABLE = {}
TABLE["a"] = 1
'''


class Setting:
    metadata = {"counts": True}

    def __init__(self, name):
        self.name = name


class Settings:
    __dataclass_fields__ = {"rate": Setting("rate"), "other": Setting("other")}

    def __init__(self, rate=1, other=1):
        self.rate, self.other = rate, other


class Arm:
    def __init__(self, **settings):
        self.config = Settings(**settings)

    def run(config, seed):
        pass

    run.__name__ = "method"


@pytest.mark.parametrize(
    "old, new, changes",
    [
        ("SCALE = 2", "SCALE = 3", True),
        ("return SCALE * x", "return SCALE * x + 1", True),
        ('"""Help."""', '"""Other words."""', False),
        ("SCALE * x", "SCALE * x   # a comment", False),
        ("(1, 2)", "(1, 3)", False),
        ("SCALE * x", "SCALE * x + TABLE['a']", True),
        ("return config.other", "return config.other + 1", False),
        ("def watch(x): return x", "def watch(x): return (x)\n# more", False),
    ],
)
def test_fingerprint_follows_the_code_that_an_arm_reaches(old, new, changes):
    before, after = catalog.fingerprint(SCRIPT, Arm()), catalog.fingerprint(SCRIPT.replace(old, new), Arm())
    assert (before != after) == changes


def test_fingerprint_follows_the_settings_that_are_read():
    assert catalog.fingerprint(SCRIPT, Arm()) != catalog.fingerprint(SCRIPT, Arm(rate=2))
    assert catalog.fingerprint(SCRIPT, Arm()) == catalog.fingerprint(SCRIPT, Arm(other=2))


def test_fingerprint_ignores_a_local_variable_named_like_a_function():
    shadowed = SCRIPT.replace("x = config.rate", "control = x = config.rate")
    changed = shadowed.replace("return config.other", "return config.other + 1")
    assert catalog.fingerprint(shadowed, Arm()) == catalog.fingerprint(changed, Arm())


DOOR = "    if config.other == 2 and not config.rate:\n        return control(config, seed)\n"


@pytest.mark.parametrize(
    "door, settings, counts",
    [
        (DOOR, {}, False),  # it stays shut
        (DOOR, {"rate": 0, "other": 2}, True),  # it opens
        (DOOR.replace("config, seed", "config"), {}, True),  # other arguments than the function's own
        (DOOR.replace("config.rate", "seed"), {}, True),  # not settings alone
        ("    replace(config, other=2)\n" + DOOR, {}, True),  # not at the head
        (DOOR + "    replace(config, other=2)\n", {}, True),  # a setting that it asks for may change on the way
        (DOOR + "    dataclasses.replace(config, **{})\n", {}, True),
        (DOOR + "    Config(other=2)\n", {}, True),
    ],
)
def test_fingerprint_leaves_out_a_door_that_stays_shut(door, settings, counts):
    with_door = SCRIPT.replace("    x = config.rate\n", door + "    x = config.rate\n")
    without = with_door.replace(DOOR, "") if DOOR in with_door else SCRIPT
    before, after = catalog.fingerprint(without, Arm(**settings)), catalog.fingerprint(with_door, Arm(**settings))
    assert (before != after) == counts
    variant = with_door.replace("return config.other", "return config.other + 1")
    assert (catalog.fingerprint(variant, Arm(**settings)) != after) == counts


# ---------------------------------------------------------------- verdicts
class Claim:
    def __init__(self, substitute=False, bar=">= 1"):
        self.substitute, self.bar = substitute, bar


@pytest.mark.parametrize(
    "statuses, substitute, expected",
    [
        (["met", "met"], False, "yes"),
        (["met", "missed"], False, "partial"),
        (["met", "not yet recorded (3 of 10)"], False, "partial"),
        (["missed", "met"], False, "no"),
        (["missed", "met"], True, "partial"),
        (["missed", "missed"], True, "no"),
        (["not yet recorded (0 of 10)", "met"], True, "not yet recorded"),
    ],
)
def test_verdict_rule(statuses, substitute, expected):
    rows = [
        verdicts.Judgement(Claim(substitute=substitute and place > 0), "", "", status)
        for place, status in enumerate(statuses)
    ]
    assert verdicts.verdict(rows) == expected


def test_a_headline_that_is_a_substitute_is_partial():
    assert verdicts.verdict([verdicts.Judgement(Claim(substitute=True), "", "", "met")]) == "partial"


def test_only_seeds_without_a_gap_are_reported():
    assert list(catalog.unbroken({"0": 1, "1": 1, "3": 1})) == ["0", "1"]


# ---------------------------------------------------------------- records, in a small catalog of its own
@pytest.fixture
def small(tmp_path):
    """Return a function that runs tools/record.py on a catalog with one folder."""
    shutil.copytree(
        catalog.ROOT / "nbb-xor", tmp_path / "nbb-xor", ignore=shutil.ignore_patterns("results.json", "__pycache__")
    )
    (tmp_path / "catalog.toml").write_text('[[problem]]\nslug = "nbb-xor"\norder = 1\n')

    def start(*words, **more):
        return subprocess.Popen(
            [sys.executable, TOOLS / "record.py", *words],
            env={**os.environ, "CATALOG_ROOT": str(tmp_path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **more,
        )

    return tmp_path, start


def cells(root):
    record = json.loads((root / "nbb-xor" / "results.json").read_text())
    return {
        (arm, seed): {**cell, "seconds": 0, "memory_mb": 0}
        for arm, seeds in record["arms"].items()
        for seed, cell in seeds.items()
    }


def test_record_resumes_after_a_kill_and_runs_nothing_twice(small):
    root, start = small
    words = ("nbb-xor", "--arm", "quick", "--seeds", "12", "--jobs", "1")
    process = start(*words)
    while not (root / "nbb-xor" / "results.json").exists():
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    before = cells(root)
    out, _ = start(*words).communicate()
    assert len(cells(root)) == 12 and out.count("seed") == 12 - len(before)
    assert all(cells(root)[key] == cell for key, cell in before.items())
    assert start(*words).communicate()[0] == ""


def test_record_merges_in_any_order(small):
    root, start = small
    start("nbb-xor", "--arm", "quick", "--seeds", "3").communicate()
    whole, path = cells(root), root / "nbb-xor" / "results.json"
    parts = []
    for seed in ("2", "0", "1"):
        part = json.loads(path.read_text())
        part["arms"]["quick"] = {seed: part["arms"]["quick"][seed]}
        parts.append(root / f"part{seed}.json")
        parts[-1].write_text(json.dumps(part))
    path.unlink()
    for part in parts:
        assert start("--merge", str(part)).wait() == 0
    assert cells(root) == whole
    other = json.loads(parts[0].read_text())
    other["arms"]["quick"]["2"]["seconds"] = -1
    parts[0].write_text(json.dumps(other))
    assert start("--merge", str(parts[0])).wait() == 0 and cells(root) == whole        # a record that is there stays


def test_a_run_whose_script_changed_meanwhile_is_not_recorded():
    arm = "quick"
    current = catalog.fingerprints("nbb-xor", catalog.load("nbb-xor"))[arm]
    assert record.run(record.Cell("nbb-xor", arm, 0, current, False))["fingerprint"] == current
    with pytest.raises(catalog.CatalogError, match="changed during the run"):
        record.run(record.Cell("nbb-xor", arm, 0, "f" * 16, False))


def test_a_record_names_the_prescribed_kernels_since_they_change_the_last_digits(monkeypatch):
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    plain = record.machine()
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    assert record.machine() == f"{plain} Haswell"
    cells = [{"versions": record.VERSIONS, "cpu": cpu} for cpu in (plain, record.machine())]
    assert reproduce.platform_of(cells[0]) != reproduce.platform_of(cells[1])


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        ("nbb-xor", "--arm", "nonsense"),
        ("nbb-xor", "--preset", "nonsense"),
        ("nbb-xor", "--seeds", "0"),
        ("--merge", "/nowhere.json"),
    ],
)
def test_record_refuses_bad_input_in_one_line(small, words):
    process = small[1](*words)
    _, errors = process.communicate()
    assert process.returncode != 0 and len(errors.strip().splitlines()) == 1


def test_a_damaged_record_is_told_in_one_line(small):
    root, start = small
    (root / "nbb-xor" / "results.json").write_text('{"arms":')
    process = start("nbb-xor", "--missing")
    _, errors = process.communicate()
    assert process.returncode == 2 and "damaged" in errors and len(errors.strip().splitlines()) == 1


def test_a_full_disk_is_told_in_one_line_and_loses_no_record(small):
    root, start = small
    path = root / "nbb-xor" / "results.json"
    assert start("nbb-xor", "--arm", "quick", "--seeds", "2").wait() == 0
    before = path.read_text()
    full = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))}
    one = ("nbb-xor", "--arm", "quick", "--seed", "2", "--to", str(root / "cell.json"))
    for words in (("--merge", str(path)), one):
        process = start(*words, **full)
        _, errors = process.communicate()
        assert process.returncode == 2 and len(errors.strip().splitlines()) == 1, errors
    assert path.read_text() == before
    assert not list(root.rglob("*.part")) and not (root / "cell.json").exists()


# ---------------------------------------------------------------- a new folder
def test_a_new_folder_runs_and_keeps_the_style(tmp_path):
    for name in ("catalog.toml", "pyproject.toml", "idioms", "tools"):
        source = catalog.ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    slug = "timit-blstm-ctc"

    def python(*words):
        environment = {**os.environ, "CATALOG_ROOT": str(tmp_path)}
        return subprocess.run([sys.executable, *words], cwd=tmp_path, env=environment, capture_output=True, text=True)

    assert python("tools/new.py", slug).returncode == 0
    assert python("-m", "ruff", "check", slug).stdout == "All checks passed!\n"
    assert python(f"{slug}/timit_blstm_ctc.py", "--preset", "quick").returncode == 0
    assert python(f"{slug}/visualize_timit_blstm_ctc.py", "--preset", "quick").returncode == 0
    assert python(f"{slug}/make_timit_blstm_ctc_gif.py", "--preset", "quick").returncode == 0
    again = python("tools/new.py", slug)
    assert again.returncode != 0 and len(again.stderr.strip().splitlines()) == 1
