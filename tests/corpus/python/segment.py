from skimage import (
    data,
    filters,   # sobel
    segmentation,
)
from skimage.color import label2rgb

coins = data.coins()
print(segmentation.felzenszwalb(filters.sobel(coins)).max())
