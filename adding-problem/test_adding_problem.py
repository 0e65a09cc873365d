"""Tests of adding-problem: python3 -m pytest test_adding_problem.py (python3 test_adding_problem.py: the speed)"""
import adding_problem as add                                                      # first: it sets the threads

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

SMALL = replace(add.FAST, length=30, trials=3, batch=2, sequences=300)
NETS = {"lstm": add.LSTM, "rnn": add.RNN}


def f(x):
    return 1 / (1 + np.exp(-x))


def plain(W, V, inputs, config, replay=None):
    """The net of the paper, gate by gate, for one trial and one sequence (steps, 2): output, states (steps, 4), and
    the hidden activations that each step reads (steps, 8). replay: activations to read instead, as constants."""
    s, hidden, states, activations = np.zeros(4), np.zeros(8), [], []
    for t, x in enumerate(inputs):
        source = np.concatenate([hidden if replay is None else replay[t], x, [1.0]])
        y_in, y_out = np.zeros(2), np.zeros(2)
        for block in range(2):
            y_in[block] = f(W[:, 4 + block] @ source)
            y_out[block] = f(W[:, 6 + block] @ source)
        y_c = np.zeros(4)
        for v in range(4):
            s[v] = config.self_weight * s[v] + y_in[v // 2] * (4 * f(W[:, v] @ source) - 2)
            y_c[v] = y_out[v // 2] * (2 * f(s[v]) - 1)
        activations.append(hidden)
        hidden = np.concatenate([y_in, y_out, y_c])
        states.append(s.copy())
    net = V[:4] @ y_c + V[4]
    return f(net) if config.output == "logistic" else net, np.array(states), np.array(activations)


def problem(config, net=add.LSTM, seed=0, spread=0.6):
    """Return float64 weights well away from 0, a tape, and one update's inputs, lengths and targets."""
    weights, data, _ = add.streams(config, seed)
    rng = np.random.default_rng(seed)
    params = {n: w.astype(float) + rng.uniform(-spread, spread, w.shape) for n, w in net.init(weights).items()}
    batch = add.make_batch(config.length, data, config.batch, config.batch)
    tape = net.tape(config.length + config.length // 10, config.trials * config.batch, float)
    return params, tape, batch.inputs[0].astype(float), batch.lengths[0], batch.targets[0].astype(float)


def hand_set(generators):
    """Weights that solve the task: the gate opens on the marker, a small signal stays where all squashing is linear."""
    params = {n: 0 * w for n, w in add.lstm_init(generators).items()}
    params["W"][8, 0] = 0.02                                                      # the value, to the first cell
    params["W"][9, 4], params["W"][10, 4:6], params["W"][10, 6] = 80, -40, 40     # the marker, to the first input gate
    params["V"][0], params["V"][4] = 25, 0.5
    return params


@pytest.mark.parametrize("output", ["logistic", "linear"])
def test_the_lanes_equal_the_paper_gate_by_gate(output):
    for self_weight in (1.0, 0.75):
        config = replace(SMALL, output=output, self_weight=self_weight)
        params, tape, inputs, lengths, _ = problem(config)
        y = add.lstm_forward(params, tape, inputs, lengths, config)
        assert len(set(lengths)) > 1
        for lane, length in enumerate(lengths):
            W, V = (params[n][..., lane // config.batch] for n in "WV")
            expected, states, activations = plain(W, V, inputs[:length, :, lane], config)
            assert y[lane] == pytest.approx(expected, rel=1e-12)
            assert 2 * tape.S[1:length + 1, :, lane] == pytest.approx(states, rel=1e-9, abs=1e-12)
            assert tape.U[:length, 4:12, lane] == pytest.approx(activations, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("output", ["logistic", "linear"])
@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("self_weight", [1.0, 0.75])
def test_the_full_gradient_equals_central_differences(name, output, self_weight):
    net, config = NETS[name], replace(SMALL, gradient="full", output=output, self_weight=self_weight)
    params, tape, inputs, lengths, targets = problem(config, net)

    def loss():
        return ((net.forward(params, tape, inputs, lengths, config) - targets)**2).sum() / 2 / config.batch

    y = net.forward(params, tape, inputs, lengths, config)
    grads = net.backward(params, tape, lengths, y, targets, config)
    assert gradient_error(loss, params, grads) < 1e-6


@pytest.mark.parametrize("self_weight", [1.0, 0.75])
def test_the_truncated_gradient_is_that_of_a_net_whose_last_activations_are_constants(self_weight):
    config = replace(SMALL, output="logistic", trials=1, batch=3, self_weight=self_weight)
    params, tape, inputs, lengths, targets = problem(config)
    y = add.lstm_forward(params, tape, inputs, lengths, config)
    grads = add.lstm_backward(params, tape, lengths, y, targets, config)
    sequences = [inputs[:length, :, lane] for lane, length in enumerate(lengths)]

    def outputs(replays):
        return np.array([plain(params["W"][..., 0], params["V"][:, 0], x, config, r)[0]
                         for x, r in zip(sequences, replays)])

    replays = [tape.U[:length, 4:12, lane].copy() for lane, length in enumerate(lengths)]
    assert gradient_error(lambda: ((outputs(replays) - targets)**2).sum() / 6, params, grads, entries=20) < 1e-6


def test_truncated_and_full_gradient_agree_without_recurrent_weights():
    params, tape, inputs, lengths, targets = problem(SMALL)
    params["W"][:8] = 0
    y = add.lstm_forward(params, tape, inputs, lengths, SMALL)
    truncated, full = (add.lstm_backward(params, tape, lengths, y, targets, replace(SMALL, gradient=kind))
                       for kind in ("truncated", "full"))
    for name in params:
        assert truncated[name] == pytest.approx(full[name], rel=1e-9, abs=1e-14)


def test_the_nets_have_the_papers_weights():
    generators = add.streams(replace(SMALL, trials=400), 0)[0]
    params = add.lstm_init(generators)
    assert sum(w[..., 0].size for w in params.values()) == 93
    assert sum(w[..., 0].size for w in add.rnn_init(generators).values()) == 97
    assert (params["W"][10, 4] == -3).all() and (params["W"][10, 5] == -6).all()
    params["W"][10, 4:6] = 0
    assert all(abs(w).max() < 0.1 and abs(w.mean()) < 0.005 for w in params.values())


@pytest.mark.parametrize("length", [22, 100])
def test_sequences_are_those_of_section_5_4(length):
    rng, count = [np.random.default_rng(i) for i in range(2)], 1500
    batch = add.make_batch(length, rng, count, batch=3)
    longest, half, seen = length + length // 10, length // 2, []
    assert batch.inputs.shape == (count // 3, longest, 2, 6) and abs(batch.inputs[:, :, 0]).max() <= 1
    for update, lane in np.ndindex(batch.lengths.shape):
        n = batch.lengths[update, lane]
        value, marker = batch.inputs[update, :n, :, lane].T
        first, second = batch.marks[update, :, lane]
        assert length <= n <= longest and 0 <= first < 10 and 0 <= second < half - 1 and first != second
        expected = np.zeros(n)
        expected[0] = expected[-1] = -1
        expected[[first, second]] = 1
        assert np.array_equal(marker, expected)
        assert value[0] == 0 or 0 not in (first, second)
        assert batch.targets[update, lane] == pytest.approx(0.5 + value[marker == 1].sum() / 4, abs=1e-6)
        seen.append((first, second, n))
    assert {s[0] for s in seen} == set(range(10)) and {s[2] for s in seen} == set(range(length, longest + 1))


def test_the_floors_of_the_task():
    """At T = 100 a constant answer has mean square error 0.0392, mean error 0.162, and is wrong in 85 of 100 cases."""
    y = add.make_batch(100, [np.random.default_rng(0)], 40_000).targets - 0.5
    silent = 0.1 + 0.9 / 48                                                       # chance that the first pair is drawn
    assert (y**2).mean() == pytest.approx((2 - silent) / 48, rel=0.02)
    assert abs(y).mean() == pytest.approx((1 - silent) / 6 + silent / 8, rel=0.02)
    assert (abs(y) >= add.CORRECT).mean() == pytest.approx((1 - silent) * 0.92**2 + silent * 0.84, abs=0.01)


def test_a_trial_does_not_depend_on_those_beside_it():
    for net in NETS.values():
        *_, many = add.train(replace(SMALL, sequences=100), 5, net)
        *_, few = add.train(replace(SMALL, sequences=100, trials=1), 5, net)
        for name, w in few.params.items():
            assert many.params[name][..., :1] == pytest.approx(w, rel=1e-4, abs=1e-6)


def test_a_closed_gate_keeps_the_state_exactly_and_hand_set_weights_solve_the_longest_task():
    config = replace(SMALL, length=1000, trials=1)
    params = hand_set(add.streams(config, 0)[0])
    (batch, tape, errors), = add.tests(params, config, 0, count=32)
    assert abs(errors).max() < add.CORRECT
    for lane, last in enumerate(batch.marks[0].max(0)):
        states = tape.S[last + 1:batch.lengths[0, lane] + 1, :, lane]
        assert (states == states[0]).all() and states[0, 0] != 0
    assert (add.drift(params, config, 0) == 0).all()


def test_a_trial_stops_after_2000_right_answers_and_is_frozen():
    def init(generators):
        mixed = add.lstm_init(generators)
        for name, w in hand_set(generators).items():
            mixed[name][..., 1] = w[..., 1]
        return mixed

    config = replace(SMALL, batch=8, sequences=2400, rate=1e-5)
    *_, last = add.train(config, 0, add.LSTM._replace(init=init))
    assert np.isnan(last.stopped[[0, 2]]).all() and last.stopped[1] == 2000
    *_, earlier = add.train(replace(config, sequences=2000), 0, add.LSTM._replace(init=init))
    for name, w in last.params.items():
        assert np.array_equal(w[..., 1], earlier.params[name][..., 1])
        assert not np.array_equal(w[..., 0], earlier.params[name][..., 0])


def test_nothing_is_solved_without_learning(monkeypatch):
    monkeypatch.setattr(add, "WINDOW", 200)
    for arm in ("lstm-100", "fast-100"):
        config = replace(add.ARMS[arm].config, length=30, trials=3, rate=0.0, sequences=400)
        _, metrics, _ = add.evaluate(config, 0, add.LSTM)
        assert not metrics["solved"].any() and np.isnan(metrics["sequences"]).all()
        assert metrics["wrong_share"].min() > 0.5


def test_gradients_are_clipped_trial_by_trial():
    grads = {"W": np.array([[3.0, 0.3], [0.0, 0.0]]), "V": np.array([[4.0, 0.4]])}
    add.clip(grads, 1.0)
    assert grads["W"][0] == pytest.approx([0.6, 0.3]) and grads["V"][0] == pytest.approx([0.8, 0.4])


def test_cells_are_deterministic():
    for arm in ("quick-lstm", "quick-rnn"):
        one, two = (add.run_cell(add.ARMS[arm], 7) for _ in range(2))
        assert {**one, "seconds": 0} == {**two, "seconds": 0}


@pytest.mark.parametrize("rule", ["sgd", "adam"])
def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path, monkeypatch, rule):
    monkeypatch.setattr(add, "SAVE_SECONDS", 0)
    config, file = replace(SMALL, rule=rule), tmp_path / "run.npz"
    for snapshot in add.train(config, 1, checkpoint=file):
        if snapshot.step >= 100:
            break                                                                 # interrupted
    resumed = add.run_cell(add.Arm(add.lstm, config), 1, file)
    assert {**resumed, "seconds": 0} == {**add.run_cell(add.Arm(add.lstm, config), 1), "seconds": 0}
    with pytest.raises(OSError, match="another run"):
        next(add.train(config, 2, checkpoint=file))


def test_the_quick_preset_runs(capsys):
    assert add.main(["--preset", "quick"]) == 0
    assert "claim nothing" in capsys.readouterr().out


def bench(seconds=2.0):
    """Print millions of sequence steps (forward, truncated gradient) a second for lanes, and for the plain loop."""
    def rate(work, steps):
        count, start = 0, time.process_time()
        while time.process_time() - start < seconds:
            work()
            count += 1
        return count * steps / (time.process_time() - start) / 1e6

    for trials, batch in ((1, 1), (10, 1), (30, 1), (10, 8), (10, 32)):
        config = replace(add.FAST, trials=trials, batch=batch)
        params, tape, inputs, lengths, targets = problem(config, spread=0)
        params = {n: w.astype(np.float32) for n, w in params.items()}
        inputs, tape = inputs.astype(np.float32), add.lstm_tape(110, trials * batch)

        def work():
            y = add.lstm_forward(params, tape, inputs, lengths, config)
            add.lstm_backward(params, tape, lengths, y, targets, config)

        print(f"{trials} trials x {batch}: {rate(work, lengths.sum()):.2f} M steps/s")
    W, V = params["W"][..., 0].astype(float), params["V"][:, 0].astype(float)
    only = inputs[:, :, 0].astype(float)
    print(f"plain loop, forward only: {rate(lambda: plain(W, V, only, config), len(only)):.3f} M steps/s")


if __name__ == "__main__":
    bench()
