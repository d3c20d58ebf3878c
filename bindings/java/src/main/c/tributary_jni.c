/* dev.tributary.Client over libtributary. Orders arrive as arrays, in the order of Order.texts() and Order.numbers(). */
#include <jni.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tributary/tributary.h"

#define NATIVE(type, name) JNIEXPORT type JNICALL Java_dev_tributary_Client_##name

enum { TEXTS = 9, TEXT_MAX = 256, PAIRS_MAX = 32, EXT_MAX = 8192 };

struct order {
	struct trib_client_order line;
	char texts[TEXTS][TEXT_MAX];
	struct trib_client_pair pairs[PAIRS_MAX];
	char ext[EXT_MAX];
};

static void fail(JNIEnv *env, int status, const char *text)
{
	jclass type = (*env)->FindClass(env, "dev/tributary/Client$Failure");
	jmethodID make = (*env)->GetMethodID(env, type, "<init>", "(Ljava/lang/String;)V");
	jstring word = (*env)->NewStringUTF(env, text ? text : trib_client_status_word(status));

	(*env)->Throw(env, (*env)->NewObject(env, type, make, word));
}

/* The i-th of an array of byte arrays, at most `room`. */
static size_t take_bytes(JNIEnv *env, jobjectArray array, jsize i, char *place, size_t room)
{
	jbyteArray bytes = (*env)->GetObjectArrayElement(env, array, i);
	size_t size = (size_t)(*env)->GetArrayLength(env, bytes);

	if (size > room)
		size = room;
	(*env)->GetByteArrayRegion(env, bytes, 0, (jsize)size, (jbyte *)place);
	(*env)->DeleteLocalRef(env, bytes);
	return size;
}

static int take_order(JNIEnv *env, jobjectArray texts, jlongArray numbers, jobjectArray ext, struct order *order)
{
	struct trib_client_text *places[TEXTS] = { &order->line.order, &order->line.user, &order->line.goods, &order->line.token,
						   &order->line.scene, &order->line.page, &order->line.carrier_kind,
						   &order->line.carrier_id, &order->line.carrier_owner };
	jsize count = (*env)->GetArrayLength(env, numbers), n_ext = (*env)->GetArrayLength(env, ext);
	jlong values[4 + TRIB_CLIENT_AMOUNTS];
	size_t used = 0;

	if (count > 4 + TRIB_CLIENT_AMOUNTS || n_ext > 2 * PAIRS_MAX)
		return TRIB_CLIENT_INVALID;
	memset(&order->line, 0, sizeof(order->line));
	order->line.size = sizeof(order->line);
	for (jsize i = 0; i < TEXTS; i++) {
		places[i]->size = take_bytes(env, texts, i, order->texts[i], TEXT_MAX);
		places[i]->data = order->texts[i];
	}
	(*env)->GetLongArrayRegion(env, numbers, 0, count, values);
	order->line.flags = (values[0] == INT64_MIN ? TRIB_CLIENT_NO_BASE : 0) | (count > 4 ? TRIB_CLIENT_HAS_AMOUNTS : 0);
	order->line.base_amount = values[0] == INT64_MIN ? 0 : values[0];
	order->line.at_ms = values[1];
	order->line.now_ms = values[2];
	order->line.qty = values[3];
	for (jsize i = 4; i < count; i++)
		order->line.amounts[i - 4] = values[i];
	for (jsize i = 0; i < n_ext; i++) {
		struct trib_client_text *text = i % 2 ? &order->pairs[i / 2].value : &order->pairs[i / 2].key;

		text->data = order->ext + used;
		text->size = take_bytes(env, ext, i, order->ext + used, EXT_MAX - used);
		used += text->size;
	}
	order->line.ext = order->pairs;
	order->line.n_ext = (size_t)n_ext / 2;
	return TRIB_CLIENT_OK;
}

static jobject make_answer(JNIEnv *env, const struct trib_client_answer *answer)
{
	jclass type = (*env)->FindClass(env, "dev/tributary/Client$Answer");
	jmethodID make = (*env)->GetMethodID(env, type, "<init>", "(ZIZILjava/lang/String;JJ[B)V");
	jstring outcome = (*env)->NewStringUTF(env, answer->outcome_word ? answer->outcome_word : "");
	jbyteArray bytes = (*env)->NewByteArray(env, (jsize)answer->resolution_size);

	if (answer->resolution_size)
		(*env)->SetByteArrayRegion(env, bytes, 0, (jsize)answer->resolution_size, answer->resolution);
	return (*env)->NewObject(env, type, make, (jboolean)answer->needs_server, (jint)answer->reasons,
				 (jboolean)answer->complete, (jint)answer->pending, outcome, (jlong)answer->charged,
				 (jlong)answer->position, bytes);
}

