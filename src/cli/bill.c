/* SPDX-License-Identifier: MIT */
/*
 * sandrun bill CERT... --rates FILE: an itemised total out of certificates, or nothing at all where one of them does not hold.
 */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "cli/subcommand.h"
#include "cli/verify.h"
#include "evidence/bill.h"

#define STAGE "bill"
#define SHOWN(s) str_escape((s), (char[512]){ 0 }, 512)

static const char usage[] =
	"Usage: sandrun bill [OPTION...] --rates FILE CERTIFICATE...\n"
	"  --rates FILE         [rates] cpu_second, gib_second, run, currency, decimals\n"
	"  --key FILE           an identity whose certificates are billed: a public key;\n"
	"                       may be given more than once\n"
	"  --trust DIR          any of the identities DIR/*.pem\n"
	"  --json, --csv        the items as JSON or CSV\n"
	"Every certificate is verified first. A run that comes twice, an identity that is\n"
	"not known, a certificate that does not hold: each is named, nothing is billed.\n"
	"Without --key and --trust: the keys in the data folder's trusted/, then the own\n"
	"key. Exit status: 0; 1 where nothing is billed; 125 a file or option cannot be\n"
	"used.\n";

static const char word_of[] = "Every figure is the word of the identity that signed it.";
static const char upper_bound[] =
	"GiB-seconds are the memory peak times the wall-clock time: an upper bound of what was used, where nothing is marked.";
static const char least[] =
	"* a sample, or the largest process alone, by the source that the certificate names: more may have been used.";

struct bill_call {
	struct verify_call verify;
	const char *rates;
	bool csv;
	struct sr_bill bill;
};

/* --- options ---------------------------------------------------------------------------------------------------------------- */

static int misused(const struct cli_run *c, const char *what, const char *why)
{
	struct sr_error err = SR_ERROR_INIT;

	(void)sr_error_set(&err, SR_E_OPTION, EINVAL, "options", "cannot use 'sandrun bill%s%s': %s", *what ? " " : "", what, why);
	sr_error_hint(&err, "sandrun bill --rates FILE.ini CERTIFICATE...; sandrun bill --help says more");
	message_error(&c->policy, &err);
	return err.status;
}

/* --rates and --csv out of the words; the rest is what `sandrun verify` takes as well. 0, or the exit status after a message. */
static int take_own(struct bill_call *call, int *argc, char **argv)
{
	bool only_words = false;
	int kept = 1;

	for (int i = 1; i < *argc; i++) {
		only_words = only_words || strcmp(argv[i], "--") == 0;
		if (!only_words && strcmp(argv[i], "--csv") == 0)
			call->csv = true;
		else if (!only_words && str_has_prefix(argv[i], "--rates="))
			call->rates = argv[i] + strlen("--rates=");
		else if (!only_words && strcmp(argv[i], "--rates") == 0 && i + 1 < *argc)
			call->rates = argv[++i];
		else if (!only_words && strcmp(argv[i], "--rates") == 0)
			return misused(call->verify.c, argv[i], "it takes a value");
		else
			argv[kept++] = argv[i];
	}
	*argc = kept;
	return 0;
}

/* --- taking in -------------------------------------------------------------------------------------------------------------- */

static int take_certificate(struct bill_call *call, const char *path, struct sr_error *err)
{
	const struct sr_verify_wants wants = { .trust = &call->verify.trust };
	const struct sr_check *worst;
	struct sr_verified v;
	int r = verify_certificate(&call->verify, path, &wants, &v, err);

	if (r == 0 && verify_holds(&v, &worst)) { /* the own word is enough: it is the user who bills */
		r = bill_add(&call->bill, path, &v, err);
	} else if (r == 0) {
		r = sr_error_set_status(err, 1, SR_E_CERTIFICATE, EBADMSG, STAGE, "cannot bill %s: %s", SHOWN(path),
					worst ? worst->text : "it does not hold");
		sr_error_hint(err, v.identity ? "sandrun verify shows every check of it"
					      : "--key FILE or --trust DIR names whose certificates are billed");
	}
	verified_done(&v);
	return r;
}

