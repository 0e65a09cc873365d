"""Tests of noise-free-long-lag: python3 -m pytest test_noise_free_long_lag.py"""
import noise_free_long_lag as lag                                                 # first: it sets the threads

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

ONE = lag.Config(p=7, trials=3, shift=1.0)
TWO = lag.Config(task="2c", p=5, q=8, trials=3, rate=0.01, shift=1.0)
ONE_CELL_CASES = {"2a": ONE, "2b": replace(ONE, task="2b", p=9), "2b, end": replace(ONE, task="2b", p=3, scored="end")}


def f(x):
    return 1 / (1 + np.exp(-x))


def problem(net, config, seed=0, size=0.7):
    """Return float64 weights well away from 0 and the symbols, lengths and desk of one update."""
    weights, data, _ = lag.streams(config, seed)
    rng = np.random.default_rng(seed)
    params = {n: w.astype(float) + rng.uniform(-size, size, w.shape) for n, w in net.init(config, weights).items()}
    symbols, lengths = (part[0] for part in lag.make_batch(config, data, 1))
    return params, symbols, lengths, net.desk(config, len(symbols), config.trials, float)


def loss_and_grads(net, config, params, symbols, lengths, desk):
    """Return a function that gives the squared error / 2 over all scored outputs, and the gradient."""
    def loss():
        return (net.forward(params, desk, symbols, lengths, config).wrong**2).sum() / 2

    return loss, net.backward(params, net.forward(params, desk, symbols, lengths, config), config)


def plain_memory(params, symbols, trial):
    """The memory of one lane step by step: the cell's state, or the activations of the ordinary units."""
    w = {name: value[..., trial] for name, value in params.items()}
    m, steps = np.zeros(len(w["V"])), []
    for k in symbols[:, trial]:
        if "w_c" in w:
            m = m + f(w["w_in"][k]) * f(w["w_c"][k])
        else:
            m = f(w["W"][k] + m @ w["R"]) if steps else f(w["W"][k])
        steps.append(m)
    return np.array(steps)


def plain_blocks(params, trial, symbols, replay=None, self_weight=1.0):
    """The net of 2c gate by gate: outputs, states (steps, 2), and the activations that each step reads (steps, 6).
    replay: activations to read instead, as constants."""
    W, R, V = (params[name][..., trial] for name in "WRV")
    s, hidden, states, read = np.zeros(2), np.zeros(6), [], []
    for t, k in enumerate(symbols):
        source = hidden if replay is None else replay[t]
        net = [W[k, unit] + sum(R[j, unit] * source[j] for j in range(6)) for unit in range(6)]
        y_in, y_out = f(np.array(net[2:4])), f(np.array(net[4:]))
        s = self_weight * s + y_in * (4 * f(np.array(net[:2])) - 2)
        y_c = y_out * (2 * f(s) - 1)
        read.append(hidden)
        hidden = np.concatenate([y_in, y_out, y_c])
        states.append(s)
    return f(y_c @ V), np.array(states), np.array(read)


@pytest.mark.parametrize("case", ONE_CELL_CASES)
@pytest.mark.parametrize("net, units", [(lag.ONE_CELL, 1), (lag.ORDINARY, 1), (lag.ORDINARY, 3)])
def test_the_gradient_of_the_whole_net_equals_central_differences(case, net, units):
    config = replace(ONE_CELL_CASES[case], units=units)
    given = problem(net, config)
    loss, grads = loss_and_grads(net, config, *given)
    assert gradient_error(loss, given[0], grads, entries=60) < 1e-6


