/* SPDX-License-Identifier: MIT */
#include "evidence/export.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "evidence/envelope.h"

#define STAGE "export"
#define BUILDER "https://sandrun.io/builder/"
#define SLSA_NOTE \
	"No SLSA build level is claimed: nobody has assessed this builder. The certificate that is named among the byproducts " \
	"is the record; this statement is a view of it."

static int refuse(struct sr_error *err, const char *why)
{
	return sr_error_set_status(err, 1, SR_E_CERTIFICATE, EINVAL, STAGE, "cannot export the certificate: %s", why);
}

/* The subjects of the execution, which owns them. */
static json_t *subjects(const struct sr_verified *v)
{
	return json_object_get(v->statements[1], "subject");
}

static json_t *statement(const struct sr_verified *v, const char *predicate_type, json_t *predicate)
{
	return json_pack("{s:s, s:o, s:s, s:O}", "_type", SR_STATEMENT_TYPE, "predicate", predicate, "predicateType", predicate_type, "subject",
			 subjects(v));
}

/* --- SLSA ------------------------------------------------------------------------------------------------------------------- */

/* A resource with its digest, or nothing where it has none. */
static int add_resource(json_t *all, const char *role, const char *name, json_t *digest)
{
	if (!json_is_object(digest))
		return 0;
	return json_array_append_new(all, json_pack("{s:{s:s}, s:O, s:s}", "annotations", "role", role, "digest", digest, "name", name));
}

static const char *name_of(const json_t *o, const char *otherwise)
{
	const char *name = json_string_value(json_object_get(o, "name"));

	return name ? name : otherwise;
}

static json_t *dependencies(const struct sr_verified *v)
{
	const json_t *plan = json_object_get(v->execution, "plan"), *result = json_object_get(v->execution, "result");
	const struct { const char *role; const json_t *of; } one[] = {
		{ "script", json_object_get(plan, "script") },	    { "project", json_object_get(plan, "project") },
		{ "environment", json_object_get(plan, "environment") }, { "profile", json_object_get(plan, "profile") },
		{ "stdin", json_object_get(result, "stdin") },
	};
	json_t *all = json_array(), *input;
	size_t i;
	int r = all ? 0 : -1;

	json_array_foreach(json_object_get(plan, "inputs"), i, input)
		r |= add_resource(all, "input", name_of(input, "input"), json_object_get(input, "digest"));
	for (i = 0; i < SR_ELEMENTSOF(one); i++)
		r |= add_resource(all, one[i].role, name_of(one[i].of, one[i].role), json_object_get(one[i].of, "digest"));
	if (r == 0)
		return all;
	json_decref(all);
	return NULL;
}

static json_t *byproduct(const char *name, const char *sha256)
{
	return json_pack("{s:{s:s}, s:s, s:s}", "digest", "sha256", sha256, "mediaType", SR_PAYLOAD_TYPE, "name", name);
}

static json_t *run_details(const struct sr_verified *v)
{
	const json_t *result = json_object_get(v->execution, "result"), *executor = json_object_get(v->execution, "executor");
	char builder[128];

	(void)snprintf(builder, sizeof(builder), BUILDER "%s/v0.1", assurance_name(v->assurance));
	return json_pack("{s:{s:s, s:O}, s:[o, o, o], s:{s:O, s:s, s:O}}", "builder", "id", builder, "version", json_object_get(executor, "version"),
			 "byproducts", byproduct("run-open", v->open_sha256), byproduct("execution", v->execution_sha256),
			 byproduct("run-close", v->close_sha256), "metadata", "finishedOn", json_object_get(result, "finishedAt"), "invocationId",
			 v->run_id, "startedOn", json_object_get(result, "startedAt"));
}

int export_slsa(const struct sr_verified *v, json_t **ret, struct sr_error *err)
{
	const json_t *result = json_object_get(v->execution, "result"), *code = json_object_get(result, "exitCode");
	json_t *predicate, *all;

	if (!json_is_integer(code) || json_integer_value(code) != 0) {
		int r = refuse(err, "the run did not end with exit code 0, and SLSA provenance has no place to say so");

		sr_error_hint(err, "the certificate itself says how it ended; --sigstore-bundle wraps it as it is");
		return r;
	}
	predicate = json_pack("{s:{s:s, s:O, s:{s:s, s:O, s:s}, s:o}, s:o}", "buildDefinition", "buildType", SR_PREDICATE_EXECUTION,
			      "externalParameters", json_object_get(v->execution, "plan"), "internalParameters", "assurance",
			      assurance_name(v->assurance), "enforced", json_object_get(v->execution, "enforced"), "note", SLSA_NOTE,
			      "resolvedDependencies", dependencies(v), "runDetails", run_details(v));
	all = predicate ? statement(v, "https://slsa.dev/provenance/v1", predicate) : NULL;
	if (!all)
		return sr_error_oom(err, STAGE);
	*ret = all;
	return 0;
}

/* --- sigstore --------------------------------------------------------------------------------------------------------------- */

static const struct sr_envelope *find(const struct sr_bundle *b, const char *sha256)
{
	for (size_t i = 0; i < b->count; i++) {
		if (strcmp(b->items[i].sha256, sha256) == 0)
			return &b->items[i];
	}
	return NULL;
}

int export_sigstore(const struct sr_verified *v, enum sr_export_line line, json_t **ret, struct sr_error *err)
{
	const char *const digests[] = { v->open_sha256, v->execution_sha256, v->close_sha256 };
	const struct sr_envelope *e = find(&v->bundle, digests[line]);
	char keyid[SR_DIGEST_HEX];
	SR_AUTOFREE char *payload = NULL, *sig = NULL;
	size_t payload_len, sig_len;

	if (!e)
		return refuse(err, "it has no such line");
	/* encoded and named anew: both stood outside the signature */
	public_key_id(line == SR_EXPORT_EXECUTION ? &v->ephemeral : &v->identity->key, keyid);
	if (base64_encode(e->payload, e->len, &payload, &payload_len) < 0 || base64_encode(e->sig, sizeof(e->sig), &sig, &sig_len) < 0)
		return sr_error_oom(err, STAGE);
	*ret = json_pack("{s:{s:s, s:s, s:[{s:s, s:s}]}, s:s, s:{s:{s:s}}}", "dsseEnvelope", "payload", payload, "payloadType", SR_PAYLOAD_TYPE,
			 "signatures", "keyid", keyid, "sig", sig, "mediaType", "application/vnd.dev.sigstore.bundle.v0.3+json",
			 "verificationMaterial", "publicKey", "hint", keyid);
	return *ret ? 0 : sr_error_oom(err, STAGE);
}

/* --- signed by the identity --------------------------------------------------------------------------------------------------- */

int export_sign(const json_t *statement, const struct sr_identity *id, char **ret)
{
	SR_AUTOFREE char *payload = json_dumps(statement, JSON_COMPACT | JSON_SORT_KEYS);
	uint8_t sig[SR_SIGNATURE_BYTES];
	size_t len;
	int r = payload ? envelope_sign(payload, strlen(payload), id->secret, sig) : -ENOMEM;

	return r < 0 ? r : envelope_line(payload, strlen(payload), sig, &id->public_key, ret, &len);
}