static void say(const struct bill_call *call, const struct sr_error *err)
{
	message_error(&call->verify.c->policy, err);
}

/* Every refusal is said. Returns the exit status. */
static int take_all(struct bill_call *call)
{
	int status = 0;

	for (int i = 0; i < call->verify.count; i++) {
		struct sr_error err = SR_ERROR_INIT;

		if (take_certificate(call, call->verify.operands[i], &err) < 0) {
			say(call, &err);
			status = err.status > status ? err.status : status;
		}
	}
	return status;
}

static void say_double(struct bill_call *call, const struct sr_bill_item *item, const struct sr_bill_item *earlier)
{
	struct sr_error err = SR_ERROR_INIT;

	if (strcmp(item->run_id, earlier->run_id) == 0 || strcmp(item->execution, earlier->execution) == 0) {
		(void)sr_error_set_status(&err, 1, SR_E_CERTIFICATE, EEXIST, STAGE, "cannot bill %s: it is the run %s once more, which %s is",
					  SHOWN(item->file), item->run_id, SHOWN(earlier->file));
		sr_error_hint(&err, "name each run's certificate once");
	} else {
		(void)sr_error_set_status(&err, 1, SR_E_CERTIFICATE, EEXIST, STAGE,
					  "cannot bill %s: its identity counted it as the run that %s is, and counts no two runs as one",
					  SHOWN(item->file), SHOWN(earlier->file));
		sr_error_hint(&err, "where that identity lost its count, or counts on two machines, bill the two apart");
	}
	say(call, &err);
}

static int refuse_doubles(struct bill_call *call)
{
	struct sr_error err = SR_ERROR_INIT;
	ssize_t found = bill_doubles(&call->bill, &err);

	if (found < 0)
		say(call, &err);
	for (size_t i = 0; found > 0 && i < call->bill.count; i++) {
		const struct sr_bill_item *item = &call->bill.items[i];

		if (!item->twin)
			continue;
		say_double(call, item, &call->bill.items[item->twin - 1]);
	}
	return found < 0 ? err.status : found > 0;
}

/* --- text ------------------------------------------------------------------------------------------------------------------- */

static const char *seconds(sr_amount ns, char out[static SR_BILL_TEXT])
{
	amount_text(ns, 9, out);
	return out;
}

static const char *gib_seconds(sr_amount byte_ns, char out[static SR_BILL_TEXT])
{
	gib_seconds_text(byte_ns, out);
	return out;
}

static const char *money(const struct sr_bill *b, sr_amount n, char out[static SR_BILL_TEXT])
{
	amount_text(n, b->rates.decimals, out);
	return out;
}

static const char *rate(const struct sr_bill *b, enum sr_bill_part part, char out[static SR_BILL_TEXT])
{
	char *end;

	amount_text(b->rates.rate[part], SR_RATE_DIGITS, out);
	for (end = out + strlen(out); end[-1] == '0' && end[-2] != '.'; end--)
		end[-1] = '\0';
	return out;
}

static bool any_least(const struct sr_bill *b)
{
	for (size_t i = 0; i < b->count; i++) {
		if (b->items[i].used && (b->items[i].cpu_least || b->items[i].memory_least))
			return true;
	}
	return false;
}

#define TEXT ((char[SR_BILL_TEXT]){ 0 })

