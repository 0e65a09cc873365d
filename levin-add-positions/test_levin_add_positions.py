"""Tests of levin-add-positions: python3 -m pytest test_levin_add_positions.py"""
import levin_add_positions as levin                                                # first: it sets the threads

from collections import Counter
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

CONFIG, QUICK = levin.Config(), levin.ARMS["quick-campaign"].config


def tokens(source):
    """A stream of opcodes and arguments for `replay`: each is offered its legal range and checked against it."""
    source = iter(source)

    def choose(span):
        value = next(source)
        assert value in span
        return value

    return choose


def replay(choose, kind="pointer", limit=8192):
    """Run one program, its guesses made by choose(range): (why, steps, P, machine)."""
    m, ip, t, P = levin.Machine(kind), 0, 0, 1.0
    while True:
        why, ip, t = levin.run(m, ip, t, limit)
        if why != levin.ORACLE:
            return why, t, P, m
        op = choose(range(13))
        ranges = m.legal(op)
        P /= 13
        if ranges is None or not all(map(len, ranges)):
            return levin.NONE, t, P, m
        at = m.top + 1
        m.c[at:at + 1 + len(ranges)] = [op, *(choose(span) for span in ranges)]
        P /= np.prod([len(span) for span in ranges])
        m.top = at + len(ranges)


def plain(choose, kind, limit):
    """The machine of section 4 again, slowly: addresses in a dict, an instruction looked up by name, no trail, no
    shortcut for endless loops. Returns (why, steps, cells, weights)."""
    c, w, ip, wp, t = {}, [0] * 100, 0, 0, 0

    def low():
        return min([0, *c])

    def top():
        return max([-1, *c])

    def spans(names, last):
        work = -low()
        return [{"R": range(-work, last + 1), "J": range(-work, last + 2), "D": range(-work, 0), "I": range(20),
                 "K": range(1, 6), "F": range(1, min(5, work) + 1)}[name] for name in names]

    def clip(value):
        return int(np.clip(value, -10_000, 10_000))

    while t < limit:
        if ip == top() + 1:
            op = choose(range(13))
            last = ip + len(levin.KINDS[kind][op])
            ranges = spans(levin.KINDS[kind][op], last)
            if last > 99 or min([1, *map(len, ranges)]) == 0:
                return levin.NONE, t, c, w
            for at, value in enumerate([op, *(choose(span) for span in ranges)], ip):
                c[at] = value
        t += 1
        if c[ip] not in range(13):
            return levin.ILLEGAL, t, c, w
        name, kinds = levin.NAMES[c[ip]], levin.KINDS[kind][c[ip]]
        if ip + len(kinds) > top():
            return levin.ILLEGAL, t, c, w
        x = [c[ip + 1 + k] for k in range(len(kinds))]
        if any(value not in span for value, span in zip(x, spans(kinds, top()))):
            return levin.ILLEGAL, t, c, w
        ip += 1 + len(kinds)
        if name == "Stop":
            return levin.STOP, t, c, w
        if name == "Jump" or name == "Jumpleq" and c[x[0]] <= c[x[1]]:
            ip = x[-1]
        elif name == "WriteWeight" and kind == "pointer":
            if wp == 100:
                return levin.FULL, t, c, w
            w[wp], wp = c[x[0]], wp + 1
        elif name == "WriteWeight":
            if c[x[1]] not in range(100):
                return levin.ILLEGAL, t, c, w
            w[c[x[1]]] = c[x[0]]
        elif name == "GetInput" and kind == "pointer":
            c[x[1]] = 0
        elif name == "GetInput":
            if c[x[1]] not in range(100):
                return levin.ILLEGAL, t, c, w
            c[x[0]] = w[c[x[1]]]
        elif name == "Allocate":
            if -low() + x[0] > 1000:
                return levin.ROOM, t, c, w
            for _ in range(x[0]):
                c[low() - 1] = 0
        elif name == "Free":
            for _ in range(x[0]):
                del c[low()]
            if ip < low():
                return levin.ILLEGAL, t, c, w
        elif name == "Move":
            c[x[1]] = c[x[0]]
        elif name in ("Increment", "Decrement"):
            c[x[0]] = clip(c[x[0]] + (1 if name == "Increment" else -1))
        elif name != "Jumpleq":
            a, b = c[x[0]], c[x[1]]
            c[x[2]] = clip({"Add": a + b, "Subtract": b - a, "Multiply": a * b}[name])
    return levin.TIME, t, c, w


