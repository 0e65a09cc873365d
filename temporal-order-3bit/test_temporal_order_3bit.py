"""Tests of temporal-order-3bit: python3 -m pytest test_temporal_order_3bit.py (python3 test_...py: the speed)"""
import temporal_order_3bit as to                                                  # first: it sets the threads

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
    return f(net) if config.output == "logistic" else np.exp(net) / np.exp(net).sum(), np.array(states), activations


def loss_of(y, classes, config):
    """The loss of outputs (classes, lanes), written once more: half the squared errors, or the cross-entropy."""
    if config.output == "softmax":
        return -np.log(y[classes, np.arange(len(classes))]).sum()
    return ((y - np.eye(len(y))[:, classes])**2).sum() / 2


def problem(config, net=to.LSTM, seed=0, away=0.6):
    """Return float64 weights well away from 0, a tape, and one update's symbols, lengths and classes."""
    weights, data, _ = to.streams(config, seed)
    rng = np.random.default_rng(seed)
    params = {n: w.astype(float) + rng.uniform(-away, away, w.shape) for n, w in net.init(weights, config).items()}
    batch = to.make_batch(config.length, data, config.batch, config.batch)
    tape = net.tape(config, config.trials * config.batch, config.trials, float)
    return params, tape, *(part[0] for part in batch[:3])


def hand_set(generators, config):
    """Weights that solve the task as the paper's type 0: block 1 takes the first symbol, shuts behind it and opens
    block 2. Both input gates need an X or Y; what the first cell of block 1 shows for X and -X for Y, the second shows
    positive in both cases, as a sign that the block is full."""
    params = {name: np.zeros_like(w) for name, w in to.lstm_init(generators, config).items()}
    X, Y, b, V = (params[name] for name in "XYbV")
    X[6, 0] = X[6, 2] = 40                                                        # X writes +2 to cells 1 and 3
    X[7, 0] = X[7, 2] = -40                                                       # Y writes -2
    X[6:8, 1] = 40                                                                # cell 2: block 1 is full
    X[6:8, 4:6], b[4:6] = 200, -100                                               # input gates open at X and Y,
    Y[5, 4], Y[5, 5], b[5] = -400, 200, -300                                      # block 2 only if block 1 is full,
    b[6:8] = 40                                                                   # block 1 if not; output gates open
    for k in range(4):                                                            # 2 f(2) - 1 = 0.76 a symbol
        V[0, k], V[2, k], V[4, k] = (40 * (1 - 2 * (k >> 1)), 40 * (1 - 2 * (k & 1)), -30)
    return params


@pytest.mark.parametrize("output", ["logistic", "softmax"])
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


@pytest.mark.parametrize("output", ["logistic", "softmax"])
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


@pytest.mark.parametrize("output", ["logistic", "softmax"])
@pytest.mark.parametrize("self_weight", [1.0, 0.875])
def test_the_truncated_gradient_is_that_of_a_net_whose_last_activations_are_constants(output, self_weight):
    config = replace(SMALL, output=output, trials=1, batch=3, self_weight=self_weight)
    params, tape, symbols, lengths, classes = problem(config)
    y = to.lstm_forward(params, tape, symbols, lengths, config)
    grads = to.lstm_backward(params, tape, symbols, lengths, y, classes, config)
    sequences = [symbols[:length, lane] for lane, length in enumerate(lengths)]
    replays = [plain(params, 0, sequence, config)[2] for sequence in sequences]

    def loss():
        y = np.array([plain(params, 0, *pair[:1], config, pair[1])[0] for pair in zip(sequences, replays)]).T
        return loss_of(y, classes, config) / config.batch

    assert gradient_error(loss, params, grads, entries=10) < 1e-6


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
    assert sum(w[..., 0].size for w in params.values()) == 156
    assert sum(w[..., 0].size for w in to.rnn_init(to.streams(config, 0)[0], config).values()) == 202
    assert (params["b"][4] == -2).all() and (params["b"][5] == -4).all()
    params["b"][4:6] = 0
    assert all(abs(w).max() <= 0.1 and abs(w.mean()) < 0.005 for w in params.values())


