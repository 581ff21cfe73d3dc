"""
Example:

    import torch
    from seaborn import heatmap
"""
HELP = """
import pandas
"""
CODE = 'import numpy; import cv2'
print(HELP, len(CODE))  # import nltk
