from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs
import joblib

X, _ = make_blobs(100, random_state=0)
m = KMeans(3, n_init="auto").fit(X)
joblib.dump(m, "m.pkl")
