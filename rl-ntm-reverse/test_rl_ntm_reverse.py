"""Tests of rl-ntm-reverse: python3 -m pytest test_rl_ntm_reverse.py (python3 test_rl_ntm_reverse.py: the speed)"""
import rl_ntm_reverse as ntm                                                      # first: it sets the threads

import time
from dataclasses import replace

import numpy as np
import pytest

SMALL = ntm.Config(task="reverse", memory=True, longest=3, units=3, symbols=4, kappa=1.0, batch=6)
TASKS = {name: dict(task=config.task, full_stop=config.full_stop) for name, config in ntm.TASKS.items()}


def f(x):
    return 1 / (1 + np.exp(-x))


def episodes(config, levels=None, seed=0, spread=0.5):
    """Return float64 parameters, a batch and a tape."""
    rng = np.random.default_rng(seed)
    levels = np.arange(1, config.batch + 1) % ntm.top(config) + 1 if levels is None else levels
    return (ntm.init(rng, config, spread, float), ntm.make_batch(rng, levels, config),
            ntm.make_tape(config, len(levels), float))


def scripted(actions):
    """A `choose` that takes actions (T, heads, episodes) in their order."""
    return lambda pi, t, row: actions[t][:, row]


# ---------------------------------------------------------------- the gradient
@pytest.mark.parametrize("task", ["reverse", "forward-reverse"])
def test_the_expected_gradient_equals_central_differences(task):
    metrics, _ = ntm.check(replace(ntm.TINY, task=task, steps=2), 5)
    assert metrics["error"] < 1e-6 and metrics["total"] < 1e-12


def expected_gradient(settings, controller="direct"):
    config = replace(ntm.TINY, controller=controller, steps=2)
    params, one, _ = episodes(config, np.array([1]), seed=3)
    copies = ntm.every_sequence(config)[0].shape[2]
    batch, tape = ntm.Batch(*(np.repeat(array, copies, 0) for array in one)), ntm.make_tape(config, copies, float)
    config = replace(config, **settings)
    run, out, chance = ntm.enumerate_episodes(params, batch, config, tape, np.array([-7.0, 3.0]))
    return ntm.backward(params, run, out, tape, config, chance)


@pytest.mark.parametrize("controller", ["direct", "lstm"])
def test_no_variance_reduction_changes_the_expected_gradient(controller):
    reference = expected_gradient(ntm.TRICKS["whole"], controller)
    for settings in ntm.TRICKS.values():
        grads = expected_gradient(settings, controller)
        for name in filter(str.isupper, grads):
            assert grads[name] == pytest.approx(reference[name], rel=1e-9, abs=1e-12), (settings, name)


@pytest.mark.parametrize("controller", ["direct", "lstm"])
def test_episodes_that_leave_early_have_the_gradient_that_they_have_alone(controller):
    config = replace(SMALL, controller=controller)
    params, batch, tape = episodes(config)
    T, count = ntm.budget(config), len(batch.total)
    actions = np.random.default_rng(1).integers(0, 2, (T, 3, count))
    actions[-count:, -1] = 1                                                      # whoever is left must say the rest
    means = np.zeros(T)

    def gradient(some):
        part = ntm.Batch(*(array[some] for array in batch))
        run = ntm.rollout(params, part, scripted(actions[:, :, some]), config, tape)
        out = ntm.outcome(params, run, tape, config, means)
        return run, ntm.backward(params, run, out, tape, config, np.ones(len(some)))

    run, together = gradient(np.arange(count))
    assert len(set(np.diff(run.marks))) > 1                                       # some leave early
    alone = [gradient(np.array([k]))[1] for k in range(count)]
    for name, value in together.items():
        assert value == pytest.approx(sum(grads[name] for grads in alone), rel=1e-9, abs=1e-11), name


