from contextlib import suppress
with suppress(ImportError):
    import torch
import pandas
print(pandas)