@pytest.mark.parametrize("net", [lag.ONE_CELL, lag.ORDINARY])
def test_the_nets_of_2a_equal_a_loop_over_steps(net):
    config = replace(ONE, task="2b", units=2 if net is lag.ORDINARY else 1)
    params, symbols, lengths, desk = problem(net, config)
    done = net.forward(params, desk, symbols, lengths, config)
    for lane in range(config.trials):
        m = plain_memory(params, symbols, lane)
        y = f(params["D"][symbols[:, lane], :, lane] + m @ params["V"][..., lane])
        assert done.y[lane] == pytest.approx(y, rel=1e-12)
        target = np.eye(config.p + 1)[np.append(symbols[1:, lane], symbols[0, lane])]
        assert done.wrong[lane] == pytest.approx(y - target, abs=1e-12)
        assert done.error[lane] == pytest.approx(abs(y - target)[-1].max(), abs=1e-12)


def test_the_gradient_of_the_ordinary_unit_is_that_of_real_time_recurrent_learning():
    """RTRL: p + 2 sensitivities of the unit, carried forwards, times the error at each step."""
    params, symbols, lengths, desk = problem(lag.ORDINARY, ONE)
    done = lag.ORDINARY.forward(params, desk, symbols, lengths, ONE)
    grads = lag.ORDINARY.backward(params, done, ONE)
    for lane in range(ONE.trials):
        h, by_W, by_R, g_W, g_R = 0.0, np.zeros(ONE.p + 1), 0.0, np.zeros(ONE.p + 1), 0.0
        R, new = params["R"][0, 0, lane], plain_memory(params, symbols, lane)[:, 0]
        for t, k in enumerate(symbols[:, lane]):
            slope = new[t] * (1 - new[t])
            by_W, by_R = slope * (np.eye(ONE.p + 1)[k] + R * by_W), slope * (h + R * by_R)
            h, y = new[t], done.y[lane, t]
            error = (done.wrong[lane, t] * y * (1 - y)) @ params["V"][0, :, lane]
            g_W, g_R = g_W + error * by_W, g_R + error * by_R
        assert grads["W"][:, 0, lane] == pytest.approx(g_W, rel=1e-9, abs=1e-14)
        assert grads["R"][0, 0, lane] == pytest.approx(g_R, rel=1e-9, abs=1e-14)


@pytest.mark.parametrize("self_weight", [1.0, 0.75])
def test_the_two_blocks_equal_the_paper_gate_by_gate(self_weight):
    config = replace(TWO, self_weight=self_weight)
    params, symbols, lengths, desk = problem(lag.TWO_BLOCKS, config)
    done = lag.TWO_BLOCKS.forward(params, desk, symbols, lengths, config)
    assert len(set(lengths)) > 1
    for lane, n in enumerate(lengths):
        y, states, read = plain_blocks(params, lane, symbols[:n, lane], self_weight=self_weight)
        assert done.y[:, lane] == pytest.approx(y, rel=1e-12)
        assert 2 * desk.S[1:n + 1, :, lane] == pytest.approx(states, rel=1e-9, abs=1e-12)
        assert desk.U[:n, 2:, lane] == pytest.approx(read, rel=1e-9, abs=1e-12)
        assert done.wrong[:, lane] == pytest.approx(y - np.eye(2)[symbols[1, lane]], abs=1e-12)


@pytest.mark.parametrize("self_weight", [1.0, 0.75])
def test_the_truncated_gradient_is_that_of_a_net_whose_last_activations_are_constants(self_weight):
    config = replace(TWO, self_weight=self_weight)
    params, symbols, lengths, desk = problem(lag.TWO_BLOCKS, config)
    _, grads = loss_and_grads(lag.TWO_BLOCKS, config, params, symbols, lengths, desk)
    replays = [desk.U[:n, 2:, lane].copy() for lane, n in enumerate(lengths)]

    def loss():
        return sum(((plain_blocks(params, lane, symbols[:n, lane], replays[lane], self_weight)[0]
                     - np.eye(2)[symbols[1, lane]])**2).sum() for lane, n in enumerate(lengths)) / 2

    assert gradient_error(loss, params, grads, entries=40) < 1e-6


