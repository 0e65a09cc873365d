"""Tests of mnist-deep-mlp: pytest test_mnist_deep_mlp.py"""
import mnist_deep_mlp as mlp

import gzip
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

try:
    mlp.find_mnist()
    WHY = ""
except OSError as missing:
    WHY = str(missing)
needs_mnist = pytest.mark.skipif(bool(WHY), reason=WHY)


def digits(seed, n):
    """Return n images of grey noise in a frame of background, with labels."""
    rng = np.random.default_rng(seed)
    images = np.pad(rng.integers(0, 256, (n, 28, 28), dtype=np.uint8), ((0, 0), (1, 1), (1, 1)))
    return mlp.Digits(images.reshape(n, -1), rng.integers(0, 10, n).astype(np.uint8))


def grid(side=29):
    return np.stack(np.mgrid[:side, :side]).reshape(2, -1) + 1.0


def test_backward_is_the_gradient():
    rng = np.random.default_rng(0)
    sizes = (20, 15, 10, 10)
    weights = [(rng.normal(0, 0.4, (m, n)), rng.normal(0, 0.4, n)) for m, n in zip(sizes, sizes[1:])]
    x, labels = rng.normal(size=(7, 20)), rng.integers(0, 10, 7)

    def loss():
        return -np.log(mlp.softmax(mlp.forward(weights, x)[-1])[np.arange(7), labels]).sum()

    ys = mlp.forward(weights, x)
    moved = [(W.copy(), b.copy()) for W, b in weights]
    mlp.descend(moved, ys, mlp.backward(weights, ys, mlp.softmax(ys[-1]), labels), 1.0)
    params, grads = ({f"{kind}{layer}": value for layer, pair in enumerate(pairs) for kind, value in zip("Wb", pair)}
                     for pairs in (weights, [(W - V, b - c) for (W, b), (V, c) in zip(weights, moved)]))
    assert gradient_error(loss, params, grads) < 1e-6


def test_equal_scores_cost_ln_10():
    assert np.allclose(-np.log(mlp.softmax(np.full((3, 10), 7.0))), np.log(10))


def test_weight_counts_of_the_papers_nets():
    for hidden, millions in zip((mlp.N1, mlp.N2, mlp.N3, mlp.N4, mlp.N5), (1.34, 3.26, 6.69, 12.11, 8.86)):
        weights = mlp.init(np.random.default_rng(0), mlp.Config(hidden=hidden))
        assert sum(W.size + b.size for W, b in weights) // 10_000 == round(100 * millions)


@pytest.mark.parametrize("side", [28, 29])
def test_no_strength_no_change(side):
    some = digits(0, 70)
    config = mlp.Config(side=side, elastic=0.0, affine=0.0)
    plain = mlp.deform(np.random.default_rng(0), some, config)
    assert np.array_equal(plain, mlp.crop(some.images, side))
    assert np.array_equal(mlp.warp(some.images, grid(side)).T, plain)                      # bit for bit


def test_a_shift_by_one_pixel_rolls_the_image():
    some = digits(1, 5)
    shifted = mlp.warp(some.images, grid() + np.array([[1.0], [0.0]])).T.reshape(5, 29, 29)
    assert np.array_equal(shifted[:, 1:-2], np.roll(mlp.crop(some.images, 29).reshape(5, 29, 29), -1, axis=1)[:, 1:-2])


def test_a_quarter_turn_rotates_the_image():
    some, centre = digits(2, 3), (mlp.EDGE - 1) / 2
    turned = mlp.warp(some.images, centre + np.array([[0.0, 1.0], [-1.0, 0.0]]) @ (grid(28) - centre)).T
    assert np.allclose(turned.reshape(3, 28, 28), np.rot90(mlp.crop(some.images, 28).reshape(3, 28, 28), axes=(1, 2)))


def test_deform_agrees_with_a_loop_over_images_and_pixels():
    some, config = digits(3, 5), mlp.Config(group=1)
    some = some._replace(labels=np.zeros(5, int))
    rng, again = np.random.default_rng(5), np.random.default_rng(5)
    order = again.permutation(0), again.permutation(5)                                     # no tame digits here
    place = mlp.places(again, np.zeros(5, bool), config)
    expected = np.empty((5, 841))
    for image, (rows, columns) in zip(order[1], place):
        grey = some.images[image].reshape(mlp.EDGE, mlp.EDGE).astype(float)
        for pixel, (y, x) in enumerate(zip(rows.clip(0, 29), columns.clip(0, 29))):
            i, j = min(int(y), 28), min(int(x), 28)
            u, v = float(y) - i, float(x) - j
            expected[image, pixel] = ((1 - u) * (1 - v) * grey[i, j] + (1 - u) * v * grey[i, j + 1]
                                      + u * (1 - v) * grey[i + 1, j] + u * v * grey[i + 1, j + 1])
    assert np.abs(mlp.deform(rng, some, config) - expected).max() < 1e-6 * 255


