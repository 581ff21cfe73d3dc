/* SPDX-License-Identifier: MIT */
/*
 * The plan: what a run will do, resolved and final. Plain data: strings, numbers, BPF bytes. The trusted core (stage/)
 * reads it between clone and exec and changes nothing; plan/ builds it and owns every string.
 */
#ifndef SR_PLAN_PLAN_H
#define SR_PLAN_PLAN_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SR_INNER_UID 1000
#define SR_INNER_GID 1000
#define SR_INNER_USER "sandbox"
#define SR_HOSTNAME "sandrun"
#define SR_WORK "/work"

/*
 * One step of building the new root, done in order with the working folder at the new root (or its upper, before
 * SR_FS_ENTER). Every dest consists of folders that earlier steps made, so nothing of an image can redirect it.
 */
enum sr_fs_kind {
	SR_FS_MKDIR,   /* dest, mode; EEXIST is fine: only earlier steps can have made it */
	SR_FS_SYMLINK, /* dest -> src */
	SR_FS_FILE,    /* dest with data, mode */
	SR_FS_OPEN,    /* keep a descriptor of folder src, checked against dev and ino unless ino is 0, for the next
			* SR_FS_OVERLAY; with a mode, in the place of the descriptor of that number instead */
	SR_FS_STAGE,   /* mount a tmpfs on src (a folder of the host's) with data as options, and go there */
	SR_FS_TMPFS,   /* on dest, data = options */
	SR_FS_OVERLAY, /* on dest, data = options; with SR_FS_HERE the working folder is the opened lower meanwhile */
	SR_FS_BIND,    /* src (absolute: host; relative: within the new root) on dest; what is mounted is checked */
	SR_FS_PROC,    /* fresh procfs on dest, read-only, data = options */
	SR_FS_DEVPTS,  /* private instance on dest */
	SR_FS_ENTER,   /* go to dest: from here on the working folder is the merged root */
	SR_FS_DETACH,  /* unmount dest lazily */
	SR_FS_SYSCTL,  /* write data to src, a file of the host's /proc/sys/user: it is about our own user namespace */
	SR_FS_SEND,    /* hand a descriptor of folder dest to the supervisor */
	SR_FS_SAME,    /* folder src still has the times of data, a struct sr_stamp: its list of names was relied on */
	SR_FS_XATTR,   /* probe user xattrs on dest: note to the supervisor where there are none (finding 7) */
};

#define SR_FS_OPTIONAL 1U  /* ENOENT (a missing src, or a mount point that this kernel lacks) is no failure */
#define SR_FS_HERE 2U      /* OVERLAY: lowerdir=. names the folder kept by SR_FS_OPEN */
#define SR_FS_READONLY 4U  /* BIND: remount read-only, nosuid, nodev, recursively */
#define SR_FS_REGULAR 8U   /* BIND: src must be a regular file */
#define SR_FS_CHARDEV 16U  /* BIND: src must be a character device with number dev */
#define SR_FS_OR_BIND 32U  /* OVERLAY: where it cannot be mounted, bind src read-only and tell the supervisor (note) */
#define SR_FS_RECURSIVE 64U
#define SR_FS_TRY 256U     /* OVERLAY: a refusal is no failure; the SR_FS_ELSE steps that follow take its place */
#define SR_FS_ELSE 512U    /* only after a refused SR_FS_TRY */
#define SR_FS_MAKE 128U    /* BIND: make dest as a folder or an empty file, as src is; a link is made again, not followed */

/* When a folder was last changed, stat(2). */
struct sr_stamp {
	int64_t mtime_s, mtime_ns, ctime_s, ctime_ns;
};

struct sr_fs_op {
	enum sr_fs_kind kind;
	unsigned flags;
	uint32_t mode;
	const char *dest;
	const char *src;
	const char *data;
	size_t len;       /* FILE, SYSCTL: bytes of data */
	uint64_t dev, ino;
};

struct sr_landlock_rule {
	const char *path; /* absolute, inside */
	uint64_t access;
};

struct sr_rlimit_op {
	int resource;
	uint64_t soft, hard; /* UINT64_MAX is unlimited */
};

struct sr_bpf {
	const struct sock_filter *insns;
	unsigned short count;
};

#define SR_PLAN_MAX_RULES 16
#define SR_PLAN_MAX_RLIMITS 16

struct sr_plan {
	/* identity: the host id that the inside user is */
	uid_t outer_uid;
	gid_t outer_gid;
	uid_t inner_uid;
	gid_t inner_gid;
	bool borrowed_id; /* root runs sandrun: outer ids are not the caller's; real and saved ids change too */

	const struct sr_fs_op *fs;
	size_t fs_count;
	bool tree;        /* -E DIR, -E NAME */
	bool host_network; /* --build-network: no network namespace of its own */

	/* Landlock: abi 0 means that this kernel has none */
	int landlock_abi;
	uint64_t landlock_fs, landlock_scoped;
	size_t landlock_attr_size;
	struct sr_landlock_rule rules[SR_PLAN_MAX_RULES];
	size_t rule_count;

	struct sr_rlimit_op rlimits[SR_PLAN_MAX_RLIMITS];
	size_t rlimit_count;

	struct sr_bpf filter, init_filter;
	struct sr_bpf counted_filter; /* instead of `filter` where a memory cgroup counts all that the payload allocates */
	unsigned filter_flags; /* seccomp(2)'s for the payload. Not 0: --learn. The filter has a listener for the supervisor */
	bool watched;     /* --learn, --trace: the supervisor is waited for before anything else, that it can attach as a tracer */
	int last_cap;     /* highest capability this kernel knows */

	const char *path; /* inside */
	char *const *argv;
	char *const *envp;

	char *const *caller_argv; /* sandrun's own, wiped by init (finding 1); NULL where unknown */
	bool cgroup;      /* the run has a cgroup of its own: its namespace begins there, cgroup_namespaces(7) */
	bool cgroup_wait; /* the supervisor moves init into it, and says so (SR_MSG_PLACED) */
	bool observed;    /* init waits until its namespaces were looked at (SR_MSG_OBSERVED), for the certificate */
	bool pty;         /* some of the payload's 0, 1, 2 are a private pty */
};

#endif
