import sys
try:
    import seaborn
except ImportError:
    sys.exit("this needs seaborn: pip install seaborn")
print(seaborn.__version__)
