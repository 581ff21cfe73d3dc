for arg in "$@"; do
	echo "<$arg>"
done
words=("grüße," 世界)
echo "${words[*]}"
if [[ -e beside.txt ]]; then
	echo "beside: $(cat beside.txt)"
fi
while IFS= read -r line; do
	echo "in: $line"
done
exit 7
