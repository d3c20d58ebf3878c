/* Flows of plays: runs while commands are decided, what they leave in the journal, approvals, and what HTTP asks. */
#include "engine/flows.h"

#include "engine/state.h"

/* Of a batch: the run, its approval and effects, and what it was about. */
enum { FLOW_ROOM_BYTES = 512 << 10 };

/* --- What a run proposes ------------------------------------------------------------------------------ */

static char *text_member(const struct trib_json *json, const char *name)
{
	const struct trib_json *member = trib_json_member(json, name);

	return member && member->kind == TRIB_JSON_STRING && member->text.size ? (char *)(uintptr_t)member->text.data : NULL;
}

/* A proposal as the outbox takes it; its body is written to `text`. */
static trib_status read_effect(struct trib_engine *engine, const struct trib_flow_proposal *proposal, struct trib_buffer *text,
			       struct engine_effect *ret_effect, struct trib_error *error)
{
	const struct trib_json *json, *body;
	trib_status status = trib_json_parse(proposal->body, TRIB_LIMIT_JSON_DEPTH, &engine->flow_arena, &json, error);

	*ret_effect = (struct engine_effect){ .kind = proposal->step };
	if (status != TRIB_OK)
		return status;
	const char *to = text_member(json, "to"), *kind = text_member(json, "kind");

	body = trib_json_member(json, "body");
	if (body)
		trib_json_add(text, body, &engine->flow_arena);
	*ret_effect = (struct engine_effect){ .kind = kind ? kind : proposal->step,
					      .to = trib_bytes_text(to ? to : ""),
					      .body = trib_buffer_bytes(text) };
	return TRIB_OK;
}

/* What could not be sent fails as its step would, now, when nothing is journalled yet. */
static trib_status check_effects(struct trib_engine *engine, const struct trib_flow_run *run, struct trib_error *error)
{
	trib_status status = run->proposal_count ? outbox_admits(engine, run->proposal_count, error) : TRIB_OK;

	for (uint32_t i = 0; i < run->proposal_count && status == TRIB_OK; i++) {
		const struct trib_flow_proposal *proposal = &run->proposals[i];
		struct engine_effect effect;
		struct trib_buffer text;

		if (trib_capability_row(proposal->capability)->path == TRIB_CAPABILITY_PEOPLE)
			continue;
		trib_buffer_init(&text, TRIB_LIMIT_FLOW_TRACE_BYTES);
		status = read_effect(engine, proposal, &text, &effect, error);
		if (status == TRIB_OK)
			status = outbox_check_effect(&effect, error);
		if (status != TRIB_OK)
			trib_error_within(error, proposal->step);
		trib_buffer_fini(&text);
	}
	return status;
}

/* Runs the flow; what the run proposes can be done. */
static trib_status run_flow(struct trib_engine *engine, const struct trib_play *play, enum trib_flow flow,
			    const struct trib_json *input, struct trib_flow_run *ret_run, struct trib_error *error)
{
	trib_status status = trib_flow_run(play, flow, input, &engine->flow_arena, ret_run, error);

	return status == TRIB_OK ? check_effects(engine, ret_run, error) : status;
}

/* --- Runs --------------------------------------------------------------------------------------------- */

trib_status engine_flow(struct trib_engine *engine, const struct trib_play *play, enum trib_flow flow,
			struct trib_bytes input, struct engine_flow *ret_flow, struct trib_error *error)
{
	const struct trib_json *json;

	*ret_flow = (struct engine_flow){ .flow = flow, .play = play };
	if (trib_flow_is_default(play, flow))
		return TRIB_OK;
	/* What a run leads to is durable together, or not at all. */
	trib_status reserved = engine_reserve(engine, FLOW_ROOM_BYTES, error);

	if (reserved != TRIB_OK)
		return reserved;
	trib_arena_reset(&engine->flow_arena);
	/* Numbers of the tree point into the text. */
	const char *text = trib_arena_copy(&engine->flow_arena, input);
	trib_status status = text ? trib_json_parse(trib_bytes(text, input.size), TRIB_LIMIT_JSON_DEPTH, &engine->flow_arena,
						    &json, error)
				  : trib_fail(error, TRIB_LIMIT, "flow", "found more than a run may hold");

	if (status == TRIB_OK)
		status = run_flow(engine, play, flow, json, &ret_flow->run, error);
	ret_flow->ran = status == TRIB_OK;
	return status;
}

/* The play of an entity, by the fields that it bears; NULL: the platform's ways. */
static trib_status play_of(struct trib_engine *engine, const char *name, uint32_t version,
			   const struct trib_play **ret_play, struct trib_error *error)
{
	*ret_play = NULL;
	if (!name || !name[0] || !version)
		return TRIB_OK;
	*ret_play = trib_playbook_find(engine->plays, trib_bytes_text(name), version, error);
	return *ret_play ? TRIB_OK : (error->status = TRIB_REFUSED);
}

/* --- What a run leaves -------------------------------------------------------------------------------- */

void flows_note(struct trib_engine *engine, uint64_t position)
{
	*(uint64_t *)log_add(&engine->changes.flows) = position;
}

static trib_status emit_all(struct trib_engine *engine, const struct trib_domain_decision *decision, struct trib_error *error)
{
	trib_status status = TRIB_OK;

	for (uint32_t i = 0; status == TRIB_OK && i < decision->event_count; i++)
		status = engine_emit(engine, &decision->events[i], error);
	return status;
}

static trib_status emit_run(struct trib_engine *engine, struct engine_flow *flow, const struct engine_flow_about *about,
			    struct trib_error *error)
{
	Tributary__Event event = TRIBUTARY__EVENT__INIT;
	Tributary__FlowRan ran = TRIBUTARY__FLOW_RAN__INIT;

	ran.flow = (char *)(uintptr_t)flow->run.row->name;
	ran.play = (char *)(uintptr_t)trib_play_name(flow->play);
	ran.noun = (char *)(uintptr_t)trib_noun_word(about->noun);
	ran.entity = trib_arena_copy(&engine->flow_arena, about->id);
	ran.steps = trib_arena_copy(&engine->flow_arena, flow->run.trace);
	ran.has_play_version = ran.has_at = ran.has_waits = true;
	ran.play_version = trib_play_version(flow->play);
	ran.at = engine->now_ms;
	ran.waits = flow->run.waits;
	if (!ran.entity || !ran.steps)
		return trib_fail(error, TRIB_LIMIT, "flow", "found more than a run may hold");
	event.kind_case = TRIBUTARY__EVENT__KIND_FLOW_RAN;
	event.flow_ran = &ran;
	trib_status status = engine_emit(engine, &event, error);

	flow->position = engine->position;
	return status;
}