def test_a_group_shares_one_map_and_tame_digits_have_their_own():
    some, rng = digits(4, 100), np.random.default_rng(0)
    some = some._replace(images=np.repeat(some.images[:1], 100, 0))                       # alike, so maps can be told
    tame = np.isin(some.labels, mlp.TAME)
    epochs = [mlp.deform(rng, some, mlp.Config(group=8)) for _ in range(2)]
    for deformed in epochs:
        assert np.isfinite(deformed).all() and 0 <= deformed.min() and deformed.max() <= 255.001
        for kind in (tame, ~tame):
            assert np.unique(deformed[kind], axis=0, return_counts=True)[1].max() <= 8
            assert len(np.unique(deformed[kind], axis=0)) == -(-kind.sum() // 8)
        assert len(np.unique(deformed, axis=0)) == -(-tame.sum() // 8) - (-(~tame).sum() // 8)
    assert len(np.unique(np.concatenate(epochs), axis=0)) == 2 * len(np.unique(epochs[0], axis=0))


def test_the_elastic_field_is_noise_blurred_by_a_gaussian():
    rng, again = np.random.default_rng(6), np.random.default_rng(6)
    noise, ((alpha, sigma),) = again.uniform(-1, 1, (1, 2, 9, 9))[0], again.uniform((36, 5), (38, 6), (1, 2))
    expected = np.zeros((2, 9, 9))
    for y, x, v, u in np.ndindex(9, 9, 9, 9):
        gauss = np.exp(-((y - v) ** 2 + (x - u) ** 2) / (2 * sigma ** 2)) / (2 * np.pi * sigma ** 2)
        expected[:, y, x] += alpha * gauss * noise[:, v, u]
    assert np.allclose(mlp.elastic_fields(rng, 1, 9)[0], expected, atol=1e-5)


def test_the_elastic_field_has_the_papers_strength():
    field = mlp.elastic_fields(np.random.default_rng(0), 2000, 29)[:, :, 14, 14]
    assert np.sqrt(np.mean(field ** 2)) == pytest.approx(37 * np.mean(1 / np.linspace(5, 6, 99)) / np.sqrt(12 * np.pi),
                                                         rel=0.05)


def test_ones_and_sevens_turn_half_as_much():
    tame = np.arange(4000) % 2 == 0
    maps = mlp.affine_maps(np.random.default_rng(0), tame)
    angle = np.degrees(np.abs(np.arctan2(maps[:, 1, 0], maps[:, 0, 0])))
    assert 7.4 < angle[tame].max() <= 7.5 and 14.8 < angle[~tame].max() <= 15
    stretch = np.abs(np.linalg.norm(maps[:, :, 1], axis=1) - 1)
    assert 0.17 < stretch.max() <= 0.2


@needs_mnist
def test_mnist_is_the_standard_one():
    images, labels, test_images, test_labels = mlp.load_mnist()
    assert images.shape == (60_000, 28, 28) and test_images.shape == (10_000, 28, 28)
    assert np.bincount(labels).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(test_labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def test_missing_and_corrupt_files_are_named(tmp_path, capsys):
    assert mlp.main(["--preset", "quick", "--data", str(tmp_path / "nowhere")]) == 2
    assert "--data" in (message := capsys.readouterr().err) and message.count("\n") == 1
    for name in mlp.MNIST:
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(b"not MNIST"))
    assert mlp.main(["--preset", "quick", "--data", str(tmp_path)]) == 2
    assert "standard" in (message := capsys.readouterr().err) and message.count("\n") == 1


@needs_mnist
def test_a_run_repeats_itself():
    cells = [mlp.run_cell(mlp.ARMS["quick"], 3) for _ in range(2)]
    assert all(cell.pop("seconds") > 0 for cell in cells) and cells[0] == cells[1]


@needs_mnist
def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path):
    config, file = replace(mlp.ARMS["quick-big"].config, epochs=4), tmp_path / "state.npz"
    for snapshot in mlp.train(config, 1, file):
        if snapshot.step == 2:
            break
    assert next(mlp.train(config, 1, file)).step == 2
    whole = mlp.plain(mlp.big_net(config, 1))
    assert mlp.plain(mlp.big_net(config, 1, file)) == whole
    assert mlp.plain(mlp.big_net(config, 1, file)) == whole   # finished: nothing left to do


@needs_mnist
def test_without_learning_the_error_is_chance():
    learnt, idle = (mlp.net(replace(mlp.QUICK, rate=rate), 0)[0]["test_error"] for rate in (mlp.QUICK.rate, 0.0))
    assert learnt < 25 and idle > 75


@needs_mnist
def test_scores_are_taken_at_the_best_validation():
    config = replace(mlp.QUICK, epochs=3)
    *_, snapshot = mlp.train(config, 0)
    metrics, curves = mlp.report(config, snapshot)
    at = np.argmin(curves["validation_curve"])
    assert metrics["test_error"] == curves["test_curve"][at] and metrics["best_epoch"] == curves["epoch"][at]
    labels = mlp.load_digits(config)[1].labels
    assert mlp.error(snapshot.best, labels) == metrics["test_error"]


def test_the_committee_bound():
    labels, rng = np.arange(10_000) % 10, np.random.default_rng(0)
    members = []
    for _ in range(3):
        scores = rng.normal(0, 4, (10_000, 10))
        scores[np.arange(10_000), labels] += 12
        members.append(mlp.softmax(scores))
    truth = 100 * np.mean(np.mean(members, 0).argmax(1) != labels)
    bound = mlp.committee([mlp.doubts(p, labels) for p in members])
    assert truth <= bound <= truth + 0.02 and bound > 0


@needs_mnist
def test_the_quick_preset():
    assert mlp.main(["--preset", "quick"]) == 0
