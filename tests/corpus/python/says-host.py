# sandrun: environment=host
import numpy
print(numpy.ones(3))
