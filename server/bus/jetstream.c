#include "server/bus/jetstream.h"

#include <nats/nats.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/bus/wire.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"

#define WAIT_MS       2000                  /* for each answer */
#define PING_MS       1000                  /* one that has no answer by the next: it is gone */
#define HEARTBEAT_NS  NS_PER_SECOND         /* of a stream that has nothing new */
#define REPEATS_NS    (120 * NS_PER_SECOND) /* so long the stream knows what was published twice */
#define MESSAGE_LEAST 8192                  /* bytes that a message may have at least */
#define URL_SIZE      128
#define ID_HEADER     "Nats-Msg-Id"
#define JWT_MARK      "-----BEGIN NATS USER JWT-----"
#define SEED_MARK     "-----BEGIN USER NKEY SEED-----"

struct jetstream {
	unsigned history;
	char *files[BUS_FILES]; /* what is in them; NULL: there is none */
	natsOptions *options;
	natsConnection *connection;
	jsCtx *context;
	natsSubscription *subscription;
	natsSubscription *ears[JETSTREAM_EARS]; /* for what is told at once */
	uint64_t delivered; /* by this subscription: each message has the next number */
	char place[URL_SIZE];
	char error[JETSTREAM_ERROR_SIZE];
};

struct jetstream *jetstream_create(unsigned history)
{
	struct jetstream *stream = calloc(1, sizeof(*stream));

	if (!stream) {
		die("out of memory");
	}
	stream->history = history;
	for (enum bus_file file = 0; file < BUS_FILES; file++) {
		stream->files[file] = bus_target_read(file);
	}
	return stream;
}

void jetstream_destroy(struct jetstream *stream)
{
	jetstream_close(stream);
	for (enum bus_file file = 0; file < BUS_FILES; file++) {
		free(stream->files[file]);
	}
	free(stream);
}

const char *jetstream_error(const struct jetstream *stream)
{
	return stream->error;
}

/* Says false, so that who finds it can return it. */
__attribute__((format(printf, 2, 3))) static bool refuse(struct jetstream *stream,
							 const char *format, ...)
{
	int used = snprintf(stream->error, sizeof(stream->error), "%s: ", stream->place);
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(stream->error + used, sizeof(stream->error) - (size_t)used, format,
			arguments);
	va_end(arguments);
	stream->error[strcspn(stream->error, "\n")] = '\0';
	return false;
}

/* What libnats says of STATUS; what it said last may say more. */
static const char *text_of(natsStatus status)
{
	natsStatus last = NATS_OK;
	const char *text = nats_GetLastError(&last);
	const char *place_end = text && *text == '(' ? strstr(text, "): ") : NULL;

	text = place_end ? place_end + strlen("): ") : text; /* in its source, which tells nobody */
	return last == status && text && *text ? text : natsStatus_GetText(status);
}

/* Connecting */

static natsStatus set_password(natsOptions *options, char *text)
{
	text[strcspn(text, "\r\n")] = '\0';
	char *colon = strchr(text, ':');

	if (!colon) {
		return natsOptions_SetToken(options, text);
	}
	*colon = '\0';
	natsStatus status = natsOptions_SetUserInfo(options, text, colon + 1);

	*colon = ':';
	return status;
}

/* The line behind MARK in credentials of NATS's form, the caller's to free; NULL: none is. */
static char *line_behind(const char *text, const char *mark)
{
	const char *line = strstr(text, mark);

	if (!line) {
		return NULL;
	}
	line += strlen(mark);
	line += strspn(line, "\r\n");
	return strndup(line, strcspn(line, "\r\n"));
}

static natsStatus give_jwt(char **jwt, char **error, void *context)
{
	const struct jetstream *stream = context;

	(void)error;
	*jwt = line_behind(stream->files[BUS_FILE_CREDENTIALS], JWT_MARK);
	return *jwt ? NATS_OK : NATS_ERR;
}

static natsStatus sign(char **error, unsigned char **signature, int *length, const char *nonce,
		       void *context)
{
	const struct jetstream *stream = context;
	char *seed = line_behind(stream->files[BUS_FILE_CREDENTIALS], SEED_MARK);
	natsStatus status = seed ? nats_Sign(seed, nonce, signature, length) : NATS_ERR;

	(void)error;
	free(seed);
	return status;
}

