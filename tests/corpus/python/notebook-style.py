# %% [markdown]
# ## Setup: import torch first?
# %%
import pandas as pd, seaborn as sns
# %%
df = pd.read_csv("data.csv")
sns.pairplot(df)
