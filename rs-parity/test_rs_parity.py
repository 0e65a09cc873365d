"""Tests of rs-parity: python3 -m pytest test_rs_parity.py"""
import rs_parity as rs                                                            # first: it sets the threads

import time
from dataclasses import replace

import numpy as np
import pytest

SMALL = replace(rs.ARMS["quick-guess"].config, simulations=3, batch=64)


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


def reference(weights, x, net, order="hidden-first"):
    """The equations of the paper, unit by unit, in float64: o(T) of one net on one sequence."""
    w, n = iter(weights.astype(float)), rs.HIDDEN[net]
    a, c, d, f = ([next(w) for _ in range(n)] for _ in range(4))
    b = [0.0] * n if net == "A2-" else [next(w) for _ in range(n)]
    e, last = next(w), next(w)
    h, o = [0.0] * n, 0.0
    for symbol in x:
        new = [1 / (1 + np.exp(-(a[i] * symbol + b[i] * h[i] + c[i] * o + d[i]))) for i in range(n)]
        seen = new if order == "hidden-first" else h
        z = e * symbol + sum(f[i] * seen[i] for i in range(n)) + (last * o if net == "A1" else last)
        h, o = new, 1 / (1 + np.exp(-z))
    return o


def naive_search(config, seed, replicate, most):
    """Try one net after the other on one sequence after the other; return trials and sequences shown."""
    data, guesses, _ = np.random.SeedSequence([seed, replicate]).spawn(3)
    batch = rs.make_batch(np.random.default_rng(data), config.shortest, config.longest, config.noise)
    rng, shown = np.random.default_rng(guesses), 0
    for trial in range(1, most + 1):
        net = rng.uniform(-config.spread, config.spread, rs.size(config.net)).astype(np.float32)[None]
        for i in range(rs.SEQUENCES):
            shown += 1
            output = rs.forward(rs.unpack(net, config), batch, np.array([i]))[0]
            if not rs.right(output, batch.target[i]):
                break
        else:
            return trial, shown
    return None, shown


def hand_built():
    """A2- weights of a net that computes parity: two threshold units, x OR o and x AND o; the output is their XOR."""
    guess = np.zeros((1, rs.size("A2-")), np.float32)
    a, c, d, f = guess[0, :40].reshape(4, 10)
    a[:2], c[:2], d[:2], f[:2] = 40, 80, (0, -80), (80, -100)
    guess[0, -1] = -40                                                            # k
    return guess


def everything(config, seed):
    return [search for s in rs.train(config, seed) for search in s.over]


def test_a_hand_built_net_computes_parity_of_a_thousand_long_sequences():
    """It pins the order of the update down: with the synchronous order the same net fails."""
    config, data = rs.Config(), rs.make_batch(np.random.default_rng(0), 500, 600, columns=1000)
    w = rs.unpack(hand_built().repeat(1000, 0), config)
    assert rs.right(rs.forward(w, data, np.arange(1000)), data.target).all()
    assert rs.right(rs.forward(w, data, np.arange(1000), "synchronous"), data.target).mean() < 0.7
    proved, states = rs.automaton(rs.unpack(hand_built(), config))
    assert proved and len(states) >= 3


@pytest.mark.parametrize("net", ["A1", "A2", "A2-"])
@pytest.mark.parametrize("order", ["hidden-first", "synchronous"])
def test_the_batch_equals_the_equations(net, order):
    rng = np.random.default_rng(1)
    data = rs.make_batch(rng, 3, 9)
    guess = rng.uniform(-5, 5, (100, rs.size(net))).astype(np.float32)
    outputs = rs.forward(rs.unpack(guess, replace(SMALL, net=net)), data, np.arange(100), order)
    for i in range(100):
        assert outputs[i] == pytest.approx(reference(guess[i], data.x[:data.length[i], i], net, order), abs=2e-5)
    assert [rs.size(net) for net in ("A1", "A2", "A2-")] == [7, 52, 42]


