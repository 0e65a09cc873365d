"""Tests of rs-tomita: python3 -m pytest test_rs_tomita.py"""
import rs_tomita as rs                                                            # first: it sets the threads

import re
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

SMALL = rs.ARMS["quick-guess"].config
RUN = re.compile(r"1+0+")
ORACLES = {                                                                       # the languages, without an automaton
    1: lambda s: re.fullmatch("1*", s) is not None,
    2: lambda s: re.fullmatch("(10)*", s) is not None,
    3: lambda s: not any(m[0].count("1") % 2 and m[0].count("0") % 2 for m in RUN.finditer(s)),
    4: lambda s: "000" not in s,
    5: lambda s: s.count("0") % 2 == s.count("1") % 2 == 0,
    6: lambda s: (s.count("1") - s.count("0")) % 3 == 0,
    7: lambda s: re.fullmatch("0*1*0*1*", s) is not None,
}
# Tomita's own strings, as later papers quote them: members and non-members (the empty string left out).
TOMITA = {
    1: ("1 11 111 1111 11111 111111 1111111 11111111", "0 10 01 00 011 110 11111110 10111111"),
    2: ("10 1010 101010 10101010 10101010101010", "1 0 11 00 01 101 100 1001010 10110 110101010"),
    4: ("1 0 10 01 00 100100 001111110100 0100100100 11100 010",
        "000 11000 0001 000000000 00000 0000 11111000011 1101010000010111 1010010001"),
}


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


def strings(data):
    """Return the columns of Data as text."""
    return ["".join("1" if v > 0 else "0" for v in data.x[:n, i]) for i, n in enumerate(data.length)]


def packed(texts, target):
    """Return Data with the given strings."""
    x = np.zeros((max(map(len, texts)), len(texts)), np.float32)
    for i, text in enumerate(texts):
        x[:len(text), i] = [2 * int(c) - 1 for c in text]
    return rs.Data(x, np.array(list(map(len, texts))), np.asarray(target))


def reference(weights, text, config):
    """The equations of the paper in float64, one net, one string."""
    w, n = weights.astype(float), config.hidden
    a, c, d, f = w[:4 * n].reshape(4, n)
    B = w[4 * n:-2].reshape(n, n) if config.net == "A1" else np.diag(w[4 * n:-2])
    h, o = np.zeros(n), 0.0
    for symbol in text:
        x = 2 * int(symbol) - 1
        h = 1 / (1 + np.exp(-(a * x + B @ h + c * o + d)))
        o = 1 / (1 + np.exp(-(w[-2] * x + f @ h + (w[-1] * o if config.net == "A1" else w[-1]))))
    return o


def naive_search(config, seed, replicate, most):
    """Try one net after the other on one string after the other; return trials and strings shown."""
    data, guesses, _ = np.random.SeedSequence([seed, replicate]).spawn(3)
    batch = rs.make_batch(np.random.default_rng(data), config)
    rng, shown = np.random.default_rng(guesses), 0
    for trial in range(1, most + 1):
        net = rng.uniform(-config.spread, config.spread, rs.size(config)).astype(np.float32)[None]
        for i in range(rs.SEQUENCES):
            shown += 1
            if not rs.right(rs.forward(rs.unpack(net, config), batch, np.array([i]))[0], batch.target[i]):
                break
        else:
            return trial, shown
    return None, shown


def everything(config, seed):
    return [search for snapshot in rs.train(config, seed) for search in snapshot.over]


@pytest.mark.parametrize("grammar", rs.GRAMMARS)
def test_automata_equal_the_languages_on_all_strings_of_up_to_12_symbols(grammar):
    data = rs.every_string(grammar, 12)
    assert len(data.length) == 8190
    assert data.target.tolist() == [int(ORACLES[grammar](text)) for text in strings(data)]


@pytest.mark.parametrize("grammar", TOMITA)
def test_tomitas_own_strings_carry_the_right_labels(grammar):
    for texts, label in zip(TOMITA[grammar], (1, 0)):
        data = packed(texts.split(), [label] * len(texts.split()))
        bits = (data.x > 0).astype(int)
        assert (rs.accepts(grammar, bits, data.length) == label).all()


