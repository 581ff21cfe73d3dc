ops = {"import": lambda x: x, "from": [1, (2, {3: 4})]}
if ops: import pandas; print(pandas)
