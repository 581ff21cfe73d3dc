import os, sys
for arg in sys.argv[1:]:
    print(f"<{arg}>")
print("grüße, 世界")
if os.path.exists("beside.txt"):
    print("beside: " + open("beside.txt", encoding="utf-8").read(), end="")
for line in sys.stdin:
    print("in: " + line, end="")
sys.exit(7)
