import helper
import numpy as np
from utils.io import load

print(helper.scale(np.array(load())))
