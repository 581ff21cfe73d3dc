import functools
from numpy import vectorize

@functools.lru_cache
def f(x): return x

@vectorize
def g(x): return f(x) if x else f(-x)
print(g([1, 2]))