@pytest.mark.parametrize("grammar", rs.GRAMMARS)
@pytest.mark.parametrize("negatives", ["random", "near"])
def test_data_are_balanced_and_labelled_by_the_oracle(grammar, negatives):
    for member in (1, 0):
        config = replace(SMALL, grammar=grammar, negatives=negatives, member=member, shortest=20, longest=30)
        data = rs.make_batch(np.random.default_rng(0), config)
        inside = np.array([ORACLES[grammar](text) for text in strings(data)])
        assert (data.target == np.where(inside, member, 1 - member)).all() and inside.sum() == 50
        assert data.length.min() >= 20 and data.length.max() <= 30
        assert (data.x[np.arange(len(data.x))[:, None] >= data.length] == 0).all()


@pytest.mark.parametrize("grammar", (4, 7))
def test_members_are_uniform_over_those_of_their_length(grammar):
    bits = rs.draw(np.random.default_rng(1), grammar, True, np.full(6000, 6))
    members = [s for s in map("".join, product("01", repeat=6)) if ORACLES[grammar](s)]
    counts = {s: 0 for s in members}
    for column in bits.T:
        counts["".join(map(str, column))] += 1
    expected = 6000 / len(members)
    chi2 = sum((n - expected) ** 2 / expected for n in counts.values())
    assert chi2 < len(members) + 4.5 * (2 * len(members)) ** 0.5


def test_the_flaw_of_a_near_miss_is_anywhere():
    length = np.full(5000, 20)
    bits = rs.flaw(np.random.default_rng(2), 1, rs.draw(np.random.default_rng(3), 1, True, length), length)
    place = np.argmin(bits, 0)
    assert (bits.sum(0) == 19).all()
    counts = np.bincount(place, minlength=20)
    assert ((counts - 250) ** 2 / 250).sum() < 43.8                               # chi-squared, 19 degrees, 0.1 %


@pytest.mark.parametrize("net, hidden", [("A1", 1), ("A1", 2), ("A1", 3), ("A2", 10)])
def test_the_batch_equals_the_equations(net, hidden):
    config = replace(SMALL, net=net, hidden=hidden, grammar=4, shortest=3, longest=9)
    rng = np.random.default_rng(4)
    data = rs.make_batch(rng, config)
    guess = rng.uniform(-5, 5, (100, rs.size(config))).astype(np.float32)
    outputs = rs.forward(rs.unpack(guess, config), data, np.arange(100))
    for i, text in enumerate(strings(data)):
        assert outputs[i] == pytest.approx(reference(guess[i], text, config), abs=3e-5)
    assert rs.size(config) == {1: 7, 2: 14, 3: 23, 10: 52}[hidden]


def test_a_net_made_by_hand_is_grammar_1_and_is_proved_to_be():
    """Members have target 0: a 0 switches h on or o, and o then keeps itself on. It pins the order of the update."""
    config = replace(SMALL, grammar=1, member=0)
    hand = np.array([[-60, 40, -30, 80, 0, -20, 40]], np.float32)                 # a c d f B e g
    data = rs.make_batch(np.random.default_rng(5), replace(config, shortest=500, longest=600, negatives="near"), 500)
    output = rs.forward(rs.unpack(hand.repeat(500, 0), config), data, np.arange(500))
    assert rs.right(output, data.target).all()
    proved, states = rs.extract(hand, config)
    assert proved and {state for state, *_ in states} == {0, 1}
    assert not rs.extract(hand, replace(config, member=1))[0]
    assert not rs.extract(hand, replace(config, grammar=4))[0]


@pytest.mark.parametrize("grammar, hidden", [(1, 1), (2, 3)])
def test_proved_winners_are_right_on_all_short_strings(grammar, hidden):
    config = replace(SMALL, grammar=grammar, hidden=hidden, negatives="near", batch=1024, simulations=12)
    proofs = 0
    for search in everything(config, 6):
        if rs.extract(search.winner[1][None], config)[0]:
            proofs += 1
            assert rs.short_strings(config, search.winner) == 1
    assert proofs


