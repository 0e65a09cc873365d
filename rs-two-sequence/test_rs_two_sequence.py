"""Tests of rs-two-sequence: python3 -m pytest test_rs_two_sequence.py"""
import rs_two_sequence as rs                                                      # first: it sets the threads

from dataclasses import replace

import numpy as np
import pytest

NETS = ("latch-1", "latch-2", "A1", "A2")
SMALL = replace(rs.ARMS["quick-guess"].config, simulations=4)


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


def s(z):
    return 1 / (1 + np.exp(-z))


def reference(weights, x, net):
    """The equations of the paper, unit by unit, in float64: the output of one net on one sequence, in [-1, 1]."""
    w, n = weights.astype(float), rs.HIDDEN[net]
    if net == "latch-1":
        y = np.tanh(w[1] if x[0] > 0 else w[2])
        for u in x[1:]:
            y = np.tanh(w[0] * y + u)
        return y
    if net == "latch-2":
        y = 0.0
        for u in x:
            y = np.tanh(w[0] * y + w[1] * u + w[2])
        return y
    a, c, d, f, b = w[:5 * n].reshape(5, n)
    h, o = np.zeros(n), 0.0
    for u in x:
        h = s(a * u + b * h + c * o + d)
        o = s(w[-2] * u + f @ h + (w[-1] * o if net == "A1" else w[-1]))
    return 2 * o - 1


def naive_search(config, seed, replicate, most):
    """Try one net after the other on one sequence after the other; return trials and sequences shown."""
    data, guesses, _ = np.random.SeedSequence([seed, replicate]).spawn(3)
    batch = rs.make_batch(np.random.default_rng(data), config.shortest, config.longest, config.noise, config.signal)
    rng, shown = np.random.default_rng(guesses), 0
    for trial in range(1, most + 1):
        net = rng.uniform(-config.spread, config.spread, rs.SIZE[config.net]).astype(np.float32)[None]
        for i in range(rs.SEQUENCES):
            shown += 1
            output = rs.forward(rs.unpack(net, config.net), batch, np.array([i]))[0]
            if not rs.right(output, batch.target[i], config.net):
                break
        else:
            return trial, shown
    return None, shown


def everything(config, seed):
    return [search for snapshot in rs.train(config, seed) for search in snapshot.over]


def judged(weights, net, noise, columns=1000, shortest=500, longest=600):
    """Return the share of fresh sequences that one net gets right."""
    data = rs.make_batch(np.random.default_rng(0), shortest, longest, noise, columns=columns)
    guess = np.array([weights], np.float32).repeat(columns, 0)
    return rs.right(rs.forward(rs.unpack(guess, net), data, np.arange(columns)), data.target, net).mean()


def test_hand_built_latches():
    assert judged((80, 60, 0), "latch-2", 0.2) == 1                               # w, v, b
    assert judged((20, 90, 0), "latch-2", rs.WIDE) < 0.9
    assert judged((50, 3, -3), "latch-1", 0.2) == 1
    assert judged((50, -3, 3), "latch-1", 0.2) == 0


@pytest.mark.parametrize("net", NETS)
def test_the_batch_equals_the_equations(net):
    rng = np.random.default_rng(1)
    data = rs.make_batch(rng, 4, 9)
    guess = rng.uniform(-3, 3, (100, rs.SIZE[net])).astype(np.float32)
    outputs = rs.forward(rs.unpack(guess, net), data, np.arange(100))
    for i in range(100):
        assert outputs[i] == pytest.approx(reference(guess[i], data.x[:data.length[i], i], net), abs=4e-5)