@pytest.mark.parametrize("kind", ["pointer", "index"])
def test_two_interpreters_agree_on_random_guesses(kind):
    """A thousand programs that got past their first instruction, run by both from the same guesses."""
    rng, ends, done = np.random.default_rng(0), Counter(), 0
    while done < 1000:
        draws = [*rng.choice([0, 1, 2, 7], 1) / 13 + 0.01, *rng.random(400)]
        streams = [iter(draws), iter(draws)]
        one, two = (lambda span, draw=draw: span[int(next(draw) * len(span))] for draw in streams)
        why, t, _, m = replay(one, kind, 256)
        slow = plain(two, kind, 256)
        assert (why, t, m.w) == (slow[0], slow[1], slow[3])
        if why != levin.TIME:                                                     # endless loops are cut short
            assert {a: m.c[a] for a in range(m.low, m.top + 1)} == slow[2]
        ends[why] += 1
        done += 1
    assert {levin.TIME, levin.STOP, levin.ILLEGAL, levin.NONE} <= set(ends)


def test_the_paper_s_printed_program():
    """399 steps, probability 9.95e-9, 100 in cell -1 at the end, and weights w_i = i, with WriteWeight(a, b)."""
    why, t, P, m = replay(tokens([7, 1, 8, -1, 1, -1, -1, 2, 0]), "index")
    assert (t, m.w, m.c[-1], m.low) == (399, list(range(100)), 100, -100)
    assert P == pytest.approx(1 / (13 ** 4 * 5 * 8 * 8 * 11)) and f"{P:.3g}" == "9.95e-09"


@pytest.mark.parametrize("jump, steps, top", [(2, 302, -1), (0, 402, -101)])
def test_programs_written_by_hand_write_the_ramp(jump, steps, top):
    """Allocate 1; WriteWeight -1; Increment -1; Jump 2, or 0, which allocates a cell in each round."""
    why, t, P, m = replay(tokens([7, 1, 1, -1, 8, -1, 2, jump]))
    assert (why, t, m.w, m.low) == (levin.FULL, steps, list(range(100)), top)
    assert P == pytest.approx(1 / (13 ** 4 * 5 * 5 * 10)) and f"{P:.5g}" == "1.4005e-07"


def test_first_instructions_have_probability_one():
    """Eight of the 13 opcodes find no legal argument on an empty machine."""
    m, ways = levin.Machine("pointer"), list(levin.guess(levin.Machine("pointer"), 1.0, levin.shares(0)))
    assert sum(share for share, _ in ways) == pytest.approx(1)
    assert sum(share for share, p in ways if not p) == pytest.approx(8 / 13)
    assert all(share == pytest.approx(p) for share, p in levin.guess(m, 1.0, levin.shares(0)) if p)


def test_levin_search_keeps_its_bounds_on_time():
    """A phase takes at most 2^k steps and no program more than its share; a weight vector that some program writes is
    found in the first phase that grants the least t / P of such programs, after less than 4 t / P steps in all (a guess
    without a legal argument is granted like a step)."""
    m, spent, first, least = levin.Machine("pointer"), 0, {}, {}
    for k in range(18):
        before = m.spent
        for why, t, P in levin.share_time(m, 2.0 ** k):
            assert t <= P * 2 ** k * (1 + 1e-9)
            w = tuple(m.w)
            first.setdefault(w, (k, m.spent))
            least[w] = min(least.get(w, np.inf), (t + (why == levin.NONE)) / P)
        assert m.spent - before <= 2 ** k
        spent += m.spent - before
        assert spent <= 2 ** (k + 1)
    assert len(first) > 5
    for w, (k, steps) in first.items():
        assert 2 ** k >= least[w] * (1 - 1e-9) and steps < 4 * least[w]
        assert 2 ** (k - 1) < least[w] * (1 + 1e-9)


def test_dropping_hopeless_programs_loses_no_fit():
    """Phases up to 2^22 for the task of the sister folder, whose fits come early: all weights 1."""
    m, examples = levin.Machine("pointer"), [(bits, 3) for bits in levin.TRIPLES]
    for k in (19, 21, 22):
        found, spent, m.spent = [], [], 0
        for some in ((), examples):
            found.append({(levin.listing(m), t, P) for _, t, P in levin.share_time(m, 2.0 ** k, some)
                          if levin.fits(m.w, examples)})
            spent.append(m.spent - sum(spent))
        assert found[0] == found[1] and len(found[0]) >= 2 and spent[1] < spent[0] <= 2 ** k


def test_two_programs_that_begin_with_allocate_1_fit_within_phase_32():
    """The rest of the phase is left to the systematic arm."""
    m, examples = levin.Machine("pointer"), levin.training_set(CONFIG, None)
    m.c[:2], m.top, m.low = [7, 1], 1, -1
    found = {levin.listing(m): (t, P, m.w == list(range(100)))
             for _, t, P in levin.share_time(m, 2.0 ** 32, examples, 2, 1, 1 / 65) if levin.fits(m.w, examples)}
    start, P = "0: Allocate(1); 2: WriteWeight(-1); 4: Increment(-1); 6: ", pytest.approx(1 / 7_140_250)
    assert found == {start + "Jump(2)": (302, P, True), start + "Jump(0)": (402, P, True)}


