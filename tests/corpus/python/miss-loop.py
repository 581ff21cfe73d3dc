import importlib

np, pd = (importlib.import_module(m) for m in ("numpy", "pandas"))
print(np.pi, pd)
