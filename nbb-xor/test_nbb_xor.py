"""Tests of nbb-xor: python3 -m pytest test_nbb_xor.py"""
import nbb_xor as xor                                                             # first: it sets the threads

from dataclasses import replace
from itertools import permutations, product

import numpy as np
import pytest

SMALL = replace(xor.ARMS["quick"].config, nets=6, presentations=50)


def random_net(rng, units=3, subsets=1, nets=5, low=0.05, high=1.0):
    """A Net with float64 weights far from the symmetric start."""
    hidden = units * subsets
    return xor.Net(*(rng.uniform(low, high, shape) for shape in ((3, hidden, nets), (3, 2, nets), (hidden, 2, nets))))


def quiet(net):
    """The activity with which a pattern starts: no hidden unit is on, no contribution came in."""
    return np.zeros_like(net.V[:, 0]), np.zeros_like(net.W)


def contributions(net, x, h):
    return x[:, None] * net.W, x[:, None] * net.U, h[:, None] * net.V


def plain_training(config, seed, which):
    """The rule of section 3, connection by connection, for one net: units 0-2 are inputs, then hidden, then outputs."""
    hidden = config.units * config.subsets
    n, out = 3 + hidden + 2, 3 + hidden
    draw, order, noise = (np.random.default_rng(s) for s in np.random.SeedSequence([seed, which]).spawn(3))
    values = iter(draw.uniform(1 - config.spread, 1 + config.spread, 6 + 5 * hidden).astype(np.float32).astype(float))
    w = {(i, j): next(values) for i in range(3) for j in range(3, out)}
    shortcut = {(i, out + j): next(values) for i in range(3) for j in range(2)}
    w |= {(i, out + j): next(values) for i in range(3, out) for j in range(2)} | shortcut
    subsets = [range(3 + k * config.units, 3 + (k + 1) * config.units) for k in range(config.subsets)] + [range(out, n)]
    for pattern in order.integers(4, size=config.presentations):
        x, c_before = [0.0] * n, {}
        for _ in range(xor.TICKS):
            c = {(i, j): x[i] * w[i, j] for i, j in w}
            net = [sum(c[i, j] for i in range(n) if (i, j) in c) for j in range(n)]
            x = [*xor.PATTERNS[pattern], *([0.0] * (hidden + 2))]
            for subset in subsets:
                best = max(subset, key=lambda j: (net[j], -j))
                x[best] = float(net[best] > 0)
            change = {}
            for i, j in w:
                change[i, j] = -config.lam * c[i, j] * x[j]
                total = sum(c_before.get((h, j), 0) for h in range(n))
                if total:
                    income = sum(config.lam * c[j, k] * x[k] for k in range(n) if (j, k) in c)
                    change[i, j] += c_before[i, j] / total * income
                if j == out + xor.TARGETS[pattern] and x[j]:
                    change[i, j] += config.eta * c[i, j]
            for edge in w:
                w[edge] += change[edge]
            c_before = c
    return np.array([w[edge] for edge in w]), list(w)


@pytest.mark.parametrize("shape", [{"units": 3}, {"units": 2, "subsets": 2}])
def test_the_batch_equals_the_formula_connection_by_connection(shape):
    config = replace(SMALL, nets=1, **shape)
    *_, last = xor.train(config, seed=3)
    expected, edges = plain_training(config, 3, 0)
    out = 3 + config.units * config.subsets
    for (i, j), weight in zip(edges, expected):
        block = last.net.W[i, j - 3] if j < out else last.net.U[i, j - out] if i < 3 else last.net.V[i - 3, j - out]
        assert block[0] == pytest.approx(weight, rel=2e-5)


def test_a_net_does_not_depend_on_those_beside_it():
    *_, many = xor.train(SMALL, seed=5)
    *_, few = xor.train(replace(SMALL, nets=2), seed=5)
    for block, part in zip(many.net, few.net):
        assert np.array_equal(block[..., :2], part)


def test_hidden_units_pass_on_exactly_what_they_are_paid():
    """Every tick the substance changes by payoff minus the payments to inputs, who have nobody to pass them on to."""
    rng = np.random.default_rng(0)
    for units, subsets in ((3, 1), (2, 2)):
        net, lam, eta = random_net(rng, units, subsets), 0.05, 0.07
        x, paid = xor.PATTERNS[rng.integers(4, size=5)].T, np.eye(2)[:, rng.integers(2, size=5)]
        h, share = quiet(net)
        for _ in range(2, xor.TICKS + 1):
            c_W, c_U, c_V = contributions(net, x, h)
            before = sum(block.sum((0, 1)) for block in net)
            earlier, W = share, net.W.copy()
            h_before, (h, share, o) = h, xor.tick(net, x, h, share, paid, units, lam, eta)
            refund = (net.W - W + lam * c_W * h).sum(0)
            assert refund == pytest.approx(lam * (c_V * o).sum(1), rel=1e-6, abs=1e-12)
            ext = eta * ((c_U + 0) * o * paid).sum((0, 1)) + eta * (c_V * o * paid).sum((0, 1))
            lost = lam * (c_W * h).sum((0, 1)) + lam * (c_U * o).sum((0, 1))
            after = sum(block.sum((0, 1)) for block in net)
            assert after - before == pytest.approx(ext - lost, rel=1e-6, abs=1e-12)
            if h_before.any():
                assert earlier.sum(0) == pytest.approx(np.ones_like(h))


