/* SPDX-License-Identifier: MIT */
/*
 * The store of environments, written: $XDG_DATA_HOME/sandrun/images, as sandrun-environment(5) describes it.
 *
 *   layers/<64 hex>/tree/, layer.ini     a sealed layer
 *   names/NAME.ini                       an environment: its layers, bottom first, and what is known of it
 *   work/<16 hex>/                       what is being made; its maker holds flock(2) on the file "lock" in it
 *   lock                                 flock(2), exclusive, while names/ or layers/ change
 *
 * Whatever is made is whole or not there: it is written in work/, sealed, brought to the disk by one syncfs(2), and renamed
 * into its place. What a killed maker left lies in work/ unlocked, and goes with the next one's start.
 */
#ifndef SR_IMAGE_STORE_WRITE_H
#define SR_IMAGE_STORE_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "image/digest.h"

#define SR_STORE_LAYERS_MAX 128 /* of one environment; more than any registry's image has */
#define SR_STORE_NAME_MAX 64
#define SR_STORE_TEXT_MAX 65536 /* bytes of names/NAME.ini, which every run reads */
#define SR_STORE_RESERVE (64 << 20) /* bytes of the disk that are left to others, */
#define SR_STORE_RESERVE_FILES 2048 /* and files */

struct store_writer {
	int fd, layers_fd, names_fd, work_fd;
	char *path; /* of the store */
};
#define SR_STORE_WRITER_INIT { .fd = -1, .layers_fd = -1, .names_fd = -1, .work_fd = -1 }

/* Opens the store, made where it is missing. 0 or negative with the error set. */
int store_writer_open(struct store_writer *s, struct sr_error *err);
void store_writer_done(struct store_writer *s);

/* Whether a text may name an environment: [a-z0-9][a-z0-9._-]{0,63}, and neither "host" nor "none". */
bool store_is_name(const char *name);
/* The same as an error that says so. */
int store_check_name(const char *name, struct sr_error *err);

/* --- making ------------------------------------------------------------------------------------------------------------- */

/* A folder of one's own below work/. */
struct store_work {
	int fd;      /* the folder */
	int lock_fd;
	char name[20];
	size_t leftovers; /* of killed makers, which were removed first */
};
#define SR_STORE_WORK_INIT { .fd = -1, .lock_fd = -1 }

/* Removes what killed makers left, then makes the folder. */
int store_work_begin(const struct store_writer *s, struct store_work *w, struct sr_error *err);
/* Removes the folder with all that is still in it. Nothing for one that was not begun. */
void store_work_end(const struct store_writer *s, struct store_work *w);
/* Whether `bytes` more, in a thousand files at most, would leave the disk its reserve: 0, or negative with the error set. */
int store_check_room(const struct store_work *w, uint64_t bytes, struct sr_error *err);

/* A layer of an environment that is put into the store. */
struct store_layer {
	struct sr_seal seal;   /* of seal_tree(); for one that is in the store already only .hex */
	const char *made;      /* folder in the work folder that has its "tree", plain name; NULL: it is in the store already */
	const char *source;    /* "import FILE", "build NAME"; for layer.ini */
};

/* One line of a section that the reader passes on: [languages], [predict], [variables]. */
struct store_value {
	const char *section, *key, *value;
};

/* What is known of an environment; texts may be NULL. */
struct store_image {
	const char *name, *description, *base, *definition /* "sha256:<hex>" */, *profile;
	const struct store_value *values;
	size_t value_count;
	uint64_t bytes; /* of all its layers; 0: counted from the layers */
	bool is_new;    /* a name that is there, were it only since a moment, is not replaced but refused: -EEXIST */
};

/*
 * Whether a key and a value can stand in an INI text as they are: one line, no blanks at its ends, nothing that begins a
 * comment, at most 180 bytes together but for [predict], whose words are spread over lines.
 */
bool store_value_fits(const struct store_value *v);

/* "cannot make NAME: an environment of that name is there", with the hint. */
int store_name_taken(const char *name, struct sr_error *err);

/*
 * No stack has a layer twice. Of two equal ones the lower goes out of the list, for the upper decides all that it says. Returns
 * how many are left. Layers that were made are to be sealed before.
 */
size_t store_drop_twins(struct store_layer *layers, size_t count);

/*
 * Puts the layers (bottom first; without twins) and then the name into the store, all or nothing. A layer that is there already is
 * kept once, and a name that is there is replaced. The work folder is still to be ended. 0 or negative with the error set.
 */
int store_put(const struct store_writer *s, const struct store_work *w, const struct store_layer *layers, size_t count,
	      const struct store_image *image, struct sr_error *err);

/* --- removing ----------------------------------------------------------------------------------------------------------- */

/* What was freed, what is still in use. */
struct store_freed {
	size_t layers, busy, leftovers;
	uint64_t bytes;
};

/* Removes the name. -ENOENT with the error set when there is none. Its layers are prune's. */
int store_remove_name(const struct store_writer *s, const char *name, struct sr_error *err);
/*
 * Removes every layer that no name reaches and that no run uses, and what killed makers left. A name that cannot be read ends
 * it before anything is removed. dry: only counts.
 */
int store_prune(const struct store_writer *s, bool dry, struct store_freed *ret, struct sr_error *err);

#endif
