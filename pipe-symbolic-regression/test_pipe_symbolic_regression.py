"""Tests of pipe-symbolic-regression: python3 -m pytest test_pipe_symbolic_regression.py"""
import pipe_symbolic_regression as pipe                                           # first: it sets the threads

import math
import random
from dataclasses import replace

import numpy as np
import pytest

SMALL = pipe.Config(evaluations=600)
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


def read(formula, config):
    """Compute a printed formula, point by point, with Python's own arithmetic."""
    names = {"div": lambda a, b: a / b if b else 1.0, "rlog": lambda a: math.log(abs(a)) if a else 0.0,
             "sin": math.sin, "cos": math.cos, "exp": math.exp}
    return [eval(formula, names, {"x": float(x)}) for x in pipe.TASKS[config.target][1]]


def solution(shop):
    """Build x^3 e^-x cos x sin x (sin^2 x cos x - 1) by hand; (x - x) is 0 and x % x is 1, at 0 too."""
    x, name = shop.inputs[8], {name: op for op, name in enumerate(shop.language.names)}
    make = lambda op, *kids: shop.combine((name[op], *kids))
    sin, cos, zero, one = make("sin", x), make("cos", x), make("-", x, x), make("%", x, x)
    cube = make("*", x, make("*", x, x))
    last = make("-", make("*", make("*", sin, sin), cos), one)
    product = make("*", make("*", cube, make("exp", make("-", zero, x))), make("*", make("*", cos, sin), last))
    return product


def test_the_target_has_the_known_extremes_and_a_program_that_computes_it():
    function, points, fresh = pipe.TASKS["salustowicz"]
    f = function(points)
    assert len(points) == 101 and len(fresh) == 100 and not set(points.round(9)) & set(fresh.round(9))
    assert (round(f.min(), 4), round(f.max(), 4), round(np.abs(f).sum(), 4)) == (-0.8053, 0.8348, 20.4695)
    language = pipe.make_language(pipe.Config())
    program = solution(pipe.Workshop(language, random.Random(0).random))
    assert language.judge(program.value) < 1e-12 and program.size == 31
    assert np.abs(pipe.evaluate(program, language, {8: fresh}) - function(fresh)).sum() < 1e-12


@pytest.mark.parametrize("target", ["salustowicz", "quartic"])
def test_the_evaluator_computes_the_printed_formula(target):
    """On 200 random programs, against Python's own arithmetic; the protected operators at 0 included."""
    config = pipe.Config(target=target)
    language, compared = pipe.make_language(config), 0
    shop = pipe.Workshop(language, random.Random(1).random)
    for program in pipe.first(shop, random.Random(2), replace(config, population=200)):
        try:
            values = np.array(read(pipe.text(program, language), config))
        except (OverflowError, ValueError):                                       # Python refuses what numpy calls inf
            continue
        if np.abs(values).max() < 1e6:
            assert program.value == pytest.approx(values, rel=1e-6, abs=1e-6)
            compared += 1
        assert pipe.evaluate(program, language, shop.language.inputs) == pytest.approx(program.value, nan_ok=True)
    assert compared > 120
    assert pipe.divide(np.array([3.0, 1.0]), np.array([0.0, 2.0])).tolist() == [1, 0.5]
    assert pipe.rlog(np.array([0.0, -1.0, math.e])).tolist() == [0, 0, 1]


def test_a_program_that_is_not_finite_fails():
    language = pipe.make_language(pipe.Config())
    for bad in (math.inf, -math.inf, math.nan):
        assert language.judge(np.where(np.arange(101) == 7, bad, 0.0)) == pipe.HOPELESS