static const char *text_field(const ProtobufCMessage *message, const char *name)
{
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
	const char *text = NULL;

	if (field)
		memcpy(&text, (const char *)message + field->offset, sizeof(text));
	return text;
}

static char *id_of_party(struct trib_engine *engine, uint32_t party)
{
	return party ? trib_arena_copy(&engine->flow_arena, trib_engine_party_id(engine, party)) : NULL;
}

/* An enrolment's goods and activity say it. */
static void name_owners(struct trib_engine *engine, Tributary__Approval *approval, const ProtobufCMessage *about)
{
	approval->merchant = (char *)(uintptr_t)text_field(about, "merchant");
	approval->leader = (char *)(uintptr_t)text_field(about, "leader");
	approval->creator = (char *)(uintptr_t)text_field(about, "creator");
	if (about->descriptor == &tributary__plan__descriptor && ((const Tributary__Plan *)about)->terms)
		approval->leader = ((const Tributary__Plan *)about)->terms->leader;
	if (about->descriptor != &tributary__enrolment__descriptor)
		return;
	const Tributary__Enrolment *enrolment = (const Tributary__Enrolment *)about;
	uint32_t goods = trib_domain_find(engine->domain, TRIB_NOUN_GOODS, trib_bytes_text(enrolment->goods));
	uint32_t activity = enrolment->activity ? trib_domain_find(engine->domain, TRIB_NOUN_ACTIVITY,
								   trib_bytes_text(enrolment->activity)) :
						  0;

	approval->merchant = id_of_party(engine, trib_domain_goods(engine->domain, goods)->merchant);
	approval->leader = id_of_party(engine, trib_domain_activity(engine->domain, activity)->leader);
}

/* Who asks, and whose it is: so that a party may see what it asked for, and decide what its role is asked. */
static void name_parties(struct trib_engine *engine, Tributary__Approval *approval, const ProtobufCMessage *about)
{
	const struct trib_actor *actor = trib_domain_actor(engine->domain);
	char **own = actor->role == TRIB_ACCESS_MERCHANT ? &approval->merchant :
		     actor->role == TRIB_ACCESS_LEADER	 ? &approval->leader :
							   &approval->creator;

	if (about)
		name_owners(engine, approval, about);
	if (!trib_access_role_has_party(actor->role))
		return;
	approval->requester = trib_arena_copy(&engine->flow_arena, actor->party_id);
	if (!*own)
		*own = approval->requester;
}

/* What waits for people: an approval of its own, named after the run. */
static trib_status ask(struct trib_engine *engine, struct engine_flow *flow, uint32_t number,
		       const struct engine_flow_about *about, struct trib_error *error)
{
	const struct trib_flow_proposal *proposal = &flow->run.proposals[number];
	Tributary__Approval approval = TRIBUTARY__APPROVAL__INIT;
	struct trib_domain_decision decision;
	const struct trib_json *json;
	char name[24];
	trib_status status = trib_json_parse(proposal->body, TRIB_LIMIT_JSON_DEPTH, &engine->flow_arena, &json, error);

	if (status != TRIB_OK)
		return status;
	snprintf(name, sizeof(name), number ? "%llu.%u" : "%llu", (unsigned long long)flow->position, number);
	approval.id = name;
	approval.what = text_member(json, "what");
	approval.role = text_member(json, "ask");
	approval.noun = (char *)(uintptr_t)trib_noun_word(about->noun);
	approval.entity = trib_arena_copy(&engine->flow_arena, about->id);
	approval.step = (char *)(uintptr_t)proposal->step;
	approval.has_run = approval.has_play_version = approval.has_entity_version = true;
	approval.run = flow->position;
	approval.play = (char *)(uintptr_t)trib_play_name(flow->play);
	approval.play_version = trib_play_version(flow->play);
	approval.entity_version = about->version;
	name_parties(engine, &approval, about->message);
	if (flow->run.waits && number + 1 == flow->run.proposal_count && about->change.size)
		approval.change = trib_arena_copy(&engine->flow_arena, about->change);
	/* It is the play that asks, whoever put what it is about. */
	const struct trib_actor *asking = trib_domain_actor(engine->domain);
	char by[80];

	snprintf(by, sizeof(by), "the play %.60s", approval.play);
	const struct trib_actor play = { .role = TRIB_ACCESS_ENGINE, .name = trib_bytes_text(by) };

	trib_domain_set_actor(engine->domain, &play);
	status = trib_domain_decide_put(engine->domain, TRIB_NOUN_APPROVAL, &approval.base, engine->now_ms, &engine->arena,
					&decision, error);
	trib_domain_set_actor(engine->domain, asking);
	if (status == TRIB_OK)
		status = emit_all(engine, &decision, error);
	snprintf(flow->approval, sizeof(flow->approval), "%s", name);
	return status;
}

/* What leaves once all of this is durable. */
static trib_status tell(struct trib_engine *engine, const struct engine_flow *flow, uint32_t number,
			const struct engine_flow_about *about, struct trib_error *error)
{
	struct engine_effect effect;
	struct trib_buffer text;
	char entity[TRIB_LIMIT_EXTERNAL_ID_BYTES + 32];

	trib_buffer_init(&text, TRIB_LIMIT_FLOW_TRACE_BYTES);
	trib_status status = read_effect(engine, &flow->run.proposals[number], &text, &effect, error);

	snprintf(entity, sizeof(entity), "%s/" TRIB_BYTES_FMT, trib_noun_word(about->noun), TRIB_BYTES_ARG(about->id));
	effect.play = trib_bytes_text(trib_play_name(flow->play));
	effect.entity = trib_bytes_text(entity);
	if (status == TRIB_OK)
		status = engine_outbox_add(engine, &effect, error);
	trib_buffer_fini(&text);
	return status;
}

trib_status engine_flow_end(struct trib_engine *engine, struct engine_flow *flow, const struct engine_flow_about *about,
			    struct trib_error *error)
{
	trib_status status = flow->ran ? emit_run(engine, flow, about, error) : TRIB_OK;

	for (uint32_t i = 0; flow->ran && i < flow->run.proposal_count && status == TRIB_OK; i++)
		status = trib_capability_row(flow->run.proposals[i].capability)->path == TRIB_CAPABILITY_PEOPLE
				 ? ask(engine, flow, i, about, error)
				 : tell(engine, flow, i, about, error);
	return status;
}

/* --- Entities that are put ------------------------------------------------------------------------------ */

