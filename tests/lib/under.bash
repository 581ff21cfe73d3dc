# SPDX-License-Identifier: MIT
# sandrun under another command, and without a feature of the kernel. Loaded, not run; $PLAIN is sandrun itself, $WITHOUT the
# program tests/lib/without.

# From here on `sr` runs sandrun by this command: under env -i
under() {
	{
		printf '#!/bin/bash\nexec'
		printf ' %q' "$@" "$PLAIN"
		printf ' "$@"\n'
	} >"$T/wrapped"
	chmod +x "$T/wrapped"
	SANDRUN=$T/wrapped
}

without() {
	under "$WITHOUT" "$@" --
}
