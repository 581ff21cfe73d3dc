def f(x):
    return x / 0
print("before", flush=True)
f(1)
