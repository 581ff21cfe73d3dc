from PIL import Image
import pathlib

for path in pathlib.Path(".").glob("*.jpg"):
    with Image.open(path) as im:
        im.thumbnail((256, 256))
        im.save(path.with_suffix(".thumb.png"))
