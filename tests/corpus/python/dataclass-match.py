from dataclasses import dataclass
import mpmath

@dataclass
class P:
    x: int

match P(1):
    case P(x=1):
        import networkx as nx
    case _:
        nx = None
print(mpmath.mp.dps, nx)