def test_without_recurrent_weights_the_truncated_gradient_is_the_full_one():
    params, symbols, lengths, desk = problem(lag.TWO_BLOCKS, TWO)
    params["R"][...] = 0
    loss, grads = loss_and_grads(lag.TWO_BLOCKS, TWO, params, symbols, lengths, desk)
    assert gradient_error(loss, *({n: d[n] for n in "WV"} for d in (params, grads)), entries=60) < 1e-6


def test_the_nets_have_the_papers_weights():
    def count(net, **settings):
        config = lag.Config(trials=1, **settings)
        params = net.init(config, lag.streams(config, 0)[0])
        assert all(abs(w).max() <= 0.2 for w in params.values())
        return sum(w.size for w in params.values())

    assert count(lag.ONE_CELL, p=100) == 10_504
    assert [count(lag.ORDINARY, p=p) for p in (4, 10, 100)] == [36, 144, 10_404]
    assert [count(lag.TWO_BLOCKS, task="2c", p=p) for p in (50, 100, 200, 500, 1000)] == [364, 664, 1264, 3064, 6064]


def test_a_shift_closes_the_input_gates_alone():
    for net, config, name, columns in ((lag.ONE_CELL, ONE, "w_in", [0]), (lag.TWO_BLOCKS, TWO, "W", [2, 3])):
        open_gates, closed = (net.init(replace(config, shift=shift), lag.streams(config, 0)[0]) for shift in (0, 6))
        for n in open_gates:
            fall = open_gates[n] - closed[n]
            if n == name:
                assert fall[:, columns].min((0, 2)) == pytest.approx([6, 7][:len(columns)], abs=1e-5)
                fall[:, columns] = 0
            assert not fall.any()


@pytest.mark.parametrize("task", ["2a", "2b"])
def test_the_sequences_of_2a_and_2b(task):
    config = lag.Config(task=task, p=6)
    batch = lag.make_batch(config, [np.random.default_rng(i) for i in range(3)], 800)
    assert batch.symbols.shape == (800, 6, 3) and (batch.lengths == 6).all()
    assert set(batch.symbols[:, 0].ravel()) == {0, 1} and batch.symbols[:, 0].mean() == pytest.approx(0.5, abs=0.05)
    middle = batch.symbols[:, 1:]
    if task == "2a":
        assert (middle == np.arange(2, 7)[:, None]).all()
    else:
        share = np.bincount(middle.ravel(), minlength=7)[2:] / middle.size
        assert middle.min() == 2 and middle.max() == 6 and share == pytest.approx(0.2, abs=0.02)


def test_the_sequences_of_2c():
    """b, a class, q + k distractors with P(k) = 0.9^k / 10, e: q + 4 symbols at least and q + 13 in the mean, counting
    the class symbol at the end that the net has to say."""
    config = lag.Config(task="2c", p=7, q=20)
    symbols, lengths = lag.make_batch(config, [np.random.default_rng(i) for i in range(4)], 1500)
    for i, lane in np.ndindex(lengths.shape):
        seen = symbols[i, :lengths[i, lane], lane]
        assert seen[0] == 3 and seen[1] in (0, 1) and seen[-1] == 2
        assert len(seen) >= 23 and (seen[2:-1] >= 4).all() and (seen[2:-1] < 11).all()
    total = lengths + 1
    assert total.min() == 24 and total.mean() == pytest.approx(33, abs=0.5)
    assert (total == 24).mean() == pytest.approx(0.1, abs=0.015)
    assert symbols[:, 1].mean() == pytest.approx(0.5, abs=0.03)


def in_float64(net):
    """The net with weights and desk in float64."""
    return net._replace(init=lambda c, g: {n: w.astype(float) for n, w in net.init(c, g).items()},
                        desk=lambda c, longest, lanes: net.desk(c, longest, lanes, float))


