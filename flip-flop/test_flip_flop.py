"""Tests of flip-flop: python3 -m pytest test_flip_flop.py"""
import flip_flop as ff                                                            # first: it sets the threads

import re
from dataclasses import fields, replace
from itertools import product

import numpy as np
import pytest

SMALL = ff.Config(nets=2, steps=1000, test_every=1000)

# --- idiom: gradient_check ---
def gradient_error(loss, params, grads, entries=30, eps=1e-5):
    """Compare grads with central differences of loss() at up to `entries` random places of each float64 array.

    loss() reads the live params. Returns the largest |difference| / (|analytic| + |numeric| + 1e-6).
    """
    rng, worst = np.random.default_rng(0), 0.0
    for name, value in params.items():
        for place in rng.permutation(value.size)[:entries]:
            index = np.unravel_index(place, value.shape)
            kept = value[index]
            value[index] = kept + eps
            above = loss()
            value[index] = kept - eps
            below = loss()
            value[index] = kept
            numeric, analytic = (above - below) / (2 * eps), grads[name][index]
            worst = max(worst, abs(numeric - analytic) / (abs(numeric) + abs(analytic) + 1e-6))
    return worst
# --- end of idiom ---


def life(config, seed, steps, dtype=np.float64):
    """Fresh lanes and the events, targets and noise of their first steps."""
    rng = np.random.default_rng(seed)
    lanes = ff.init(config, [np.random.default_rng([seed, i]) for i in range(config.nets)], dtype)
    events = rng.integers(3, size=(steps, config.nets))
    targets, _ = ff.make_targets(config.task, events, lanes.armed)
    noise = np.stack([rng.standard_normal(events.shape), rng.random(events.shape)], -1)
    return lanes, events, targets, noise


def f(net):
    return 1 / (1 + np.exp(-net))


def plain_model(W, x, z, start=None):
    """M, one net, tick by tick, written once more: x (T, 4), z (T,). Returns the activations after each step (T, m)."""
    m = np.zeros(len(W)) if start is None else start
    history = []
    for now, out in zip(x, z):
        for _ in range(ff.TICKS):
            m = f(W @ np.concatenate([m, now, [out, 1]]))
        history.append(m)
    return np.array(history)


def plain_world(V, W, x, nu, reference=None):
    """C and M in the world that M imagines, one net: the real inputs x (T, 4), moved by as much as M's predictions have
    moved from `reference` (T, m); z is a function of the noise nu (T,). Returns M's activations (T, m), z and x."""
    c, m = np.zeros(len(V)), np.zeros(len(W))
    history, outputs = [], []
    for t, (now, noise) in enumerate(zip(x, nu)):
        if reference is not None and t:
            now = now + history[-1][:4] - reference[t - 1][:4]
        for _ in range(ff.TICKS):
            c = f(V @ np.concatenate([c, now, [1]]))
        outputs.append(c[0] + c[1] * noise)
        for _ in range(ff.TICKS):
            m = f(W @ np.concatenate([m, now, [outputs[-1], 1]]))
        history.append(m)
    return np.array(history), np.array(outputs)


def inputs_of(events, trace, lane):
    """The inputs (T, 4) that a lane has seen: events and the pain of the step before."""
    x = np.zeros((len(events), 4))
    x[:, :3] = np.eye(4, 3)[events[:, lane]]
    x[1:, ff.PAIN] = trace["pain"][:-1, lane]
    return x


@pytest.mark.parametrize("steps", [1, 2, 12])
def test_rtrl_of_the_model_is_the_gradient_of_its_whole_past(steps):
    config = replace(SMALL, lr_c=0.0, lr_m=0.0, span_m=1.0)
    lanes, events, targets, noise = life(config, 1, steps)
    trace = ff.live(lanes, config, events, targets, noise, learn_c=False)
    for lane in range(config.nets):
        x, W = inputs_of(events, trace, lane), lanes.W[lane]
        pain = ff.PAIN
        assert plain_model(W, x, trace["z"][:, lane])[-1] == pytest.approx(lanes.r[lane, :config.model_units, 0])
        grads = {"W": lanes.P[lane, pain].reshape(W.shape)}
        assert gradient_error(lambda: plain_model(W, x, trace["z"][:, lane])[-1, pain], {"W": W}, grads, 100) < 1e-6


@pytest.mark.parametrize("steps", [1, 2, 12])
def test_rtrl_of_the_controller_is_the_gradient_through_model_and_time(steps):
    """All paths: C's recurrence, z into M through mean and deviation, M's recurrence, M's predictions back into C."""
    config = replace(SMALL, lr_c=0.0, lr_m=0.0, span_c=1.5)
    lanes, events, targets, noise = life(config, 2, steps)
    trace = ff.live(lanes, config, events, targets, noise, learn_m=False)
    for lane in range(config.nets):
        x, V, W, nu = inputs_of(events, trace, lane), lanes.V[lane], lanes.W[lane], noise[:, lane, 0]
        reference, z = plain_world(V, W, x, nu)
        assert z == pytest.approx(trace["z"][:, lane])
        grads = {"V": lanes.R[lane, ff.PAIN].reshape(V.shape)}
        assert gradient_error(lambda: plain_world(V, W, x, nu, reference)[0][-1, ff.PAIN], {"V": V}, grads, 100) < 1e-6