def test_sampling_ends_whatever_the_settings():
    """Settings under which programs have no end are refused; one that is too deep fails; the run goes on."""
    with pytest.raises(OSError, match="terminals"):
        new_tree(terminals=0.3)
    for setting in ({"rate": 1.0}, {"step": 0.0}, {"eps": 0.0}, {"mutation_rate": 1.5}):
        with pytest.raises(OSError, match="--rate"):
            pipe.Config(**setting)
    copies = [s.step for s in pipe.evolve(pipe.Config(evaluations=100, population=50, crossover=0.0), 0)]
    assert copies == list(range(50, 101))
    config = pipe.Config(evaluations=300, most=3)
    assert [s.step for s in pipe.train(config, 0)] == list(range(10, 301, 10))
    tree = new_tree()
    node, unary = tree.root, [float(op == 4) for op in range(10)]
    for _ in range(3000):                                                         # sin sin sin ...
        pipe.store(tree, [(node, None)], np.array([unary]))
        node.kids.append(tree.node())
        node = node.kids[0]
    assert pipe.best_of(tree)[1] == (pipe.HOPELESS, 1)


def test_initial_trees_have_the_size_of_a_branching_process():
    """Mean offspring (1 - P_T) 1.5 = 0.3, so the mean size is 1 / 0.7."""
    tree = new_tree(reuse=1.0)
    sizes = [tree.sample(tree.root).size for _ in range(20_000)]
    assert np.mean(sizes) == pytest.approx(1 / 0.7, abs=0.04)


def test_samples_follow_the_vectors():
    """Each instruction of the root and of its first argument is drawn as often as its entry says."""
    tree, rng = new_tree(), np.random.default_rng(0)
    pairs = tree.path(solution(tree.shop))
    pipe.store(tree, pairs, rng.dirichlet(np.full(10, 0.5), len(pairs)))
    drawn = [tree.sample(tree.root) for _ in range(20_000)]
    below = [program.kids[0].op for program in drawn if program.kids]
    for ops, node in (([program.op for program in drawn], tree.root), (below, tree.root.kids[0])):
        assert np.bincount(ops, minlength=10) / len(ops) == pytest.approx(node.p, abs=0.02)


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
    program = solution(tree.shop)
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
    program = solution(tree.shop)
    for _ in range(60):
        pairs = tree.path(program)
        P = pipe.learn(tree, pairs, 50.0)
        before = np.log(P[np.arange(len(pairs)), [part.op for _, part in pairs]]).sum()
        pipe.store(tree, pairs, P)
        assert tree.probability(program) == pytest.approx(before)
    assert max(tree.root.p) > 0.5 and len(vectors(tree)) == program.size


def test_pruning_deletes_what_the_dominant_instruction_does_not_need():
    tree = new_tree(prune=0.9)
    pairs = tree.path(solution(tree.shop))
    P = np.array([node.p for node, _ in pairs])
    P[0], P[1] = 0.001, 0.001
    P[0, 4], P[1, 8] = 0.991, 0.991                                               # sin takes one argument, x none
    pipe.store(tree, pairs, P)
    assert len(tree.root.kids) == 1 and not tree.root.kids[0].kids


def test_mutation_has_the_stated_rate_and_size():
    rng, n, z = np.random.default_rng(0), 25, 10
    changed = []
    for _ in range(2000):
        P = np.full((n, z), 1 / z)
        pipe.mutate(P, pipe.Config(), rng)
        assert P.sum(1) == pytest.approx(np.ones(n))
        changed.append((P > 1 / z + 1e-9).sum())
    assert np.mean(changed) == pytest.approx(n * z * 0.4 / (z * math.sqrt(n)), rel=0.05)
    single = np.sort(P[np.isclose(P.max(1), 0.46 / 1.36)], 1)                     # 0.1 + 0.4 * 0.9 = 0.46, over 1.36
    assert not len(single) or single[:, 0] == pytest.approx(0.1 / 1.36)


def test_stored_constants_are_reused_only_above_the_threshold():
    tree = new_tree()
    pairs = tree.path(tree.shop.constant())
    for p, fresh in ((0.31, False), (0.29, True)):
        P = np.full((1, 10), (1 - p) / 9)
        P[0, 9] = p
        pipe.store(tree, pairs, P)
        drawn = [program.constant for program in (tree.sample(tree.root) for _ in range(200)) if program.op == 9]
        assert (len(set(drawn)) == len(drawn)) == fresh and all(0 <= c < 1 for c in drawn)
    kept = tree.shop.constant()
    pipe.learn(tree, tree.path(kept), 1.0)
    assert tree.root.constant is kept


