# SPDX-License-Identifier: MIT
"""numpy: matrix product, Fourier transform, linear algebra, threads, files, a pool. Prints what came out."""
import hashlib
import multiprocessing
import os
import tempfile
import threading

import numpy as np


def digest(array):
    return hashlib.sha256(np.ascontiguousarray(array)).hexdigest()[:16]


def row_sum(row):
    return int(row.sum())


def main():
    random = np.random.default_rng(42)
    a, b = random.standard_normal((1200, 1200)), random.standard_normal((1200, 1200))
    print("product", f"{np.trace(a @ b):.6f}")
    signal = random.standard_normal(1 << 20)
    print("fft", np.allclose(np.fft.ifft(np.fft.fft(signal)).real, signal))
    x = np.linalg.solve(a, b)
    print("solve", np.allclose(a @ x, b, atol=1e-6))
    small = a[:400, :400]
    u, s, v = np.linalg.svd(small)
    print("svd", np.allclose(u * s @ v, small), f"{s[0]:.6f}")
    print("eigenvalues", f"{np.linalg.eigvalsh(small + small.T).sum():.6f}")

    results = [None] * 8
    def work(n):
        results[n] = digest(np.sort(random_of(n).standard_normal(200000)))
    random_of = np.random.default_rng
    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print("threads", " ".join(results))

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "array.npy")
        mapped = np.lib.format.open_memmap(path, mode="w+", dtype=np.int64, shape=(1000, 1000))
        mapped[:] = np.arange(1000000).reshape(1000, 1000)
        mapped.flush()
        print("memmap", digest(np.load(path, mmap_mode="r")))
    with multiprocessing.Pool(4) as pool:
        print("pool", sum(pool.map(row_sum, np.arange(1000000).reshape(1000, 1000))))


if __name__ == "__main__":
    main()
