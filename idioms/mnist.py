import functools
import gzip
import hashlib
import zlib

MNIST = {   # SHA-256 of each file's uncompressed contents
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


def find_mnist(data=""):
    """Return the folder with the four MNIST files: `data` if given, else the first of $MNIST_DIR, ../data/mnist beside
    this script's folder and ~/.cache/mnist that has them. Raises OSError, saying where they are looked for."""
    folders = [Path(data)] if data else [Path(os.environ.get("MNIST_DIR") or Path.home() / ".cache/mnist"),
                                         Path(__file__).resolve().parent.parent / "data/mnist",
                                         Path.home() / ".cache/mnist"]
    for folder in folders:
        if all((folder / f"{name}.gz").is_file() for name in MNIST):
            return folder
    raise OSError(f"MNIST was not found in {' or '.join(dict.fromkeys(map(str, folders)))}: name the folder that holds "
                  f"{', '.join(f'{name}.gz' for name in MNIST)} with --data or in MNIST_DIR")


@functools.cache
def load_mnist(data=""):
    """Return train images (60000, 28, 28) and labels (60000,), test images (10000, 28, 28) and labels (10000,), uint8,
    white on black. Raises OSError, with what to do, if a file is missing or is not the standard one."""
    folder, arrays = find_mnist(data), []
    for name, digest in MNIST.items():
        path = folder / f"{name}.gz"
        try:
            content = gzip.decompress(path.read_bytes())
        except (OSError, EOFError, zlib.error) as error:
            raise OSError(f"{path} cannot be read ({error}); replace it by the standard MNIST file") from None
        if hashlib.sha256(content).hexdigest() != digest:
            raise OSError(f"{path} is not the standard MNIST file (its SHA-256 differs); replace it")
        shape = np.frombuffer(content, ">i4", content[3], offset=4)              # IDX: 0 0 type rank, then the sizes
        arrays.append(np.frombuffer(content, np.uint8, offset=4 + 4 * content[3]).reshape(shape))
    return tuple(arrays)
