from collections import Counter
import re, sys

words = re.findall(r"\w+", sys.stdin.read().lower())
for word, n in Counter(words).most_common(10):
    print(f"{n:6} {word}")