# ---------------------------------------------------------------- the machine
def plain(params, config, tape, actions):
    """The equations of the controller for one episode, one cell and one number at a time: logits of the actions and of
    the symbols at each step, and the memory at the end. Baseline: none."""
    n, T, H, heads = ntm.width(config), ntm.budget(config), config.units, 3
    one = np.eye(n)
    h, c, memory, at = np.zeros(H), np.zeros(H), np.zeros((max(30, T), n)), [0, 0]
    last, found = [1, 1, 0], []
    for t in range(len(actions)):
        cells = [one[tape[(at[0] + o) % T]] for o in range(-2, 3)]
        x = np.concatenate([params["E"][k][last[k]] for k in range(heads)] + cells
                           + [memory[(at[1] + o) % len(memory)] for o in range(-2, 3)] + [[1.0]])
        i, forget, o, g = np.split(x @ params["W"] + h @ params["U"], 4)
        c = f(forget) * c + f(i) * np.tanh(g)
        h = f(o) * np.tanh(c)
        ext = np.append(h, 1)
        logits = config.kappa * (ext @ params["P"])
        gates = ext @ params["F"]
        symbols = ext @ params["Y"]
        for k in range(5):
            place = (at[1] + k - 2) % len(memory)
            memory[place] = f(gates[k * n:(k + 1) * n]) * memory[place] + np.tanh(gates[(5 + k) * n:(6 + k) * n])
            if "Q" in params:
                pq = f(ext @ params["Q"])
                for other in range(5):
                    memory[place] = pq[25 + 5 * k + other] * memory[place] + pq[5 * k + other] * cells[other]
        if "S" in params:
            s = f(ext @ params["S"])
            for k in range(5):
                symbols = symbols + s[k] * cells[k] + s[5 + k] * memory[(at[1] + k - 2) % len(memory)]
        found.append((logits.reshape(3, heads), symbols))
        last = list(actions[t])
        at = [at[k] + last[k] - 1 for k in range(2)]
    return found, memory


@pytest.mark.parametrize("controller", ["direct", "lstm"])
def test_the_tape_equals_the_equations_one_by_one(controller):
    config = replace(SMALL, controller=controller, baseline="none")
    params, batch, tape = episodes(config, np.array([3]))
    actions = np.array([[2, 2, 1], [0, 0, 0], [2, 1, 1], [1, 0, 1], [0, 2, 1]])
    run = ntm.rollout(params, batch, scripted(actions[:, :, None]), config, tape)
    found, memory = plain(params, config, batch.tape[0], actions)
    symbols = ntm.predict(params, tape, np.arange(5))[0]
    for t, (logits, expected) in enumerate(found):
        assert symbols[t] == pytest.approx(expected, rel=1e-9)
        p = np.exp(logits)
        p[2, -1] = 0
        p[:, :2] /= p[:, :2].sum(0)
        p[:, -1] /= p[:, -1].sum()
        assert tape["pi"][..., t] == pytest.approx(p, rel=1e-9)
    assert tape["m"][4] == pytest.approx(memory[tape["cells"][4]], rel=1e-9)
    assert run.marks == list(range(6))


def test_undoing_the_writes_restores_the_first_memory_bit_for_bit():
    config = replace(SMALL, task="forward-reverse")
    params, batch, tape = episodes(config)
    rng = np.random.default_rng(0)
    run = ntm.rollout(params, batch, ntm.sample(rng, len(batch.total), config), config, tape)
    memory = np.zeros((len(batch.total), 30, ntm.width(config)))
    places = tape["episode"][:, None], tape["cells"]
    for r in range(run.marks[-1]):
        assert np.array_equal(memory[places[0][r], places[1][r]], tape["m0"][r])
        memory[places[0][r], places[1][r]] = tape["m"][r]
    assert memory.any()
    for r in reversed(range(run.marks[-1])):
        memory[places[0][r], places[1][r]] = tape["m0"][r]
    assert not memory.any()


@pytest.mark.parametrize("task", TASKS)
def test_random_episodes_say_everything_in_time_and_no_more(task):
    config = replace(SMALL, **TASKS[task], longest=4, batch=50)
    params, batch, tape = episodes(config)
    run = ntm.rollout(params, batch, ntm.sample(np.random.default_rng(2), 50, config), config, tape)
    assert len(run.marks) - 1 <= ntm.budget(config)
    assert np.array_equal(np.bincount(tape["episode"][run.said], minlength=50), batch.total)
    for k in range(50):
        assert np.array_equal(run.symbol[tape["episode"][run.said] == k], batch.target[k, :batch.total[k]])
    if task == "forward-reverse":
        assert (tape["did"][0, :run.marks[-1]] > 0).all()