@pytest.mark.parametrize("rule", ["sgd", "adam"])
@pytest.mark.parametrize("net, config", [(lag.ONE_CELL, replace(ONE, alone=10)), (lag.ORDINARY, ONE),
                                         (lag.TWO_BLOCKS, TWO)])
def test_a_trial_does_not_depend_on_those_beside_it(net, config, rule):
    config = replace(config, rule=rule, sequences=25)
    *_, many = lag.train(config, 5, in_float64(net))
    *_, one = lag.train(replace(config, trials=1), 5, in_float64(net))
    for name, w in one.params.items():
        assert many.params[name][..., :1] == pytest.approx(w, rel=1e-10, abs=1e-12)


def test_hand_set_weights_bridge_a_thousand_steps():
    """The input gate of the first cell opens on x and y, its output gate on e."""
    config = lag.Config(task="2c", p=50, q=1000, trials=1)
    weights, data, test = lag.streams(config, 0)
    params = {n: 0 * w for n, w in lag.TWO_BLOCKS.init(config, weights).items()}
    params["W"][:, 2:] = -20
    params["W"][:2, 0, 0], params["W"][:2, 2], params["W"][2, 4] = (20, -20), 20, 20
    params["V"][0, :, 0] = 10, -10
    symbols, lengths = (part[..., 0].T for part in lag.make_batch(config, data, 40))
    desk = lag.TWO_BLOCKS.desk(config, len(symbols), 40)
    assert lag.TWO_BLOCKS.forward(params, desk, symbols, lengths, config).error.max() < 0.05
    assert np.ptp(desk.S[2:lengths.min(), 0], axis=0).max() < 1e-4
    assert lag.passes(lag.TWO_BLOCKS, params, config, test[0], count=1000)
    params["V"] *= -1
    assert not lag.passes(lag.TWO_BLOCKS, params, config, test[0], count=1000)


@pytest.mark.parametrize("wrong, expected", [(None, True), (0, False), (9_999, False)])
def test_one_error_in_ten_thousand_is_too_many(wrong, expected):
    seen = []

    def forward(params, desk, symbols, lengths, config):
        error = np.full(len(lengths), 0.1)
        if wrong is not None and sum(seen) <= wrong < sum(seen) + len(lengths):
            error[wrong - sum(seen)] = 0.2
        seen.append(len(lengths))
        return lag.Pass(error, None, None, symbols, ())

    stub = lag.TWO_BLOCKS._replace(forward=forward, desk=lambda *_: None)
    assert lag.passes(stub, {}, TWO, np.random.default_rng(0)) is expected
    assert expected is False or sum(seen) == 10_000


def least_true_error(params, config, low):
    """For a net of one trial that ends right in 2b: the least activation, at the distractor steps before the last, of
    the output `low` of the class whose cell state is the lower one, where its target is 0."""
    symbols, lengths = (part[..., 0].T for part in lag.make_batch(config, [np.random.default_rng(3)], 4000))
    done = lag.ONE_CELL.forward(params, None, symbols, lengths, replace(config, scored="every"))
    own = done.y[symbols[0] == low][:, 1:-1, low]
    return done.error.max(), own.min()


@pytest.mark.parametrize("kind", ["hand-set", "trained"])
def test_what_ends_right_in_2b_errs_at_every_earlier_step(kind):
    """The lemma: s never falls, and every symbol can be the last, so that an output with a negative weight from s that
    is above 0.75 at the end of its class is so at all earlier distractors, where its target is 0."""
    config = lag.Config(task="2b", p=10, trials=1, scored="end", rule="adam", rate=0.1, alone=50, shift=6.0,
                        sequences=6000)
    if kind == "trained":
        *_, last = lag.train(config, 1000, lag.ONE_CELL)
        assert last.stopped[0] > 0
        params = last.params
    else:
        params = {n: 0 * w for n, w in lag.ONE_CELL.init(config, lag.streams(config, 0)[0]).items()}
        params["D"][...], params["D"][:, 0], params["D"][:, 1] = -6, -3, 3
        params["V"][0, :2, 0] = 6, -6
        params["w_in"][...], params["w_in"][0], params["w_c"][0] = -20, 20, 20
    low = int(params["V"][0, 0, 0] > 0)
    assert params["V"][0, low, 0] < 0 < params["V"][0, 1 - low, 0]
    error, least = least_true_error(params, config, low)
    assert error < 0.25 and least > 0.75


