for arg in "$@"; do
	echo "<$arg>"
done
echo "grüße, 世界"
if [ -e beside.txt ]; then
	echo "beside: $(cat beside.txt)"
fi
while IFS= read -r line; do
	echo "in: $line"
done
exit 7
