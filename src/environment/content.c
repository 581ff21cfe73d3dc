/* SPDX-License-Identifier: MIT */
#include "environment/content.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <nettle/sha2.h>

#include "base/fd.h"
#include "base/io.h"
#include "environment/common.h"
#include "sys/openat2.h"

#define JSON_BYTES_MAX (4 << 20)

void content_done(struct content *what)
{
	free(SR_TAKE_PTR(what->path));
}

void container_done(struct container *c)
{
	for (size_t i = 0; i < c->layer_count; i++)
		content_done(&c->layers[i]);
	strv_done(&c->variables);
	free(SR_TAKE_PTR(c->description));
	fd_close(&c->fd);
}

int content_open(const struct container *c, const struct content *what, struct sr_error *err)
{
	const int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY;
	SR_AUTOCLOSE int fd = c->links ? sys_open_in_root(c->fd, what->path, flags) : sys_open_beneath(c->fd, what->path, flags, 0);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		int e = fd < 0 ? -fd : errno;

		(void)sr_error_set(err, SR_E_INPUT, e, STAGE, "cannot open %s of the image: %s", SHOWN(what->path), strerror(e));
		if (e == ENOENT)
			sr_error_hint(err, "the image is not complete; copy it again with all its layers");
		return -e;
	}
	if (!S_ISREG(st.st_mode))
		return sr_error_set(err, SR_E_INPUT, EINVAL, STAGE, "cannot open %s of the image: it is no regular file", SHOWN(what->path));
	if (what->size >= 0 && st.st_size != what->size)
		return sr_error_set(err, SR_E_INPUT, EBADMSG, STAGE,
				    "cannot use %s of the image: it has %" PRId64 " bytes, and the image says %" PRId64, SHOWN(what->path),
				    (int64_t)st.st_size, what->size);
	return SR_TAKE_FD(fd);
}

int content_check(const struct content *what, const char *hex, struct sr_error *err)
{
	if (!*what->hex || strcmp(what->hex, hex) == 0)
		return 0;
	(void)sr_error_set(err, SR_E_INPUT, EBADMSG, STAGE, "cannot use %s of the image: its digest is sha256:%s, and the image says sha256:%s",
			   SHOWN(what->path), hex, what->hex);
	sr_error_hint(err, "the image is damaged, or somebody changed it; fetch it again");
	return -EBADMSG;
}

json_t *content_json(const struct container *c, const struct content *what, struct sr_error *err)
{
	SR_AUTOCLOSE int fd = content_open(c, what, err);
	SR_AUTOFREE char *text = NULL;
	uint8_t digest[SHA256_DIGEST_SIZE];
	char hex[SR_SEAL_HEX];
	struct sha256_ctx ctx;
	json_error_t why;
	size_t len = 0;
	json_t *o;
	int r;

	if (fd < 0)
		return NULL;
	r = io_read_all(fd, JSON_BYTES_MAX, &text, &len);
	if (r < 0) {
		(void)sr_error_set(err, SR_E_INPUT, -r, STAGE, "cannot read %s of the image: %s", SHOWN(what->path),
				   r == -EFBIG ? "it is larger than 4 MiB" : strerror(-r));
		return NULL;
	}
	sha256_init(&ctx);
	sha256_update(&ctx, len, (const uint8_t *)text);
	sha256_digest(&ctx, sizeof(digest), digest);
	str_hex(digest, sizeof(digest), hex);
	if (content_check(what, hex, err) < 0)
		return NULL;
	o = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
	if (!o)
		(void)sr_error_set(err, SR_E_INPUT, EBADMSG, STAGE, "cannot read %s of the image: line %d: %s", SHOWN(what->path), why.line,
				   SHOWN(why.text));
	return o;
}

int content_descriptor(const json_t *o, struct content *ret, struct sr_error *err)
{
	const char *digest = json_string_value(json_object_get(o, "digest"));
	const json_t *size = json_object_get(o, "size");
	const char *hex = digest && str_has_prefix(digest, "sha256:") ? digest + strlen("sha256:") : NULL;

	if (!hex || strlen(hex) != 64 || strspn(hex, "0123456789abcdef") != 64)
		return sr_error_set(err, SR_E_INPUT, EBADMSG, STAGE, "cannot use the image: %s is no digest of the form sha256:HEX",
				    digest ? SHOWN(digest) : "what should be one");
	if (!json_is_integer(size) || json_integer_value(size) < 0)
		return sr_error_set(err, SR_E_INPUT, EBADMSG, STAGE, "cannot use the image: the size of %s is no number", digest);
	*ret = (struct content){ .path = str_format("blobs/sha256/%s", hex), .size = json_integer_value(size) };
	memcpy(ret->hex, hex, sizeof(ret->hex));
	return ret->path ? 0 : sr_error_oom(err, STAGE);
}

const char *container_machine(void)
{
	static const char *const names[][2] = {
		{ "x86_64", "amd64" }, { "aarch64", "arm64" }, { "armv7l", "arm" }, { "armv6l", "arm" }, { "i686", "386" },
	};
	static struct utsname u;

	if (uname(&u) < 0)
		return "unknown";
	for (size_t i = 0; i < SR_ELEMENTSOF(names); i++) {
		if (strcmp(u.machine, names[i][0]) == 0)
			return names[i][1];
	}
	return u.machine; /* riscv64, ppc64le, s390x, loongarch64 ... are the same */
}

static int add_variables(struct container *c, const json_t *env, struct sr_error *err)
{
	const json_t *item;
	size_t i;

	json_array_foreach(env, i, item) {
		const char *text = json_string_value(item);

		if (text && strchr(text, '=') && !str_has_prefix(text, "PATH=") && strv_add(&c->variables, text) < 0)
			return sr_error_oom(err, STAGE);
	}
	return 0;
}

int container_config(struct container *c, const json_t *config, struct sr_error *err)
{
	const char *os = json_string_value(json_object_get(config, "os"));
	const char *machine = json_string_value(json_object_get(config, "architecture"));
	const json_t *diffs = json_object_get(json_object_get(config, "rootfs"), "diff_ids");

	if ((!str_is_empty(os) && strcmp(os, "linux") != 0) || (!str_is_empty(machine) && strcmp(machine, container_machine()) != 0)) {
		(void)sr_error_set(err, SR_E_INPUT, ENOEXEC, STAGE, "cannot use the image: it is for %s on %s, and this machine is linux on %s",
				   SHOWN(os ? os : "linux"), SHOWN(machine ? machine : "any machine"), container_machine());
		sr_error_hint(err, "fetch the image for linux/%s", container_machine());
		return -ENOEXEC;
	}
	if (diffs && json_array_size(diffs) != c->layer_count)
		return sr_error_set(err, SR_E_INPUT, EBADMSG, STAGE, "cannot use the image: it has %zu layers, and its configuration says %zu",
				    c->layer_count, json_array_size(diffs));
	return add_variables(c, json_object_get(json_object_get(config, "config"), "Env"), err);
}
