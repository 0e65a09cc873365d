"""Tests of oops-towers-of-hanoi: python3 -m pytest test_oops_towers_of_hanoi.py"""
import oops_towers_of_hanoi as oops                                                # first: it sets the threads

from dataclasses import replace

import numpy as np
import pytest

CONFIG, START = oops.Config(), len(oops.LIBRARY)
RAMP, HANOI = oops.RAMP, oops.HANOI
UNIFORM = oops.Prior(dict.fromkeys(oops.words(oops.L8), 1))


def uniform(language, order=None):
    tokens = oops.words(oops.LANGUAGES[language])
    return oops.Prior(dict.fromkeys(tokens if order is None else [tokens[i] for i in order], 1))


def fresh(kind, sizes, steps, prior, found=(), lookahead=True):
    """One subsearch for fresh programs, after the found ones: (tokens or None, Try)."""
    search = oops.Try(oops.LIBRARY + [token for program in found for token in program], kind, sizes, found, steps,
                      lookahead)
    return search.search(len(search.q), prior), search


def snapshot(task):
    return task.ds.copy(), task.Ds.copy()


def simulate(program, pegs, n):
    """The published Hanoi programs as a recursive procedure, written out by hand: the moves as (from, to).

    P(S, A, D, m): if m <= 0 return; m := m - 1; for each token of the body act on the latest copy of the arguments.
    """
    moves = []

    def call(S, A, D, m):
        if m <= 0:
            return
        copy = [S, A, D]
        for token in program.split()[1:-1]:
            if token == "calltp":
                call(*copy, m - 1)
                copy = [S, A, D]
            elif token == "c3":
                moves.append((copy[0], copy[2]))
            else:
                i = 1 if token == "c4" else 0
                copy[i], copy[i + 1] = copy[i + 1], copy[i]

    call(*pegs, n)
    return moves


# ---------------------------------------------------------------- the language
def test_published_programs_run_literally():
    """Steps of the Hanoi procedure when every instruction counts one: 13, 48, 121, 270, 571, 1176, after 47 others."""
    assert all(oops.execute(RAMP, "A", n)[0] for n in range(1, 31))
    runs = [oops.execute(HANOI, "H", n, literal=True) for n in range(1, 11)]
    assert all(solved and moves == 2 ** n - 1 for n, (solved, _, moves) in enumerate(runs, 1))
    assert [t - 47 for _, t, _ in runs[:6]] == [13, 48, 121, 270, 571, 1176]


def test_moves_equal_those_of_a_procedure_written_by_hand():
    """Stepping through the run, and the optimal moves by the textbook recursion."""
    def textbook(S, A, D, n):
        return textbook(S, D, A, n - 1) + [(S, D)] + textbook(A, S, D, n - 1) if n else []

    for n in range(1, 8):
        task, moves, why, t = oops.tape("H", n, literal=True), [], oops.TIME, 0
        registers = task.blank(START, None)
        while why == oops.TIME:
            pegs = registers[7]
            why, registers, t = oops.run(task, registers, oops.LIBRARY + oops.words(HANOI), t, t + 1)
            if registers[7] != pegs:
                change = [after - before for after, before in zip(registers[7][:3], pegs[:3])]
                moves.append((change.index(min(change)) + 1, change.index(max(change)) + 1))
        assert why == oops.SOLVED and moves == simulate(HANOI, (1, 2, 3), n) == textbook(1, 2, 3, n)


def test_one_reading_of_the_numbering_works():
    """mvdsk = 3, xAD = 4, xSA = 5 on the topmost copy; the others fail for two disks, or for one."""
    for order in ("345", "354", "435", "453", "534", "543"):
        program = HANOI.translate(str.maketrans("345", order))
        for top in (True, False):
            good = [oops.execute(program, "H", n, top=top)[0] for n in (1, 2)]
            assert all(good) == (order == "345" and top)


