from sympy import symbols, integrate, sin

x = symbols("x")
print(integrate(sin(x) ** 2, (x, 0, 1)))