@pytest.mark.parametrize("net", ["A1", "A2"])
def test_the_cascade_counts_what_a_plain_loop_counts(net):
    config = replace(SMALL, net=net, hidden=1 if net == "A1" else 10, shortest=5, longest=8, limit=300, simulations=3)
    for search in everything(config, 3):
        trials, shown = naive_search(config, 3, search.replicate, 300)
        assert (None if search.winner is None else search.winner[0] + 1, search.result()[1]) == (trials, shown)


def test_the_count_does_not_depend_on_batches_or_on_other_searches():
    results = [{s.replicate: s.result() for s in everything(replace(SMALL, batch=batch, lanes=lanes), 4)}
               for batch, lanes in ((64, 4000), (7, 20), (500, 100))]
    alone = everything(replace(SMALL, simulations=1), 4)[0]
    assert results[0] == results[1] == results[2] and results[0][0] == alone.result()


def test_trials_of_grammar_1_are_geometric():
    config = replace(SMALL, simulations=400, shortest=12, longest=16)
    trials = np.array([search.result()[0] for search in everything(config, 7)], float)
    assert rs.geometric_p(trials) > 0.001
    assert rs.geometric_p(np.random.default_rng(0).integers(1, 40, 1000)) < 0.01


@pytest.mark.parametrize("net, hidden", [("A1", 2), ("tanh", 5)])
def test_the_gradient_of_back_propagation_through_time(net, hidden):
    config = replace(SMALL, net=net, hidden=hidden)
    p, mask = rs.init(config, [np.random.default_rng(i) for i in range(2)])
    p = {name: 3 * value.astype(float) for name, value in p.items()}
    x, target = np.random.default_rng(8).choice([-1.0, 1.0], (6, 2, 5)), np.array([1, 0, 1, 1, 0])

    def loss():
        o = rs.unroll(p, x, net == "tanh")[1][-1]
        return -(target * np.log(o) + (1 - target) * np.log(1 - o)).mean(-1).sum()

    grads, _ = rs.backward(p, x, *rs.unroll(p, x, net == "tanh"), target, net == "tanh")
    has = {name for name in p if mask[name].any()}
    assert gradient_error(loss, {name: p[name] for name in has}, grads) < 1e-6


def test_the_two_forward_passes_agree():
    config = replace(SMALL, hidden=3, grammar=4, shortest=12, longest=12)
    guess = np.random.default_rng(9).uniform(-3, 3, (4, rs.size(config))).astype(np.float32)
    data = rs.make_batch(np.random.default_rng(10), config, 4)
    w = rs.unpack(guess, config)
    p = {name: part.T[..., None] if part.ndim == 2 else part[:, None] for name, part in w._asdict().items()}
    p["B"] = np.moveaxis(w.B, -1, 0)
    o = rs.unroll(p, data.x[:, :, None])[1][-1][:, 0]
    assert o == pytest.approx(rs.forward(w, data, np.arange(4)), abs=1e-5)


def test_without_large_weights_nothing_is_found():
    config = replace(SMALL, spread=0.5, limit=3000, batch=1000)
    assert not any(search.winner for search in everything(config, 11))


def test_cells_are_deterministic():
    for arm in ("quick-guess", "quick-bptt"):
        one, two = (rs.run_cell(rs.ARMS[arm], 7) for _ in range(2))
        assert {**one, "seconds": 0} == {**two, "seconds": 0}


def test_settings_that_cannot_work_get_one_line(capsys):
    for words in (["--shortest", "90"], ["--grammar", "8"], ["--member", "2"], ["--net", "tanh"]):
        assert rs.main(["--arm", "quick-guess", *words]) == 2
    assert capsys.readouterr().err.count("\n") == 4


def test_the_quick_preset_runs(capsys):
    assert rs.main(["--preset", "quick"]) == 0
    assert "claim nothing" in capsys.readouterr().out
