# /// script
# dependencies = [
#     "Pillow",           # PIL
#     'opencv-python-headless == 4.*',
# ]
#
# [tool.uv]
# exclude-newer = "2024-01-01T00:00:00Z"
# ///
from PIL import Image
import cv2
print(cv2.__version__, Image)