@pytest.mark.parametrize("kind, program", [("A", RAMP), ("C", oops.PUBLISHED["C"]), ("H", HANOI)])
def test_macros_at_once_equal_macros_token_by_token(kind, program):
    """Same stacks, pegs and answer; the same time steps where no copy is longer than one cell (classes A and C)."""
    for n in range(1, 6):
        tapes = [oops.tape(kind, n, literal=literal) for literal in (True, False)]
        q = oops.LIBRARY + oops.words(program)
        ends = [oops.run(task, task.blank(START, None), q, 0, 10 ** 6) for task in tapes]
        assert ends[0][0] == ends[1][0] == oops.SOLVED and (kind == "H" or ends[0][2] == ends[1][2])
        assert ends[0][1][4:6] == ends[1][1][4:6] and ends[0][1][7] == ends[1][1][7]
        dp, Dp = ends[0][1][4:6]
        assert all(tapes[0].ds[k] == tapes[1].ds[k] for k in range(dp + 1))
        assert all(tapes[0].Ds[k] == tapes[1].Ds[k] for k in range(Dp + 1))


def test_single_macros_take_the_steps_of_their_tokens():
    for text in ("defnp", "c2 defnp calltp", "defnp calltp c1 defnp", "1toD defnp calltp"):
        for n in (1, 2, 3):
            for kind in "AC":
                ends = [oops.run(task, task.blank(START, None), oops.LIBRARY + oops.words(text), 0, 500)
                        for task in (oops.tape(kind, n, literal=literal) for literal in (True, False))]
                assert ends[0][0] == ends[1][0] and ends[0][2] == ends[1][2]


def test_the_paper_s_first_answer():
    """(defnp 2toD) solves 1 2: defnp leaves 0 and the number of its arguments, 1, on Ds."""
    assert oops.execute("defnp 2toD", "A", 1)[0] and not oops.execute("defnp 2toD", "A", 2)[0]


def test_no_code_crashes_or_hangs_the_machine():
    """Random tokens, all 36 of them, and random numbers on the stacks: every run ends within its limit."""
    rng, ends = np.random.default_rng(0), set()
    prior = uniform("L26")
    for _ in range(4000):
        task = oops.tape(str(rng.choice(list("ACH"))), int(rng.integers(1, 5)))
        size = int(rng.integers(0, 40))
        task.ds[1:1 + size] = rng.integers(-2, 40, size).tolist()
        registers = list(task.blank(START, prior))
        registers[4] = max(1, size)
        q = oops.LIBRARY + rng.integers(0, len(oops.NAMES) + 2, int(rng.integers(1, 30))).tolist()
        limit = int(rng.integers(1, 400))
        why, registers, t = oops.run(task, tuple(registers), q, 0, limit, [(9, 9), (3,)])
        ends.add(why)
        assert t <= limit and registers[4] >= 0 and registers[5] >= 0
    assert ends == {oops.REQUEST, oops.SOLVED, oops.ILLEGAL, oops.TIME}


def test_the_answer_test_looks_at_cells_from_the_top():
    Ds = [0, 7, 1, 1, 2, 2]
    assert oops.prefix_of(Ds, 5, "A", 2) == (4, True) and oops.prefix_of(Ds, 5, "A", 1) == (2, False)
    assert oops.prefix_of(Ds, 3, "A", 1) == (1, False) and oops.prefix_of(Ds, 0, "A", 3) == (0, False)
    assert oops.prefix_of([0, 2, 1], 2, "C", 1) == (2, True)


def test_illegal_moves():
    pegs = (0b110, 0b001, 0, 0)
    assert oops.move(pegs, 1, 2) is None and oops.move(pegs, 3, 1) is None and oops.move(pegs, 1, 1) is None
    assert oops.move(pegs, 0, 1) is None and oops.move(pegs, 1, 4) is None
    assert oops.move(pegs, 1, 3) == (0b100, 0b001, 0b010, 1) and oops.move(pegs, 2, 1) == (0b111, 0, 0, 1)
    assert oops.carry_tower(pegs, 1, 3, 1) is None
    assert oops.carry_tower((0b111, 0, 0, 5), 1, 2, 2) == (0b100, 0b011, 0, 8)


