import sys
import pandas

print(pandas, sys)
