"""The frame that every script carries (idioms interface, claims, main, checkpoint), tested on one script's copy."""

import json
import math
from dataclasses import dataclass

import catalog
import numpy as np
import pytest

frame = catalog.load(catalog.slugs()[0])


def claim(value, bar, n=1):
    return frame.Claim("text", value, bar, "paper", "trial", "source", n=n)


@pytest.mark.parametrize(
    "value, bar, met",
    [
        (1.0, ">= 1", True),
        (1.0, "> 1", False),
        (1.0, "<= 1", True),
        (1.0, "< 1", False),
        (1.5, "1..2", True),
        (2.1, "1..2", False),
        (-0.5, "-1..0", True),
        (math.nan, ">= 0", False),
        (math.nan, "<= 0", False),
        (math.nan, "0..1", False),
        (1.0, "", None),
    ],
)
def test_bars(value, bar, met):
    results = {"arm": {"metric": np.array([value])}}
    assert frame.judge(claim(lambda r: r["arm"]["metric"].mean(), bar), results)[2] is met


def test_pooling_keeps_seed_order_and_marks_censored_replicates():
    def cell(values):
        return {"metrics": {"steps": values}, "curves": {"loss": values}}

    record = {"arm": {"10": cell([5, None]), "2": cell([3, 4]), "0": cell(1)}}
    pooled = frame.pool(record)["arm"]
    np.testing.assert_array_equal(pooled["steps"], [1, 3, 4, 5, np.nan])
    assert pooled["loss"] == [1, [3, 4], [5, None]]


def test_a_claim_counts_the_replicates_that_it_reads():
    results = {"a": {"x": np.ones(5), "y": np.ones(2)}, "b": {"x": np.ones(3)}}
    assert frame.judge(claim(lambda r: r["a"]["x"].mean() - r["b"]["x"].mean(), "<= 0"), results)[3] == 3
    assert frame.judge(claim(lambda r: (r["a"]["x"].mean(), 0.5), "<= 1"), results)[:2] == (1.0, 0.5)
    with pytest.raises(KeyError):
        frame.judge(claim(lambda r: r["c"]["x"].mean(), "<= 0"), results)


def test_pairs_are_cut_to_the_shortest():
    a, b = frame.paired(np.arange(3), np.arange(5))
    assert len(a) == len(b) == 3


def test_plain_values_can_be_written_as_json():
    value = {"a": np.float32(1.5), "b": np.array([1.0, np.nan]), "c": [np.int64(3), None, "text"], "d": (True,)}
    expected = {"a": 1.5, "b": [1.0, None], "c": [3, None, "text"], "d": [True]}
    assert json.loads(json.dumps(frame.plain(value), allow_nan=False)) == expected


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "file"
    frame.write_whole(path, lambda part: part.write_text("old"))

    def fail(part):
        part.write_text("ne")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        frame.write_whole(path, fail)
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


# ---------------------------------------------------------------- the command line, on a toy of two fields
@pytest.fixture
def toy(monkeypatch):
    @dataclass(frozen=True)
    class Config:
        rate: float = frame.option(0.5, "rate")
        folder: str = frame.option("", "where the data lie", counts=False)

    monkeypatch.setattr(frame, "Config", Config)
    monkeypatch.setattr(
        frame, "ARMS", {"arm": frame.Arm(lambda config, seed: ({"x": config.rate + seed}, {}), Config())}
    )
    monkeypatch.setattr(frame, "PRESETS", {"default": ("arm",)})
    monkeypatch.setattr(frame, "CLAIMS", (claim(lambda r: r["arm"]["x"].mean(), ">= 1", n=3),))
    return frame


def test_a_changed_setting_is_not_judged(toy, capsys):
    assert toy.main(["--rate", "2"]) == 0
    assert "not judged" in capsys.readouterr().out


def test_a_setting_that_changes_no_result_is_judged_and_not_recorded(toy, capsys, tmp_path):
    assert toy.main(["--folder", "/data", "--json", str(tmp_path / "run.json")]) == 0
    assert "0 of 1 judged claims" in capsys.readouterr().out
    assert json.loads((tmp_path / "run.json").read_text())["arms"]["arm"]["0"]["config"] == {"rate": 0.5}


def test_the_list_shows_arms_presets_and_claims(toy, capsys, monkeypatch):
    monkeypatch.setitem(toy.ARMS, "fast", toy.Arm(toy.ARMS["arm"].run, toy.Config(rate=2.0)))
    assert not toy.main(["--list"])
    out = capsys.readouterr().out
    assert "arm fast:" in out and "rate=2.0" in out and "preset default: arm" in out and "claim text | bar >= 1" in out


def test_seeds_are_pooled_and_a_short_run_is_starred(toy, capsys):
    assert toy.main(["--seed", "1", "--seeds", "2"]) == 0
    out = capsys.readouterr().out
    assert "met*" in out and "1 of 1 judged claims" in out
    assert toy.main(["--seed", "1", "--seeds", "3"]) == 0
    assert "*" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "words", [["--rate", "-1"], ["--rate", "nan"], ["--checkpoint", "x"], ["--seeds", "0"], ["--rat", "1"]]
)
def test_bad_arguments_end_with_status_2_and_one_line(toy, capsys, words):
    with pytest.raises(SystemExit) as stop:
        toy.main(words)
    assert stop.value.code == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
