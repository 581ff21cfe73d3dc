echo before
set -u
echo "$missing_variable"
