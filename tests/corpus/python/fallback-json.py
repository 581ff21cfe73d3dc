try:
    import orjson as json
except ModuleNotFoundError:
    import json

print(json.dumps({"a": 1}))
