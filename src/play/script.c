/* Runs scripts in a fresh state of Lua each; see script.h. */
#include "play/script.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <math.h>
#include "base/clock.h"
#include "base/limits.h"
#include "expr/expr.h"

enum {
	COUNT_EVERY = 1000, /* instructions between two looks at the limits */
	GIVEN_FACTOR = 32,  /* memory that may be asked for over one call, against what may be held at once */
	OUTPUT_DEPTH = 32,
	OUTPUT_BYTES = 1 << 20,
	NAMES_MAX = 256, /* global functions of a script */
};

struct trib_script {
	char *code; /* as lua_dump wrote it */
	size_t size;
	char *names; /* of its functions, a NUL after each, and one more */
};

/* One state and what it has used. */
struct call {
	lua_State *lua;
	size_t held, given;
	uint64_t steps;
	int64_t deadline_ns; /* of the thread's CPU time */
	const char *limit;   /* what ran out */
	uint32_t line;	     /* and where */

	struct trib_bytes source; /* text while a script is made, else its code */
	const char *function;	  /* NULL: only run the script */
	const struct trib_json *input;
	struct trib_buffer *code, *names; /* where a script that is made goes */
};

static struct call *call_of(lua_State *lua)
{
	return *(struct call **)lua_getextraspace(lua);
}

/* ---- Limits --------------------------------------------------------------------------------------- */

/* Counts what is held, and what was ever given: copying strings over and over is work, too. Shrinking never fails. */
static void *allocate(void *context, void *memory, size_t old_size, size_t size)
{
	struct call *call = context;

	old_size = memory ? old_size : 0; /* else Lua tells what for */
	if (size > old_size) {
		if (call->held - old_size + size > TRIB_LIMIT_SCRIPT_BYTES ||
		    call->given + size > (size_t)TRIB_LIMIT_SCRIPT_BYTES * GIVEN_FACTOR) {
			call->limit = "memory";
			return NULL;
		}
		call->given += size;
	}
	call->held = call->held - old_size + size;
	if (size)
		return trib_realloc(memory, size);
	free(memory);
	return NULL;
}

/* `where`: what runs, if a hook asks; else the function that was called says so. */
static void spend(lua_State *lua, uint64_t steps, lua_Debug *where)
{
	struct call *call = call_of(lua);

	call->steps += steps;
	if (call->steps > TRIB_LIMIT_SCRIPT_STEPS)
		call->limit = "instructions";
	else if (trib_cpu_thread_ns() > call->deadline_ns)
		call->limit = "time";
	else
		return;
	if (where && lua_getinfo(lua, "l", where) && where->currentline > 0)
		call->line = (uint32_t)where->currentline;
	luaL_error(lua, "out of %s", call->limit);
}

static void count(lua_State *lua, lua_Debug *debug)
{
	spend(lua, COUNT_EVERY, debug);
}

/* ---- What scripts may use ------------------------------------------------------------------------- */

/* Of values that are the same wherever they stand; a table's or function's text would be its address. */
static int plain_tostring(lua_State *lua)
{
	luaL_argcheck(lua, lua_type(lua, 1) <= LUA_TSTRING && lua_type(lua, 1) != LUA_TLIGHTUSERDATA, 1,
		      "string, number, boolean or nil expected");
	luaL_tolstring(lua, 1, NULL);
	return 1;
}

/* string.format is upvalue 1. */
static int plain_format(lua_State *lua)
{
	const char *p = luaL_checkstring(lua, 1);
	int top = lua_gettop(lua);

	for (int i = 2; i <= top; i++)
		luaL_argcheck(lua, lua_type(lua, i) <= LUA_TSTRING && lua_type(lua, i) != LUA_TLIGHTUSERDATA, i,
			      "string, number, boolean or nil expected");
	for (; (p = strchr(p, '%')); p++) {
		p++;
		p += strspn(p, "-+ #0123456789.");
		luaL_argcheck(lua, *p && *p != 'p', 1, "unknown conversion");
	}
	lua_pushvalue(lua, lua_upvalueindex(1));
	lua_insert(lua, 1);
	lua_call(lua, top, 1);
	return 1;
}

struct sort_key {
	lua_Number number;
	const char *text; /* NULL: a number */
	size_t size;
	int index; /* as it was met */
};