def test_latch_1_without_noise_is_the_sign_rule():
    """Saturated: w > 0 and i_1 > 0 > i_2, one pattern of signs in eight."""
    rng = np.random.default_rng(2)
    guess = rng.uniform(-100, 100, (100_000, 3)).astype(np.float32)
    data, net = rs.make_batch(rng, 40, 41, 0.0, columns=16), rs.unpack(guess, "latch-1")
    assert {*zip(data.length.tolist(), data.target.tolist())} == {(40, 1), (40, -1), (41, 1), (41, -1)}
    passed = np.all([rs.right(rs.forward(net, data, np.full(len(guess), i)), data.target[i], "latch-1")
                     for i in range(16)], 0)
    rule = (guess[:, 0] > 0) & (guess[:, 1] > 0) & (guess[:, 2] < 0)
    assert abs(passed.mean() - 0.125) < 0.005 and (passed != rule).mean() < 0.02  # w < 1 or a tiny i does not latch


@pytest.mark.parametrize("net", ["latch-1", "latch-2", "A1"])
def test_the_cascade_counts_what_a_plain_loop_counts(net):
    config = replace(SMALL, net=net, shortest=5, longest=8, limit=300, simulations=3)
    for search in everything(config, 3):
        trials, shown = naive_search(config, 3, search.replicate, 300)
        assert (None if search.winner is None else search.winner[0] + 1, search.result()[1]) == (trials, shown)


def test_the_count_does_not_depend_on_batches_or_on_other_searches():
    results = [{s.replicate: s.result() for s in everything(replace(SMALL, batch=batch, lanes=lanes), 4)}
               for batch, lanes in ((64, 4000), (7, 20), (500, 100))]
    alone = everything(replace(SMALL, simulations=1), 4)[0]
    assert results[0] == results[1] == results[2] and results[0][0] == alone.result()


def test_data_have_the_signal_the_noise_and_the_lengths_asked_for():
    for noise, signal in ((0.2, 1), (rs.WIDE, 3)):
        data = rs.make_batch(np.random.default_rng(5), 20, 30, noise, signal, 2000)
        assert (data.x[:signal] == data.target).all() and data.target.sum() == 0
        rest = data.x[signal:]
        assert abs(rest.std() / noise - 1) < 0.02 and abs(rest.mean()) < 0.01
        assert set(data.length) == set(range(20, 31))
    assert rs.WIDE**2 == pytest.approx(0.2)


def test_training_and_test_sequences_differ():
    search = everything(replace(SMALL, simulations=1), 6)[0]
    test = rs.make_batch(np.random.default_rng([60, *search.test.generate_state(4)]), 50, 60)
    assert not any((test.x[1, :] == value).any() for value in search.data.x[1, :])


def test_the_closed_form_equals_a_monte_carlo_of_its_inequalities():
    w, v, b = np.random.default_rng(7).uniform(-1, 1, (3, 2_000_000))
    for m in (0.0, 0.8, 2.0):
        share = ((v > abs(b)) & (w > abs(b) + v * m)).mean()
        assert rs.closed_form(np.array([m]))[0] == pytest.approx(1 / share, rel=0.03)
    assert rs.predicted_trials(0.2) < rs.predicted_trials(rs.WIDE)


def test_what_interval_arithmetic_proves_is_true_and_what_it_refuses_is_not_all_right():
    config = rs.Config(net="latch-2")
    guess = np.array([[80, 60, 0]], np.float32)
    bound = rs.margin(guess, config)
    assert 1.0 < bound < 80 / 60                                                  # w > |b| + v m
    x = np.random.default_rng(8).choice([-bound, bound], (60, 400)).astype(np.float32)
    target = 1 - 2 * (np.arange(400) % 2)
    x[0] = target
    data = rs.Data(x, np.full(400, 60), target)
    net = rs.unpack(guess.repeat(400, 0), "latch-2")
    assert rs.right(rs.forward(net, data, np.arange(400)), target, "latch-2").all()
    x[1:] = -1.5 * target
    assert not rs.right(rs.forward(net, data, np.arange(400)), target, "latch-2").any()
    assert rs.margin(np.array([[-80, 60, 0]], np.float32), config) == 0