def test_fewest_moves_equal_a_breadth_first_search():
    """From every legal position of four disks, and of fewer with larger ones on the third peg."""
    n = 4
    distance, edge = {(0, 0, 2 ** n - 1): 0}, [(0, 0, 2 ** n - 1)]
    while edge:
        edge = [to for pegs in edge for S in (1, 2, 3) for D in (1, 2, 3)
                if (after := oops.move((*pegs, 0), S, D)) and (to := after[:3]) not in distance
                and not distance.update({to: distance[pegs] + 1})]
    assert len(distance) == 3 ** n and distance[2 ** n - 1, 0, 0] == 2 ** n - 1
    assert all(oops.moves_left(*pegs) == steps for pegs, steps in distance.items())


def test_pushing_a_constant_the_fast_way():
    """Same registers, steps and cells as the interpreter, below and above the highest cell, and at the limit."""
    for kind in "AH":
        for before in ("", "c1 c2 c5", "c1 2toD c2 del del", "defnp c2", "qot"):
            for limit in (0, 40, 41, 42, 400):
                ends = []
                for step in (oops.run, oops.push):
                    task, q = oops.tape(kind, 2), oops.LIBRARY + oops.words(before)
                    _, registers, _ = oops.run(task, task.blank(START, None), q, 0, 400)
                    q.append(oops.C4)
                    ends.append((step(task, registers, q, 40, limit), task.ds, len(task.trail)))
                assert ends[0][0][::2] == ends[1][0][::2] or limit < 40
                if ends[0][0][0] == oops.REQUEST:
                    assert ends[0] == ends[1]


# ---------------------------------------------------------------- proof for 30 disks
def test_calls_done_at_once_equal_calls_run_in_full():
    """Time steps and moves, with every size of the calls that are done at once."""
    for n in range(1, 12):
        full = oops.execute(HANOI, "H", n)
        assert all(oops.execute(HANOI, "H", n, memo=memo) == full for memo in range(1, n))


def test_calls_with_any_pegs_move_the_tower():
    """What a call does, run in full from all six orders of the pegs, larger disks lying anywhere below."""
    rng = np.random.default_rng(1)
    for m in range(1, 8):
        for pegs in ((1, 2, 3), (1, 3, 2), (2, 1, 3), (2, 3, 1), (3, 1, 2), (3, 2, 1)):
            state = [0, 0, 0, 0]
            state[pegs[0] - 1] = 2 ** m - 1
            for disk in range(m, 10):
                state[rng.integers(3)] |= 1 << disk
            before = tuple(state)
            for move in simulate(HANOI, pegs, m):
                state = oops.move(state, *move)
            assert tuple(state) == oops.carry_tower(before, pegs[0], pegs[2], m)


def test_thirty_disks_by_induction():
    assert oops.induction(30) == 2 ** 30 - 1
    wrong = oops.HANOI
    try:
        oops.HANOI = RAMP
        assert np.isnan(oops.induction(3))
    finally:
        oops.HANOI = wrong


# ---------------------------------------------------------------- probabilities
def test_the_paper_s_arithmetic():
    found = [tuple(oops.words("defnp 2toD")), tuple(oops.words(RAMP))]
    prefix = oops.probability("c3 dec boostq", 73, oops.LOUD, found)
    biased = oops.probability(f"c3 dec boostq {HANOI}", 73, oops.LOUD, found)
    plain = oops.probability(HANOI, 73, oops.LOUD)
    assert prefix == pytest.approx((74 / 511) ** 3) and biased == pytest.approx(prefix * (74 / 876) ** 7)
    assert plain == pytest.approx((74 / 511) ** 3 / 511 ** 4)
    assert [f"{p:.3g}" for p in (prefix, biased, plain)] == ["0.00304", "9.32e-11", "4.45e-14"]


@pytest.mark.parametrize("n_Q", [11, 26, 40, 73])
def test_the_gain_formula_equals_the_engine(n_Q):
    found = [(), tuple(oops.words(RAMP))]
    biased = oops.probability(f"c3 dec boostq {HANOI}", n_Q, oops.LOUD, found)
    assert oops.gain(n_Q) == pytest.approx(biased / oops.probability(HANOI, n_Q, oops.LOUD))