static int compare_sort_keys(const void *a, const void *b)
{
	const struct sort_key *left = a, *right = b;

	if (!left->text || !right->text)
		return left->text || right->text ? (left->text != NULL) - (right->text != NULL)
						 : (left->number > right->number) - (left->number < right->number);
	return trib_bytes_compare(trib_bytes(left->text, left->size), trib_bytes(right->text, right->size));
}

/* Upvalues: the table, the list of its keys, how many have been given. */
static int next_pair(lua_State *lua)
{
	lua_Integer index = lua_tointeger(lua, lua_upvalueindex(3)) + 1;

	lua_pushinteger(lua, index);
	lua_replace(lua, lua_upvalueindex(3));
	lua_rawgeti(lua, lua_upvalueindex(2), index);
	if (lua_isnil(lua, -1))
		return 1;
	lua_pushvalue(lua, -1);
	lua_rawget(lua, lua_upvalueindex(1));
	return 2;
}

/* Numbers first, then strings by their bytes. The keys are those at the beginning of the loop. */
static int sorted_pairs(lua_State *lua)
{
	int count_keys = 0, i = 0;

	luaL_checktype(lua, 1, LUA_TTABLE);
	for (lua_pushnil(lua); lua_next(lua, 1); lua_pop(lua, 1)) {
		luaL_argcheck(lua, lua_type(lua, -2) == LUA_TNUMBER || lua_type(lua, -2) == LUA_TSTRING, 1,
			      "keys that are numbers or strings expected");
		count_keys++;
	}
	spend(lua, (uint64_t)count_keys * 4, NULL);
	lua_createtable(lua, count_keys, 0); /* 2: as they are met */
	struct sort_key *keys = lua_newuserdatauv(lua, (size_t)count_keys * sizeof(*keys) + 1, 0); /* 3 */

	for (lua_pushnil(lua); lua_next(lua, 1); lua_pop(lua, 1), i++) {
		keys[i] = (struct sort_key){ .index = i + 1 };
		if (lua_type(lua, -2) == LUA_TNUMBER)
			keys[i].number = lua_tonumber(lua, -2);
		else
			keys[i].text = lua_tolstring(lua, -2, &keys[i].size);
		lua_pushvalue(lua, -2);
		lua_rawseti(lua, 2, i + 1);
	}
	qsort(keys, (size_t)count_keys, sizeof(*keys), compare_sort_keys);
	lua_pushvalue(lua, 1);
	lua_createtable(lua, count_keys, 0); /* sorted */
	for (i = 0; i < count_keys; i++) {
		lua_rawgeti(lua, 2, keys[i].index);
		lua_rawseti(lua, -2, i + 1);
	}
	lua_pushinteger(lua, 0);
	lua_pushcclosure(lua, next_pair, 3);
	return 1;
}

/* The names of a library that scripts may use, into the table on top. */
static void allow(lua_State *lua, int library, const char *const *names)
{
	for (; *names; names++) {
		lua_getfield(lua, library, *names);
		lua_setfield(lua, -2, *names);
	}
}