@pytest.mark.parametrize("length", [20, 100])
def test_sequences_are_those_of_section_5_6(length):
    rng, count = [np.random.default_rng(i) for i in range(2)], 1500
    batch = to.make_batch(length, rng, count, batch=3)
    seen = []
    assert batch.symbols.shape == (count // 3, length + length // 10, 6)
    for update, lane in np.ndindex(batch.lengths.shape):
        n = batch.lengths[update, lane]
        text = "".join(to.SYMBOLS[symbol] for symbol in batch.symbols[update, :n, lane])
        found = re.fullmatch("E([abcd]*)([XY])([abcd]*)([XY])[abcd]*B", text)
        first = 1 + len(found[1])                                                 # E has place 0
        second = first + 1 + len(found[3])
        assert batch.places[update, :, lane].tolist() == [first, second]
        assert to.CLASSES[batch.classes[update, lane]] == found[2] + found[4]
        seen.append((first + 1, second + 1, n, batch.classes[update, lane]))      # steps count from 1
    share = length // 10
    for values, expected in zip(zip(*seen), (range(share, 2 * share + 1), range(5 * share, 6 * share + 1),
                                             range(length, length + share + 1), range(4))):
        counts = np.array([values.count(value) for value in expected])
        assert counts.sum() == 2 * count                                          # chi-square, 99.99 % of its law
        assert ((counts - counts.mean())**2).sum() / counts.mean() < len(counts) - 1 + 4 * (2 * len(counts))**0.5


def test_the_shelves_of_the_task():
    """Half the squared error and the share right of the best answers that know none, one and both of the symbols."""
    classes = to.make_batch(100, [np.random.default_rng(0)], 4000).classes[:, 0]
    halves = np.where(np.arange(4)[:, None] // 2 == classes // 2, 0.5, 0)
    for y, shelf in ((np.full((4, 4000), 0.25), 0.375), (halves, 0.25), (np.eye(4)[:, classes], 0)):
        assert (to.output_errors(y, classes)**2).sum(0).mean() / 2 == pytest.approx(shelf)


def test_an_answer_needs_every_unit_within_0_3(monkeypatch):
    config, answers = replace(SMALL, trials=1, batch=1), []
    for off, right in ((0.29, True), (0.31, False), (0.35, False)):
        y = np.zeros((4, 1))
        y[2] = 1
        y[2 if off == 0.35 else 0] += -off if off == 0.35 else off                # 0.35: still the most active unit
        assert y.argmax() == 2
        batch = to.Batch(None, None, np.array([[2]]), None)
        monkeypatch.setattr(to, "tests", lambda *_, y=y, **__: [(batch, None, y[:, None])])
        answers.append(to.share_wrong(None, config, 0)[0] == (not right))
    assert all(answers)


def test_exchanging_x_and_y_is_a_symmetry_of_the_loss():
    params, tape, symbols, lengths, classes = problem(SMALL)
    y = to.lstm_forward(params, tape, symbols, lengths, SMALL)
    grads = to.lstm_backward(params, tape, symbols, lengths, y, classes, SMALL)
    other = {name: w.copy() for name, w in params.items()}
    other["X"][[6, 7]], other["V"] = params["X"][[7, 6]], params["V"][:, ::-1].copy()
    exchanged = np.where(symbols == 6, 7, np.where(symbols == 7, 6, symbols))
    mirrored = to.lstm_forward(other, tape, exchanged, lengths, SMALL)
    assert mirrored[::-1] == pytest.approx(y, rel=1e-12)
    there = to.lstm_backward(other, tape, exchanged, lengths, mirrored, 3 - classes, SMALL)
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


def test_hand_set_weights_solve_the_task_and_need_both_blocks():
    config = replace(SMALL, length=100, trials=1, output="logistic")
    params = hand_set(to.streams(config, 0)[0], config)
    assert to.share_wrong(params, config, 0, count=9984) == 0
    assert to.one_block(params, config, 0) < 0.6
    inputs, cells = to.parts(config)[1], to.parts(config)[0]
    assert to.share_wrong(to.cut(params, config, inputs), config, 0, count=640) > 0.2
    assert to.share_wrong(to.cut(params, config, cells), config, 0, count=640) == 0


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
    for arm in ("lstm", "fast"):
        config = replace(to.ARMS[arm].config, length=20, trials=3, rate=0.0, sequences=400)
        _, metrics, _ = to.evaluate(config, 0, to.LSTM)
        assert not metrics["solved"].any() and np.isnan(metrics["sequences"]).all()
        assert metrics["wrong"].min() > 2000 and metrics["accuracy"].max() < 0.4


def test_gradients_are_clipped_trial_by_trial():
    grads = {"X": np.array([[3.0, 0.3], [0.0, 0.0]]), "b": np.array([[4.0, 0.4]])}
    to.clip(grads, 1.0)
    assert grads["X"][0] == pytest.approx([0.6, 0.3]) and grads["b"][0] == pytest.approx([0.8, 0.4])


@pytest.mark.parametrize("arm", to.PRESETS["quick"])
def test_cells_are_deterministic(arm):
    one, two = (to.run_cell(to.ARMS[arm], 7) for _ in range(2))
    assert {**one, "seconds": 0} == {**two, "seconds": 0}


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

    for trials, batch in ((1, 1), (20, 1), (10, 8), (10, 32)):
        config = replace(to.FAST, trials=trials, batch=batch)
        params, _, symbols, lengths, classes = problem(config, away=0)
        params = {n: w.astype(np.float32) for n, w in params.items()}
        tape = to.lstm_tape(config, trials * batch, trials)

        def work():
            y = to.lstm_forward(params, tape, symbols, lengths, config)
            to.lstm_backward(params, tape, symbols, lengths, y, classes, config)

        print(f"{trials} trials x {batch}: {rate(work, lengths.sum()):.2f} M steps/s")
    only = symbols[:lengths[0], 0]
    print(f"plain loop, forward only: {rate(lambda: plain(params, 0, only, config), len(only)):.3f} M steps/s")


if __name__ == "__main__":
    bench()