def policy(task, C, m):
    """Head moves and whether to say, step by step: the shortest program that reads only the cell under its head (and
    says the blank without looking)."""
    if task == "copy":
        return [(1, 1)] * C + [(0, 1)]
    if task == "duplicated-input":
        return [(1, 1), (1, 0), (1, 0)] * (C - 1) + [(0, 1), (0, 1)]
    if task == "reverse":
        return [(1, 0)] * (C - 1) + [(-1, 1)] * C + [(0, 1)]
    if task == "repeat-copy-stops":
        return [(1, 0)] + ([(1, 1)] * C + [(-1, 1)] + [(-1, 0)] * (C - 1)) * (m - 1) + [(1, 1)] * C + [(0, 1)]
    return [(1, 0)] + ([(1, 1)] * (C - 1) + [(-1, 1)] + [(-1, 0)] * (C - 2) + [(0, 0)] * (C < 2)) * (m - 1) + \
           [(1, 1)] * C + [(0, 1)]


@pytest.mark.parametrize("task, steps", [("copy", lambda C: C + 1), ("duplicated-input", lambda C: 3 * C - 1),
                                         ("reverse", lambda C: 2 * C), ("repeat-copy", lambda C: None),
                                         ("repeat-copy-stops", lambda C: None)])
def test_programs_written_by_hand_say_the_targets_within_the_budget(task, steps):
    config = ntm.Config(**TASKS[task], longest=8)
    for C in (2, 3, 8):
        for m in (2, 3) if config.task == "repeat-copy" else (1,):
            params, batch, tape = episodes(config, np.array([C + 8 * (m == 3)]))
            moves = policy(task, C, m)
            assert len(moves) == (steps(C) or len(moves)) and len(moves) <= ntm.budget(config)
            actions = np.array([(move + 1, say) for move, say in moves])[..., None]
            run = ntm.rollout(params, batch, scripted(actions), config, tape)
            assert len(run.marks) - 1 == len(moves) and np.array_equal(run.symbol, batch.target[0, :batch.total[0]])
            assert np.array_equal(tape["seen"][run.said, 2][:-1], run.symbol[:-1])
            assert run.symbol[-1] == config.symbols + (ntm.STOP if config.full_stop else ntm.END)


def test_hand_set_gates_reverse_a_sequence_through_the_memory():
    """Each step copies the input cell to the memory cell; the way back reads the memory one cell before the head."""
    config, C = ntm.Config(task="forward-reverse", longest=9, steps=19, baseline="none"), 9
    params, batch, tape = episodes(config, np.full(5, C), spread=0.0)
    n = ntm.width(config)
    gates = np.full((2, 5, 5), -40.0)                                             # p, q of (memory cell, input cell)
    gates[1] = 40
    gates[0, 2, 2], gates[1, 2, 2] = 40, -40
    params["Q"][-1], params["F"][-1, :5 * n], params["S"][-1] = gates.ravel(), 40, -40
    params["S"][-1, 5 + 1], params["Y"][-1, config.symbols] = 40, 0.5
    moves = [(1, 1, 0)] * C + [(0, -1, 1)] * (C + 1)
    actions = np.repeat((np.array(moves) + (1, 1, 0))[..., None], 5, 2)
    run = ntm.rollout(params, batch, scripted(actions), config, tape)
    assert np.array_equal(ntm.predict(params, tape, run.said)[0].argmax(1), run.symbol)


# ---------------------------------------------------------------- tasks and curriculum
@pytest.mark.parametrize("task", TASKS)
def test_instances_are_those_of_section_6(task):
    config = ntm.Config(**TASKS[task], longest=5)
    levels = np.random.default_rng(1).integers(1, ntm.top(config) + 1, 200)
    batch, seen = ntm.make_batch(np.random.default_rng(0), levels, config), set()
    for level, tape, used, target, total, steps in zip(levels, *batch):
        d, m = (level - 1) % 5 + 1, 2 + (level > 5)
        tape, target = tape.tolist(), target.tolist()
        x = tape[1:d + 1] if "repeat" in task else tape[:3 * d:3] if task == "duplicated-input" else tape[:d]
        line, said = {"copy": (x, x), "duplicated-input": ([s for s in x for _ in range(3)], x),
                      "reverse": (x, x[::-1]), "forward-reverse": (x, x[::-1]),
                      "repeat-copy": ([31 + m - 2] + x, x * m),
                      "repeat-copy-stops": ([31 + m - 2] + x + [33], (x + [33]) * m)}[task]
        assert len(x) == d and max(x) < 30 and tape == line + [30] * (len(tape) - len(line)) and used == len(line) + 1
        assert target == said + [30] * (len(target) - len(said)) and len(said) + 1 - config.full_stop == total <= steps
        seen |= set(x)
    assert seen == set(range(30))
    with pytest.raises(OSError, match="too few"):
        next(ntm.train(replace(config, steps=2), 0))


