"""Tests of pipe-6-bit-parity: python3 -m pytest test_pipe_6_bit_parity.py"""
import pipe_6_bit_parity as pipe                                                  # first: it sets the threads

import math
import random
import re
from dataclasses import replace

import numpy as np
import pytest

SMALL = pipe.Config(evaluations=600)
GATES = pipe.Config(functions="gates", evaluations=600)
np.seterr(all="ignore")                                                           # as in the script's own loops


def new_tree(seed=0, **changes):
    config = replace(pipe.Config(), **changes)
    return pipe.Tree(pipe.make_language(config), config, random.Random(seed).random)


def vectors(tree):
    """Return the vectors of all nodes of a prototype tree."""
    nodes = [tree.root]
    for node in nodes:
        nodes.extend(node.kids)
    return np.array([node.p for node in nodes])


def parse(formula, shop):
    """Build the program of a printed formula: numbers, inputs, infix + - *, and names with arguments in parentheses."""
    tokens = re.findall(r"[A-Za-z]\w*|\d[\w.]*(?:e[-+]\d+)?|[-+*(),]", formula)
    op_of = {"div" if name == "%" else name: op for op, name in enumerate(shop.language.names)}

    def expression():
        token = tokens.pop(0)
        if token == "(":
            a, sign = expression(), tokens.pop(0)
            key = op_of[sign], a, expression()
            tokens.pop(0)
            return shop.combine(key)
        if token[0].isdigit():
            value = float(token)
            return pipe.Program(shop.language.constant, (), np.full(len(shop.inputs[8].value), value), value)
        if not tokens or tokens[0] != "(":
            return shop.inputs[op_of[token]]
        kids = []
        while tokens[0] != ")" if kids else True:
            tokens.pop(0)
            kids.append(expression())
        tokens.pop(0)
        return shop.combine((op_of[token], *kids))

    return expression()


def shop_of(config):
    return pipe.Workshop(pipe.make_language(config), random.Random(0).random)


SUM = "(x0 + (x1 + (x2 + (x3 + (x4 + x5)))))"


def test_hand_made_solutions_are_right_and_survive_printing():
    """cos(pi * number of ones) with real numbers; a chain of 21 gates, the smallest known."""
    chain = "x5"
    for i in range(5):
        chain = f"IF({chain}, NOT(x{i}), x{i})" if i < 4 else f"IF({chain}, x{i}, NOT(x{i}))"
    for config, formula, size in ((SMALL, f"cos((3.14159 * {SUM}))", 14), (GATES, chain, 21)):
        shop = shop_of(config)
        program = parse(formula, shop)
        assert shop.language.judge(program.value) == 0 and program.size == size
        again = pipe.text(program, shop.language)
        assert parse(again, shop).size == size and pipe.text(parse(again, shop), shop.language) == again
        facts = pipe.proof(program, config)
        assert facts["checked"] == 0 and facts["robust"] == (1 if config is GATES else 0 or facts["robust"])
    tilted = parse(f"cos((3.3 * {SUM}))", shop_of(SMALL))                         # 6 * 3.3 is too far from 6 pi
    assert pipe.wrong_rows(tilted, SMALL) == pipe.make_language(SMALL).judge(tilted.value)


@pytest.mark.parametrize("config", [SMALL, GATES, replace(GATES, bits=3, even=False)])
def test_the_evaluator_agrees_with_the_row_by_row_interpreter(config):
    """On 500 random programs: wrong patterns counted by both, all inputs at once and one by one."""
    shop = shop_of(config)
    for program in pipe.first(shop, random.Random(2), replace(config, population=500))[::1 if config.bits == 3 else 3]:
        assert pipe.wrong_rows(program, config) == shop.language.judge(program.value)
        if config.functions == "real":
            same = pipe.evaluate(program, shop.language, shop.language.inputs)
            assert np.array_equal(same, program.value, equal_nan=True)


def test_parity_counts_ones():
    x, even = pipe.patterns(6)
    assert x.shape == (6, 64) and len({tuple(column) for column in x.T}) == 64 and even.sum() == 32
    assert all(even[i] == (bin(i).count("1") % 2 == 0) for i in range(64))
    language = pipe.make_language(SMALL)
    assert language.judge(np.full(64, math.nan)) == language.judge(np.full(64, -math.inf)) == 32
    with pytest.raises(OSError, match="bits"):
        pipe.make_language(pipe.Config(bits=13))