def test_probabilities_of_children_add_up_to_one_after_any_boosts():
    prior, rng = uniform("L26"), np.random.default_rng(2)
    for _ in range(20):
        assert sum(p for _, p in prior.above((0,) * 6)) == pytest.approx(1)
        prior = prior.boost(tuple(rng.integers(1, len(oops.NAMES), 5).tolist()))


def test_boost_counts_a_token_each_time_it_occurs():
    prior = UNIFORM.boost(tuple(oops.words("c1 c1 defnp grt")))
    weights = {oops.NAMES[token]: weight for token, weight in prior.weights.items()}
    assert weights["c1"] == 17 and weights["defnp"] == 9 and weights["c2"] == 1 and "grt" not in weights


# ---------------------------------------------------------------- the search
@pytest.mark.parametrize("language", ["L8", "L26"])
def test_the_trail_leads_back(language):
    """Ten thousand random prefixes on two tasks: after going back all cells that could be read are as before."""
    rng, prior, prefixes = np.random.default_rng(3), uniform(language), 0
    tokens = list(prior.weights)
    while prefixes < 10_000:
        kind = str(rng.choice(list("ACH")))
        search = oops.Try(oops.LIBRARY.copy(), kind, (1, 3), [tuple(oops.words(RAMP))], 10 ** 6)
        active = [(task, task.blank(START, prior)) for task in search.tapes]
        stack = []
        for _ in range(200):
            if active and rng.random() < 0.65:
                saved = [(snapshot(task), registers) for task, registers in active]
                stack.append((len(search.trail), saved, active))
                search.q.append(int(rng.choice(tokens)))
                ends = [oops.run(task, registers, search.q, 0, 300, search.found) for task, registers in active]
                active = [(task, registers) for (task, _), (_, registers, _) in zip(active, ends)]
                if any(why != oops.REQUEST for why, *_ in ends):
                    active = []
                prefixes += 1
            elif stack:
                mark, saved, active = stack.pop()
                search.q.pop()
                search.undo(mark)
                for (task, registers), ((ds, Ds), _) in zip(active, saved):
                    high, High = registers[10:12]
                    assert task.ds[:high + 1] == ds[:high + 1] and task.Ds[:High + 1] == Ds[:High + 1]


@pytest.mark.parametrize("lookahead", [True, False])
def test_a_subsearch_keeps_its_bounds_on_time(lookahead, monkeypatch):
    """No prefix runs for longer than P times the steps granted, and all together no longer than these."""
    granted = []

    def watched(slow):
        def call(task, registers, q, t, limit, found=()):
            why, registers, after = slow(task, registers, q, t, limit, found)
            assert t <= after <= limit and (len(q) == START or limit <= 2 ** 16 * 8.0 ** (START - len(q)) + 1e-9)
            granted.append(after - t)
            return why, registers, after
        return call

    monkeypatch.setattr(oops, "run", watched(oops.run))
    monkeypatch.setattr(oops, "push", watched(oops.push))
    for kind in "AH":
        granted.clear()
        tokens, search = fresh(kind, (1, 2), 2 ** 16, UNIFORM, lookahead=lookahead)
        assert tokens is None and sum(granted) == search.spent <= 2 ** 16


def test_look_ahead_changes_no_find():
    """First solution, its P and t, with look-ahead and without: random languages, classes, priors, found programs."""
    rng, solved = np.random.default_rng(4), 0
    found = [tuple(oops.words(text)) for text in ("defnp c1 c2 endnp", RAMP, "2toD 1toD mvdsk", "bsf")]
    boosts = [tuple(oops.words(text)) for text in ("1toD 2toD mvdsk bsf endnp", "mvdsk xAD xSA c3 bsf delD", oops.L8)]
    for _ in range(80):
        language, kind = str(rng.choice(["L8", "L9", "L26", "L26"])), str(rng.choice(list("ACH")))
        sizes = [(1,), (1,), (2,), (1, 2)][rng.integers(4)]
        known = found[:rng.integers(5)] if language != "L8" else []
        prior = oops.first_prior(language, str(rng.choice(["uniform", "small"])), rng)
        for _ in range(rng.integers(1, 4)):
            prior = prior.boost(boosts[rng.integers(3)])
        for k in range(8, 15):
            runs = [fresh(kind, sizes, 2 ** k, prior, known, lookahead) for lookahead in (True, False)]
            assert runs[0][0] == runs[1][0] and runs[0][1].prefixes <= runs[1][1].prefixes
            if runs[0][0] is not None:
                assert (runs[0][1].P, runs[0][1].t) == (runs[1][1].P, runs[1][1].t)
                solved += 1
                break
    assert solved > 4