/* Replaces the globals by those that are harmless. What is left out: script.h says why. */
static void open_libraries(lua_State *lua)
{
	static const char *const base[] = { "assert", "error", "ipairs", "select", "tonumber", "type", NULL };
	static const char *const string[] = { "byte", "char", "len", "lower", "rep", "reverse", "sub", "upper", NULL };
	static const char *const math[] = { "abs", "ceil", "exp", "floor", "fmod", "huge", "log", "max", "maxinteger", "min",
					    "mininteger", "modf", "sqrt", "tointeger", "type", "ult", NULL };
	int top = lua_gettop(lua);

	luaL_requiref(lua, "_G", luaopen_base, 0);
	luaL_requiref(lua, "string", luaopen_string, 0);
	luaL_requiref(lua, "math", luaopen_math, 0);
	lua_newtable(lua); /* top + 4: the globals */
	allow(lua, top + 1, base);
	lua_pushcfunction(lua, plain_tostring);
	lua_setfield(lua, -2, "tostring");
	lua_pushcfunction(lua, sorted_pairs);
	lua_setfield(lua, -2, "pairs");
	lua_newtable(lua);
	allow(lua, top + 3, math);
	lua_setfield(lua, -2, "math");
	lua_newtable(lua);
	allow(lua, top + 2, string);
	lua_getfield(lua, top + 2, "format");
	lua_pushcclosure(lua, plain_format, 1);
	lua_setfield(lua, -2, "format");
	/* ("x"):upper() goes by the metatable of strings. */
	lua_pushliteral(lua, "");
	lua_getmetatable(lua, -1);
	lua_pushvalue(lua, -3);
	lua_setfield(lua, -2, "__index");
	lua_pop(lua, 2);
	lua_setfield(lua, -2, "string");
	lua_rawseti(lua, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
	/* Otherwise the registry would still hold the libraries, which is harmless, but large. */
	lua_pushnil(lua);
	lua_setfield(lua, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
	lua_settop(lua, top);
}

/* ---- Values --------------------------------------------------------------------------------------- */

/* Depth is bounded by the reader of the JSON. */
static void push_json(lua_State *lua, const struct trib_json *json)
{
	struct trib_value number = trib_value_double(0);
	int64_t integer, index = 0;

	luaL_checkstack(lua, 4, "input");
	switch (json->kind) {
	case TRIB_JSON_NULL:
		lua_pushnil(lua);
		return;
	case TRIB_JSON_TRUE:
	case TRIB_JSON_FALSE:
		lua_pushboolean(lua, json->kind == TRIB_JSON_TRUE);
		return;
	case TRIB_JSON_STRING:
		lua_pushlstring(lua, json->text.data, json->text.size);
		return;
	case TRIB_JSON_NUMBER:
		if (trib_bytes_to_i64(json->text, &integer)) {
			lua_pushinteger(lua, integer);
			return;
		}
		trib_value_parse_double(json->text, &number);
		lua_pushnumber(lua, number.number);
		return;
	default:
		break;
	}
	bool list = json->kind == TRIB_JSON_ARRAY;

	lua_createtable(lua, list ? (int)json->count : 0, list ? 0 : (int)json->count);
	for (const struct trib_json *child = json->first; child; child = child->next) {
		if (list)
			lua_pushinteger(lua, ++index);
		else
			lua_pushlstring(lua, child->key.data, child->key.size);
		push_json(lua, child);
		lua_rawset(lua, -3);
	}
}

/* Is the table on top a list? Keys 1 … n and no other; an empty one is an object. */
static bool is_list(lua_State *lua)
{
	lua_Unsigned keys = 0, size = lua_rawlen(lua, -1);

	if (!size)
		return false;
	for (lua_pushnil(lua); lua_next(lua, -2); lua_pop(lua, 1))
		keys++;
	return keys == size;
}

static const char *write_value(lua_State *lua, uint32_t depth, struct trib_buffer *buffer);

static const char *write_list(lua_State *lua, uint32_t depth, struct trib_buffer *buffer)
{
	lua_Unsigned size = lua_rawlen(lua, -1);
	const char *problem = NULL;

	trib_buffer_add_char(buffer, '[');
	for (lua_Unsigned i = 1; i <= size && !problem; i++) {
		trib_buffer_add_text(buffer, i > 1 ? "," : "");
		lua_rawgeti(lua, -1, (lua_Integer)i);
		problem = write_value(lua, depth, buffer);
		lua_pop(lua, 1);
	}
	trib_buffer_add_char(buffer, ']');
	return problem;
}

/* One member: key and value are the two on top. */
static const char *write_member(lua_State *lua, uint32_t depth, struct trib_buffer *buffer)
{
	size_t size;

	if (lua_type(lua, -2) != LUA_TSTRING)
		return "a table whose keys are neither strings nor 1 … n";
	const char *key = lua_tolstring(lua, -2, &size);

	if (!trib_utf8_valid(trib_bytes(key, size)))
		return "a key that is no UTF-8";
	trib_json_add_string(buffer, trib_bytes(key, size));
	trib_buffer_add_char(buffer, ':');
	return write_value(lua, depth, buffer);
}

static const char *write_object(lua_State *lua, uint32_t depth, struct trib_buffer *buffer)
{
	const char *problem = NULL;
	bool first = true;

	trib_buffer_add_char(buffer, '{');
	for (lua_pushnil(lua); lua_next(lua, -2); lua_pop(lua, 1)) {
		trib_buffer_add_text(buffer, first ? "" : ",");
		first = false;
		problem = write_member(lua, depth, buffer);
		if (problem) {
			lua_pop(lua, 2);
			return problem;
		}
	}
	trib_buffer_add_char(buffer, '}');
	return NULL;
}

/* Adds the value on top; NULL, or what cannot be said in JSON. Raises no error of Lua. */
static const char *write_value(lua_State *lua, uint32_t depth, struct trib_buffer *buffer)
{
	size_t size;
	const char *text;

	if (buffer->failed || depth == OUTPUT_DEPTH || !lua_checkstack(lua, 4))
		return "a value that is too large or too deep";
	switch (lua_type(lua, -1)) {
	case LUA_TNIL:
		trib_buffer_add_text(buffer, "null");
		return NULL;
	case LUA_TBOOLEAN:
		trib_buffer_add_text(buffer, lua_toboolean(lua, -1) ? "true" : "false");
		return NULL;
	case LUA_TNUMBER:
		if (lua_isinteger(lua, -1))
			trib_buffer_add_i64(buffer, lua_tointeger(lua, -1));
		else if (isfinite(lua_tonumber(lua, -1)))
			trib_json_add_double(buffer, lua_tonumber(lua, -1));
		else
			return "a number that is not finite";
		return NULL;
	case LUA_TSTRING:
		text = lua_tolstring(lua, -1, &size);
		trib_json_add_string(buffer, trib_bytes(text, size));
		return trib_utf8_valid(trib_bytes(text, size)) ? NULL : "a string that is no UTF-8";
	case LUA_TTABLE:
		return is_list(lua) ? write_list(lua, depth + 1, buffer) : write_object(lua, depth + 1, buffer);
	default:
		return "a function";
	}
}

/* ---- Runs ----------------------------------------------------------------------------------------- */

static int write_code(lua_State *lua, const void *data, size_t size, void *context)
{
	struct trib_buffer *code = context;

	trib_buffer_add(code, data, size);
	return code->failed;
}

/* The functions among the globals that the script has made. */
static void list_names(lua_State *lua, struct trib_buffer *names)
{
	int count_names = 0;

	lua_rawgeti(lua, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
	for (lua_pushnil(lua); lua_next(lua, -2); lua_pop(lua, 1)) {
		if (lua_type(lua, -2) != LUA_TSTRING || !lua_isfunction(lua, -1) || lua_iscfunction(lua, -1))
			continue;
		if (++count_names > NAMES_MAX)
			luaL_error(lua, "more than %d functions", NAMES_MAX);
		trib_buffer_add(names, lua_tostring(lua, -2), strlen(lua_tostring(lua, -2)) + 1);
	}
	lua_pop(lua, 1);
}

/* Under lua_pcall: everything that may raise an error. Returns what the function did. */
static int run_protected(lua_State *lua)
{
	struct call *call = call_of(lua);

	open_libraries(lua);
	lua_sethook(lua, count, LUA_MASKCOUNT, COUNT_EVERY);
	if (luaL_loadbufferx(lua, call->source.data, call->source.size, "=hooks.lua", call->code ? "t" : "b") != LUA_OK)
		return lua_error(lua);
	if (call->code && lua_dump(lua, write_code, call->code, 0) != 0)
		return luaL_error(lua, "the script is too large");
	lua_call(lua, 0, 0);
	if (call->names)
		list_names(lua, call->names);
	if (!call->function)
		return 0;
	if (lua_getglobal(lua, call->function) != LUA_TFUNCTION)
		return luaL_error(lua, "no function \"%s\"", call->function);
	push_json(lua, call->input);
	lua_call(lua, 1, 2);
	return 2;
}

/* A text of the script's, which may be empty. */
static trib_status fail_with(struct trib_error *error, trib_status status, const char *text)
{
	return trib_fail(error, status, "", "%.300s", text[0] ? text : "the script gave no reason");
}

/* What Lua says, "hooks.lua:3: …", as line and text. */
static trib_status failed(struct call *call, uint32_t *ret_line, struct trib_error *error)
{
	const char *text = lua_type(call->lua, -1) == LUA_TSTRING ? lua_tostring(call->lua, -1) : "an error that is no text";
	unsigned line = call->line;
	int skip = 0;

	if (sscanf(text, "hooks.lua:%u: %n", &line, &skip) == 1 && skip)
		text += skip;
	*ret_line = line;
	if (call->limit)
		return trib_fail(error, TRIB_LIMIT, "", "the script ran out of %s", call->limit);
	return fail_with(error, TRIB_INVALID, text);
}

/* On success with a function, its two results are on the stack of call->lua. */
static trib_status run(struct call *call, uint32_t *ret_line, struct trib_error *error)
{
	*ret_line = 0;
	call->deadline_ns = trib_cpu_thread_ns() + TRIB_LIMIT_SCRIPT_MS * INT64_C(1000000);
	call->lua = lua_newstate(allocate, call);
	if (!call->lua)
		return trib_fail(error, TRIB_LIMIT, "", "the script ran out of memory");
	*(struct call **)lua_getextraspace(call->lua) = call;
	lua_pushcfunction(call->lua, run_protected);
	if (lua_pcall(call->lua, 0, call->function ? 2 : 0, 0) == LUA_OK)
		return TRIB_OK;
	return failed(call, ret_line, error);
}

static void finish(struct call *call)
{
	if (call->lua)
		lua_close(call->lua);
}

/* ---- The door ------------------------------------------------------------------------------------- */

trib_status trib_script_new(struct trib_bytes source, struct trib_script **ret_script, uint32_t *ret_line,
			    struct trib_error *error)
{
	struct trib_buffer code, names;
	struct call call = { .source = source, .code = &code, .names = &names };

	trib_buffer_init(&code, TRIB_LIMIT_SCRIPT_BYTES);
	trib_buffer_init(&names, TRIB_LIMIT_SCRIPT_BYTES);
	trib_status status = run(&call, ret_line, error);

	finish(&call);
	if (status == TRIB_OK) {
		struct trib_script *script = trib_alloc_zeroed(1, sizeof(*script));

		trib_buffer_add_char(&names, '\0');
		*script = (struct trib_script){ .code = TRIB_TAKE_PTR(code.data),
						.size = code.size,
						.names = TRIB_TAKE_PTR(names.data) };
		*ret_script = script;
	}
	trib_buffer_fini(&code);
	trib_buffer_fini(&names);
	return status;
}

void trib_script_free(struct trib_script *script)
{
	if (!script)
		return;
	free(script->code);
	free(script->names);
	free(script);
}

bool trib_script_has(const struct trib_script *script, const char *function)
{
	for (const char *name = script->names; *name; name += strlen(name) + 1)
		if (!strcmp(name, function))
			return true;
	return false;
}

/* Its first result, or the reason of its second. */
static trib_status take_results(struct call *call, struct trib_buffer *ret_output, struct trib_error *error)
{
	struct trib_arena arena;
	struct trib_buffer text;
	const char *problem;
	trib_status status = TRIB_OK;

	if (lua_isnil(call->lua, -2) && lua_type(call->lua, -1) == LUA_TSTRING)
		return fail_with(error, TRIB_REFUSED, lua_tostring(call->lua, -1));
	lua_pop(call->lua, 1);
	trib_buffer_init(&text, OUTPUT_BYTES);
	trib_arena_init(&arena, 64 * OUTPUT_BYTES);
	problem = write_value(call->lua, 0, &text);
	if (problem || text.failed)
		status = trib_fail(error, TRIB_INVALID, "", "the script returned %s, expected what JSON can say",
				   problem ? problem : "a value that is too large");
	else
		status = trib_json_canonical(trib_buffer_bytes(&text), &arena, ret_output, error);
	trib_arena_fini(&arena);
	trib_buffer_fini(&text);
	return status;
}

trib_status trib_script_call(const struct trib_script *script, const char *function, const struct trib_json *input,
			     struct trib_buffer *ret_output, uint32_t *ret_line, struct trib_error *error)
{
	struct call call = { .source = trib_bytes(script->code, script->size), .function = function, .input = input };
	trib_status status = run(&call, ret_line, error);

	if (status == TRIB_OK)
		status = take_results(&call, ret_output, error);
	finish(&call);
	return status;
}