def test_with_eta_equal_to_lam_right_connections_stay_and_wrong_ones_shrink():
    rng, lam = np.random.default_rng(1), np.float32(0.005)
    net = xor.Net(*(block.astype(np.float32) for block in random_net(rng, nets=200)))
    x, target = xor.PATTERNS[rng.integers(4, size=200)].T, rng.integers(2, size=200)
    paid = np.eye(2, dtype=np.float32)[:, target]
    h, share = quiet(net)
    h, share, _ = xor.tick(net, x, h, share, paid, 3, lam, lam)
    V = net.V.copy()
    _, _, o = xor.tick(net, x, h, share, paid, 3, lam, lam)
    fired, factor = h[:, None] * o > 0, np.where(paid > 0, 1, 1 - lam)
    assert net.V[fired] == pytest.approx((V * factor)[fired], rel=1e-6)
    assert np.array_equal(net.V[~fired], V[~fired])


def test_the_frozen_answer_equals_six_ticks_without_learning():
    rng = np.random.default_rng(2)
    for units, subsets in ((3, 1), (2, 1), (2, 2)):
        net = random_net(rng, units, subsets, nets=1000)
        for pattern, x in enumerate(xor.PATTERNS):
            x = np.repeat(x[:, None], 1000, 1)
            h, share = quiet(net)
            for _ in range(2, xor.TICKS + 1):
                h, share, o = xor.tick(net, x, h, share, np.zeros((2, 1000)), units, 0.0, 0.0)
            assert np.array_equal(o.argmax(0), xor.answer(net, units)[pattern])


@pytest.mark.parametrize("lam", [0.001, 0.1, 0.5, 0.99])
def test_weights_stay_positive(lam):
    rng = np.random.default_rng(6)
    net = random_net(rng, nets=2000)
    for _ in range(4):
        x, (h, share) = xor.PATTERNS[rng.integers(4, size=2000)].T, quiet(net)
        for _ in range(2, xor.TICKS + 1):
            h, share, o = xor.tick(net, x, h, share, np.zeros((2, 2000)), 3, lam, 0.0)
            assert all((block > 0).all() for block in net)


def test_two_competing_units_cannot_solve_xor_without_the_shortcut():
    """Their winner is decided by the sign of a linear function, so it is never XOR; and then neither is the answer."""
    rng = np.random.default_rng(3)
    net = random_net(rng, units=2, nets=20000)
    winner = xor.forward(net, 2)[0].argmax(1)
    assert not ((winner == xor.TARGETS[:, None]).all(0) | (winner == 1 - xor.TARGETS[:, None]).all(0)).any()
    assert not (xor.answer(net._replace(U=0 * net.U), 2) == xor.TARGETS[:, None]).all(0).any()
    assert (xor.answer(net, 2) == xor.TARGETS[:, None]).all(0).any()


def test_names_of_hidden_units_do_not_matter():
    rng = np.random.default_rng(4)
    net = random_net(rng)
    x, paid = xor.PATTERNS[rng.integers(4, size=5)].T, np.eye(2)[:, rng.integers(2, size=5)]
    for names in map(list, permutations(range(3))):
        one, two = xor.Net(*(b.copy() for b in net)), xor.Net(net.W[:, names], net.U.copy(), net.V[names])
        states = [quiet(one), quiet(two)]
        for _ in range(2, xor.TICKS + 1):
            states = [xor.tick(n, x, *state[:2], paid, 3, 0.005, 0.005) for n, state in zip((one, two), states)]
        assert two.W == pytest.approx(one.W[:, names], rel=1e-12)
        assert two.U == pytest.approx(one.U, rel=1e-12) and two.V == pytest.approx(one.V[names], rel=1e-12)