static void print_text(const struct sr_bill *b)
{
	const char *currency = b->rates.currency, *gap = *currency ? " " : "";

	(void)printf("%-36s  %-20s  %-12s  %16s   %16s   %16s\n", "RUN", "FINISHED", "OUTCOME", "CPU-SECONDS", "GIB-SECONDS", "AMOUNT");
	for (size_t i = 0; i < b->count; i++) {
		const struct sr_bill_item *item = &b->items[i];

		(void)printf("%-36s  %-20s  %-12s  %16s%c  %16s%c  %16s\n", item->run_id, SHOWN(item->finished), SHOWN(item->outcome),
			     item->used ? seconds(item->cpu_ns, TEXT) : "-", item->cpu_least ? '*' : ' ',
			     item->used ? gib_seconds(item->byte_ns, TEXT) : "-", item->memory_least ? '*' : ' ',
			     item->used ? money(b, item->sum, TEXT) : "-");
	}
	(void)printf("\n%-12s  %20s  at %16s  %16s%s%s\n", "CPU-seconds", seconds(b->cpu_ns, TEXT), rate(b, SR_BILL_CPU, TEXT),
		     money(b, b->amount[SR_BILL_CPU], TEXT), gap, currency);
	(void)printf("%-12s  %20s  at %16s  %16s%s%s\n", "GiB-seconds", gib_seconds(b->byte_ns, TEXT), rate(b, SR_BILL_MEMORY, TEXT),
		     money(b, b->amount[SR_BILL_MEMORY], TEXT), gap, currency);
	(void)printf("%-12s  %20zu  at %16s  %16s%s%s\n", "runs", b->used, rate(b, SR_BILL_RUN, TEXT), money(b, b->amount[SR_BILL_RUN], TEXT),
		     gap, currency);
	(void)printf("%-12s  %20s     %16s  %16s%s%s\n", "total", "", "", money(b, b->sum, TEXT), gap, currency);
	if (b->used < b->count)
		(void)printf("%zu of %zu used nothing: they never started\n", b->count - b->used, b->count);
	(void)printf("\n%s\n%s\n", word_of, upper_bound);
	if (any_least(b))
		(void)printf("%s\n", least);
}

/* --- CSV (RFC 4180) ----------------------------------------------------------------------------------------------------------- */

/* Quoted. A spreadsheet takes what starts with = + - or @ for a formula: a file of such a name is ./NAME. */
static void print_quoted(const char *s)
{
	char shown[512];

	(void)printf("\"%s", strchr("=+-@", *s) && *s ? "./" : "");
	for (const char *p = str_escape(s, shown, sizeof(shown)); *p; p++)
		(void)printf(*p == '"' ? "\"\"" : "%c", *p);
	(void)printf("\",");
}

static void print_csv(const struct sr_bill *b)
{
	(void)printf("file,runId,identity,finishedAt,outcome,cpuSeconds,memoryPeakBytes,wallSeconds,gibSeconds,cpuSource,memorySource,"
		     "cpuAmount,memoryAmount,runAmount,amount,currency\r\n");
	for (size_t i = 0; i < b->count; i++) {
		const struct sr_bill_item *item = &b->items[i];

		print_quoted(item->file);
		(void)printf("%s,%s,", item->run_id, item->identity);
		print_quoted(item->finished);
		print_quoted(item->outcome);
		if (!item->used) {
			(void)printf(",,,,,,,,,,%s\r\n", b->rates.currency);
			continue;
		}
		(void)printf("%s,%llu,%s,%s,", seconds(item->cpu_ns, TEXT), (unsigned long long)item->peak_bytes, seconds(item->wall_ns, TEXT),
			     gib_seconds(item->byte_ns, TEXT));
		print_quoted(item->cpu_source);
		print_quoted(item->memory_source);
		for (int part = 0; part < SR_BILL_PARTS; part++)
			(void)printf("%s,", money(b, item->amount[part], TEXT));
		(void)printf("%s,%s\r\n", money(b, item->sum, TEXT), b->rates.currency);
	}
	(void)printf("total,,,,,%s,,,%s,,,", seconds(b->cpu_ns, TEXT), gib_seconds(b->byte_ns, TEXT));
	for (int part = 0; part < SR_BILL_PARTS; part++)
		(void)printf("%s,", money(b, b->amount[part], TEXT));
	(void)printf("%s,%s\r\n", money(b, b->sum, TEXT), b->rates.currency);
}

/* --- JSON ------------------------------------------------------------------------------------------------------------------- */

static json_t *amounts_json(const struct sr_bill *b, const sr_amount part[static SR_BILL_PARTS], sr_amount sum)
{
	return json_pack("{s:s, s:s, s:s, s:s}", "cpu", money(b, part[SR_BILL_CPU], TEXT), "memory", money(b, part[SR_BILL_MEMORY], TEXT),
			 "run", money(b, part[SR_BILL_RUN], TEXT), "total", money(b, sum, TEXT));
}