def test_the_straight_through_gradient_of_the_bernoulli_unit():
    """With the sampled z moved by as much as (1 - explore) mu has moved."""
    config = replace(SMALL, output="bernoulli", explore=0.3, lr_c=0.0, lr_m=0.0, nets=1)
    lanes, events, targets, noise = life(config, 3, 1)
    trace = ff.live(lanes, config, events, targets, noise)
    V, W, x, (z,), (mu,) = lanes.V[0], lanes.W[0], inputs_of(events, trace, 0), trace["z"], trace["mu"]

    def predicted():
        c = np.zeros(len(V))
        for _ in range(ff.TICKS):
            c = f(V @ np.concatenate([c, x[0], [1]]))
        return plain_model(W, x, z + (1 - config.explore) * (c[0] - mu))[-1, ff.PAIN]

    grads = {"V": lanes.R[0, ff.PAIN].reshape(V.shape)}
    assert gradient_error(predicted, {"V": V}, grads, 100) < 1e-6


def test_backpropagation_through_time_equals_rtrl():
    """Backpropagation through time, step by step back over 12 steps, gives dy_pain/dW as RTRL does."""
    config = replace(SMALL, lr_c=0.0, lr_m=0.0, nets=1)
    lanes, events, targets, noise = life(config, 4, 12)
    trace = ff.live(lanes, config, events, targets, noise, learn_c=False)
    W, x, z, m = lanes.W[0], inputs_of(events, trace, 0), trace["z"][:, 0], np.zeros(config.model_units)
    tape = []
    for now, out in zip(x, z):
        for _ in range(ff.TICKS):
            source = np.concatenate([m, now, [out, 1]])
            m = f(W @ source)
            tape.append((source, m))
    d_m, d_W = np.eye(config.model_units)[ff.PAIN], np.zeros_like(W)
    for source, m in reversed(tape):
        d_net = d_m * m * (1 - m)
        d_W += np.outer(d_net, source)
        d_m = d_net @ W[:, :config.model_units]
    assert lanes.P[0, ff.PAIN].reshape(W.shape) == pytest.approx(d_W, rel=1e-9, abs=1e-15)


def test_one_step_changes_the_weights_by_the_formula():
    config = replace(SMALL, lr_c=0.7, lr_m=0.4)
    lanes, events, targets, noise = life(config, 5, 1)
    V, W = lanes.V.copy(), lanes.W.copy()
    trace = ff.live(lanes, config, events, targets, noise)
    y, pain = trace["predicted"][0][:, None], trace["pain"][0][:, None]
    assert (V - lanes.V).reshape(len(V), -1) == pytest.approx(0.7 * y * lanes.R[:, ff.PAIN], rel=1e-9)
    assert (lanes.W - W).reshape(len(W), -1) == pytest.approx(0.4 * (pain - y) * lanes.P[:, ff.PAIN], rel=1e-9)


def test_teacher_and_reinforce_follow_their_own_gradients():
    for learner in ("teacher", "reinforce"):
        config = replace(SMALL, learner=learner, lr_c=0.0, nets=1)
        lanes, events, targets, noise = life(config, 6, 5)
        trace = ff.live(lanes, config, events, targets, noise)
        V, x = lanes.V[0], inputs_of(events, trace, 0)

        def last(V=V, x=x):
            c = np.zeros(len(V))
            for now in x:
                for _ in range(ff.TICKS):
                    c = f(V @ np.concatenate([c, now, [1]]))
            return c

        for unit in (0, 1):
            grads = {"V": lanes.Q[0, unit].reshape(V.shape)}
            assert gradient_error(lambda: last()[unit], {"V": V}, grads, 100) < 1e-6


def test_targets_agree_with_regular_expressions():
    rng = np.random.default_rng(0)
    events = rng.integers(3, size=(4000, 3))
    for lane, targets in enumerate(ff.make_targets("pulse", events, np.zeros(3, bool))[0].T):
        text = "".join("ABX"[e] for e in events[:, lane])
        first = {match.end() - 1 for match in re.finditer("A[AX]*B", text)}
        assert set(np.flatnonzero(targets)) == first
    events = rng.integers(4, size=(4000, 3))
    for lane, targets in enumerate(ff.make_targets("latch", events, np.ones(3, bool))[0].T):
        text = "".join("ABX."[e] for e in events[:, lane])
        on = [text[:t + 1].rfind("B") > text[:t + 1].rfind("A") for t in range(len(text))]
        assert targets.tolist() == on


def test_a_stream_in_blocks_is_one_stream_and_is_on_one_step_in_six():
    events = np.random.default_rng(1).integers(3, size=(60_000, 2))
    whole, end = ff.make_targets("pulse", events, np.zeros(2, bool))
    armed, parts = np.zeros(2, bool), []
    for block in np.split(events, 60):
        part, armed = ff.make_targets("pulse", block, armed)
        parts.append(part)
    assert np.array_equal(whole, np.concatenate(parts)) and np.array_equal(end, armed)
    assert whole.mean() == pytest.approx(1 / 6, abs=0.004)


