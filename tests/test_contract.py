"""The contract of SPEC.md, checked over every folder that exists. Nothing here knows a folder by name."""

import ast
import dataclasses
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import catalog
import jsonschema
import pytest
from PIL import Image

SLUGS = catalog.slugs()
SECTIONS = ["Problem", "Files", "Running", "Results", "Visualizations", "Deviations", "Open questions"]
BANNERS = ["Config", "Problem", "Model", "Learning", "Experiment", "Command line"]
ENVIRONMENT = {**os.environ, "MNIST_DIR": str(catalog.ROOT / "data" / "mnist"), "PYTHONDONTWRITEBYTECODE": "1"}

each_folder = pytest.mark.parametrize("slug", SLUGS)


def files(slug):
    """Return the names of a folder's four Python files, as SPEC section 1 lists them."""
    name = catalog.module_name(slug)
    return [f"{name}.py", f"visualize_{name}.py", f"make_{name}_gif.py", f"test_{name}.py"]


def python(*words, cwd, **options):
    return subprocess.run(
        [sys.executable, *map(str, words)],
        cwd=cwd,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        **options,
    )


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Return a function that copies a folder, once, to a directory with nothing beside it."""
    copies = {}

    def copy(slug):
        if slug not in copies:
            copies[slug] = tmp_path_factory.mktemp("alone") / slug
            shutil.copytree(catalog.ROOT / slug, copies[slug], ignore=shutil.ignore_patterns("__pycache__", ".*"))
        return copies[slug]

    return copy


# ---------------------------------------------------------------- the files
@each_folder
def test_files_are_all_there(slug):
    wanted = [*files(slug), "README.md", "results.json", f"{catalog.module_name(slug)}.gif"]
    lacking = [name for name in wanted if not (catalog.ROOT / slug / name).is_file()]
    assert not lacking, f"{slug} lacks {lacking}"


@each_folder
def test_imports_stay_inside_the_allowed_set(slug):
    script, visualize, gif, tests = files(slug)
    pictures = {"numpy", "matplotlib", "PIL", script[:-3]}
    allowed = {script: {"numpy"}, visualize: pictures, gif: pictures | {visualize[:-3]}, tests: pictures | {"pytest"}}
    forbidden = {"pickle", "shelve", "marshal", "urllib", "socket", "http", "ftplib", "requests"}
    for name, extra in allowed.items():
        for node in ast.walk(ast.parse((catalog.ROOT / slug / name).read_text())):
            modules = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            for module in (module.split(".")[0] for module in modules):
                assert module in extra | set(sys.stdlib_module_names), f"{slug}/{name} imports {module}"
                assert module not in forbidden, f"{slug}/{name} imports {module}"
        assert "allow_pickle=True" not in (catalog.ROOT / slug / name).read_text(), f"{slug}/{name} reads pickles"


@each_folder
def test_script_has_its_parts_in_order(slug):
    text = catalog.script(slug).read_text()
    assert text.startswith("# /// script\n"), f"{slug}: the PEP 723 block comes first"
    assert len(ast.get_docstring(ast.parse(text)).splitlines()) <= 40, f"{slug}: the docstring is longer than 40 lines"
    banners = re.findall(r"^# -{20,} (.+)$", text, re.MULTILINE)
    assert [banner for banner in banners if banner in BANNERS] == BANNERS, f"{slug}: banners {banners}"
    for idiom in ("interface", "claims", "main"):
        assert f"# --- idiom: {idiom} ---\n" in text, f"{slug}: the idiom {idiom} is missing"


@each_folder
def test_public_functions_have_docstrings(slug):
    bare = [
        node.name
        for node in ast.parse(catalog.script(slug).read_text()).body
        if isinstance(node, ast.FunctionDef) and len(node.body) > 2 and ast.get_docstring(node) is None
    ]
    assert not bare, f"{slug}: no docstring in {bare}"


@each_folder
def test_readme_has_its_sections_and_links(slug):
    folder = catalog.ROOT / slug
    text = (folder / "README.md").read_text()
    assert text.startswith(f"# {slug}\n"), f"{slug}: the README begins with # {slug}"
    assert [title for title in re.findall(r"^## (.+)$", text, re.MULTILINE)] == SECTIONS, f"{slug}: README sections"
    links = [link for link in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in link]
    broken = [link for link in links if not (folder / link).exists() or ".." in link]
    assert not broken, f"{slug}: README links {broken}"
    shown = {Path(link).name for link in links}
    hidden = [path.name for path in [*folder.glob("viz/*.png"), *folder.glob("*.gif")] if path.name not in shown]
    assert not hidden, f"{slug}: README does not show {hidden}"


@each_folder
def test_pictures_keep_their_limits(slug):
    folder = catalog.ROOT / slug
    figures, gif = sorted(folder.glob("viz/*.png")), folder / f"{catalog.module_name(slug)}.gif"
    assert 3 <= len(figures) <= 6, f"{slug}: {len(figures)} figures, not 3 to 6"
    for path in figures:
        assert path.stat().st_size <= 150_000, f"{slug}: {path.name} is over 150 kB"
    assert gif.stat().st_size <= 500_000, f"{slug}: the animation is over 500 kB"
    assert sum(path.stat().st_size for path in [*figures, gif]) <= 700_000, f"{slug}: the pictures are over 700 kB"
    with Image.open(gif) as animation:
        assert 640 <= animation.width <= 800, f"{slug}: the animation is {animation.width} px wide"
        assert 24 <= animation.n_frames <= 120, f"{slug}: the animation has {animation.n_frames} frames"
        animation.seek(animation.n_frames - 1)
        assert animation.info["duration"] >= 2000, f"{slug}: the last frame is not held for two seconds"


# ---------------------------------------------------------------- arms, claims and records
@each_folder
def test_presets_and_claims_are_well_formed(slug):
    module = catalog.load(slug)
    assert {"quick", "default", "paper"} <= set(module.PRESETS), f"{slug}: presets"
    for preset, arms in module.PRESETS.items():
        assert set(arms) <= set(module.ARMS), f"{slug}: preset {preset} names unknown arms"
    quick = set(module.PRESETS["quick"])
    assert {module.ARMS[arm].run for arm in quick} == {arm.run for arm in module.ARMS.values()}, (
        f"{slug}: quick must run every arm function"
    )
    assert all(arm.startswith("quick") for arm in quick), f"{slug}: names of quick arms begin with quick"
    assert set(module.PRESETS["paper"]) == {arm for arm in module.ARMS if not arm.startswith("quick")}, (
        f"{slug}: paper holds all arms"
    )
    for claim in module.CLAIMS:
        assert re.fullmatch(r"|(<|<=|>|>=) -?[\d.e-]+|-?[\d.e-]+\.\.-?[\d.e-]+", claim.bar), (
            f"{slug}: bar {claim.bar!r}"
        )
        assert claim.kind in ("paper", "exact", "control", "trial") and claim.source, f"{slug}: {claim.text}"
        assert claim.n >= 1 and claim.paper, f"{slug}: {claim.text}"
    assert module.CLAIMS[0].bar, f"{slug}: the headline has no bar"
    settings = {field.name for field in dataclasses.fields(module.Config)}
    assert set(getattr(module, "EFFORT", {}).values()) <= settings, f"{slug}: EFFORT names an unknown setting"


@each_folder
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_every_claim_can_be_computed(slug):
    """Each claim is given, for every arm, what the quick arm of the same function returned: no name may be unknown."""
    module = catalog.load(slug)
    cells = {module.ARMS[arm].run: module.run_cell(module.ARMS[arm], 0) for arm in module.PRESETS["quick"]}
    results = module.pool({name: {"0": cells[arm.run]} for name, arm in module.ARMS.items()})
    read = []

    class Watched(dict):
        def __getitem__(self, arm):
            read.append(arm)
            return super().__getitem__(arm)

    for claim in module.CLAIMS:
        read.clear()
        try:
            claim.value(Watched(results))
        except (ValueError, ZeroDivisionError, IndexError, TypeError, FloatingPointError):
            pass  # the numbers mean nothing here; the names do
        assert read and not any(arm.startswith("quick") for arm in read), f"{slug}: {claim.text} reads {read}"


@each_folder
def test_default_preset_is_recorded_and_fresh(slug):
    module, record = catalog.load(slug), catalog.read_record(slug)
    jsonschema.validate(record, json.loads((Path(__file__).parent / "results.schema.json").read_text()))
    assert record["slug"] == slug
    fresh = catalog.fresh(slug, module, record)
    short = {arm: len(catalog.unbroken(fresh.get(arm, {}))) for arm in module.PRESETS["default"]}
    assert all(seeds >= 10 for seeds in short.values()), f"{slug}: fresh seeds of the default preset {short}, 10 wanted"


# ---------------------------------------------------------------- the folder, copied alone
@each_folder
def test_alone_it_passes_its_own_tests(slug, alone):
    done = python("-m", "pytest", "-q", "-p", "no:cacheprovider", "--durations=3", ".", cwd=alone(slug), timeout=300)
    assert done.returncode == 0, f"{slug}: its own tests fail\n{done.stdout[-6000:]}{done.stderr[-2000:]}"


@each_folder
def test_alone_it_runs_twice_alike(slug, alone, tmp_path):
    folder, runs = alone(slug), []
    for name in ("first.json", "second.json"):
        done = python(
            files(slug)[0], "--preset", "quick", "--seed", "1", "--json", tmp_path / name, cwd=folder, timeout=120
        )
        assert done.returncode == 0 and "Traceback" not in done.stderr, f"{slug}: {done.stderr}"
        run = json.loads((tmp_path / name).read_text())
        for seeds in run["arms"].values():
            seeds["1"].pop("seconds")
        runs.append(run)
    assert runs[0] == runs[1], f"{slug}: two runs of one seed differ"


@each_folder
def test_alone_it_draws_and_animates(slug, alone, tmp_path):
    _, visualize, gif, _ = files(slug)
    for name in (visualize, gif):
        done = python(name, "--preset", "quick", "--out", tmp_path, cwd=alone(slug), timeout=180)
        assert done.returncode == 0, f"{slug}/{name}: {done.stderr[-2000:]}"
    assert list(tmp_path.glob("*.png")) and (tmp_path / f"{catalog.module_name(slug)}.gif").exists(), (
        f"{slug}: no pictures"
    )
    assert not list(tmp_path.glob("*.part"))


@each_folder
def test_bad_input_gets_one_line(slug, alone, tmp_path):
    module = catalog.load(slug)
    number = next(
        name for name, f in module.Config.__dataclass_fields__.items() if not isinstance(f.default, str | bool)
    )
    script, visualize, gif, _ = files(slug)
    for words in (
        [script, "--seed", "-1"],
        [script, "--seeds", "0"],
        [script, "--arm", "nonsense"],
        [script, "--nonsense"],
        [script, "--preset", "nonsense"],
        [script, f"--{number.replace('_', '-')}", "x"],
        [script, "--preset", "quick", "--json", tmp_path / "nowhere" / "file.json"],
        [script, "--preset", "quick", "--json", tmp_path],
        [visualize, "--seed", "x"],
        [gif, "--nonsense"],
        [gif, "--preset", "quick", "--out", "/dev/null/x"],
    ):
        done = python(*words, cwd=alone(slug), timeout=120)
        assert done.returncode == 2, f"{slug}: {words} gave exit status {done.returncode}: {done.stderr}"
        assert len(done.stderr.strip().splitlines()) == 1, f"{slug}: {words} printed {done.stderr}"
    assert not list(tmp_path.iterdir()), f"{slug}: half-written files"


@each_folder
def test_interrupt_leaves_nothing(slug, alone, tmp_path):
    process = subprocess.Popen(
        [sys.executable, files(slug)[0], "--seeds", "1000", "--json", tmp_path / "run.json"],
        cwd=alone(slug),
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a job in the background would ignore it
    )
    try:
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130 and len(errors.strip().splitlines()) == 1, f"{slug}: {process.returncode} {errors}"
    assert not list(tmp_path.iterdir()), f"{slug}: half-written files"
