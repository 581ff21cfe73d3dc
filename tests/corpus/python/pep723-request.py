# /// script
# requires-python = ">=3.11"
# dependencies = [
#   "requests<3",
#   "rich",
# ]
# ///
import requests
from rich.pretty import pprint

pprint([(k, v) for k, v in requests.get("https://peps.python.org/api/peps.json").json().items()][:10])