static natsStatus set_credentials(struct jetstream *stream)
{
	char *text = stream->files[BUS_FILE_CREDENTIALS];

	if (!text) {
		return NATS_OK;
	}
	return strstr(text, JWT_MARK) ? natsOptions_SetUserCredentialsCallbacks(
						stream->options, give_jwt, stream, sign, stream)
				      : set_password(stream->options, text);
}

static natsStatus set_tls(struct jetstream *stream, const struct bus_server *server)
{
	natsOptions *options = stream->options;
	natsStatus status = NATS_OK;

	if (!server->tls) {
		return NATS_OK;
	}
	status = natsOptions_SetSecure(options, true);
	if (status == NATS_OK) {
		status = natsOptions_SetExpectedHostname(options, server->host);
	}
	if (status == NATS_OK && stream->files[BUS_FILE_AUTHORITY]) {
		status = natsOptions_SetCATrustedCertificates(options,
							      stream->files[BUS_FILE_AUTHORITY]);
	}
	if (status == NATS_OK && stream->files[BUS_FILE_CERTIFICATE]) {
		status = natsOptions_SetCertificatesChain(
			options, stream->files[BUS_FILE_CERTIFICATE], stream->files[BUS_FILE_KEY]);
	}
	return status;
}

/* It is told us in what is asked next; libnats would write it to stderr. */
static void hear_error(natsConnection *connection, natsSubscription *subscription,
		       natsStatus status, void *context)
{
	(void)connection;
	(void)subscription;
	(void)status;
	(void)context;
}

static natsStatus set_options(struct jetstream *stream, const struct bus_address *address)
{
	natsStatus status = natsOptions_Create(&stream->options);

	if (status != NATS_OK) {
		return status;
	}
	natsOptions *options = stream->options;

	if ((status = natsOptions_SetURL(options, stream->place)) == NATS_OK &&
	    (status = natsOptions_SetName(options, WIRE_STREAM)) == NATS_OK &&
	    (status = natsOptions_SetTimeout(options, WAIT_MS)) == NATS_OK &&
	    (status = natsOptions_SetAllowReconnect(options, false)) == NATS_OK &&
	    (status = natsOptions_SetWriteDeadline(options, WAIT_MS)) == NATS_OK &&
	    (status = natsOptions_SetPingInterval(options, PING_MS)) == NATS_OK &&
	    (status = natsOptions_SetMaxPingsOut(options, 1)) == NATS_OK &&
	    (status = natsOptions_SetIgnoreDiscoveredServers(options, true)) == NATS_OK &&
	    (status = natsOptions_SetSendAsap(options, true)) == NATS_OK &&
	    (status = natsOptions_SetErrorHandler(options, hear_error, NULL)) == NATS_OK &&
	    (status = set_tls(stream, address->server)) == NATS_OK) {
		status = set_credentials(stream);
	}
	return status;
}

static void name_place(struct jetstream *stream, const struct bus_address *address)
{
	const bool brackets = strchr(address->text, ':') != NULL;

	(void)snprintf(stream->place, sizeof(stream->place), "%s://%s%s%s:%u",
		       address->server->tls ? "tls" : "nats", brackets ? "[" : "", address->text,
		       brackets ? "]" : "", address->server->port);
}

/* The stream */

/* JetStream's own word is the better one; where nobody answers there is none. */
static bool refuse_answer(struct jetstream *stream, const char *what, natsStatus status)
{
	if (status == NATS_NO_RESPONDERS) {
		return refuse(stream, "it has no JetStream (nats-server --jetstream)");
	}
	return refuse(stream, "%s: %s", what, text_of(status));
}

static bool has_subjects(const jsStreamConfig *config)
{
	for (int i = 0; i < config->SubjectsLen; i++) {
		if (strcmp(config->Subjects[i], WIRE_SUBJECTS) == 0) {
			return true;
		}
	}
	return false;
}