@pytest.mark.parametrize("extra", [0, 1])
def test_difficulties_are_drawn_as_in_table_3(extra):
    config, C, rows = ntm.Config(longest=8, batch=20_000, extra=extra), 3, 10
    p = np.zeros(9)
    e = {C + extra + k: 0.5 ** (k + 1) for k in range(40)}
    hard = {}
    for d, share in e.items():
        hard[min(d, 8)] = hard.get(min(d, 8), 0) + share
    p[1:] += 0.1 / 8
    for d, share in hard.items():
        p[d] += 0.65 * share
        p[1:d + 1] += 0.25 * share / d
    rng, counts, third = np.random.default_rng(0), np.zeros(9), 0
    for _ in range(rows):
        levels, counted = ntm.draw_levels(rng, C, config)
        counts += np.bincount(levels, minlength=9)
        third += counted.sum()
        assert levels[counted].min() >= C + extra
    expected = 200_000 * p[1:]
    assert ((counts[1:] - expected)**2 / expected).sum() < 24.3                   # chi-square, 7 degrees: 0.1 %
    assert abs(third - 130_000) < 900


def test_the_curriculum_waits_between_two_rises():
    stage, rises = ntm.Curriculum(), []
    for step in range(1, 2000):
        before, stage = stage, ntm.rise(stage, 0.0, step, ntm.Config(longest=6))
        if stage.level > before.level:
            rises.append(step)
            assert before.error < 0.25 and stage.error == 1
    assert len(rises) == 5 and min(np.diff([0] + rises)) > 100
    assert ntm.rise(ntm.Curriculum(2, 0.2, 0), 0.3, 5000, ntm.Config()).level == 2


# ---------------------------------------------------------------- the experiment
def test_gradients_are_clipped():
    grads = {"A": np.array([3.0]), "B": np.array([4.0]), "c": np.array([7.0])}
    ntm.clip(grads, "AB", 1.0)
    assert grads["A"][0] == pytest.approx(0.6) and grads["B"][0] == pytest.approx(0.8) and grads["c"][0] == 7


def test_nothing_is_learned_without_learning():
    config = replace(ntm.ARMS["short-copy-direct"].config, rate=0.0, batch=50, updates=150)
    metrics, _ = ntm.learn(config, 0)
    assert metrics["solved"] == 0 and metrics["wrong"] > 0.6 and metrics["level"] < 0.5


def test_cells_are_deterministic():
    for arm in ntm.PRESETS["quick"]:
        one, two = (ntm.run_cell(ntm.ARMS[arm], 7) for _ in range(2))
        assert {**one, "seconds": 0} == {**two, "seconds": 0}


@pytest.mark.parametrize("arm", ["quick-learn", "quick-memory"])
def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path, monkeypatch, arm):
    monkeypatch.setattr(ntm, "SAVE_SECONDS", 0)
    config, file = replace(ntm.ARMS[arm].config, updates=30), tmp_path / "run.npz"
    for snapshot in ntm.train(config, 1, checkpoint=file):
        if snapshot.step == 13:
            break                                                                 # interrupted
    whole = ntm.run_cell(ntm.Arm(ntm.learn, config), 1)
    for _ in range(2):                                                            # the second time after its last step
        resumed = ntm.run_cell(ntm.Arm(ntm.learn, config), 1, file)
        assert {**resumed, "seconds": 0} == {**whole, "seconds": 0}
    with pytest.raises(OSError, match="another run"):
        next(ntm.train(config, 2, checkpoint=file))


def test_the_quick_preset_runs(capsys):
    assert ntm.main(["--preset", "quick"]) == 0
    assert "claim nothing" in capsys.readouterr().out


def bench(updates=40):
    """Print CPU milliseconds of an update of 200 episodes, untrained, by task: at difficulty 1, and at the largest."""
    for task, config in ntm.TASKS.items():
        for name, settings in (("at the start", {}), ("at full length", dict(curriculum=False))):
            run = ntm.train(replace(config, **settings), 1000)
            next(run)
            start = time.process_time()
            for _ in range(updates):
                next(run)
            print(f"{task}, {name}: {(time.process_time() - start) / updates * 1e3:.1f} ms an update")


if __name__ == "__main__":
    bench()
