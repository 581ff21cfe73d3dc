import numpy as np
import acme_internal_tools as ait

print(ait.run(np.ones(2)))
