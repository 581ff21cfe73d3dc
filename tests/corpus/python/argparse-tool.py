import argparse
import subprocess
import shlex

parser = argparse.ArgumentParser(description="from numpy import pi")
parser.add_argument("--import", dest="imp")
print(subprocess.run(shlex.split("true")).returncode, parser)
