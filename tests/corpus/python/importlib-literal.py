import importlib

def load():
    return importlib.import_module("sympy.physics.units")

print(load())