/* The flow that is run when an entity of the noun is put; TRIB_FLOWS: none is. */
static enum trib_flow flow_of(enum trib_noun noun)
{
	switch (noun) {
	case TRIB_NOUN_PARTY: return TRIB_FLOW_PARTY_PUT;
	case TRIB_NOUN_GOODS: return TRIB_FLOW_GOODS_PUT;
	case TRIB_NOUN_PLAN: return TRIB_FLOW_PLAN_PUT;
	case TRIB_NOUN_ACTIVITY: return TRIB_FLOW_ACTIVITY_PUT;
	case TRIB_NOUN_ENROLMENT: return TRIB_FLOW_ENROLMENT_PUT;
	case TRIB_NOUN_SAMPLE: return TRIB_FLOW_SAMPLE_PUT;
	case TRIB_NOUN_INVITATION: return TRIB_FLOW_INVITATION_PUT;
	default: return TRIB_FLOWS;
	}
}

static uint32_t number_field(const ProtobufCMessage *message, const char *name)
{
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);

	return field && *(const protobuf_c_boolean *)((const char *)message + field->quantifier_offset)
		       ? *(const uint32_t *)(const void *)((const char *)message + field->offset)
		       : 0;
}

trib_status flows_play_of(struct trib_engine *engine, const ProtobufCMessage *entity, const struct trib_play **ret_play,
			  struct trib_error *error)
{
	return play_of(engine, text_field(entity, "play"), number_field(entity, "play_version"), ret_play, error);
}

void flows_add_text(struct trib_buffer *json, const char *name, const char *text)
{
	trib_buffer_add_format(json, ",\"%s\":", name);
	trib_json_add_string(json, trib_bytes_text(text ? text : ""));
}

/* As it stands, and its version; {} and 0 where it is not there. `json` NULL: only the version. */
static trib_status add_old(struct trib_engine *engine, enum trib_noun noun, struct trib_bytes id, struct trib_buffer *json,
			   uint32_t *ret_version, struct trib_error *error)
{
	uint32_t number = trib_domain_find(engine->domain, noun, id);
	struct trib_entity entity = { 0 };
	trib_status status = TRIB_OK;

	if (number) {
		struct trib_record *record = trib_domain_record(engine->domain, noun, number);

		status = trib_record_unpack(record, noun, &engine->arena, &entity, error);
		trib_record_unref(record);
	}
	*ret_version = status == TRIB_OK ? entity.version : 0;
	if (json && entity.message && status == TRIB_OK)
		trib_proto_to_json(entity.message, TRIB_PROTO_SET_FIELDS, json);
	else if (json)
		trib_buffer_add_text(json, "{}");
	return status;
}

/* Another entity that one names; {} where it is not there, which the domain says better. */
static trib_status add_named(struct trib_engine *engine, enum trib_noun noun, const char *member, const char *id,
			     struct trib_buffer *json, struct trib_error *error)
{
	uint32_t version;

	trib_buffer_add_format(json, ",\"%s\":", member);
	return add_old(engine, noun, trib_bytes_text(id ? id : ""), json, &version, error);
}

/* Of an enrolment: where it is to be, and what it would change. A fall counts only for one that is sold by now. */
static trib_status add_enrolment(struct trib_engine *engine, const Tributary__Enrolment *enrolment, struct trib_buffer *json,
				 struct trib_error *error)
{
	uint32_t number = trib_domain_find(engine->domain, TRIB_NOUN_ENROLMENT, trib_bytes_text(enrolment->id));
	uint32_t goods = trib_domain_find(engine->domain, TRIB_NOUN_GOODS, trib_bytes_text(enrolment->goods));
	uint32_t activity = trib_domain_find(engine->domain, TRIB_NOUN_ACTIVITY,
					     trib_bytes_text(enrolment->activity ? enrolment->activity : ""));
	const struct trib_enrolment *old = trib_domain_enrolment(engine->domain, number);
	bool sold = number && trib_enrolment_state(engine->domain, number, engine->now_ms) == TRIB_ENROLMENT_APPROVED;
	bool promoting = sold && trib_activity_phase(trib_domain_activity(engine->domain, activity), engine->now_ms) ==
					 TRIB_ACTIVITY_PROMOTING;
	trib_status status = add_named(engine, TRIB_NOUN_ACTIVITY, "activity", enrolment->activity, json, error);

	if (status == TRIB_OK)
		status = add_named(engine, TRIB_NOUN_GOODS, "goods", enrolment->goods, json, error);
	trib_buffer_add_format(json,
			       ",\"status\":\"submitted\",\"price\":%lld,\"commission_bps\":%d,\"service_bps\":%d,"
			       "\"old_commission_bps\":%d,\"promoting\":%s",
			       (long long)trib_domain_goods(engine->domain, goods)->price, enrolment->commission_bps,
			       enrolment->service_bps, sold ? old->commission_bps : 0, promoting ? "true" : "false");
	return status;
}

/* Of a sample: who asks, and by which rule of the plan. */
static trib_status add_sample(struct trib_engine *engine, const Tributary__Sample *sample, struct trib_buffer *json,
			      struct trib_error *error)
{
	uint32_t plan = trib_domain_find(engine->domain, TRIB_NOUN_PLAN, trib_bytes_text(sample->plan ? sample->plan : ""));
	struct trib_entity entity = { 0 };
	trib_status status = add_named(engine, TRIB_NOUN_PARTY, "creator", sample->creator, json, error);

	if (status == TRIB_OK && plan) {
		struct trib_record *record = trib_domain_record(engine->domain, TRIB_NOUN_PLAN, plan);

		status = trib_record_unpack(record, TRIB_NOUN_PLAN, &engine->arena, &entity, error);
		trib_record_unref(record);
	}
	const Tributary__Plan *of = status == TRIB_OK ? (const Tributary__Plan *)entity.message : NULL;

	trib_buffer_add_text(json, ",\"status\":\"applied\",\"rule\":");
	if (of && of->samples)
		trib_proto_to_json(&of->samples->base, TRIB_PROTO_SET_FIELDS, json);
	else
		trib_buffer_add_text(json, "{}");
	return status;
}

/* Of an invitation: who is invited (of a set: nobody yet), under which plan, until when. */
static trib_status add_invitation(struct trib_engine *engine, const Tributary__Invitation *invitation, struct trib_buffer *json,
				  struct trib_error *error)
{
	trib_buffer_add_format(json, ",\"expires_at\":%lld", (long long)(invitation->has_expires_at ? invitation->expires_at : 0));
	trib_status status = add_named(engine, TRIB_NOUN_PARTY, "creator", invitation->creator, json, error);

	return status == TRIB_OK ? add_named(engine, TRIB_NOUN_PLAN, "plan", invitation->plan, json, error) : status;
}

static trib_status add_input(struct trib_engine *engine, enum trib_noun noun, const ProtobufCMessage *message,
			     struct trib_buffer *json, struct trib_error *error)
{
	bool tells_old = noun != TRIB_NOUN_ENROLMENT && noun != TRIB_NOUN_SAMPLE && noun != TRIB_NOUN_INVITATION;
	trib_status status = TRIB_OK;

