import numpy as np
try:
    import seaborn as sns
except ImportError:
    sns = None

x = np.random.rand(10)
if sns:
    sns.histplot(x)
print(x.mean())
