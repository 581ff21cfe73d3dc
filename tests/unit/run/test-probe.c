/* SPDX-License-Identifier: MIT */
/* What doctor says of a kernel by its number, and the table of mends. */
#include "run/mend.h"
#include "run/probe.h"

#include <errno.h>

#include "tap.h"

static const struct {
	const char *release, *version, *expected;
} kernels[] = {
	{ "6.18.44", "#1 SMP", "" },
	{ "6.1.9", "#1 SMP", "" },
	{ "6.1.8", "#1 SMP", "CVE-2023-0386" },
	{ "6.2.0", "#1 SMP", "" },
	{ "6.0.12-arch1", "#1 SMP", "CVE-2023-0386" },
	{ "5.15.91", "#1 SMP", "" },
	{ "5.15.90", "#1 SMP", "CVE-2023-0386" },
	{ "5.13.10", "#1 SMP", "CVE-2021-3732, CVE-2023-0386" },
	{ "5.13.11", "#1 SMP", "CVE-2023-0386" },
	{ "5.10.1", "#1 SMP", "CVE-2021-3493" },
	/* the package's own number counts, not that of its first release */
	{ "6.1.0-18-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1 (2024-02-01)", "" },
	{ "6.1.0-2-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.7-1 (2023-01-18)", "CVE-2023-0386" },
	{ "6.1.0-2-amd64", "#1 SMP PREEMPT_DYNAMIC", "CVE-2023-0386" },
	/* Ubuntu's own */
	{ "6.2.0-25-generic", "#25-Ubuntu SMP PREEMPT_DYNAMIC", "CVE-2023-2640, CVE-2023-32629" },
	{ "6.2.0-25-generic", "#25 SMP", "" },
	{ "6.8.0-31-generic", "#31-Ubuntu SMP PREEMPT_DYNAMIC", "" },
	/* what is no number is in no range */
	{ "", "", "" },
	{ "unknown", "#1", "" },
	{ "99999999999.1.1", "#1", "" },
};

int main(void)
{
	char list[256], small[12];

	for (size_t i = 0; i < SR_ELEMENTSOF(kernels); i++) {
		probe_advisories(kernels[i].release, kernels[i].version, list, sizeof(list));
		IS_STR(list, kernels[i].expected, kernels[i].release);
	}
	probe_advisories("5.13.10", "#1", small, sizeof(small));
	OK(strlen(small) < sizeof(small), "a list that is too long is cut");

	for (int i = 0; i < MEND_MAX; i++)
		OK((mend_text((enum mend_id)i)[0] != '\0') == (i != MEND_NONE), "a mend has a text");
	OK(mend_needs_root(mend_text(MEND_APPARMOR)), "the AppArmor profile is for root");
	OK(mend_needs_root(mend_text(MEND_USERNS_MAX)), "so is a sysctl");
	OK(!mend_needs_root(mend_text(MEND_CONTAINER)), "a container's options are not");
	OK(!mend_needs_root(""), "nor is nothing");
	IS_INT(mend_for_refusal(ENOENT), MEND_NONE, "an errno that says nothing has no mend");
	IS_INT(mend_for_clone(EINVAL), MEND_USERNS_KERNEL, "a kernel without namespaces");
	return tap_done();
}
