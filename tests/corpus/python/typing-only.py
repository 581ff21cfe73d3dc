from __future__ import annotations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

def head(df: pd.DataFrame) -> Tensor | None:
    return None

print(head.__annotations__)
