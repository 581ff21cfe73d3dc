/* SPDX-License-Identifier: MIT */
/*
 * A certificate in the forms of others: SLSA provenance, in-toto's runtime trace, a sigstore bundle, an OpenSSH signature. Each
 * is a view of one that holds (verify_status()); none can be verified in the certificate's place.
 */
#ifndef SR_EVIDENCE_EXPORT_H
#define SR_EVIDENCE_EXPORT_H

#include <jansson.h>

#include "base/error.h"
#include "evidence/identity.h"
#include "evidence/verify.h"

#define SR_EXPORT_TRACE_MAX ((size_t)64 << 20) /* of a log that becomes one statement */
#define SR_SSH_NAMESPACE "sandrun-certificate-v1"

/*
 * Provenance (slsa.dev/provenance/v1) of a run that ended with exit code 0: the predicate has no place for any other end. The
 * caller drops *ret. 0 or an error.
 */
int export_slsa(const struct sr_verified *v, json_t **ret, struct sr_error *err);

/* in-toto.io/attestation/runtime-trace/v0.1 with all of the log, whose digest must be the signed one. As above. */
int export_runtime_trace(const struct sr_verified *v, const char *log, size_t len, json_t **ret, struct sr_error *err);

/* Which of the three envelopes. */
enum sr_export_line { SR_EXPORT_OPEN, SR_EXPORT_EXECUTION, SR_EXPORT_CLOSE };

/* A sigstore bundle v0.3 of one envelope; its hint is the id of the key that signed. As above. */
int export_sigstore(const struct sr_verified *v, enum sr_export_line line, json_t **ret, struct sr_error *err);

/* A statement as one signed DSSE line. The caller frees *ret. 0 or -ENOMEM. */
int export_sign(const json_t *statement, const struct sr_identity *id, char **ret);

/* OpenSSH's PROTOCOL.sshsig over a file's bytes, armoured, as `ssh-keygen -Y sign` writes it. The caller frees *ret. 0 or -ENOMEM. */
int export_ssh(const void *data, size_t len, const struct sr_identity *id, char **ret);

#endif