/* Somebody else may have made it. */
static bool is_fit(struct jetstream *stream, const jsStreamConfig *config)
{
	if (!has_subjects(config)) {
		return refuse(stream, "its stream %s is not for the subjects %s", WIRE_STREAM,
			      WIRE_SUBJECTS);
	}
	if (config->Retention != js_LimitsPolicy || config->Sealed) {
		return refuse(stream, "its stream %s does not keep what was said", WIRE_STREAM);
	}
	if (config->MaxMsgSize > 0 && config->MaxMsgSize < MESSAGE_LEAST) {
		return refuse(stream, "its stream %s takes no message of %d bytes", WIRE_STREAM,
			      MESSAGE_LEAST);
	}
	return true;
}

/* Who wants more history gets it, for all; nobody takes any away. */
static bool widen(struct jetstream *stream, jsStreamConfig *config)
{
	if (config->MaxMsgsPerSubject <= 0 || config->MaxMsgsPerSubject >= stream->history) {
		return true;
	}
	config->MaxMsgsPerSubject = stream->history;
	natsStatus status = js_UpdateStream(NULL, stream->context, config, NULL, NULL);

	return status == NATS_OK || refuse_answer(stream, "its stream cannot be changed", status);
}

static natsStatus make(struct jetstream *stream, jsStreamInfo **info)
{
	const char *subjects[] = { WIRE_SUBJECTS };
	jsStreamConfig config;

	jsStreamConfig_Init(&config);
	config.Name = WIRE_STREAM;
	config.Subjects = subjects;
	config.SubjectsLen = 1;
	config.MaxMsgsPerSubject = stream->history;
	config.Duplicates = REPEATS_NS;
	return js_AddStream(info, stream->context, &config, NULL, NULL);
}

bool jetstream_find(struct jetstream *stream, struct jetstream_state *state)
{
	jsStreamInfo *info = NULL;
	natsStatus status = js_GetStreamInfo(&info, stream->context, WIRE_STREAM, NULL, NULL);

	if (status == NATS_NOT_FOUND) {
		status = make(stream, &info);
	}
	if (status != NATS_OK) {
		return refuse_answer(stream, "its stream cannot be made", status);
	}
	*state = (struct jetstream_state){ (uint64_t)info->Created, info->State.LastSeq };
	bool fit = is_fit(stream, info->Config) && widen(stream, info->Config);

	jsStreamInfo_Destroy(info);
	return fit;
}

bool jetstream_connect(struct jetstream *stream, const struct bus_address *address)
{
	jsOptions waits;

	name_place(stream, address);
	natsStatus status = set_options(stream, address);

	if (status == NATS_OK) {
		status = natsConnection_Connect(&stream->connection, stream->options);
	}
	if (status != NATS_OK) {
		return refuse(stream, "%s", text_of(status));
	}
	jsOptions_Init(&waits);
	waits.Wait = WAIT_MS;
	status = natsConnection_JetStream(&stream->context, stream->connection, &waits);
	return status == NATS_OK || refuse(stream, "%s", text_of(status));
}

bool jetstream_read_from(struct jetstream *stream, uint64_t first)
{
	jsSubOptions wanted;

	jsSubOptions_Init(&wanted);
	wanted.Stream = WIRE_STREAM;
	wanted.Config.DeliverPolicy = js_DeliverByStartSequence;
	wanted.Config.OptStartSeq = first;
	wanted.Config.AckPolicy = js_AckNone;
	wanted.Config.FlowControl = true;
	wanted.Config.Heartbeat = HEARTBEAT_NS;
	natsStatus status = js_SubscribeSync(&stream->subscription, stream->context, WIRE_SUBJECTS,
					     NULL, &wanted, NULL);

	if (status != NATS_OK) {
		return refuse_answer(stream, "its stream cannot be read", status);
	}
	stream->delivered = 0;
	return true;
}

void jetstream_close(struct jetstream *stream)
{
	for (int i = 0; i < JETSTREAM_EARS; i++) {
		natsSubscription_Destroy(stream->ears[i]);
		stream->ears[i] = NULL;
	}
	natsSubscription_Destroy(stream->subscription);
	jsCtx_Destroy(stream->context);
	natsConnection_Destroy(stream->connection);
	natsOptions_Destroy(stream->options);
	stream->subscription = NULL;
	stream->context = NULL;
	stream->connection = NULL;
	stream->options = NULL;
}

