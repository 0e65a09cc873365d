"""The sweep on Snakemake: a kill in the middle, SLURM's plugin on a stand-in for sbatch, bad settings."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time

import catalog
import pytest

pytest.importorskip("snakemake", reason="the sweep's engine is optional: make .venv/sweep")

FOLDERS, SEEDS = ("nbb-xor", "flip-flop"), 3
STAND_IN = {
    "sbatch": """#!/usr/bin/env python3
import os, subprocess, sys
from pathlib import Path

jobs = Path(os.environ["STAND_IN_JOBS"])
script = next(word.removeprefix("--wrap=") for word in sys.argv if word.startswith("--wrap="))
job = str(len(list(jobs.iterdir())) + 1)
(jobs / job).write_text("RUNNING")
ended = 'bash -c "$1" >/dev/null 2>&1 && echo COMPLETED >"$2" || echo FAILED >"$2"'
subprocess.Popen(["bash", "-c", ended, "job", script, str(jobs / job)], env={**os.environ, "SLURM_JOB_ID": job},
                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(job)
""",
    "sacct": '#!/bin/bash\nfor job in "$STAND_IN_JOBS"/*; do echo "${job##*/}|$(<"$job")"; done\n',
    "srun": '#!/bin/bash\nwhile [[ $1 == -* ]]; do shift; done\nexec "$@"\n',
    "squeue": "#!/bin/bash\n",
    "scontrol": "#!/bin/bash\n",
    "sinfo": "#!/bin/bash\necho partition\n",
    "sacctmgr": "#!/bin/bash\necho account\n",
}


@pytest.fixture
def sweep(tmp_path):
    """Return a catalog of two folders without records, and a function that starts a sweep of their quick preset."""
    entries = ""
    for order, slug in enumerate(FOLDERS):
        ignored = shutil.ignore_patterns("results.json", "viz", "*.gif", "__pycache__")
        shutil.copytree(catalog.ROOT / slug, tmp_path / slug, ignore=ignored)
        entries += f'[[problem]]\nslug = "{slug}"\norder = {order}\n'
    (tmp_path / "catalog.toml").write_text(entries)
    (tmp_path / "bin").mkdir()
    (tmp_path / "jobs").mkdir()
    for name, text in STAND_IN.items():
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(stat.S_IRWXU)

    def start(*words, profile="local"):
        path = f"{tmp_path / 'bin'}:{os.environ['PATH']}" if profile == "slurm" else os.environ["PATH"]
        roots = {"CATALOG_ROOT": str(tmp_path), "STAND_IN_JOBS": str(tmp_path / "jobs"), "PATH": path}
        flow = catalog.ROOT / "workflow"
        command = [sys.executable, "-m", "snakemake", "--profile", flow / profile, "--snakefile", flow / "Snakefile"]
        return subprocess.Popen(
            [*command, "--cores", "2", *words],
            cwd=tmp_path,
            env={**os.environ, **roots},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return tmp_path, start


def records(root):
    """Return (slug, arm, seed) -> what does not depend on the clock, of all results.json."""
    found = {}
    for slug in FOLDERS:
        for arm, seeds in json.loads((root / slug / "results.json").read_text())["arms"].items():
            for seed, cell in seeds.items():
                found[slug, arm, seed] = {**cell, "seconds": 0, "memory_mb": 0}
    return found


SETTINGS = ("--config", "preset=quick", f"seeds={SEEDS}")


def test_a_sweep_that_was_killed_goes_on_and_ends_like_an_uninterrupted_one(sweep):
    root, start = sweep
    assert start(*SETTINGS).wait() == 0
    whole = records(root)
    assert len(whole) == SEEDS * sum(len(catalog.load(slug).PRESETS["quick"]) for slug in FOLDERS)
    shutil.rmtree(root / "build")
    for slug in FOLDERS:
        (root / slug / "results.json").unlink()

    process = start(*SETTINGS)
    while len(done := list((root / "build").rglob("sweep/*/*.json"))) < 3:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    written = {path: path.stat().st_mtime_ns for path in done}
    assert start("--unlock", *SETTINGS).wait() == 0
    assert start(*SETTINGS).wait() == 0
    assert records(root) == whole
    assert all(path.stat().st_mtime_ns == when for path, when in written.items()), "a finished cell ran again"
    assert not list(root.rglob("*.part"))


def test_a_sweep_runs_as_slurm_jobs(sweep):
    root, start = sweep
    words = ("--default-resources", "slurm_account=account", "slurm_partition=partition")
    waits = ("--slurm-init-seconds-before-status-checks", "1", "--seconds-between-status-checks", "1")
    settings = ("--config", "folders=nbb-xor", "arms=quick", "seeds=2")
    dry = start("--dry-run", *words, *settings, profile="slurm")
    assert dry.wait() == 0 and not list((root / "jobs").iterdir())
    process = start(*words, *waits, *settings, profile="slurm")
    out, _ = process.communicate()
    assert process.returncode == 0, out
    assert sorted(path.read_text() for path in (root / "jobs").iterdir()) == ["COMPLETED\n"] * 2
    assert sorted(json.loads((root / "nbb-xor" / "results.json").read_text())["arms"]["quick"]) == ["0", "1"]


@pytest.mark.parametrize("setting", ["folders=nonsense", "arms=nonsense", "preset=nonsense", "seeds=0", "seed=3"])
def test_a_wrong_setting_is_told_in_one_line(sweep, setting):
    process = sweep[1]("--config", setting)
    out, _ = process.communicate()
    assert process.returncode != 0
    assert len([line for line in out.splitlines() if line.startswith("sweep: ")]) == 1 and "Traceback" not in out


def test_a_cluster_without_slurm_is_told_in_one_line(sweep):
    process = sweep[1]("--executor", "slurm", "--jobs", "1", *SETTINGS)
    out, _ = process.communicate()
    assert process.returncode != 0 and "sweep: SLURM's sbatch is not on this machine" in out
