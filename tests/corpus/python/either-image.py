try:
    import cv2
except ImportError:
    from imageio.v3 import imread
    cv2 = None

print(cv2)