	trib_buffer_add_format(json, "{\"%s\":", trib_noun_word(noun));
	trib_proto_to_json(message, TRIB_PROTO_SET_FIELDS, json);
	if (tells_old)
		status = add_named(engine, noun, "old", text_field(message, "id"), json, error);

	flows_add_text(json, "role", trib_access_role_word(trib_domain_actor(engine->domain)->role));
	trib_buffer_add_format(json, ",\"now\":%lld", (long long)engine->now_ms);
	if (noun == TRIB_NOUN_PLAN) {
		const Tributary__Plan *plan = (const Tributary__Plan *)message;

		flows_add_text(json, "status", plan->status ? plan->status : "active");
		trib_buffer_add_format(json, ",\"commission_bps\":%d,\"service_bps\":%d,\"min_bps\":%d,\"max_bps\":%d",
				       plan->terms ? plan->terms->commission_bps : 0,
				       plan->terms ? plan->terms->service_bps : 0, plan->bounds ? plan->bounds->min_bps : 0,
				       plan->bounds ? plan->bounds->max_bps : 10000);
	}
	if (noun == TRIB_NOUN_ENROLMENT && status == TRIB_OK)
		status = add_enrolment(engine, (const Tributary__Enrolment *)message, json, error);
	if (noun == TRIB_NOUN_SAMPLE && status == TRIB_OK)
		status = add_sample(engine, (const Tributary__Sample *)message, json, error);
	if (noun == TRIB_NOUN_INVITATION && status == TRIB_OK)
		status = add_invitation(engine, (const Tributary__Invitation *)message, json, error);
	trib_buffer_add_char(json, '}');
	if (status == TRIB_OK && json->failed)
		status = trib_fail(error, TRIB_LIMIT, "flow", "found more than a run may hold");
	return status;
}

/* A rate that a step has given. */
static trib_status take_rate(const struct trib_flow_run *run, const char *name, int32_t *ret_bps, struct trib_error *error)
{
	int64_t bps = trib_flow_value(run, name).integer;

	if (bps < 0 || bps > 10000)
		return trib_fail(error, TRIB_REFUSED, name, "found %lld given by the play, expected an integer from 0 to 10000",
				 (long long)bps);
	*ret_bps = (int32_t)bps;
	return TRIB_OK;
}

/* The plan as the run has it: a copy that states its results. */
static trib_status take_plan(struct trib_engine *engine, const struct engine_flow *flow, const Tributary__Plan *plan,
			     const ProtobufCMessage **message, struct trib_error *error)
{
	struct trib_value status_word = trib_flow_value(&flow->run, "status");
	Tributary__Plan *copy = trib_arena_alloc(&engine->arena, sizeof(*copy));
	Tributary__Terms *terms = trib_arena_alloc(&engine->arena, sizeof(*terms));
	int32_t commission_bps = 0, service_bps = 0;
	trib_status status = take_rate(&flow->run, "commission_bps", &commission_bps, error);

	if (status == TRIB_OK)
		status = take_rate(&flow->run, "service_bps", &service_bps, error);
	if (status != TRIB_OK)
		return status;
	char *word = copy && terms ? trib_arena_copy(&engine->arena, trib_value_text(&status_word)) : NULL;

	if (!word)
		return trib_fail(error, TRIB_LIMIT, "flow", "found more than a run may hold");
	*copy = *plan;
	if (status_word.size && (plan->status || strcmp(word, "active") != 0))
		copy->status = word;
	if (plan->terms)
		*terms = *plan->terms;
	else
		tributary__terms__init(terms);
	if (commission_bps != terms->commission_bps || service_bps != terms->service_bps) {
		terms->has_commission_bps |= commission_bps != terms->commission_bps;
		terms->has_service_bps |= service_bps != terms->service_bps;
		terms->commission_bps = commission_bps;
		terms->service_bps = service_bps;
		copy->terms = terms;
	}
	/* By the rules of the field, as if it had been put so. */
	status = trib_proto_check(&copy->base, error);
	*message = &copy->base;
	return status;
}

/* The invitation with the time that the run gave; the domain holds it to what any other may be. */
static trib_status take_invitation(struct trib_engine *engine, const struct engine_flow *flow, const ProtobufCMessage **message,
				   struct trib_error *error)
{
	int64_t expires_at = trib_flow_value(&flow->run, "expires_at").integer;
	Tributary__Invitation *copy = trib_arena_alloc(&engine->arena, sizeof(*copy));

	if (!copy)
		return trib_fail(error, TRIB_LIMIT, "flow", "found more than a run may hold");
	*copy = *(const Tributary__Invitation *)*message;
	copy->has_expires_at |= expires_at != copy->expires_at;
	copy->expires_at = expires_at;
	*message = &copy->base;
	return TRIB_OK;
}

trib_status flows_put(struct trib_engine *engine, enum trib_noun noun, const ProtobufCMessage **message,
		      struct engine_flow *ret_flow, struct trib_error *error)
{
	enum trib_flow flow = flow_of(noun);
	const struct trib_play *play;
	struct trib_buffer json;

	*ret_flow = (struct engine_flow){ 0 };
	if (flow == TRIB_FLOWS)
		return TRIB_OK;
	trib_status status =
		play_of(engine, text_field(*message, "play"), number_field(*message, "play_version"), &play, error);

	if (status != TRIB_OK || trib_flow_is_default(play, flow))
		return status;
	trib_buffer_init(&json, TRIB_LIMIT_FLOW_BYTES / 4);
	status = add_input(engine, noun, *message, &json, error);
	if (status == TRIB_OK)
		status = engine_flow(engine, play, flow, trib_buffer_bytes(&json), ret_flow, error);
	trib_buffer_fini(&json);
	if (status == TRIB_OK && noun == TRIB_NOUN_PLAN)
		status = take_plan(engine, ret_flow, (const Tributary__Plan *)*message, message, error);
	if (status == TRIB_OK && noun == TRIB_NOUN_INVITATION)
		status = take_invitation(engine, ret_flow, message, error);
	return status;
}

trib_status flows_put_end(struct trib_engine *engine, enum trib_noun noun, const ProtobufCMessage *message,
			  struct engine_flow *flow, struct trib_error *error)
{
	struct engine_flow_about about = { .noun = noun, .id = trib_bytes_text(text_field(message, "id")), .message = message };
	struct trib_buffer change;
	trib_status status = add_old(engine, noun, about.id, NULL, &about.version, error);

	trib_buffer_init(&change, TRIB_LIMIT_FLOW_BYTES / 4);
	if (flow->run.waits)
		trib_proto_to_json(message, TRIB_PROTO_SET_FIELDS, &change);
	about.change = trib_buffer_bytes(&change);
	if (status == TRIB_OK)
		status = change.failed ? trib_fail(error, TRIB_LIMIT, "flow", "found more than an approval may hold")
				       : engine_flow_end(engine, flow, &about, error);
	trib_buffer_fini(&change);
	return status;
}

