# -*- coding: latin-1 -*-
import numpy
name = 'Zoë'
print(numpy, name)
