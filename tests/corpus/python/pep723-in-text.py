import pandas as pd
TEMPLATE = """
    # /// script
    # dependencies = ["torch"]
    # ///
"""
print(pd, TEMPLATE)
