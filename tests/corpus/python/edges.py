import sys
import cv2 as cv
import numpy as np

img = cv.imread(sys.argv[1], cv.IMREAD_GRAYSCALE)
edges = cv.Canny(img, 100, 200)
cv.imwrite("edges.png", np.uint8(edges))
