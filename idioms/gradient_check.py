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