static json_t *item_json(const struct sr_bill *b, const struct sr_bill_item *item)
{
	char digits[24];
	json_t *used = json_null(), *amounts = json_null();

	if (item->used) {
		(void)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)item->peak_bytes);
		used = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:b}", "cpuSeconds", seconds(item->cpu_ns, TEXT), "memoryPeakBytes", digits,
				 "wallSeconds", seconds(item->wall_ns, TEXT), "gibSeconds", gib_seconds(item->byte_ns, TEXT), "cpuSource",
				 SHOWN(item->cpu_source), "memorySource", SHOWN(item->memory_source), "cpuIsLeast", item->cpu_least,
				 "memoryIsLeast", item->memory_least);
		amounts = amounts_json(b, item->amount, item->sum);
	}
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o}", "file", SHOWN(item->file), "runId", item->run_id, "execution",
			 item->execution, "identity", item->identity, "finishedAt", SHOWN(item->finished), "outcome", SHOWN(item->outcome),
			 "used", used, "amount", amounts);
}

static json_t *bill_json(const struct sr_bill *b)
{
	json_t *items = json_array(), *notes = json_pack("[s, s]", word_of, upper_bound);

	for (size_t i = 0; i < b->count; i++) {
		if (json_array_append_new(items, item_json(b, &b->items[i])) < 0) {
			json_decref(items);
			json_decref(notes);
			return NULL;
		}
	}
	if (any_least(b))
		(void)json_array_append_new(notes, json_string(least + 2));
	return json_pack("{s:i, s:s, s:i, s:{s:s, s:s, s:s}, s:o, s:{s:i, s:i, s:s, s:s, s:o}, s:o}", "v", 1, "currency", b->rates.currency,
			 "decimals", (int)b->rates.decimals, "rates", "cpuSecond", rate(b, SR_BILL_CPU, TEXT), "gibSecond",
			 rate(b, SR_BILL_MEMORY, TEXT), "run", rate(b, SR_BILL_RUN, TEXT), "items", items, "total", "certificates",
			 (int)b->count, "runs", (int)b->used, "cpuSeconds", seconds(b->cpu_ns, TEXT), "gibSeconds",
			 gib_seconds(b->byte_ns, TEXT), "amount", amounts_json(b, b->amount, b->sum), "notes", notes);
}

/* --- the whole ---------------------------------------------------------------------------------------------------------------- */

static int print(const struct bill_call *call)
{
	if (call->verify.json)
		return message_json(&call->verify.c->policy, STAGE, bill_json(&call->bill), JSON_SORT_KEYS, 0);
	if (call->csv)
		print_csv(&call->bill);
	else
		print_text(&call->bill);
	return message_flush(&call->verify.c->policy, 0);
}

static int bill(struct bill_call *call)
{
	struct sr_error err = SR_ERROR_INIT;
	int status;

	if (rates_load(call->rates, &call->bill.rates, &err) < 0) {
		say(call, &err);
		return err.status;
	}
	status = take_all(call);
	if (status == 0)
		status = refuse_doubles(call);
	if (status == 0 && bill_finish(&call->bill, &err) < 0) {
		say(call, &err);
		status = err.status;
	}
	return status ? status : print(call);
}

int bill_main(int argc, char **argv, struct cli_run *c)
{
	struct bill_call call = { .verify = { .c = c } };
	int status = take_own(&call, &argc, argv);

	if (!status)
		status = verify_begin(&call.verify, argc, argv, " --key --trust ");
	if (!status && call.verify.help) {
		(void)fputs(usage, stdout);
		status = message_flush(&c->policy, 0);
	} else if (!status && !call.rates) {
		status = misused(c, "", "it needs --rates FILE");
	} else if (!status && call.verify.count == 0) {
		status = misused(c, "", "it needs a certificate");
	} else if (!status && call.verify.json && call.csv) {
		status = misused(c, "--json --csv", "one of the two");
	} else if (!status) {
		status = bill(&call);
	}
	bill_done(&call.bill);
	verify_end(&call.verify);
	return status;
}