def test_winners_hold_within_their_margins():
    for net in NETS:
        config = replace(SMALL, net=net, batch=256)
        for search in everything(config, 9):
            bound = rs.margin(search.winner[1][None], config)
            if bound:
                data = search.data._replace(x=np.clip(search.data.x, -bound, bound))
                data.x[0] = data.target
                guess = rs.unpack(search.winner[1][None].repeat(rs.SEQUENCES, 0), net)
                assert rs.right(rs.forward(guess, data, np.arange(rs.SEQUENCES)), data.target, net).all()


@pytest.mark.parametrize("net", NETS)
def test_the_gradient_of_back_propagation_through_time(net):
    rng = np.random.default_rng(10)
    p, mask = rs.init(rs.Config(net=net), [np.random.default_rng(i) for i in range(2)])
    p = {name: 3 * value.astype(float) for name, value in p.items()}
    x = rng.normal(0, 0.2, (6, 2, 5))
    sign = np.array([1, -1, 1, 1, -1])
    x[0], target = sign, sign if not rs.HIDDEN[net] else np.maximum(sign, 0)

    def loss():
        o = rs.unroll(p, x, net)[1][-1]
        share = o if rs.HIDDEN[net] else (1 + o) / 2
        losses = -np.where(sign > 0, np.log(share), np.log(1 - share))
        return losses.mean(-1).sum()

    grads, _ = rs.backward(p, x, *rs.unroll(p, x, net), target, net)
    has = {name for name in p if mask[name].any()}
    assert has == set({"latch-1": "gi", "latch-2": "egk", "A1": "abcdefg", "A2": "abcdefk"}[net])
    assert gradient_error(loss, {name: p[name] for name in has}, grads) < 1e-6


@pytest.mark.parametrize("net", NETS)
def test_the_two_forward_passes_agree(net):
    guess = np.random.default_rng(11).uniform(-3, 3, (4, rs.SIZE[net])).astype(np.float32)
    data = rs.make_batch(np.random.default_rng(12), 12, 12, columns=4)
    p, _ = rs.init(rs.Config(net=net), [np.random.default_rng(0)] * 4)
    n, w = rs.HIDDEN[net], guess[..., None]
    if n:
        p |= dict(zip("acdfb", np.split(w[:, :5 * n], 5, 1)))
        p |= {"e": guess[:, -2:-1], "g" if net == "A1" else "k": guess[:, -1:]}
    else:
        rest = {"e": guess[:, 1:2], "k": guess[:, 2:]} if net == "latch-2" else {"i": guess[:, 1:]}
        p |= {"g": guess[:, :1], **rest}
    o = rs.unroll(p, data.x[:, :, None], net)[1][-1][:, 0]
    assert (2 * o - 1 if n else o) == pytest.approx(rs.forward(rs.unpack(guess, net), data, np.arange(4)), abs=4e-5)


def test_the_test_of_the_geometric_law():
    rng = np.random.default_rng(13)
    assert rs.geometric_p(rng.geometric(1 / 30, 1000)) > 0.01
    assert rs.geometric_p(rng.integers(1, 60, 1000)) < 0.01


def test_trials_are_geometric_at_short_lengths():
    config = replace(SMALL, net="latch-1", simulations=600, shortest=12, longest=16)
    trials = [search.result()[0] for search in everything(config, 14)]
    assert rs.geometric_p(np.array(trials, float)) > 0.001


def test_without_large_weights_nothing_is_found():
    config = replace(SMALL, spread=0.5, limit=3000, batch=1000)
    assert not any(search.winner for search in everything(config, 15))


def test_cells_are_deterministic():
    for arm in ("quick-guess", "quick-bptt"):
        one, two = (rs.run_cell(rs.ARMS[arm], 7) for _ in range(2))
        assert {**one, "seconds": 0} == {**two, "seconds": 0}


def test_settings_that_cannot_work_get_one_line(capsys):
    assert rs.main(["--preset", "quick", "--shortest", "90"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_quick_preset_runs(capsys):
    assert rs.main(["--preset", "quick"]) == 0
    assert "claim nothing" in capsys.readouterr().out
