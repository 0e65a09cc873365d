def adam_state(params):
    """Return Adam's moments for a dict of arrays: name -> (mean, mean square), all zero."""
    return {name: (np.zeros_like(value), np.zeros_like(value)) for name, value in params.items()}


def adam(params, grads, state, step, rate, beta1=0.9, beta2=0.999, eps=1e-8):
    """Take Adam step number `step` (from 1) in place on a dict of arrays. Kingma and Ba 2015, algorithm 1."""
    for name, g in grads.items():
        m, v = state[name]
        m += (1 - beta1) * (g - m)
        v += (1 - beta2) * (g * g - v)
        params[name] -= rate * (m / (1 - beta1**step)) / (np.sqrt(v / (1 - beta2**step)) + eps)