trib_status flows_put_decide(struct trib_engine *engine, enum trib_noun noun, uint32_t number, const struct engine_flow *flow,
			     struct trib_error *error)
{
	bool decides = flow->ran && (noun == TRIB_NOUN_ENROLMENT || noun == TRIB_NOUN_SAMPLE);
	struct trib_value word =
		decides ? trib_flow_value(&flow->run, "status") : trib_value_string(trib_bytes("", 0));
	struct trib_bytes text = trib_value_text(&word);
	bool approves = trib_bytes_is(text, "approved");
	const struct trib_actor *asking = trib_domain_actor(engine->domain);
	Tributary__ActionRequest request = TRIBUTARY__ACTION_REQUEST__INIT;
	struct trib_domain_decision decision;
	const char *led_to;
	char reason[80];

	if (!approves && !trib_bytes_is(text, "rejected"))
		return TRIB_OK;
	snprintf(reason, sizeof(reason), "the play %.60s", trib_play_name(flow->play));
	request.reason = reason;
	const struct trib_actor play = { .role = TRIB_ACCESS_ENGINE, .name = trib_bytes_text(reason) };
	const struct trib_bytes action = trib_bytes_text(approves ? "approve" : "reject");

	trib_domain_set_actor(engine->domain, &play);
	trib_status status = trib_domain_decide_action(engine->domain, noun, trib_domain_id(engine->domain, noun, number),
						       action, &request, engine->now_ms, &engine->arena, &decision, &led_to,
						       error);

	if (status == TRIB_OK)
		status = activities_tell(engine, &decision, action, error);
	if (status == TRIB_OK)
		status = people_emit(engine, noun, &decision, error);
	if (status == TRIB_OK)
		status = access_note_act(engine, approves ? "approve" : "reject", noun, number, error);
	trib_domain_set_actor(engine->domain, asking);
	/* What may not be approved now waits for people, as ever: it has been put. */
	return trib_status_retriable(status) ? status : TRIB_OK;
}

/* --- Invitations that are accepted ---------------------------------------------------------------------- */

/* Its last event is the invitation, accepted; before it stands what comes of that. */
static const Tributary__Invitation *accepted_of(const struct trib_domain_decision *decision)
{
	const Tributary__Event *last = decision->event_count ? &decision->events[decision->event_count - 1] : NULL;

	return last && last->kind_case == TRIBUTARY__EVENT__KIND_INVITATION_PUT ? last->invitation_put->invitation : NULL;
}

/* The plan and the sample are given their plays, as if somebody had put them. */
static trib_status settle_made(struct trib_engine *engine, struct trib_domain_decision *decision, Tributary__Plan **ret_plan,
			       struct trib_error *error)
{
	trib_status status = TRIB_OK;

	for (uint32_t i = 0; status == TRIB_OK && i < decision->event_count; i++) {
		Tributary__Event *event = &decision->events[i];
		const ProtobufCMessage *made;

		if (event->kind_case == TRIBUTARY__EVENT__KIND_PLAN_PUT) {
			made = &event->plan_put->plan->base;
			status = plays_settle(engine, TRIB_NOUN_PLAN, &made, error);
			event->plan_put->plan = *ret_plan = (Tributary__Plan *)(uintptr_t)made;
		} else if (event->kind_case == TRIBUTARY__EVENT__KIND_SAMPLE_PUT) {
			made = &event->sample_put->sample->base;
			status = plays_settle(engine, TRIB_NOUN_SAMPLE, &made, error);
			event->sample_put->sample = (Tributary__Sample *)(uintptr_t)made;
		}
	}
	return status;
}

static trib_status run_accept(struct trib_engine *engine, const Tributary__Invitation *invitation, struct engine_flow *flow,
			      struct trib_error *error)
{
	const struct trib_play *play;
	struct trib_buffer json;
	trib_status status = play_of(engine, invitation->play, invitation->play_version, &play, error);

	if (status != TRIB_OK || trib_flow_is_default(play, TRIB_FLOW_INVITATION_ACCEPT))
		return status;
	trib_buffer_init(&json, TRIB_LIMIT_FLOW_BYTES / 4);
	trib_buffer_add_text(&json, "{\"invitation\":");
	trib_proto_to_json(&invitation->base, TRIB_PROTO_SET_FIELDS, &json);
	status = add_named(engine, TRIB_NOUN_PARTY, "creator", invitation->creator, &json, error);
	flows_add_text(&json, "role", trib_access_role_word(trib_domain_actor(engine->domain)->role));
	trib_buffer_add_format(&json, ",\"now\":%lld}", (long long)engine->now_ms);
	if (status == TRIB_OK)
		status = json.failed ? trib_fail(error, TRIB_LIMIT, "flow", "found more than a run may hold")
				     : engine_flow(engine, play, TRIB_FLOW_INVITATION_ACCEPT, trib_buffer_bytes(&json), flow, error);
	trib_buffer_fini(&json);
	return status;
}

/* The plan's terms as the run has given them, which the domain holds to the bounds of any others. */
static trib_status take_terms(struct trib_engine *engine, const struct engine_flow *flow, Tributary__Plan *plan,
			      struct trib_error *error)
{
	struct trib_buffer text, results;
	const struct trib_json *json, *terms;
	ProtobufCMessage *message = NULL;

	trib_buffer_init(&text, TRIB_LIMIT_FLOW_BYTES / 4);
	trib_buffer_init(&results, TRIB_LIMIT_FLOW_BYTES / 4);
	trib_flow_write_results(&flow->run, &results);
	trib_status status = trib_json_parse(trib_buffer_bytes(&results), TRIB_LIMIT_JSON_DEPTH, &engine->arena, &json, error);

	terms = status == TRIB_OK ? trib_json_member(json, "terms") : NULL;
	if (terms && terms->kind == TRIB_JSON_OBJECT && terms->first) {
		trib_json_add(&text, terms, &engine->arena);
		status = trib_proto_from_json(&tributary__terms__descriptor, trib_buffer_bytes(&text), &engine->arena, &message,
					      error);
	}
	if (status == TRIB_OK && message) {
		Tributary__Terms *given = (Tributary__Terms *)message;

		if (!given->leader)
			given->leader = plan->terms->leader;
		plan->terms = given;
		status = trib_domain_check_put(engine->domain, TRIB_NOUN_PLAN, &plan->base, engine->now_ms, NULL,
					       &engine->arena, error);
	}
	trib_buffer_fini(&text);
	trib_buffer_fini(&results);
	return status;
}

/* Two runs of one call: what the first has given stays while the second runs. */
static void swap_arenas(struct trib_engine *engine)
{
	struct trib_arena other = engine->made_arena;

	engine->made_arena = engine->flow_arena;
	engine->flow_arena = other;
}

