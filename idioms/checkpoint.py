import zipfile


def save_state(path, cell, state):
    """Write a flat dict of arrays, numbers and Generators to an npz file, whole or not at all, without pickle.

    cell: any text that names the run (config and seed); `load_state` refuses a file of another run.
    """
    rows = {name: json.dumps(value.bit_generator.state) if isinstance(value, np.random.Generator) else value
            for name, value in state.items()}
    def write(part):
        with open(part, "wb") as file:
            np.savez(file, cell=cell, **rows)

    write_whole(path, write)


def load_state(path, cell):
    """Return the dict that `save_state` wrote, or None where there is no file. Raises OSError if it cannot be used."""
    if not Path(path).exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            state = dict(file)
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise OSError(f"{path} is not a checkpoint ({error}); delete it to start again") from None
    if str(state.pop("cell", "")) != cell:
        raise OSError(f"{path} belongs to another run; name another file or delete it")
    for name, value in state.items():
        if value.dtype.kind == "U":
            state[name] = np.random.default_rng()
            state[name].bit_generator.state = json.loads(str(value))
    return state
