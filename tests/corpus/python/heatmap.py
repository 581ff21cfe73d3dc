import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
import seaborn as sns

data = sns.load_dataset("flights").pivot(index="month", columns="year", values="passengers")
sns.heatmap(data)
plt.savefig("heatmap.png")