/* The plan that an acceptance makes is put as any other: plan.put of its own play. It cannot wait for anybody. */
static trib_status put_made(struct trib_engine *engine, struct trib_domain_decision *decision, Tributary__Plan *plan,
			    struct engine_flow *ret_made, struct trib_error *error)
{
	const ProtobufCMessage *message = &plan->base;

	swap_arenas(engine);
	trib_status status = flows_put(engine, TRIB_NOUN_PLAN, &message, ret_made, error);

	swap_arenas(engine);
	if (status == TRIB_OK && ret_made->run.waits)
		status = trib_fail(error, TRIB_REFUSED, "plan.put", "found a plan that has to wait for an approval, expected one that may be made at once");
	if (status == TRIB_OK && ret_made->ran)
		status = trib_domain_check_put(engine->domain, TRIB_NOUN_PLAN, message, engine->now_ms, NULL, &engine->arena, error);
	for (uint32_t i = 0; status == TRIB_OK && i < decision->event_count; i++)
		if (decision->events[i].kind_case == TRIBUTARY__EVENT__KIND_PLAN_PUT)
			decision->events[i].plan_put->plan = (Tributary__Plan *)(uintptr_t)message;
	return status;
}

trib_status flows_made_end(struct trib_engine *engine, const struct trib_domain_decision *decision, struct engine_flow *made,
			   struct trib_error *error)
{
	struct engine_flow_about about = { .noun = TRIB_NOUN_PLAN };

	for (uint32_t i = 0; made->ran && i < decision->event_count; i++)
		if (decision->events[i].kind_case == TRIBUTARY__EVENT__KIND_PLAN_PUT) {
			about.message = &decision->events[i].plan_put->plan->base;
			about.id = trib_bytes_text(decision->events[i].plan_put->plan->id);
		}
	return engine_flow_end(engine, made, &about, error);
}

trib_status flows_accept(struct trib_engine *engine, struct trib_domain_decision *decision, struct engine_flow *ret_flow,
			 struct engine_flow *ret_made, struct trib_error *error)
{
	const Tributary__Invitation *invitation = accepted_of(decision);
	Tributary__Plan *plan = NULL;

	*ret_flow = (struct engine_flow){ 0 };
	if (!invitation || !trib_playbook_count(engine->plays))
		return TRIB_OK;
	trib_status status = settle_made(engine, decision, &plan, error);

	if (status == TRIB_OK)
		status = run_accept(engine, invitation, ret_flow, error);
	if (status == TRIB_OK && ret_flow->ran && plan)
		status = take_terms(engine, ret_flow, plan, error);
	return status == TRIB_OK && plan ? put_made(engine, decision, plan, ret_made, error) : status;
}

trib_status flows_plan_act(struct trib_engine *engine, const struct trib_call *call, struct engine_flow *ret_flow,
			   struct trib_error *error)
{
	const Tributary__ActionRequest *body = (const Tributary__ActionRequest *)call->body;
	uint32_t number = trib_domain_find(engine->domain, TRIB_NOUN_PLAN, call->name);
	const struct trib_play *play = NULL;
	struct trib_entity entity;
	struct trib_buffer json;

	*ret_flow = (struct engine_flow){ 0 };
	if (!number || !trib_playbook_count(engine->plays))
		return TRIB_OK;
	struct trib_record *record = trib_domain_record(engine->domain, TRIB_NOUN_PLAN, number);
	trib_status status = trib_record_unpack(record, TRIB_NOUN_PLAN, &engine->arena, &entity, error);

	trib_record_unref(record);
	if (status == TRIB_OK)
		status = play_of(engine, text_field(entity.message, "play"), number_field(entity.message, "play_version"),
				 &play, error);
	if (status != TRIB_OK || trib_flow_is_default(play, TRIB_FLOW_PLAN_ACT))
		return status;
	trib_buffer_init(&json, TRIB_LIMIT_FLOW_BYTES / 4);
	trib_buffer_add_text(&json, "{\"plan\":");
	trib_proto_to_json(entity.message, TRIB_PROTO_SET_FIELDS, &json);
	trib_buffer_add_text(&json, ",\"action\":");
	trib_json_add_string(&json, call->action);
	flows_add_text(&json, "role", trib_access_role_word(call->actor.role));
	flows_add_text(&json, "reason", body ? body->reason : NULL);
	trib_buffer_add_format(&json, ",\"now\":%lld}", (long long)engine->now_ms);
	status = json.failed ? trib_fail(error, TRIB_LIMIT, "flow", "found more than a run may hold")
			     : engine_flow(engine, play, TRIB_FLOW_PLAN_ACT, trib_buffer_bytes(&json), ret_flow, error);
	trib_buffer_fini(&json);
	return status;
}

/* --- Links -------------------------------------------------------------------------------------------- */

static trib_status add_entity(struct trib_engine *engine, enum trib_noun noun, uint32_t number, struct trib_buffer *json,
			      struct trib_error *error)
{
	struct trib_record *record = trib_domain_record(engine->domain, noun, number);
	struct trib_entity entity;
	trib_status status = trib_record_unpack(record, noun, &engine->arena, &entity, error);

	if (status == TRIB_OK)
		trib_proto_to_json(entity.message, TRIB_PROTO_SET_FIELDS, json);
	trib_record_unref(record);
	return status;
}

static void add_bytes(struct trib_buffer *json, const char *name, struct trib_bytes text)
{
	trib_buffer_add_format(json, "\"%s\":", name);
	trib_json_add_string(json, text);
	trib_buffer_add_char(json, ',');
}

trib_status flows_link(struct trib_engine *engine, const struct trib_link_request *request, uint32_t registration,
		       uint32_t creator, uint32_t goods, int32_t commission_bps, struct trib_error *error)
{
	const struct trib_registration *row = trib_domain_registration(engine->domain, registration);
	const struct trib_names *symbols = trib_domain_symbols(engine->domain);
	struct trib_bytes name = trib_names_text(trib_domain_plays(engine->domain), row->play);
	uint32_t number = trib_playbook_number(engine->plays, name);
	uint32_t version = trib_playbook_version(engine->plays, number, engine->now_ms);
	const struct trib_play *play = version ? trib_playbook_find(engine->plays, name, version, error) : NULL;
	struct engine_flow flow;
	struct trib_buffer json;

	if (!play || trib_flow_is_default(play, TRIB_FLOW_LINK_CONVERT))
		return TRIB_OK;
	trib_buffer_init(&json, 1 << 20);
	trib_buffer_add_char(&json, '{');
	add_bytes(&json, "channel", request->channel);
	add_bytes(&json, "scene", request->scene.size || !row->scene ? request->scene : trib_names_text(symbols, row->scene));
	add_bytes(&json, "page", request->page);
	trib_buffer_add_format(&json, "\"commission_bps\":%d,\"now\":%lld,\"creator\":", commission_bps,
			       (long long)engine->now_ms);
	trib_status status = add_entity(engine, TRIB_NOUN_PARTY, creator, &json, error);

	trib_buffer_add_text(&json, ",\"goods\":");
	if (status == TRIB_OK)
		status = add_entity(engine, TRIB_NOUN_GOODS, goods, &json, error);
	trib_buffer_add_char(&json, '}');
	if (status == TRIB_OK)
		status = engine_flow(engine, play, TRIB_FLOW_LINK_CONVERT, trib_buffer_bytes(&json), &flow, error);
	trib_buffer_fini(&json);
	return status;
}