def test_nothing_is_solved_without_learning_or_without_the_memory(monkeypatch):
    monkeypatch.setattr(lag, "PATIENCE", 5)
    settings = {"2a-adam": {}, "2b-end-adam": {}, "2c-adam-50-50": {"q": 5}, "2a": {}, "2c-50-50": {"q": 5}}
    for arm, more in settings.items():
        run, config = lag.ARMS[arm]
        metrics, _ = run(replace(config, p=5, rate=0.0, alone=0, sequences=400, trials=4, **more), 0)
        assert not metrics["solved"].any() and np.isnan(metrics["sequences"]).all()
    for task in ("2a", "2b"):
        config = replace(lag.ADAM, task=task, p=5, alone=600, sequences=600, trials=4)
        assert not lag.one_cell(config, 0)[0]["solved"].any()


def test_small_tasks_are_solved_and_a_trial_that_stops_is_frozen():
    for net, config in ((lag.ONE_CELL, replace(lag.ADAM, p=6, alone=50, trials=3, sequences=2000)),
                        (lag.TWO_BLOCKS, replace(lag.BLOCKS_ADAM, p=5, q=10, rate=0.03, trials=3, sequences=2000))):
        kept = {}
        for snapshot in lag.train(config, 1000, net):
            for trial in np.flatnonzero(snapshot.stopped == snapshot.step):
                kept[trial] = {n: w[..., trial].copy() for n, w in snapshot.params.items()}
        assert len(kept) == 3
        for trial, weights in kept.items():
            assert all(np.array_equal(w[..., trial], weights[n]) for n, w in snapshot.params.items())


def test_cells_are_deterministic():
    for arm in lag.PRESETS["quick"]:
        one, two = (lag.run_cell(lag.ARMS[arm], 7) for _ in range(2))
        assert {**one, "seconds": 0} == {**two, "seconds": 0}


@pytest.mark.parametrize("rule", ["sgd", "adam"])
@pytest.mark.parametrize("arm, config", [(lag.one_cell, replace(ONE, alone=150)), (lag.ordinary, replace(ONE, units=2)),
                                         (lag.two_blocks, TWO)])
def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path, monkeypatch, arm, config, rule):
    monkeypatch.setattr(lag, "SAVE_SECONDS", 0)
    config, file = replace(config, rule=rule, sequences=300), tmp_path / "run.npz"
    net = {lag.one_cell: lag.ONE_CELL, lag.ordinary: lag.ORDINARY, lag.two_blocks: lag.TWO_BLOCKS}[arm]
    for snapshot in lag.train(config, 1, net, file):
        if snapshot.step >= 100:
            break                                                                 # interrupted
    resumed = lag.run_cell(lag.Arm(arm, config), 1, file)
    assert {**resumed, "seconds": 0} == {**lag.run_cell(lag.Arm(arm, config), 1), "seconds": 0}
    with pytest.raises(OSError, match="another run"):
        next(lag.train(config, 2, net, file))


def test_the_quick_preset_runs(capsys):
    assert lag.main(["--preset", "quick"]) == 0
    assert "claim nothing" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", [["--arm", "2a-adam", "--task", "2c"], ["--arm", "quick-2c", "--task", "2a"],
                                   ["--arm", "quick-2c", "--alone", "5"]])
def test_a_net_refuses_tasks_that_it_is_not_made_for(wrong, capsys):
    assert lag.main(wrong) == 2
    assert "made for" in capsys.readouterr().err