def test_a_wrong_answer_that_is_final_is_noticed():
    m, examples = levin.Machine("pointer"), levin.training_set(CONFIG, None)
    m.w[:60], m.wp = range(60), 60
    assert not levin.wrong_already(m, examples) and levin.least_writes(examples) == 41
    m.w[55] = 0
    assert levin.wrong_already(m, examples)
    m.wp = 58
    assert not levin.wrong_already(m, examples)


def test_the_mean_time_of_a_guessed_program_is_bounded():
    """Time limits 32 * 2^i with probability 2^-i, i up to 8, are 288 steps in the mean; programs use less."""
    limits = [(64 << j, 2.0 ** -(j + 1 - (j == 7))) for j in range(8)]
    assert sum(p for _, p in limits) == 1 and sum(t * p for t, p in limits) == 288
    ends = list(levin.descend(levin.Machine("pointer"), 20_000, levin.chance(np.random.default_rng(1)), CONFIG))
    assert sum(n for n, *_ in ends) == 20_000 and 10 < sum(n * t for n, _, t, _, _ in ends) / 20_000 < 30


def test_time_limits_have_their_probabilities():
    """The program 1 0 2 0 needs 201 steps: limits of 256 and more, a quarter of the probability."""
    m, mass = levin.Machine("pointer"), Counter()
    for n, why, t, P, Q in levin.descend(m, 1.0, levin.shares(1e-6), CONFIG):
        assert n == pytest.approx(Q) and Q <= P * (1 + 1e-9)
        mass[levin.listing(m), why, t] += n
    P = 1 / 1690
    assert mass["0: WriteWeight(0); 2: Jump(0)", levin.FULL, 201] == pytest.approx(P / 4)
    assert mass["0: WriteWeight(0); 2: Jump(0)", levin.TIME, 64] == pytest.approx(P / 2)
    assert mass["0: Jump(0)", levin.TIME, 8192] == pytest.approx(1 / 13 / 3 / 128)


def test_runs_that_share_work_end_like_runs_one_by_one():
    m, blank, split = levin.Machine("pointer"), levin.Machine("pointer").state(), levin.chance(np.random.default_rng(2))
    single, shared, n = Counter(), Counter(), 20_000
    for _ in range(n):
        for _, why, t, _, _ in levin.descend(m, 1, split, CONFIG):
            single[why, t > 100] += 1
        m.restore(blank)
    for some, why, t, _, _ in levin.descend(m, n, split, CONFIG):
        shared[why, t > 100] += some
    for kind in single | shared:
        assert abs(single[kind] - shared[kind]) < 4.5 * (2 * max(single[kind], shared[kind])) ** 0.5 + 5