def by_hand():
    """A controller of two used units: unit 0 answers, unit 2 remembers A, keeps it, and needs two ticks to forget."""
    V = np.zeros((1, 4, 9))
    V[0, 2, [2, 4, 5, 8]] = 16, 20, -11, -5                  # a bistable loop; one tick of B leaves 1 / 2, two leave 0
    V[0, 0, [2, 5, 8]] = 20, 30, -35
    V[0, 1, 8] = -20
    return V


def test_a_hand_built_controller_solves_every_lag():
    V, s = by_hand(), np.zeros((1, 9, 1))
    s[:, -1] = 1
    errors = ff.evaluate(SMALL, V, s, np.zeros(1), np.zeros(1, bool), [np.random.default_rng(0)], 5000, 0)
    assert errors.tolist() == [0]
    assert (ff.probe_lags(SMALL, V, s, np.zeros(1), 0, probes=20) == 1).all()


def best_rule(rules):
    """Return the best accuracy of rules from event + 3 pain to ON or OFF: the stationary world in closed form."""
    best = 0
    for rule in rules:
        T, right = np.zeros((4, 4)), np.zeros(4)             # states: armed, pain
        for armed, pain, event in product((0, 1), (0, 1), range(3)):
            wrong = rule[event + 3 * pain] != (event == ff.B and armed)
            now = {ff.A: 1, ff.B: 0, ff.X: armed}[event]
            T[2 * armed + pain, 2 * now + wrong] += 1 / 3
            right[2 * armed + pain] += (1 - wrong) / 3
        for start in np.eye(4):
            best = max(best, (start @ np.linalg.matrix_power((T + np.eye(4)) / 2, 300)) @ right)
    return best


def test_no_memoryless_rule_beats_seven_eighths():
    """Without the pain input the bound is 5/6, "always OFF". Pain tells that a B was answered ON in vain just before,
    so that the world is not armed: with it the bound is 7/8."""
    assert best_rule(rule * 2 for rule in product((0, 1), repeat=3)) == pytest.approx(5 / 6)
    assert best_rule(product((0, 1), repeat=6)) == pytest.approx(7 / 8)


def test_before_the_pain_is_felt_the_target_has_no_influence():
    """Two worlds that differ in one target only: activations are equal up to and including the output of that step."""
    config = replace(SMALL, nets=1)
    lanes, events, targets, noise = life(config, 8, 50)
    twin, changed = lanes.take(slice(None)), targets.copy()
    changed[30] = ~changed[30]
    one, two = ff.live(lanes, config, events, targets, noise), ff.live(twin, config, events, changed, noise)
    for name in ("mu", "sigma", "z", "predicted"):
        assert np.array_equal(one[name][:31], two[name][:31])
    assert not np.array_equal(one["mu"][31:], two["mu"][31:])


def test_a_net_does_not_depend_on_those_beside_it():
    *_, many = ff.train(replace(SMALL, nets=5, steps=2000), 5)
    *_, few = ff.train(replace(SMALL, nets=2, steps=2000), 5)
    for block in fields(ff.Lanes):
        assert np.array_equal(getattr(many.lanes, block.name)[:2], getattr(few.lanes, block.name))


def test_skipping_a_constant_rest_of_a_lag_changes_nothing(monkeypatch):
    """Random nets, lags short enough to walk: with and without the short cut."""
    monkeypatch.setattr(ff, "LAGS", (5, 400))
    lanes = ff.init(replace(SMALL, nets=8, span_c=6.0), [np.random.default_rng([9, i]) for i in range(8)])
    short = ff.probe_lags(SMALL, lanes.V, lanes.s, lanes.pain, 0, probes=10)
    monkeypatch.setattr(np, "array_equal", lambda *_: False)
    assert (short == ff.probe_lags(SMALL, lanes.V, lanes.s, lanes.pain, 0, probes=10)).all()


def test_cells_are_deterministic():
    one, two = (ff.run_cell(ff.ARMS["quick-model"], 7) for _ in range(2))
    assert {**one, "seconds": 0} == {**two, "seconds": 0}


def test_nets_that_do_not_learn_solve_nothing():
    metrics, _ = ff.stream(replace(SMALL, nets=40, lr_c=0.0, lr_m=0.0), 0)
    assert np.isnan(metrics["steps"]).all() and metrics["accuracy"].max() < 0.9


def test_a_solution_is_found_and_not_when_learning_is_switched_off():
    config = replace(ff.ARMS["teacher"].config, nets=6, steps=6000, test_every=3000, test_steps=2000)
    assert not np.isnan(ff.stream(config, 0)[0]["steps"]).all()
    assert np.isnan(ff.stream(replace(config, lr_c=0.0), 0)[0]["steps"]).all()


def test_the_quick_preset_runs(capsys):
    assert ff.main(["--preset", "quick"]) == 0
    assert "claim nothing" in capsys.readouterr().out
