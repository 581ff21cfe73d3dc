#!/usr/bin/env python3
# -*- coding: utf-8 -*-
# sandrun: environment=torch
import numpy
print(numpy.ones(3))