def test_splits_keep_the_number_of_runs_and_are_uniform():
    split = levin.chance(np.random.default_rng(3))
    for n, k in ((1, 13), (7, 13), (40, 13), (40, 500), (13_000, 13)):
        assert sum(count for _, count in split(n, k)) == n
    counts = np.zeros((3, 13))
    for row, size in zip(counts, (1, 10, 2600)):
        for _ in range(2600 // size):
            for way, count in split(size, 13):
                row[way] += count
    assert (((counts - 200) ** 2 / 200).sum(1) < 39.0).all()                      # chi-squared, 12 degrees, 0.01 %


def test_the_trail_leads_back_to_a_blank_machine():
    for kind in ("pointer", "index"):
        m = levin.Machine(kind)
        for _ in levin.descend(m, 5000, levin.chance(np.random.default_rng(4)), CONFIG):
            pass
        assert m.state() == (0, 0, -1, 0) and m.w == [0] * 100 and not any(m.c[-levin.WORK_CELLS:])


def test_no_tape_crashes_or_hangs_the_machine():
    rng = np.random.default_rng(5)
    for _ in range(3000):
        m = levin.Machine(str(rng.choice(["pointer", "index"])))
        m.low, m.top = -int(rng.integers(0, 12)), int(rng.integers(0, 30))
        values = rng.choice([-10_000, -3, -1, 0, 1, 2, 3, 7, 12, 13, 10_000, 4, 5, 6, 8, 9], m.top + 1 - m.low)
        for a, value in zip(range(m.low, m.top + 1), values.tolist()):
            m.c[a] = value
        blank, cells = m.state(), m.c.copy()
        why, ip, t = levin.run(m, int(rng.integers(m.low, m.top + 2)), 0, 300)
        assert why in (levin.ORACLE, levin.TIME, levin.STOP, levin.FULL, levin.ROOM, levin.ILLEGAL) and t <= 300
        assert (why == levin.ORACLE) <= (ip == m.top + 1) and max(map(abs, m.c)) <= 10_000
        m.restore(blank)
        assert m.c == cells and m.w == [0] * 100


def test_only_the_ramp_is_right_everywhere():
    examples, rng = levin.training_set(CONFIG, None), np.random.default_rng(6)
    assert levin.INPUTS.tolist() == [list(bits) for bits in combinations(range(100), 3)]
    assert [answer for _, answer in examples] == [108, 126, 221]
    assert levin.unseen_right(range(100), examples) == 161_697
    for _ in range(20):
        w = np.arange(100)
        w[rng.integers(100)] += rng.choice([-1, 1, 5])
        assert levin.unseen_right(w, examples) <= 161_697 - 4000
    w = np.arange(100) + rng.integers(0, 3, 100)
    seen = [bits for bits, _ in examples]
    assert levin.unseen_right(w, examples) == sum(w[a] + w[b] + w[c] == a + b + c
                                                  for a, b, c in combinations(range(100), 3) if [a, b, c] not in seen)


def test_least_squares_leaves_the_other_91_weights_alone():
    """36, 42 and 73 2/3 on the nine trained units; 40 unseen inputs right, counted in whole thirds."""
    expected = np.zeros(100, int)
    for bits in levin.TRIPLES:
        expected[bits] = sum(bits)
    for learner in ("min-norm", "gradient"):
        metrics, curves = levin.learning(replace(CONFIG, learner=learner), 0)
        assert curves["w"] == pytest.approx(expected / 3, abs=1e-6) and metrics["exact"] == 40
    X = np.zeros((3, 100))
    for row, bits in zip(X, levin.TRIPLES):
        row[bits] = 1
    assert np.linalg.pinv(X) @ [108, 126, 221] == pytest.approx(expected / 3)
    assert sum(expected[a] + expected[b] + expected[c] == 3 * (a + b + c) for a, b, c in combinations(range(100), 3)
               ) - 3 == 40


def test_units_that_are_never_on_do_not_matter_to_a_fit():
    rng, examples = np.random.default_rng(7), levin.training_set(CONFIG, None)
    off = np.setdiff1d(np.arange(100), np.ravel(levin.TRIPLES))
    for _ in range(50):
        w = np.arange(100) + rng.integers(0, 2, 100)
        mixed = w.copy()
        mixed[off] = rng.permutation(w[off])
        assert levin.fits(w.tolist(), examples) == levin.fits(mixed.tolist(), examples)


def test_random_training_sets_are_nine_different_units():
    config = replace(CONFIG, triples="random")
    for i in range(20):
        bits = [bit for on, _ in levin.training_set(config, levin.streams(0, i)[0]) for bit in on]
        assert len(set(bits)) == 9 and min(bits) >= 0 and max(bits) < 100


def test_shares_and_their_intervals():
    share, half = levin.share_ci(8, 10)
    assert share == 0.8 and 0.2 < half < 0.35
    assert levin.share_ci(3, 3)[0] == 1 and levin.share_ci(0, 50)[1] < 0.08


def test_guessed_instructions_come_as_often_as_they_should():
    """A million first instructions: chi-squared over the 5 opcodes with legal arguments and all of these."""
    m, ways = levin.Machine("pointer"), []
    n = 1_000_000
    for some, p in levin.guess(m, n, levin.chance(np.random.default_rng(9))):
        if p:
            ways.append((some, n * p))
    assert len(ways) == 4 ** 2 * 5 + 2 + 3 + 1 + 5
    assert sum((seen - wanted) ** 2 / wanted for seen, wanted in ways) < 91 + 4.5 * (2 * 91) ** 0.5


def test_with_too_little_time_nothing_is_found():
    """A search that stops 2^10 times too early; campaigns whose programs may not loop a hundred times."""
    metrics, _ = levin.systematic(replace(CONFIG, phases=22), 0)
    assert np.isnan(metrics["unseen"])
    assert levin.campaign(replace(QUICK, cap=64), 0)[0]["fits"] == 0


def test_a_block_does_not_depend_on_those_after_it():
    many, few = ([s.steps for s in levin.train(replace(QUICK, runs=runs), 3)] for runs in (60_000, 40_000))
    assert many[:2] == few and len(many) == 3


def test_cells_are_deterministic():
    for name in levin.PRESETS["quick"]:
        one, two = (levin.run_cell(levin.ARMS[name], 7) for _ in range(2))
        assert {**one, "seconds": 0} == {**two, "seconds": 0}


def test_the_quick_preset_runs(capsys):
    assert levin.main(["--preset", "quick"]) == 0
    assert "claim nothing" in capsys.readouterr().out
