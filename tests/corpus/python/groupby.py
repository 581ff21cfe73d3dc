import pandas as pd

df = pd.DataFrame({"team": list("aabb"), "score": [1, 3, 5, 9]})
print(df.groupby("team").score.agg(["mean", "max"]))