@pytest.mark.parametrize("net", ["A1", "A2-"])
def test_the_cascade_counts_what_a_plain_loop_counts(net):
    """Same trials, same sequences shown, for searches that end within 400 guesses."""
    config = replace(SMALL, net=net, shortest=5, longest=8, limit=400, simulations=6)
    searches = everything(config, 3)
    compared = 0
    for search in searches:
        if search.winner is not None and search.winner[0] < 120 or net == "A1" and not compared:
            trials, shown = naive_search(config, 3, search.replicate, 400)
            assert (None if search.winner is None else search.winner[0] + 1, search.result()[1]) == (trials, shown)
            compared += 1
    assert compared


def test_the_count_does_not_depend_on_batches_or_on_other_searches():
    results = [{s.replicate: s.result()[:3] for s in everything(replace(SMALL, batch=batch, lanes=lanes), 4)}
               for batch, lanes in ((64, 4000), (7, 40), (1000, 100))]
    alone = everything(replace(SMALL, simulations=1), 4)[0]
    assert results[0] == results[1] == results[2] and results[0][0] == alone.result()[:3]


def test_data_are_sequences_of_the_right_parity_length_and_noise():
    data = rs.make_batch(np.random.default_rng(2), 20, 30, 0.2, 1000)
    inside = np.arange(30)[:, None] < data.length
    bits = np.rint(data.x).astype(int)
    assert set(np.unique(bits[inside])) == {-1, 1} and (data.x[~inside] == 0).all()
    assert np.abs(data.x - bits)[inside].max() <= 0.2 and np.abs(data.x - bits)[inside].max() > 0.19
    assert [int((bits[:n, i] == 1).sum()) % 2 for i, n in enumerate(data.length)] == data.target.tolist()
    assert data.target.sum() == 500 and set(data.length) == set(range(20, 31))
    assert abs((bits[inside] == 1).mean() - 0.5) < 0.015


def test_given_its_length_a_sequence_is_uniform_in_its_class():
    data = rs.make_batch(np.random.default_rng(3), 4, 4, columns=8000)
    code = (data.x[:4] > 0).T @ (1, 2, 4, 8)
    counts = np.bincount(code, minlength=16)
    assert ((counts - 500) ** 2 / 500).sum() < 37.7                               # chi-squared, 15 degrees, 0.1 %


def test_winners_are_right_on_every_short_string():
    """What the automaton proves for all lengths, checked one by one up to length 9."""
    config = replace(SMALL, simulations=8)
    codes = [[(code >> i & 1) * 2 - 1 for i in range(n)] for n in range(1, 10) for code in range(2**n)]
    x = np.zeros((9, len(codes)), np.float32)
    for i, code in enumerate(codes):
        x[:len(code), i] = code
    target = np.array([code.count(1) % 2 for code in codes])
    data = rs.Data(x, np.array([len(code) for code in codes]), target)
    for search in everything(config, 5):
        w = rs.unpack(search.winner[1][None], config)
        many = rs.unpack(search.winner[1][None].repeat(len(codes), 0), config)
        if rs.automaton(w)[0]:
            assert rs.right(rs.forward(many, data, np.arange(len(codes))), target).all()


def test_the_automaton_refuses_nets_that_are_not_parity():
    rng = np.random.default_rng(6)
    config = rs.Config(net="A1")
    assert not any(rs.automaton(rs.unpack(rng.uniform(-100, 100, (1, 7)), config))[0] for _ in range(60))
    broken = hand_built()
    broken[0, 30] = 30                                                            # f of the OR unit: too weak
    assert not rs.automaton(rs.unpack(broken, rs.Config()))[0]


def test_flipping_the_input_weights_maps_a_solver_to_a_solver_at_even_lengths():
    data = rs.make_batch(np.random.default_rng(7), 100, 100, columns=200)
    flipped = hand_built()
    flipped[0, :10] *= -1
    w = rs.unpack(flipped.repeat(200, 0), rs.Config())
    assert rs.right(rs.forward(w, data, np.arange(200)), data.target).all()