NATIVE(jlong, open)(JNIEnv *env, jclass type, jstring snapshot, jstring http, jstring resp, jstring access, jstring keys)
{
	jstring strings[] = { snapshot, http, resp, access, keys };
	const char *texts[5];
	struct trib_client_error error;
	struct trib_client *client = NULL;

	for (int i = 0; i < 5; i++)
		texts[i] = strings[i] ? (*env)->GetStringUTFChars(env, strings[i], NULL) : NULL;
	struct trib_client_options options = { .size = sizeof(options), .snapshot_file = texts[0], .http = texts[1],
					       .resp = texts[2], .access_token = texts[3], .keys_file = texts[4] };
	int status = trib_client_open(&options, &client, &error);

	for (int i = 0; i < 5; i++)
		if (texts[i])
			(*env)->ReleaseStringUTFChars(env, strings[i], texts[i]);
	if (status != TRIB_CLIENT_OK)
		fail(env, status, error.text);
	return (jlong)(intptr_t)client;
}

NATIVE(void, close)(JNIEnv *env, jclass type, jlong client, jint flush_ms)
{
	trib_client_close((struct trib_client *)(intptr_t)client, (uint32_t)flush_ms);
}

NATIVE(jlong, newResolver)(JNIEnv *env, jclass type, jlong client)
{
	return (jlong)(intptr_t)trib_resolver_new((struct trib_client *)(intptr_t)client);
}

NATIVE(void, freeResolver)(JNIEnv *env, jclass type, jlong resolver)
{
	trib_resolver_free((struct trib_resolver *)(intptr_t)resolver);
}

NATIVE(jobject, resolve)(JNIEnv *env, jclass type, jlong resolver, jobjectArray texts, jlongArray numbers, jobjectArray ext)
{
	struct trib_client_answer answer = { .size = sizeof(answer) };
	struct order order;
	int status = take_order(env, texts, numbers, ext, &order);

	if (status == TRIB_CLIENT_OK)
		status = trib_resolve((struct trib_resolver *)(intptr_t)resolver, &order.line, &answer);
	if (status == TRIB_CLIENT_OK)
		return make_answer(env, &answer);
	fail(env, status, NULL);
	return NULL;
}

NATIVE(void, record)(JNIEnv *env, jclass type, jlong client, jobjectArray texts, jlongArray numbers, jobjectArray ext,
		     jbyteArray resolution)
{
	struct trib_client_answer answer = { .size = sizeof(answer) };
	struct order order;
	int status = take_order(env, texts, numbers, ext, &order);
	jbyte *bytes = resolution ? (*env)->GetByteArrayElements(env, resolution, NULL) : NULL;

	if (bytes) {
		answer.resolution = bytes;
		answer.resolution_size = (size_t)(*env)->GetArrayLength(env, resolution);
	}
	if (status == TRIB_CLIENT_OK)
		status = trib_client_record((struct trib_client *)(intptr_t)client, &order.line, bytes ? &answer : NULL);
	if (bytes)
		(*env)->ReleaseByteArrayElements(env, resolution, bytes, JNI_ABORT);
	if (status != TRIB_CLIENT_OK)
		fail(env, status, NULL);
}

NATIVE(jobject, ask)(JNIEnv *env, jclass type, jlong client, jobjectArray texts, jlongArray numbers, jobjectArray ext, jint timeout_ms)
{
	struct trib_client_answer answer = { .size = sizeof(answer) };
	struct order order;
	int status = take_order(env, texts, numbers, ext, &order);

	if (status == TRIB_CLIENT_OK)
		status = trib_client_ask((struct trib_client *)(intptr_t)client, &order.line, &answer, (uint32_t)timeout_ms);
	if (status == TRIB_CLIENT_OK)
		return make_answer(env, &answer);
	fail(env, status, NULL);
	return NULL;
}

NATIVE(jboolean, await)(JNIEnv *env, jclass type, jlong handle, jlong position, jint timeout_ms)
{
	struct trib_client *client = (struct trib_client *)(intptr_t)handle;
	struct trib_client_state state = { .size = sizeof(state) };

	if (trib_client_wait(client, (uint64_t)position, (uint32_t)timeout_ms) != TRIB_CLIENT_OK)
		return JNI_FALSE;
	for (jint left_ms = timeout_ms; left_ms > 0; left_ms -= 10) {
		trib_client_state(client, &state);
		if (state.has_keys)
			return JNI_TRUE;
		usleep(10000);
	}
	return JNI_FALSE;
}

NATIVE(jboolean, flush)(JNIEnv *env, jclass type, jlong client, jint timeout_ms)
{
	return trib_client_flush((struct trib_client *)(intptr_t)client, (uint32_t)timeout_ms) == TRIB_CLIENT_OK;
}
