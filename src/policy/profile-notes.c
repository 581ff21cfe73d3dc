/* SPDX-License-Identifier: MIT */
#include "policy/profile-notes.h"

#include <stdlib.h>
#include <string.h>

void profile_notes_done(struct sr_profile_notes *notes)
{
	ini_problems_done(&notes->problems);
	free(notes->description);
	free(notes->allow_lines);
	free(notes->deny_lines);
	memset(notes, 0, sizeof(*notes));
}
