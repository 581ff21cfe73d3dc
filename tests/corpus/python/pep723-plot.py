# /// script
# requires-python = ">=3.9"
# dependencies = ["seaborn>=0.12", "Pandas"]
# ///
import pandas as pd
import seaborn as sns
import something_vendored

sns.lineplot(pd.DataFrame({"x": [1, 2]}))