/* Messages */

/* Which it is, and that none before it is missing. */
static bool look_at(struct jetstream *stream, natsMsg *own, uint64_t *sequence)
{
	jsMsgMetaData *data = NULL;

	if (natsMsg_GetMetaData(&data, own) != NATS_OK) {
		return refuse(stream, "it sent what is no message of the stream's");
	}
	*sequence = data->Sequence.Stream;
	bool next = data->Sequence.Consumer == stream->delivered + 1;

	stream->delivered = data->Sequence.Consumer;
	jsMsgMetaData_Destroy(data);
	return next || refuse(stream, "messages were lost on their way");
}

enum jetstream_result jetstream_next(struct jetstream *stream, int64_t timeout_ns,
				     struct jetstream_message *message)
{
	natsMsg *own = NULL;
	natsStatus status =
		natsSubscription_NextMsg(&own, stream->subscription, timeout_ns / NS_PER_MS);

	if (status == NATS_TIMEOUT && !natsConnection_IsClosed(stream->connection)) {
		return JETSTREAM_NOTHING;
	}
	if (status != NATS_OK) {
		(void)refuse(stream, "%s",
			     status == NATS_TIMEOUT ? "the connection broke" : text_of(status));
		return JETSTREAM_LOST;
	}
	message->own = own;
	message->bytes = (struct span){ natsMsg_GetData(own), (size_t)natsMsg_GetDataLength(own) };
	if (!look_at(stream, own, &message->sequence)) {
		jetstream_done(message);
		return JETSTREAM_LOST;
	}
	return JETSTREAM_MESSAGE;
}

const char *jetstream_trouble(const struct jetstream *stream)
{
	const char *text = NULL;
	bool said = natsConnection_GetLastError(stream->connection, &text) != NATS_OK;

	return said && text && *text ? text : "it may be full";
}

void jetstream_done(struct jetstream_message *message)
{
	natsMsg_Destroy(message->own);
	message->own = NULL;
}

bool jetstream_publish(struct jetstream *stream, const char *subject, const char *id,
		       struct span bytes)
{
	natsMsg *message = NULL;
	natsStatus status = natsMsg_Create(&message, subject, NULL, bytes.text, (int)bytes.length);

	if (status == NATS_OK) {
		status = natsMsgHeader_Set(message, ID_HEADER, id);
	}
	if (status == NATS_OK) {
		status = natsConnection_PublishMsg(stream->connection, message);
	}
	natsMsg_Destroy(message);
	return status == NATS_OK;
}

/* What is told at once */

bool jetstream_refuse(struct jetstream *stream, const char *why)
{
	return refuse(stream, "%s", why);
}

bool jetstream_listen(struct jetstream *stream, enum jetstream_ear ear, const char *subject)
{
	natsStatus status =
		natsConnection_SubscribeSync(&stream->ears[ear], stream->connection, subject);

	return status == NATS_OK || refuse(stream, "%s", text_of(status));
}

enum jetstream_result jetstream_hear(struct jetstream *stream, enum jetstream_ear ear,
				     int64_t timeout_ns, struct jetstream_message *message)
{
	natsMsg *own = NULL;
	natsStatus status =
		natsSubscription_NextMsg(&own, stream->ears[ear], timeout_ns / NS_PER_MS);

	if (status != NATS_OK) {
		return status == NATS_TIMEOUT ? JETSTREAM_NOTHING : JETSTREAM_LOST;
	}
	*message = (struct jetstream_message){
		.own = own, .bytes = { natsMsg_GetData(own), (size_t)natsMsg_GetDataLength(own) }
	};
	return JETSTREAM_MESSAGE;
}

bool jetstream_tell(struct jetstream *stream, const char *subject, struct span bytes)
{
	return natsConnection_Publish(stream->connection, subject, bytes.text, (int)bytes.length) ==
	       NATS_OK;
}
