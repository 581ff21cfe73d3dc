for _, a in ipairs(arg) do
	print("<" .. a .. ">")
end
print("grüße, 世界")
local beside = io.open("beside.txt")
if beside then
	io.write("beside: ", beside:read("a"))
end
for line in io.lines() do
	print("in: " .. line)
end
os.exit(7)
