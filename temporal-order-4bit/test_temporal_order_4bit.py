"""Tests of temporal-order-4bit: python3 -m pytest test_temporal_order_4bit.py (python3 test_...py: the speed)"""
import temporal_order_4bit as to                                                  # first: it sets the threads

import math
import re
import time
from dataclasses import replace

import numpy as np
import pytest

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

SMALL = replace(to.FAST, length=30, trials=3, batch=2, sequences=300)
NETS = {"lstm": to.LSTM, "rnn": to.RNN}


def f(x):
    return 1 / (1 + np.exp(-x))


def plain(params, trial, symbols, config, replay=None):
    """The net of the paper, gate by gate, for one trial and one sequence (steps,): outputs, states (steps, C), and the
    hidden activations that each step reads (steps, units). replay: activations to read instead, as constants."""
    X, Y, b, V = (params[name][..., trial] for name in "XYbV")
    B, C = config.blocks, config.blocks * config.cells
    s, hidden, states, activations = np.zeros(C), np.zeros(2 * B + C), [], []
    for t, symbol in enumerate(symbols):
        read = hidden if replay is None else replay[t]
        net = np.array([X[symbol, unit] + Y[:, unit] @ read + b[unit] for unit in range(len(b))])
        y_in, y_out, y_c = f(net[C:C + B]), f(net[C + B:]), np.zeros(C)
        for v in range(C):
            s[v] = config.self_weight * s[v] + y_in[v // config.cells] * (4 * f(net[v]) - 2)
            y_c[v] = y_out[v // config.cells] * (2 * f(s[v]) - 1)
        activations.append(hidden)
        hidden = np.concatenate([y_in, y_out, y_c])
        states.append(s.copy())
    net = V[:C].T @ y_c + V[C]
    return f(net) if config.output != "softmax" else np.exp(net) / np.exp(net).sum(), np.array(states), activations


def loss_of(y, classes, config):
    """The loss of outputs (classes, lanes), written once more: half the squared errors, or a cross-entropy."""
    targets = np.eye(len(y))[:, classes]
    if config.output == "softmax":
        return -(targets * np.log(y)).sum()
    if config.output == "entropy":
        return -(targets * np.log(y) + (1 - targets) * np.log(1 - y)).sum()
    return ((y - targets)**2).sum() / 2


def problem(config, net=to.LSTM, seed=0, away=0.6):
    """Return float64 weights well away from 0, a tape, and one update's symbols, lengths and classes."""
    weights, data, _ = to.streams(config, seed)
    rng = np.random.default_rng(seed)
    params = {n: w.astype(float) + rng.uniform(-away, away, w.shape) for n, w in net.init(weights, config).items()}
    batch = to.make_batch(config, data, config.batch, config.batch)
    return params, net.tape(config, config.trials * config.batch, float), *(part[0] for part in batch[:3])


def hand_set(generators, config):
    """Weights that solve the task with one block for each symbol: a block opens at an X or Y if the blocks before it
    are full and it is not; its first cell says +2 for X and -2 for Y, its second that the block is full."""
    params = {name: np.zeros_like(w) for name, w in to.lstm_init(generators, config).items()}
    X, Y, b, V = (params[name] for name in "XYbV")
    blocks = config.blocks
    full = [2 * blocks + 2 * block + 1 for block in range(blocks)]                # rows of Y: the blocks' second cells
    b[-blocks:] = 40                                                              # output gates open
    for block in range(blocks):
        gate = 2 * blocks + block
        X[6, 2 * block], X[7, 2 * block], X[6:8, 2 * block + 1] = 40, -40, 40
        X[6:8, gate], b[gate] = 200, -100 - 200 * block
        Y[full[block], gate] = -400
        for before in full[:block]:
            Y[before, gate] = 300                                                 # 2 f(2) - 1 = 0.76 of it
        for k in range(2**config.symbols):
            V[2 * block, k] = 40 * (1 - 2 * (k >> blocks - 1 - block & 1))
    V[-1] = -76                                                                   # between two and three right ones
    return params


@pytest.mark.parametrize("output", ["logistic", "entropy", "softmax"])
@pytest.mark.parametrize("shape", [{}, {"blocks": 1, "cells": 3, "self_weight": 0.875}])
def test_the_lanes_equal_the_paper_gate_by_gate(output, shape):
    config = replace(SMALL, output=output, **shape)
    params, tape, symbols, lengths, _ = problem(config)
    y = to.lstm_forward(params, tape, symbols, lengths, config)
    assert len(set(lengths)) > 1
    for lane, length in enumerate(lengths):
        expected, states, activations = plain(params, lane // config.batch, symbols[:length, lane], config)
        assert y[:, lane] == pytest.approx(expected, rel=1e-11)
        assert 2 * tape.S[1:length + 1, :, lane] == pytest.approx(states, rel=1e-9, abs=1e-12)
        assert tape.U[:length, to.parts(config)[4], lane] == pytest.approx(np.array(activations), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("output", ["logistic", "entropy", "softmax"])
@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("shape", [{}, {"blocks": 1, "cells": 3, "self_weight": 0.875}])
def test_the_full_gradient_equals_central_differences(name, output, shape):
    net, config = NETS[name], replace(SMALL, length=20, trials=1, batch=4, gradient="full", output=output, **shape)
    params, tape, symbols, lengths, classes = problem(config, net)

    def loss():
        return loss_of(net.forward(params, tape, symbols, lengths, config), classes, config) / config.batch

    y = net.forward(params, tape, symbols, lengths, config)
    grads = net.backward(params, tape, symbols, lengths, y, classes, config)
    eps = 1e-4 if name == "lstm" else 1e-5                                        # the cells' errors are small
    assert gradient_error(loss, params, grads, eps=eps) < 1e-6


@pytest.mark.parametrize("output", ["logistic", "entropy", "softmax"])
@pytest.mark.parametrize("self_weight", [1.0, 0.875])
def test_the_truncated_gradient_is_that_of_a_net_whose_last_activations_are_constants(output, self_weight):
    config = replace(SMALL, blocks=2, length=20, output=output, trials=1, batch=3, self_weight=self_weight)
    params, tape, symbols, lengths, classes = problem(config)
    y = to.lstm_forward(params, tape, symbols, lengths, config)
    grads = to.lstm_backward(params, tape, symbols, lengths, y, classes, config)
    sequences = [symbols[:length, lane] for lane, length in enumerate(lengths)]
    replays = [plain(params, 0, sequence, config)[2] for sequence in sequences]

    def loss():
        y = np.array([plain(params, 0, *pair[:1], config, pair[1])[0] for pair in zip(sequences, replays)]).T
        return loss_of(y, classes, config) / config.batch

    assert gradient_error(loss, params, grads, entries=10, eps=1e-4) < 1e-6


def test_truncated_and_full_gradient_agree_without_recurrent_weights():
    params, tape, symbols, lengths, classes = problem(SMALL)
    params["Y"][:] = 0
    y = to.lstm_forward(params, tape, symbols, lengths, SMALL)
    truncated, full = (to.lstm_backward(params, tape, symbols, lengths, y, classes, replace(SMALL, gradient=kind))
                       for kind in ("truncated", "full"))
    for name in params:
        assert truncated[name] == pytest.approx(full[name], rel=1e-9, abs=1e-14)


def test_the_nets_have_the_papers_weights():
    config = replace(SMALL, trials=400)
    params = to.lstm_init(to.streams(config, 0)[0], config)
    assert sum(w[..., 0].size for w in params.values()) == 308
    assert sum(w[..., 0].size for w in to.rnn_init(to.streams(config, 0)[0], config).values()) == 356
    task_6a = replace(config, symbols=2, blocks=2)
    assert sum(w[..., 0].size for w in to.lstm_init(to.streams(config, 0)[0], task_6a).values()) == 156
    assert (params["b"][6:9] == [[-2], [-4], [-6]]).all()
    params["b"][6:9] = 0
    assert all(abs(w).max() <= 0.1 and abs(w.mean()) < 0.005 for w in params.values())


@pytest.mark.parametrize("symbols, length, windows", [
    (2, 100, ((10, 20), (50, 60))), (3, 100, ((10, 20), (33, 43), (66, 76))), (3, 26, ((2, 5), (8, 11), (17, 19))),
    (4, 130, ((10, 20), (33, 43), (66, 76), (99, 109)))])
def test_sequences_are_those_of_section_5_6(symbols, length, windows):
    rng, count = [np.random.default_rng(i) for i in range(2)], 900
    batch = to.make_batch(replace(SMALL, symbols=symbols, length=length), rng, count, batch=3)
    seen, pattern = [], "E" + symbols * "[abcd]*([XY])" + "[abcd]*B"
    assert batch.symbols.shape == (count // 3, length + length // 10, 6)
    for update, lane in np.ndindex(batch.lengths.shape):
        n = batch.lengths[update, lane]
        found = re.fullmatch(pattern, "".join(to.SYMBOLS[symbol] for symbol in batch.symbols[update, :n, lane]))
        places = [found.start(k + 1) for k in range(symbols)]
        assert batch.places[update, :, lane].tolist() == places
        assert to.class_names(symbols)[batch.classes[update, lane]] == "".join(found.groups())
        seen.append((*(place + 1 for place in places), n, batch.classes[update, lane]))    # steps count from 1
    laws = (*(range(low, high + 1) for low, high in windows), range(length, length + length // 10 + 1),
            range(2**symbols))
    for values, expected in zip(zip(*seen), laws):
        counts = np.array([values.count(value) for value in expected])
        assert counts.sum() == 2 * count                                          # chi-square, 99.99 % of its law
        assert ((counts - counts.mean())**2).sum() / counts.mean() < len(counts) - 1 + 4 * (2 * len(counts))**0.5


def test_other_numbers_of_symbols_are_refused():
    with pytest.raises(OSError, match="2, 3, 4 symbols"):
        to.make_batch(replace(SMALL, symbols=5), [np.random.default_rng(0)], 1)


def test_the_shelves_of_the_task():
    """Half the squared error and the cross-entropy of the best answers that know 0, 1, 2 and 3 of the symbols."""
    config = replace(SMALL, output="softmax")
    classes = to.make_batch(config, [np.random.default_rng(0)], 4000).classes[:, 0]
    for known, shelf in enumerate((7 / 16, 3 / 8, 1 / 4, 0)):
        y = np.where(np.arange(8)[:, None] >> 3 - known == classes >> 3 - known, 2.0**(known - 3), 0)
        assert (to.output_errors(y, classes)**2).sum(0).mean() / 2 == pytest.approx(shelf)
        assert loss_of(np.maximum(y, 1e-300), classes, config) / 4000 == pytest.approx((3 - known) * math.log(2))


@pytest.mark.parametrize("off, right", [(0.29, True), (0.31, False), (-0.35, False)])
def test_an_answer_needs_every_unit_within_0_3(monkeypatch, off, right):
    config = replace(SMALL, trials=1)
    classes = np.arange(32) % 8
    y, batch = np.eye(8)[:, classes], to.Batch(None, None, classes[None], None)
    y[classes if off < 0 else (classes + 1) % 8, np.arange(32)] += off            # the right unit stays the largest
    monkeypatch.setattr(to, "tests", lambda *_, **__: [(batch, None, y[:, None])])
    monkeypatch.setattr(to, "train", lambda *_: iter([to.Snapshot(0, {}, [np.zeros(1)], np.full(1, np.nan))]))
    _, metrics, _ = to.evaluate(config, 0, to.LSTM)
    assert metrics["accuracy"] == 1 and metrics["wrong"] == (0 if right else 32)


def test_exchanging_x_and_y_is_a_symmetry_of_the_loss():
    params, tape, symbols, lengths, classes = problem(SMALL)
    y = to.lstm_forward(params, tape, symbols, lengths, SMALL)
    grads = to.lstm_backward(params, tape, symbols, lengths, y, classes, SMALL)
    other = {name: w.copy() for name, w in params.items()}
    other["X"][[6, 7]], other["V"] = params["X"][[7, 6]], params["V"][:, ::-1].copy()
    exchanged = np.where(symbols == 6, 7, np.where(symbols == 7, 6, symbols))
    mirrored = to.lstm_forward(other, tape, exchanged, lengths, SMALL)
    assert mirrored[::-1] == pytest.approx(y, rel=1e-12)
    there = to.lstm_backward(other, tape, exchanged, lengths, mirrored, 7 - classes, SMALL)
    assert there["Y"] == pytest.approx(grads["Y"], rel=1e-9, abs=1e-14)
    assert there["X"][[7, 6]] == pytest.approx(grads["X"][[6, 7]], rel=1e-9, abs=1e-14)


def test_a_trial_does_not_depend_on_those_beside_it(monkeypatch):
    tape, init = to.lstm_tape, to.lstm_init
    net = to.LSTM._replace(tape=lambda *args: tape(*args, float), init=lambda *args: {
        name: w.astype(float) for name, w in init(*args).items()})
    for rule in ("sgd", "adam"):
        config = replace(SMALL, rule=rule, rate=0.05, sequences=50)
        *_, many = to.train(config, 5, net)
        *_, few = to.train(replace(config, trials=1), 5, net)
        assert few.step == 50
        for name, w in few.params.items():
            assert many.params[name][..., :1] == pytest.approx(w, rel=1e-8, abs=1e-11)


def test_hand_set_weights_solve_the_task_with_a_block_for_each_symbol():
    config = replace(SMALL, length=100, trials=1, output="logistic")
    params = hand_set(to.streams(config, 0)[0], config)
    for batch, _, y in to.tests(params, config, 0):
        assert abs(to.output_errors(y[:, 0], batch.classes[0])).max() < to.CORRECT
    shares = to.code(params, config, 0)[0]                                        # (blocks, subsets)
    expected = np.zeros((3, 7))
    expected[[0, 1, 2], [3, 1, 0]] = 1                                            # subsets 4, 2, 1: single symbols
    assert shares == pytest.approx(expected, abs=0.02)


def test_the_code_finds_products():
    """A block whose state is the product of the last two symbols, another with no code."""
    config = replace(SMALL, trials=1, blocks=2, cells=1)

    def lanes(*_, **__):
        rng = np.random.default_rng(0)
        classes = rng.integers(8, size=4096)
        S = rng.standard_normal((2, 2, 4096))
        S[1, 0] = 3 * (1 - 2 * (classes & 1)) * (1 - (classes & 2)) + 5
        batch = to.Batch(None, np.ones((1, 4096), int), classes[None], None)
        return [(batch, to.Tape(None, None, S, None, None), None)]

    kept, to.tests = to.tests, lanes
    try:
        shares = to.code(None, config, 0)[0]
    finally:
        to.tests = kept
    assert shares[0, 2] == pytest.approx(1, abs=0.05) and shares[1].max() < 0.02


def test_a_trial_stops_after_2000_right_answers_and_is_frozen():
    def init(generators, config):
        mixed = to.lstm_init(generators, config)
        for name, w in hand_set(generators, config).items():
            mixed[name][..., 1] = w[..., 1]
        return mixed

    config = replace(SMALL, length=20, batch=8, sequences=2400, rate=1e-5)
    *_, last = to.train(config, 0, to.LSTM._replace(init=init))
    assert np.isnan(last.stopped[[0, 2]]).all() and last.stopped[1] == 2000
    *_, earlier = to.train(replace(config, sequences=2000), 0, to.LSTM._replace(init=init))
    *_, others = to.train(config, 0)
    for name, w in last.params.items():
        assert np.array_equal(w[..., 1], earlier.params[name][..., 1])
        assert not np.array_equal(w[..., 0], earlier.params[name][..., 0])
        assert w[..., [0, 2]] == pytest.approx(others.params[name][..., [0, 2]], rel=1e-3, abs=1e-5)


def test_nothing_is_solved_without_learning(monkeypatch):
    monkeypatch.setattr(to, "WINDOW", 200)
    for arm in ("lstm", "entropy", "fast"):
        config = replace(to.ARMS[arm].config, length=20, trials=3, rate=0.0, sequences=400)
        _, metrics, _ = to.evaluate(config, 0, to.LSTM)
        assert not metrics["solved"].any() and np.isnan(metrics["sequences"]).all()
        assert metrics["wrong"].min() > 2000 and metrics["accuracy"].max() < 0.25


def test_gradients_are_clipped_trial_by_trial():
    grads = {"X": np.array([[3.0, 0.3], [0.0, 0.0]]), "b": np.array([[4.0, 0.4]])}
    to.clip(grads, 1.0)
    assert grads["X"][0] == pytest.approx([0.6, 0.3]) and grads["b"][0] == pytest.approx([0.8, 0.4])


@pytest.mark.parametrize("arm", to.PRESETS["quick"])
def test_cells_are_deterministic(arm):
    one, two = (to.run_cell(to.ARMS[arm], 7) for _ in range(2))
    assert {**one, "seconds": 0} == {**two, "seconds": 0}


@pytest.mark.parametrize("rule", ["sgd", "adam"])
def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path, monkeypatch, rule):
    monkeypatch.setattr(to, "SAVE_SECONDS", 0)
    config, file = replace(SMALL, rule=rule), tmp_path / "run.npz"
    for snapshot in to.train(config, 1, checkpoint=file):
        if snapshot.step >= 100:
            break                                                                 # interrupted
    resumed = to.run_cell(to.Arm(to.lstm, config), 1, file)
    assert {**resumed, "seconds": 0} == {**to.run_cell(to.Arm(to.lstm, config), 1), "seconds": 0}
    with pytest.raises(OSError, match="another run"):
        next(to.train(config, 2, checkpoint=file))


def test_the_quick_preset_runs(capsys):
    assert to.main(["--preset", "quick"]) == 0
    assert "claim nothing" in capsys.readouterr().out


def bench(seconds=2.0):
    """Print millions of sequence steps (forward, truncated gradient) a second for lanes, and for the plain loop."""
    def rate(work, steps):
        count, start = 0, time.process_time()
        while time.process_time() - start < seconds:
            work()
            count += 1
        return count * steps / (time.process_time() - start) / 1e6

    for trials, batch in ((1, 1), (10, 1), (5, 8), (10, 32)):
        config = replace(to.FAST, trials=trials, batch=batch)
        params, _, symbols, lengths, classes = problem(config, away=0)
        params, tape = {n: w.astype(np.float32) for n, w in params.items()}, to.lstm_tape(config, trials * batch)

        def work():
            y = to.lstm_forward(params, tape, symbols, lengths, config)
            to.lstm_backward(params, tape, symbols, lengths, y, classes, config)

        print(f"{trials} trials x {batch}: {rate(work, lengths.sum()):.2f} M steps/s")
    only = symbols[:lengths[0], 0]
    print(f"plain loop, forward only: {rate(lambda: plain(params, 0, only, config), len(only)):.3f} M steps/s")


if __name__ == "__main__":
    bench()