/* --- Approvals ---------------------------------------------------------------------------------------- */

/* The flow approval.decided: the platform's refuses whom it was not asked of. */
static trib_status run_decided(struct trib_engine *engine, const struct trib_call *call, const Tributary__Approval *approval,
			       const char *led_to, struct engine_flow *flow, struct trib_error *error)
{
	const Tributary__ActionRequest *body = (const Tributary__ActionRequest *)call->body;
	const struct trib_json *json;
	struct trib_buffer text;
	trib_status status = play_of(engine, approval->play, approval->play_version, &flow->play, error);

	if (status == TRIB_OK)
		status = engine_reserve(engine, FLOW_ROOM_BYTES, error);
	if (status != TRIB_OK)
		return status;
	trib_buffer_init(&text, TRIB_LIMIT_FLOW_BYTES / 4);
	trib_buffer_add_text(&text, "{\"approval\":");
	trib_proto_to_json(&approval->base, TRIB_PROTO_SET_FIELDS, &text);
	trib_buffer_add_text(&text, ",\"decision\":");
	trib_json_add_string(&text, call->action);
	flows_add_text(&text, "role", trib_access_role_word(call->actor.role));
	flows_add_text(&text, "reason", body ? body->reason : NULL);
	flows_add_text(&text, "status", led_to);
	trib_buffer_add_format(&text, ",\"now\":%lld}", (long long)engine->now_ms);
	trib_arena_reset(&engine->flow_arena);
	const char *copy = text.failed ? NULL : trib_arena_copy(&engine->flow_arena, trib_buffer_bytes(&text));

	status = copy ? trib_json_parse(trib_bytes(copy, text.size), TRIB_LIMIT_JSON_DEPTH, &engine->flow_arena, &json, error)
		      : trib_fail(error, TRIB_LIMIT, "flow", "found more than a run may hold");
	trib_buffer_fini(&text);
	if (status == TRIB_OK)
		status = run_flow(engine, flow->play, TRIB_FLOW_APPROVAL_DECIDED, json, &flow->run, error);
	/* The platform's own leaves no trace: history says who has decided. */
	flow->ran = status == TRIB_OK && !trib_flow_is_default(flow->play, TRIB_FLOW_APPROVAL_DECIDED);
	return status;
}

/* What was to be done, decided now: as of today, and only if nobody has changed the entity meanwhile. */
static trib_status decide_change(struct trib_engine *engine, const Tributary__Approval *approval, enum trib_noun noun,
				 struct trib_domain_decision *ret_decision, struct trib_error *error)
{
	ProtobufCMessage *message;
	uint32_t version;
	trib_status status = add_old(engine, noun, trib_bytes_text(approval->entity), NULL, &version, error);

	if (status == TRIB_OK && version != approval->entity_version)
		return trib_fail(error, TRIB_CONFLICT, "entity_version",
				 "found version %u of it, expected %u, which was changed when this was asked: reject it, and put it again",
				 version, approval->entity_version);
	if (status == TRIB_OK)
		status = trib_proto_from_json(trib_noun_descriptor(noun), trib_bytes_text(approval->change), &engine->arena,
					      &message, error);
	if (status == TRIB_OK)
		status = trib_domain_decide_put(engine->domain, noun, message, engine->now_ms, &engine->arena, ret_decision,
						error);
	return status;
}

/* The noun of a word of ours. */
static enum trib_noun noun_of(const char *word)
{
	int noun = 0;

	while (noun < TRIB_NOUN_COUNT && (!trib_noun_word((enum trib_noun)noun) || strcmp(trib_noun_word((enum trib_noun)noun), word) != 0))
		noun++;
	trib_assert(noun < TRIB_NOUN_COUNT);
	return (enum trib_noun)noun;
}

trib_status flows_decide_approval(struct trib_engine *engine, struct trib_call *call,
				  struct trib_domain_decision *ret_decision, const char **ret_status)
{
	uint32_t number = trib_domain_find(engine->domain, TRIB_NOUN_APPROVAL, call->name);
	struct trib_domain_decision change = { 0 };
	struct engine_flow flow = { .flow = TRIB_FLOW_APPROVAL_DECIDED };
	trib_status status = trib_domain_decide_action(engine->domain, TRIB_NOUN_APPROVAL, call->name, call->action,
						       (const Tributary__ActionRequest *)call->body, engine->now_ms,
						       &engine->arena, ret_decision, ret_status, &call->error);

	if (status != TRIB_OK)
		return status;
	struct trib_record *record = trib_domain_record(engine->domain, TRIB_NOUN_APPROVAL, number);
	struct trib_entity entity;

	status = trib_record_unpack(record, TRIB_NOUN_APPROVAL, &engine->arena, &entity, &call->error);
	trib_record_unref(record);
	if (status != TRIB_OK)
		return status;
	const Tributary__Approval *approval = (const Tributary__Approval *)entity.message;

	status = run_decided(engine, call, approval, *ret_status, &flow, &call->error);
	if (status == TRIB_OK && !strcmp(*ret_status, "approved") && approval->change && approval->change[0])
		status = decide_change(engine, approval, noun_of(approval->noun), &change, &call->error);
	/* All is decided: from here on nothing refuses. */
	if (status == TRIB_OK)
		status = emit_all(engine, &change, &call->error);
	if (status == TRIB_OK)
		status = emit_all(engine, ret_decision, &call->error);
	if (status == TRIB_OK)
		status = change.event_count && !strcmp(approval->noun, "goods")
				 ? activities_watch_price(engine, change.number, &call->error)
				 : TRIB_OK;
	if (status == TRIB_OK)
		status = engine_flow_end(engine, &flow,
					 &(struct engine_flow_about){ .noun = TRIB_NOUN_APPROVAL, .id = call->name },
					 &call->error);
	return status;
}

/* --- What HTTP asks ----------------------------------------------------------------------------------- */

trib_status call_capabilities(struct trib_engine *engine, struct trib_call *call)
{
	engine_begin(engine, 0, &call->error); /* time moves on where nothing can be written, too */
	trib_capabilities_write(trib_playbook_active(engine->plays, engine->now_ms), &call->reply);
	return TRIB_OK;
}

