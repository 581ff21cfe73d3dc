import numpy as np
rows = [{"k": 1}]
print(f"{rows[0]['k']:>{8}} import torch {f'{np.pi:.2f}'!r} {{import seaborn}}")
