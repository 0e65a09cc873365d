import linear_transformers_fwp as fwp                            # first: it sets the threads before numpy loads
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from linear_transformers_fwp import ARMS, Config, run_cell

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

MAPS = {"elu1": fwp.elu1, "tanh": fwp.tanh, "dpfp1": partial(fwp.dpfp, nu=1), "dpfp3": partial(fwp.dpfp, nu=3)}


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("replace", (False, True))
@pytest.mark.parametrize("rule, features", [("sum", "elu1"), ("sum", "dpfp"), ("sum", "favor"), ("delta", "elu1"),
                                            ("delta", "dpfp"), ("fwm", "tanh"), ("fwm", "dpfp"), ("softmax", "elu1")])
def test_gradients_of_every_rule_and_map(rule, features, replace):
    def error(seed):
        rng = np.random.default_rng(seed)
        config = Config(S=6, d=8, batch=4, nu=2, m=12, rule=rule, features=features, replace=replace)
        params = fwp.init(config, rng, np.float64)
        for name in ("b_k", "b_q"):
            params[name] += rng.standard_normal(config.d)        # larger keys, so that the fwm rule has to shrink W
        keys, values, asked, _ = fwp.make_batch(config, rng)
        target = rng.random((config.batch, 1, config.S))

        def read():
            return fwp.forward(params, config, keys, values, asked, np.random.default_rng(seed))

        y, pullback = read()
        grads = pullback(y - target)
        if rule == "softmax":
            assert abs(grads.pop("b_k")).max() < 1e-15           # a shift of all keys changes nothing
        checked = {name: params[name] for name in grads}
        return gradient_error(lambda: 0.5 * np.square(read()[0] - target).sum(), checked, grads)

    # A kink of relu within eps, or a derivative near 0, spoils the differences of a draw; an error spoils all draws.
    assert min(map(error, range(4))) < 1e-6