def test_the_ladder():
    """Functions of the number of ones climb step by step; every function of five inputs is wrong on exactly half."""
    metrics, _ = pipe.ladder(pipe.Config(), 0)
    x, even = pipe.patterns(6)
    ones, rng = x.sum(0), np.random.default_rng(0)
    assert (((ones != 3) != even).sum(), (((ones != 3) & (ones != 5)) != even).sum()) == (12, 6)
    assert metrics["changes_2"] == 12 and metrics["changes_6"] == 0
    steps = [metrics[f"changes_{k}"] for k in range(7)]
    assert steps == sorted(steps, reverse=True) and steps[0] == 32
    for _ in range(1000):
        five = np.delete(x, rng.integers(6), 0).T @ 2 ** np.arange(5)
        assert (rng.integers(0, 2, 32)[five] != even).sum() == 32
    assert metrics["partial_low"] == metrics["partial_high"] == 32


def test_initial_trees_have_the_size_of_a_branching_process():
    """Mean offspring 0.4 * 1.5 = 0.6 with real numbers, 0.4 * 2 = 0.8 with gates: mean sizes 2.5 and 5."""
    for functions, size, within in (("real", 2.5, 0.1), ("gates", 5.0, 0.6)):
        tree = new_tree(functions=functions)
        assert np.mean([tree.sample(tree.root).size for _ in range(20_000)]) == pytest.approx(size, abs=within)
    with pytest.raises(OSError, match="terminals"):
        new_tree(functions="gates", terminals=0.5)
    for setting in ({"rate": 1.0}, {"step": 0.0}, {"eps": 0.0}, {"mutation_rate": 1.5}):
        with pytest.raises(OSError, match="--rate"):
            pipe.Config(**setting)


def test_the_closed_form_equals_the_literal_loop():
    rng = np.random.default_rng(0)
    for _ in range(100):
        p, step = rng.uniform(0.01, 1, rng.integers(1, 40)), 0.001
        joint = p.prod()
        goal = joint + (1 - joint) * 0.01 * rng.random()
        count, live = 0, p.copy()
        while live.prod() < goal:
            live += step * (1 - live)
            count += 1
        assert abs(pipe.loops(p, step, math.log(goal)) - count) <= (count > 0 and abs(live.prod() - goal) < 1e-12)


def test_learning_raises_the_probability_to_its_target_and_no_further_than_one_step():
    tree = new_tree()
    program = parse(f"cos((3.14159 * {SUM}))", tree.shop)
    for scale in (1.0, 0.5, 1.0):
        before = math.exp(tree.probability(program))
        pairs = tree.path(program)
        goal = before + (1 - before) * 0.01 * scale
        pipe.store(tree, pairs, pipe.learn(tree, pairs, scale))
        after = np.array([node.p[part.op] for node, part in tree.path(program)])
        assert goal * (1 - 1e-9) <= after.prod() and ((after - 0.001) / 0.999).prod() < goal
    assert vectors(tree).sum(1) == pytest.approx(np.ones(len(vectors(tree))))


def test_vectors_sum_to_one_through_a_run_and_pruning_spares_the_elite():
    """A low threshold makes pruning frequent; it never removes a node that the learnt program uses."""
    *_, s = pipe.train(replace(SMALL, prune=0.6, evaluations=2000), 3)
    every = vectors(s.tree)
    assert every.sum(1) == pytest.approx(np.ones(len(every))) and (every >= 0).all()
    tree = new_tree(prune=0.5)
    program = parse(f"cos((3.14159 * {SUM}))", tree.shop)
    for _ in range(60):
        pairs = tree.path(program)
        P = pipe.learn(tree, pairs, 50.0)
        before = np.log(P[np.arange(len(pairs)), [part.op for _, part in pairs]]).sum()
        pipe.store(tree, pairs, P)
        assert tree.probability(program) == pytest.approx(before)
    assert max(tree.root.p) > 0.5 and len(vectors(tree)) == program.size


