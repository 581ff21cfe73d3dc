# /// script
# dependencies = "torch"
# ///
import numpy
print(numpy.pi)