def test_without_learning_and_mutation_the_tree_stays_as_it_is():
    config = replace(SMALL, rate=0.0, mutation=0.0, evaluations=1000)
    for s in pipe.train(config, 0):
        assert s.tree.root.p == new_tree().p
    assert (vectors(s.tree) == new_tree().p).all()
    *_, s = pipe.train(replace(config, rate=0.01), 0)
    assert (vectors(s.tree) != new_tree().p).any()


def test_with_learning_off_the_target_is_not_approached():
    """5,000 evaluations, three runs: the worst with learning is better than the best sample of the initial tree."""
    short = {"evaluations": 5000, "runs": 3}
    off = pipe.pipe(replace(pipe.Config(**pipe.RANDOM), **short), 0)[0]["error"]
    on = pipe.pipe(replace(pipe.Config(), **short), 0)[0]["error"]
    assert max(on) < min(off)


def test_crossover_exchanges_parts_and_keeps_the_depth():
    config = replace(SMALL, population=60, depth=8)
    language, rng = pipe.make_language(config), random.Random(4)
    shop = pipe.Workshop(language, rng.random)
    population = pipe.first(shop, rng, config)
    assert {p.depth for p in population[1::2]} == {2, 3, 4, 5, 6}                 # the full ones
    inner = [pipe.pick(population[9], rng)[0].inner > 0 for _ in range(2000)]
    assert 0.88 < np.mean(inner) < 0.92
    a, b = population[9], population[5]
    for _ in range(100):
        (part, trail), (donor, _) = pipe.pick(a, rng), pipe.pick(b, rng)
        child = pipe.graft(shop, trail, donor)
        assert child.size == a.size - part.size + donor.size
        assert pipe.graft(shop, trail, part) is a or pipe.text(pipe.graft(shop, trail, part), language) == pipe.text(
            a, language)
    scores = [(language.judge(p.value), p.size) for p in population]
    for _ in range(10):
        population, made = pipe.breed(shop, rng, population, scores, config)
        best, scores = min(scores), [(language.judge(p.value), p.size) for p in population]
        assert len(population) == 60 and max(p.depth for p in population) <= 8 and min(scores) <= best


def test_a_run_ends_at_the_exact_solution_and_the_hits_come_first():
    config = pipe.ARMS["quartic"].config
    language = pipe.make_language(config)
    make = pipe.Workshop(language, random.Random(0).random).combine
    x = pipe.Workshop(language, random.Random(0).random).inputs[4]
    square = make((2, x, x))
    near, exact = x, make((0, make((0, x, square)), make((2, square, make((0, x, square))))))
    snaps = [pipe.Snapshot(step, best, language.judge(best.value), None, 1)
             for step, best in ((10, near), (20, near), (30, exact), (40, exact))]
    best, error, solved, done, curve = pipe.course(iter(snaps), config)
    assert (best, solved, done) == (exact, 30, 30) and error < 1e-9 and len(curve) == len(pipe.MARKS)
    assert curve[0] == language.judge(near.value) and curve[-1] == error


def test_the_rank_test_and_the_intervals():
    a = np.arange(20.0)
    assert pipe.rank_test(a, a) == pytest.approx(1) and pipe.rank_test(a, a + 100) < 1e-6
    assert pipe.share(np.array([True] * 8 + [False] * 2)) == pytest.approx((0.8, 0.2266), abs=1e-3)
    assert pipe.spread(np.arange(101.0)) == 50


def test_runs_are_reproducible_and_do_not_depend_on_how_many_run():
    arm = pipe.ARMS["quick-pipe"]
    one, two = pipe.run_cell(arm, 5), pipe.run_cell(arm, 5)
    assert {**one, "seconds": 0} == {**two, "seconds": 0}
    single = pipe.run_cell(arm._replace(config=replace(arm.config, runs=1)), 5)
    assert single["metrics"]["error"] == one["metrics"]["error"][:1]


def test_quick_preset_through_the_command_line():
    assert pipe.main(["--preset", "quick"]) == 0
