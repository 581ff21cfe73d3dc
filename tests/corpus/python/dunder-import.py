name = "json"
json = __import__(name)
np = __import__("numpy")
print(json.dumps(np.arange(3).tolist()))