trib_status call_checklist(struct trib_engine *engine, struct trib_call *call)
{
	engine_begin(engine, 0, &call->error);
	uint32_t number = trib_playbook_number(engine->plays, call->name);
	uint32_t active = number ? trib_playbook_version(engine->plays, number, engine->now_ms) : 0;
	uint32_t version = active || !number ? active : trib_playbook_newest(engine->plays, number);
	const struct trib_play *play =
		version ? trib_playbook_find(engine->plays, call->name, version, &call->error) : NULL;

	if (!number)
		return trib_fail(&call->error, TRIB_NOT_FOUND, "play", "found \"%.*s\", expected the name of a play",
				 (int)TRIB_MIN(call->name.size, (size_t)64), call->name.data);
	return play ? trib_play_write_checklist(play, &call->reply, &engine->arena, &call->error) : call->error.status;
}

static int compare_positions(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

/* Positions ascend: they are logged as they come. */
static bool log_has(const struct log_of *log, uint64_t position)
{
	return log && log->count && bsearch(&position, log->items, log->count, sizeof(position), compare_positions);
}

/* Only where a run is known to stand may the journal be read: any number may be asked for. */
static bool is_run(struct trib_engine *engine, uint64_t position)
{
	struct trib_error ignored;
	char key[8];

	return log_has(&engine->changes.flows, position) || log_has(checkpoint_flows(engine), position) ||
	       trib_store_get(engine->store, TRIB_TABLE_FLOW, trib_bytes(key, trib_key_u64(key, position)),
			      &engine->event_bytes, &ignored) == TRIB_OK;
}

/* Opens a run as JSON: all but its steps, and the brace. */
static void write_run(uint64_t position, const Tributary__FlowRan *ran, struct trib_buffer *json)
{
	trib_buffer_add_format(json, "{\"id\":%llu", (unsigned long long)position);
	flows_add_text(json, "flow", ran->flow);
	flows_add_text(json, "play", ran->play);
	trib_buffer_add_format(json, ",\"play_version\":%u", ran->play_version);
	flows_add_text(json, "noun", ran->noun);
	flows_add_text(json, "entity", ran->entity);
	trib_buffer_add_format(json, ",\"at\":%lld,\"waits\":%s", (long long)ran->at, ran->waits ? "true" : "false");
}

trib_status call_flow(struct trib_engine *engine, struct trib_call *call)
{
	struct trib_buffer *json = &call->reply;
	Tributary__Event *event;
	uint64_t position;

	if (!trib_bytes_to_u64(call->name, &position) || !is_run(engine, position))
		return trib_fail(&call->error, TRIB_NOT_FOUND, "id", "found \"%.*s\", expected the id of a run",
				 (int)TRIB_MIN(call->name.size, (size_t)24), call->name.data);
	trib_status status = history_read_event(engine, position, &event, &call->error);

	if (status != TRIB_OK)
		return status;
	const Tributary__FlowRan *ran = event->kind_case == TRIBUTARY__EVENT__KIND_FLOW_RAN ? event->flow_ran : NULL;

	if (ran) {
		write_run(position, ran, json);
		trib_buffer_add_format(json, ",\"steps\":%s}", ran->steps);
	}
	tributary__event__free_unpacked(event, NULL);
	return ran ? TRIB_OK : trib_fail(&call->error, TRIB_CORRUPT, "journal", "no run of a flow stands at position %llu",
					 (unsigned long long)position);
}

/* A page of runs, the newest first. */
struct runs_page {
	uint64_t positions[TRIB_LIMIT_LIST_ITEMS + 1];
	uint64_t before;
	uint32_t count, limit;
};

static bool add_run(struct runs_page *page, uint64_t position)
{
	if (position < page->before && (!page->count || position < page->positions[page->count - 1]))
		page->positions[page->count++] = position;
	return page->count < page->limit;
}

static bool add_logged(struct runs_page *page, const struct log_of *log)
{
	for (size_t i = log ? log->count : 0; i-- > 0;)
		if (!add_run(page, ((const uint64_t *)log->items)[i]))
			return false;
	return true;
}

static trib_status add_stored(void *context, struct trib_bytes key, struct trib_bytes value, struct trib_error *error)
{
	return key.size == 8 && !add_run(context, trib_key_read_u64(key.data)) ? TRIB_BUSY : TRIB_OK;
}

/* In memory, on the way to the store, in the store: each behind the one before. */
static trib_status find_runs(struct trib_engine *engine, struct runs_page *page, struct trib_error *error)
{
	char key[8];

	if (!add_logged(page, &engine->changes.flows) || !add_logged(page, checkpoint_flows(engine)))
		return TRIB_OK;
	uint64_t before = page->count ? page->positions[page->count - 1] : page->before;
	trib_status status = trib_store_scan_back(engine->store, TRIB_TABLE_FLOW, trib_bytes(key, trib_key_u64(key, before)),
						  add_stored, page, error);

	return status == TRIB_BUSY ? TRIB_OK : status;
}

trib_status call_flow_list(struct trib_engine *engine, struct trib_call *call)
{
	uint32_t limit = TRIB_MIN(call->limit ? call->limit : 100, (uint32_t)TRIB_LIMIT_LIST_ITEMS);
	struct runs_page *page = trib_arena_alloc(&engine->arena, sizeof(*page));
	struct trib_buffer *json = &call->reply;

	if (!page)
		return trib_fail(&call->error, TRIB_NO_MEMORY, "", "out of the memory granted to a command");
	page->count = 0;
	page->limit = limit + 1; /* one more says that there are more */
	page->before = UINT64_MAX;
	if (call->cursor.size && !trib_bytes_to_u64(call->cursor, &page->before))
		return engine_refuse(&call->error, "cursor", call->cursor, "one that this list has given");
	trib_status status = find_runs(engine, page, &call->error);

	trib_buffer_add_text(json, "{\"items\":[");
	for (uint32_t i = 0; status == TRIB_OK && i < TRIB_MIN(page->count, limit); i++) {
		Tributary__Event *event;

		status = history_read_event(engine, page->positions[i], &event, &call->error);
		if (status != TRIB_OK)
			break;
		if (i)
			trib_buffer_add_char(json, ',');
		if (event->kind_case == TRIBUTARY__EVENT__KIND_FLOW_RAN)
			write_run(page->positions[i], event->flow_ran, json);
		trib_buffer_add_char(json, '}');
		tributary__event__free_unpacked(event, NULL);
	}
	if (page->count > limit)
		trib_buffer_add_format(json, "],\"next_cursor\":\"%llu\"}", (unsigned long long)page->positions[limit - 1]);
	else
		trib_buffer_add_text(json, "],\"next_cursor\":null}");
	return status;
}
