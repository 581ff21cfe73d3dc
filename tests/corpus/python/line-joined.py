import os, \
    sys, \
    seaborn as sns
print(sns, os.name, \
      sys.version)