def test_oops_teaches_itself_1n_2n_and_stays_within_eight_times_the_optimum():
    """Every task of class A: all time granted to it is at most 8 t / P, its program's time over its probability."""
    before, kinds = 0, []
    for s in oops.train(replace(CONFIG, tasks="A", sizes=12), 1000):
        if s.tokens is not None:
            assert (s.step - before) * s.search.P / s.search.t <= 8
            before = s.step
            kinds.append(s.half if s.tokens else "reuse")
    assert oops.listing(s.found[-1]) == RAMP and kinds[-1] == "reuse" and kinds[0] == "fresh"
    for n in range(1, 31):
        assert oops.execute(RAMP, "A", n)[0]


def test_time_doubles_and_both_halves_get_the_same():
    phases = [(s.n, s.half, s.search.steps) for s in oops.train(replace(CONFIG, tasks="A", sizes=2), 1001)]
    first = [steps for n, _, steps in phases if n == 1]
    assert first == [2 ** k for k in range(len(first))]
    second = [(half, steps) for n, half, steps in phases if n == 2]
    assert second == [(half, 2 ** k) for k in range(len(second)) for half in ("prolong", "fresh")][:len(second)]


def test_a_prolongation_starts_with_the_frozen_code_and_solves_its_task_alone():
    """What OOPS makes of its first program for class A: right for n = 2, and free to be wrong for n = 1."""
    first = "defnp c1 c2 endnp"
    q = oops.LIBRARY + oops.words(first)
    search = oops.Try(q, "A", [2], [tuple(oops.words(first))], 2 ** 20)
    tokens = search.search(START, UNIFORM)
    assert len(search.tapes) == 1 and tokens and q == oops.LIBRARY + oops.words(first)
    assert oops.execute(f"{first} {oops.listing(tokens)}", "A", 2)[0] and not oops.execute(first, "A", 2)[0]
    assert search.t / search.P <= 2 ** 20


def test_boosting_the_solver_of_1n_2n_finds_its_mirror_image_sooner():
    """The first k with a solution of C_1 and C_2 within 2^k steps, with the prior after a boost and without."""
    boosted = UNIFORM.boost(tuple(oops.words(RAMP)))
    sooner, later = (next(k for k in range(26) if fresh("C", (1, 2), 2 ** k, prior)[0]) for prior in (boosted, UNIFORM))
    assert sooner <= later - 2


def test_without_enough_time_nothing_is_found():
    metrics, _ = oops.oops(replace(CONFIG, limit=12), 0)
    assert metrics["solved"] == 0 and metrics["solved_A"] == 0 and np.isnan(metrics["cost"])


# ---------------------------------------------------------------- the frame
def test_settings_that_cannot_work_are_refused(capsys):
    for words in (["--first", "20"], ["--sizes", "151"], ["--disks", "31"]):
        assert oops.main([*words, "--arm", "quick-oops"]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
    assert oops.execute(RAMP, "A", 150)[0] and oops.execute(HANOI, "H", 30, memo=20)[0]


def test_cells_are_deterministic():
    for name in oops.PRESETS["quick"]:
        one, two = (oops.run_cell(oops.ARMS[name], 7) for _ in range(2))
        assert {**one, "seconds": 0} == {**two, "seconds": 0}


def test_the_quick_preset_runs(capsys):
    assert oops.main(["--preset", "quick"]) == 0
    assert "claim nothing" in capsys.readouterr().out