def test_the_rule_is_local():
    """A weight's change reads its own contribution, its unit's state and what that unit is paid: nothing else."""
    rng = np.random.default_rng(5)
    for _ in range(50):
        net = random_net(rng, nets=1)
        x, paid = xor.PATTERNS[[3]].T, np.eye(2)[:, [0]]
        h, share, o = xor.tick(net, x, *quiet(net), paid, 3, 0.0, 0.0)
        twin = xor.Net(*(block.copy() for block in net))
        winner, other = h[:, 0].argmax(), h[:, 0].argmin()
        twin.W[:, other] *= 0.9                                                   # a losing unit loses by more
        twin.V[other] = rng.uniform(0, 1, (2, 1))
        before = net.W[:, winner].copy(), net.U.copy(), net.V[winner].copy()
        for n in (net, twin):
            xor.tick(n, x, h, share, paid, 3, 0.01, 0.01)
        after, after_twin = ((n.W[:, winner], n.U, n.V[winner]) for n in (net, twin))
        assert all(np.array_equal(a, b) for a, b in zip(after, after_twin))
        assert any((a != old).any() for a, old in zip(after, before))


def test_at_rest_a_winner_is_worth_four_fifths_of_its_output_weight():
    """A pattern's six ticks bring five payments and four refunds: sum_i x_i W_ij = 4/5 V_jo where neither changes."""
    config, lam = replace(SMALL, nets=1), 0.005
    net = xor.Net(np.full((3, 3, 1), 0.2), np.full((3, 2, 1), 0.01), np.full((3, 2, 1), 0.5))
    net.W[:, 0], net.V[0, 1] = 0.3, 0.7                                           # unit 0 wins and says 1
    x, paid = xor.PATTERNS[[1]].T, np.eye(2)[:, [1]]
    for _ in range(1200):
        h, share = quiet(net)
        for _ in range(2, xor.TICKS + 1):
            h, share, _ = xor.tick(net, x, h, share, paid, config.units, lam, lam)
    assert (x * net.W[:, 0]).sum() == pytest.approx(0.8 * net.V[0, 1, 0], rel=2 * lam)


def test_one_unit_for_00_and_11_cannot_rest():
    """The fixed-point argument by enumeration: no resting net has one winner for 00 and 11 and another for 01."""
    grid = np.arange(0, 5)
    for v0, v1 in product(range(1, 8), repeat=2):                                 # in units of 4/5 V
        for w1, w2, w3 in product(grid, repeat=3):
            if w3 != v0 or w1 + w2 + w3 != v0:
                continue                                                          # unit 0 is not at rest on 00 and 11
            for u1, u2, u3 in product(grid, repeat=3):
                rests = u2 + u3 == v1                                             # unit 1 is at rest on 01
                wins_01, loses_11 = u2 + u3 > w2 + w3, u1 + u2 + u3 < w1 + w2 + w3
                assert not (rests and wins_01 and loses_11)


def test_patterns_are_xor_and_drawn_with_equal_chances():
    assert [int(a) ^ int(b) for a, b, _ in xor.PATTERNS] == xor.TARGETS.tolist() and (xor.PATTERNS[:, 2] == 1).all()
    shown = np.array([s.shown for s in xor.train(replace(SMALL, nets=40, presentations=250), 0)])
    counts = np.bincount(shown.ravel(), minlength=4)
    assert ((counts - 2500) ** 2 / 2500).sum() < 16.3                             # chi-squared, 3 degrees, 0.1 %


def test_cells_are_deterministic():
    one, two = (xor.run_cell(xor.ARMS["quick"], 7) for _ in range(2))
    assert {**one, "seconds": 0} == {**two, "seconds": 0}


def test_hold_times_count_presentations_in_a_row(monkeypatch):
    solved = np.array([[0, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1]], bool).T
    monkeypatch.setattr(xor, "train", lambda config, seed: (xor.Snapshot(k + 1, None, row, row, None)
                                                            for k, row in enumerate(solved)))
    metrics, _ = xor.brigade(replace(SMALL, nets=1, presentations=len(solved)), 0)
    assert [metrics[f"reach_{hold}"][0] * 4 for hold in (1, 4, 8)] == [2, 5, 14] and np.isnan(metrics["reach_16"][0])
    assert (metrics["found"][0], metrics["kept"][0], metrics["solved_at_end"][0]) == (1, 0, 1)


def test_nets_that_do_not_learn_hold_nothing():
    metrics, _ = xor.brigade(replace(SMALL, nets=1000, presentations=1, lam=0.0, eta=0.0), 0)
    assert metrics["kept"].mean() < 0.02


@pytest.mark.parametrize("eta, least, most", [(0.01, 0.25, 1.0), (0.0, 0.0, 0.0)])
def test_full_nets_keep_xor_and_nets_without_payoff_do_not(eta, least, most):
    """At twice the paper's rates, to be quick; fewer nets then keep XOR."""
    config = replace(xor.ARMS["one-of-3"].config, nets=24, presentations=2400, lam=0.01, eta=eta)
    assert least <= xor.brigade(config, 0)[0]["kept"].mean() <= most


def test_the_quick_preset_runs(capsys):
    assert xor.main(["--preset", "quick"]) == 0
    assert "claim nothing" in capsys.readouterr().out
