local function f(x)
	return x.no.such
end
print("before")
f({})