@pytest.mark.parametrize("rule, features", [("sum", "dpfp"), ("delta", "dpfp"), ("fwm", "tanh"), ("softmax", "elu1")])
def test_training_descends_the_loss_it_reports(rule, features, monkeypatch):
    config = Config(S=6, d=8, batch=4, rule=rule, features=features, replace=rule != "sum", steps=1)
    steps = []

    def adam(params, grads, *_):
        steps.append(({name: value.astype(float) for name, value in params.items()}, grads))

    monkeypatch.setattr(fwp, "adam", adam)
    for _ in fwp.train(config, 0):
        pass
    [(params, grads)] = steps
    data = np.random.default_rng(np.random.SeedSequence([0, 0]).spawn(2)[1])
    keys, values, asked, target = fwp.make_batch(config, data)
    y, pullback = fwp.forward(params, config, keys, values, asked, None)
    for name, grad in pullback((y - np.eye(config.S)[target]) / config.batch).items():
        np.testing.assert_allclose(grads[name], grad, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("phi", MAPS.values(), ids=MAPS)
def test_gradient_of_a_feature_map_alone(rng, phi):
    x = rng.standard_normal((3, 6))
    weight = rng.standard_normal(phi(x)[0].shape)
    grads = {"x": phi(x)[1](weight.copy())}
    assert gradient_error(lambda: (weight * phi(x)[0]).sum(), {"x": x}, grads) < 1e-6


@pytest.mark.parametrize("nu", (1, 3, 8, 9))
def test_dpfp_without_features_equals_dpfp_with_features(rng, nu):
    k, q, d_s = rng.standard_normal((3, 7, 4)), rng.standard_normal((3, 1, 4)), rng.standard_normal((3, 1, 7))
    s, pullback = fwp.dpfp_similarity(k, q, nu)
    s_plain, pullback_plain = fwp.similarity(partial(fwp.dpfp, nu=nu), k, q)
    np.testing.assert_allclose(s, s_plain, atol=1e-12)
    for fast, plain in zip(pullback(d_s), pullback_plain(d_s)):
        np.testing.assert_allclose(fast, plain, atol=1e-12)


def test_sequences_and_targets_against_a_dictionary(rng):
    for again in (False, True):
        config = Config(S=9, replace=again, batch=50)
        keys, values, asked, target = fwp.make_batch(config, rng)
        assert keys.shape == (50, 18 if again else 9)
        for lane in range(50):
            meaning = dict(zip(keys[lane], values[lane]))
            assert meaning[asked[lane, 0]] == target[lane, 0]
            assert again or sorted(keys[lane]) == sorted(values[lane]) == list(range(9))
        table = fwp.last_values(keys, values, 9)
        assert all(table[0, s] == dict(zip(keys[0], values[0])).get(s, -1) for s in range(9))


def test_sum_rows_is_the_transpose_of_a_lookup(rng):
    rows, index = rng.standard_normal((4, 5, 3)), rng.integers(6, size=(4, 5))
    expected = np.zeros((8, 3))
    np.add.at(expected, index, rows)
    np.testing.assert_allclose(fwp.sum_rows(rows, index, 8), expected, atol=1e-14)


def test_identities_hold():
    metrics, _ = fwp.identities(Config(draws=5), 0)
    assert metrics["attention_gap"] < 1e-12 and metrics["delta_gap"] < 1e-10


def test_a_delta_write_is_read_back_at_once(rng):
    W = rng.standard_normal((5, 3, 4))
    for _ in range(10):
        k, v = rng.standard_normal((5, 4)), rng.standard_normal((5, 3))
        k /= np.linalg.norm(k, axis=1, keepdims=True)
        W = fwp.write(W, k, v, np.ones(5))
        np.testing.assert_allclose((W @ k[:, :, None])[..., 0], v, atol=1e-14)


def test_delta_equals_sum_on_orthonormal_keys_and_replaces_where_sum_averages(rng):
    k = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    a, _ = fwp.delta_attention(k[:, None], k[None], np.ones((6, 1)))
    np.testing.assert_allclose(a[:, 0], k @ k.T, atol=1e-14)
    again = k[[0, 1, 2, 0]]                                      # the first key comes back
    a, _ = fwp.delta_attention(again[:, None], k[None, :1], np.ones((4, 1)))
    np.testing.assert_allclose(a[:, 0, 0], (0, 0, 0, 1), atol=1e-14)
    a, _ = fwp.normalise((k[:1] @ again.T)[None])
    np.testing.assert_allclose(a[0, 0], (0.5, 0, 0, 0.5), atol=1e-6)


def test_fwm_against_fast_weights_written_out(rng):
    config, phi = Config(S=5, rule="fwm"), partial(fwp.dpfp, nu=1)
    k, q = 2 * rng.standard_normal((3, 10, 4)), rng.standard_normal((3, 2, 4))
    beta, values = rng.random((3, 10)), rng.integers(5, size=(3, 10))
    y, _ = fwp.fwm_rule(config, phi, k, q, beta, values)
    W = np.zeros((3, 5, 8))
    for i in range(10):
        W = fwp.write(W, phi(k)[0][:, i], np.eye(5)[values[:, i]], beta[:, i])
        W /= np.maximum(1, np.linalg.norm(W, axis=(1, 2)))[:, None, None]
    o = phi(q)[0] @ W.mT
    expected = (o - o.mean(axis=-1, keepdims=True)) / np.sqrt(o.var(axis=-1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(y, expected, atol=1e-12)
    distance = 0.5 * np.square(y - np.eye(5)[values[:, -1]][:, None]).sum(axis=-1)
    assert distance.min() >= 1 / (2 * config.S)                  # LayerNorm's zero mean cannot be one-hot


def test_feature_maps_have_the_stated_properties(rng):
    x = rng.standard_normal((20, 6))
    assert fwp.elu1(x)[0].min() > 0
    for nu in (1, 2, 3):
        phi = fwp.dpfp(x, nu)[0]
        assert phi.shape == (20, 12 * nu) and phi.min() >= 0 and (phi > 0).sum(axis=1).max() <= 6 * nu
        np.testing.assert_allclose(fwp.dpfp(3 * x, nu)[0], 9 * phi)


def test_favor_estimates_the_softmax_kernel(rng):
    k, q = 0.3 * rng.standard_normal((2, 8))
    estimates = []
    for _ in range(2000):
        omega = fwp.directions(rng, 8, 16)
        estimates.append(fwp.favor(q, omega)[0] @ fwp.favor(k, omega)[0])
    assert abs(np.mean(estimates) - np.exp(q @ k)) < 3 * np.std(estimates) / 2000**0.5
    blocks = fwp.directions(rng, 8, 8)
    np.testing.assert_allclose(blocks.T @ blocks, np.diag(np.square(blocks).sum(axis=0)), atol=1e-12)


def test_fewer_features_than_keys_leave_a_loss(rng):
    S, d_dot = 12, 8
    phi_k = rng.standard_normal((S, d_dot))
    phi_q, *_ = np.linalg.lstsq(phi_k, np.eye(S))                # the best queries for these keys: (d_dot, S)
    loss = 0.5 * np.square(phi_k @ phi_q - np.eye(S)).sum() / S
    np.testing.assert_allclose(loss, 0.5 * (1 - d_dot / S))


def test_same_seed_same_metrics():
    first, second = (run_cell(ARMS["quick-delta"], 3) for _ in range(2))
    assert first | {"seconds": 0} == second | {"seconds": 0}
    assert run_cell(ARMS["quick-delta"], 4)["metrics"] != first["metrics"]


def test_headline_fails_without_learning():
    config = Config(S=4, d=16, replace=True, rule="delta", steps=300)
    assert fwp.retrieval(config, 0)[0]["loss"] < 0.1
    assert fwp.retrieval(replace(config, rate=0.0), 0)[0]["loss"] > 0.3


def test_quick_preset_runs():
    assert fwp.main(["--preset", "quick"]) == 0
