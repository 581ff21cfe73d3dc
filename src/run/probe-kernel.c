/* SPDX-License-Identifier: MIT */
/*
 * What no trial can show: advisories for the kernel's version, swap space, and the libseccomp that sandrun was built with.
 */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/str.h"
#include "plan/filter-build.h"
#include "run/cgroup.h"
#include "run/mend.h"
#include "run/probe.h"

#define VERSION(a, b, c) ((a) * 1000000UL + (b) * 1000UL + (c))

/*
 * Faults of overlayfs that an ordinary user reaches through a user namespace, which since 5.11 may mount one. Each row is a
 * range of releases from kernel.org, [first, fixed): a series that got the fix ends where it did.
 */
static const struct {
	const char *id;
	unsigned long first, fixed;
} advisories[] = {
	{ "CVE-2021-3493", VERSION(0, 0, 0), VERSION(5, 11, 0) }, /* where a distributor let users mount overlays earlier (Ubuntu) */
	{ "CVE-2021-3732", VERSION(5, 11, 0), VERSION(5, 13, 11) },
	{ "CVE-2023-0386", VERSION(5, 11, 0), VERSION(5, 15, 91) },
	{ "CVE-2023-0386", VERSION(5, 16, 0), VERSION(6, 1, 9) },
};

/* Ubuntu's own patches, not in kernel.org's: its series 5.19.0 and 6.2.0, mended in July 2023. */
#define UBUNTU_ONLY "CVE-2023-2640, CVE-2023-32629"

static unsigned long version_number(const char *text)
{
	unsigned a = 0, b = 0, c = 0;

	if (sscanf(text, "%u.%u.%u", &a, &b, &c) < 2 || a > 1000 || b > 999 || c > 999)
		return 0;
	return VERSION(a, b, c);
}

static void append(char *out, size_t size, const char *id)
{
	size_t len = strlen(out);

	if (!strstr(out, id))
		(void)snprintf(out + len, size - len, "%s%s", len ? ", " : "", id);
}

void probe_advisories(const char *release, const char *version, char *out, size_t size)
{
	const char *debian = strstr(version, " Debian "); /* "#1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1 (2024-02-01)" */
	const char *text = debian ? debian + strlen(" Debian ") : release;
	unsigned long number = version_number(text);

	out[0] = '\0';
	for (size_t i = 0; number && i < SR_ELEMENTSOF(advisories); i++) {
		if (number >= advisories[i].first && number < advisories[i].fixed)
			append(out, size, advisories[i].id);
	}
	if (strstr(version, "Ubuntu") && (str_has_prefix(release, "5.19.0-") || str_has_prefix(release, "6.2.0-")))
		append(out, size, UBUNTU_ONLY);
}

static void kernel_advisories(struct sr_probes *p)
{
	struct utsname u;
	char list[256], shown[128];

	if (uname(&u) < 0)
		return;
	probe_advisories(u.release, u.version, list, sizeof(list));
	str_escape(u.release, shown, sizeof(shown));
	if (list[0])
		probe_bad(p, SR_PROBE_ADVISORIES, SR_PROBE_DEGRADED,
			  "install the distribution's newest kernel and reboot; where it is running already, its own notices say whether it is mended",
			  "overlay faults known for Linux %s: %s; a program inside mounts nothing, others of this user could", shown, list);
	else
		probe_ok(p, SR_PROBE_ADVISORIES, "none of the overlay faults known to sandrun is in Linux %s", shown);
}

/* The first device of /proc/swaps: a heading, then one line a device, proc(5). False when the file cannot be read. */
static bool swap_device(char *out, size_t size)
{
	FILE *f = fopen("/proc/swaps", "re");
	char line[512], device[256];
	bool heading = true;

	out[0] = '\0';
	if (!f)
		return false;
	while (!out[0] && fgets(line, sizeof(line), f)) {
		if (!heading && sscanf(line, "%255s", device) == 1)
			(void)str_escape(device, out, size);
		heading = false;
	}
	(void)fclose(f);
	return !heading;
}

static void swap(struct sr_probes *p)
{
	const struct sr_probe_cgroup *c = &p->cgroup;
	char device[300];
	const bool seen = swap_device(device, sizeof(device));

	if (c->controllers & SR_CGROUP_SWAP)
		probe_ok(p, SR_PROBE_SWAP, "a run's cgroup keeps it out of the swap");
	else if (device[0] || c->swap_note[0])
		probe_bad(p, SR_PROBE_SWAP, SR_PROBE_DEGRADED, "a cgroup keeps a run out, see cgroup; or, for the whole machine, " MEND_ROOT
			  "swapoff -a", "this machine swaps (%s) and no cgroup v2 controller keeps a run out: its memory may reach a disk",
			  device[0] ? device : "on what cannot be seen");
	else if (seen)
		probe_ok(p, SR_PROBE_SWAP, "this machine does not swap");
	else
		probe_bad(p, SR_PROBE_SWAP, SR_PROBE_DEGRADED, "", "cannot see whether this machine swaps: memory of a run may reach a disk");
}

void probe_kernel(struct sr_probes *p)
{
	swap(p);
	kernel_advisories(p);
	probe_ok(p, SR_PROBE_LIBSECCOMP,
		 "version %s gave the numbers of system calls when sandrun was built; the filters are sandrun's own, so what 2.6.1 "
		 "mended in libseccomp's (64-bit compares, two memory faults) is in none of them", sr_compiled_libseccomp);
}