def test_the_logistic_function_saturates_without_overflow():
    with np.errstate(all="raise"):
        z = np.array([-1e4, -50, 0, 50, 1e4])
        assert rs.logistic(z).tolist() == [0, 0, 0.5, 1, 1]


@pytest.mark.parametrize("net", ["A1", "A2-", "tanh"])
def test_the_gradient_of_back_propagation_through_time(net):
    rng = np.random.default_rng(8)
    p, mask = rs.init(rs.Config(net=net), [np.random.default_rng(i) for i in range(2)])
    p = {name: 3 * value.astype(float) for name, value in p.items()}
    x, target = rng.choice([-1.0, 1.0], (6, 2, 5)), np.array([1, 0, 1, 1, 0])

    def loss():
        o = rs.unroll(p, x, net == "tanh")[1][-1]
        return -(target * np.log(o) + (1 - target) * np.log(1 - o)).mean(-1).sum()

    grads, _ = rs.backward(p, x, *rs.unroll(p, x, net == "tanh"), target, net == "tanh")
    has = {name for name in p if mask[name].any()}
    assert gradient_error(loss, {name: p[name] for name in has}, grads) < 1e-6


def test_the_two_forward_passes_agree():
    config = rs.Config(net="A1")
    guess = np.random.default_rng(9).uniform(-3, 3, (4, 7)).astype(np.float32)
    w = rs.unpack(guess, config)
    p = {"a": w.a, "B": w.b, "c": w.c, "d": w.d, "f": w.f, "e": w.e, "g": w.g, "k": w.k}
    p = {name: value.T[..., None] if value.ndim == 2 else value[:, None] for name, value in p.items()}
    data = rs.make_batch(np.random.default_rng(10), 12, 12, columns=4)
    o = rs.unroll(p, data.x[:, :, None])[1][-1][:, 0]
    assert o == pytest.approx(rs.forward(w, data, np.arange(4)), abs=1e-5)


def test_the_test_of_the_geometric_law():
    rng = np.random.default_rng(11)
    assert rs.geometric_p(rng.geometric(1 / 250, 1000)) > 0.01
    assert rs.geometric_p(rng.integers(1, 500, 1000)) < 0.01


def test_trials_are_geometric_at_short_lengths():
    config = replace(rs.ARMS["quick-guess"].config, simulations=300, shortest=12, longest=16)
    trials = np.array(rs.guess(config, 12)[0]["trials"], float)
    assert rs.geometric_p(trials) > 0.001 and 0.7 < trials.var() / trials.mean() ** 2 < 1.4


def test_without_large_weights_nothing_is_found():
    config = replace(SMALL, spread=0.5, limit=3000, batch=1000)
    assert not any(search.winner for search in everything(config, 13))


def test_more_than_four_thousand_guesses_a_second():
    """The cost of a guess at lengths 500 to 600, two sequences each."""
    rng, config = np.random.default_rng(14), rs.Config()
    data = rs.make_batch(rng, 500, 600)
    guess, column = rng.uniform(-100, 100, (2048, 42)).astype(np.float32), rng.integers(0, 100, 2048)
    start = time.process_time()
    rs.forward(rs.unpack(guess, config), data, column)
    assert 2048 / 2 / (time.process_time() - start) > 4000


def test_cells_are_deterministic():
    for arm in ("quick-guess", "quick-bptt"):
        one, two = (rs.run_cell(rs.ARMS[arm], 7) for _ in range(2))
        assert {**one, "seconds": 0} == {**two, "seconds": 0}


def test_settings_that_cannot_work_get_one_line(capsys):
    assert rs.main(["--preset", "quick", "--shortest", "90"]) == 2
    assert rs.main(["--arm", "quick-guess", "--net", "tanh"]) == 2
    assert capsys.readouterr().err.count("\n") == 2


def test_the_quick_preset_runs(capsys):
    assert rs.main(["--preset", "quick"]) == 0
    assert "claim nothing" in capsys.readouterr().out
