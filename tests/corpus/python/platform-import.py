import os, sys
if sys.platform == "win32":
    import win32api
    import msvcrt
elif os.name == "posix":
    import fcntl
print(sys.platform)