def test_without_learning_and_mutation_the_tree_stays_as_it_is():
    for config in (replace(SMALL, rate=0.0, mutation=0.0), replace(GATES, rate=0.0, mutation=0.0)):
        initial = new_tree(functions=config.functions).p
        *_, s = pipe.train(config, 0)
        assert (vectors(s.tree) == initial).all()
        *_, s = pipe.train(replace(config, rate=0.01), 0)
        assert (vectors(s.tree) != initial).any()


def test_with_learning_off_parity_is_not_approached():
    """Three bits, gates, three runs of 10,000 evaluations: with learning most are solved, by samples alone none."""
    config = replace(GATES, bits=3, evaluations=10_000, runs=3)
    on = pipe.pipe(config, 0)[0]
    off = pipe.pipe(replace(config, rate=0.0, mutation=0.0), 0)[0]
    found = [checked for when, checked in zip(on["solved"], on["checked"]) if when]
    assert len(found) >= 2 and set(found) == {0} and min(off["wrong"]) > 0


def test_a_new_start_keeps_the_best_program():
    config = replace(GATES, restart=200, evaluations=3000)
    trees, errors = [], []
    for s in pipe.train(config, 1):
        errors.append((s.error, s.best.size))
        if not trees or s.tree is not trees[-1]:
            trees.append(s.tree)
    assert len(trees) > 2 and errors == sorted(errors, reverse=True)
    plain = [(s.error, s.best.size) for s in pipe.train(replace(config, restart=0), 1)]
    assert plain[:20] == errors[:20]


def test_stored_constants_persist_above_the_threshold():
    tree = new_tree()
    r = tree.language.constant
    kept = tree.shop.constant()
    pairs = tree.path(kept)
    for p, fresh in ((0.31, False), (0.29, True)):
        pipe.learn(tree, pairs, 1.0)
        P = np.full((1, r + 1), (1 - p) / r)
        P[0, r] = p
        pipe.store(tree, pairs, P)
        drawn = [program for program in (tree.sample(tree.root) for _ in range(200)) if program.op == r]
        assert all((program is not kept) == fresh for program in drawn)


def test_crossover_exchanges_parts_of_gates_too():
    rng, config = random.Random(4), replace(GATES, population=60, depth=7)
    shop = shop_of(config)
    population = pipe.first(shop, rng, config)
    a, b = max(population, key=lambda p: p.size), population[5]
    for _ in range(100):
        (part, trail), (donor, _) = pipe.pick(a, rng), pipe.pick(b, rng)
        child = pipe.graft(shop, trail, donor)
        assert child.size == a.size - part.size + donor.size and child.inner == a.inner - part.inner + donor.inner
        assert pipe.graft(shop, trail, part).value == a.value
    scores = [(shop.language.judge(p.value), p.size) for p in population]
    for _ in range(10):
        population, made = pipe.breed(shop, rng, population, scores, config)
        best, scores = min(scores), [(shop.language.judge(p.value), p.size) for p in population]
        assert len(population) == 60 and max(p.depth for p in population) <= 7 and min(scores) <= best


def test_shares_and_the_exact_test_count_unsolved_runs():
    """Fisher's example: 3 of 4 against 1 of 4 has p = 34 / 70."""
    three = {"solved": np.array([10.0, 20.0, math.nan, 300.0]), "size": np.array([5.0, 7.0, 1.0, 9.0])}
    one = {"solved": np.array([math.nan, 40.0, math.nan, math.nan])}
    assert pipe.solved(three)[0] == 0.75 and pipe.solved(three, 20)[0] == 0.5 and pipe.solved(one)[0] == 0.25
    assert pipe.exact_test(three, one) == pytest.approx(34 / 70)
    assert pipe.of_solvers(pipe.solver_sizes(three)) == 7 and math.isnan(pipe.of_solvers(np.array([math.nan])))


def test_runs_are_reproducible_and_do_not_depend_on_how_many_run():
    for name in ("quick-pipe", "quick-gates", "quick-gp"):
        arm = pipe.ARMS[name]
        one, two = pipe.run_cell(arm, 5), pipe.run_cell(arm, 5)
        assert {**one, "seconds": 0} == {**two, "seconds": 0}
        single = pipe.run_cell(arm._replace(config=replace(arm.config, runs=1)), 5)
        assert single["metrics"]["wrong"] == one["metrics"]["wrong"][:1]


def test_quick_preset_through_the_command_line():
    assert pipe.main(["--preset", "quick"]) == 0
