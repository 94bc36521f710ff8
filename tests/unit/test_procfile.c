#include "unit.h"

#include "base/limits.h"
#include "formation/app_json.h"
#include "formation/procfile.h"
#include "formation/rules.h"

/* "TYPE@LINE=COMMAND;" for each entry, and "release@LINE", or the error. */
static const char *parsed_bytes(struct arena *arena, const char *text, size_t len)
{
	struct procfile procfile = { 0 };
	struct err err = ERR_INIT;
	const char *is = "";

	if (procfile_parse(arena, "Procfile", text, len, &procfile, &err) != 0)
		return arena_strdup(arena, err.msg);
	for (size_t i = 0; i < procfile.count; i++)
		is = arena_printf(arena, "%s%s@%zu=%s;", is, procfile.entries[i].type,
		                  procfile.entries[i].line, procfile.entries[i].command);
	return procfile.release_line
	               ? arena_printf(arena, "%srelease@%zu", is, procfile.release_line)
	               : is;
}

static void reads(const char *text, const char *want)
{
	struct arena arena = ARENA_INIT;

	assert_string_equal(parsed_bytes(&arena, text, strlen(text)), want);
	arena_release(&arena);
}

static void says(const char *text, const char *want)
{
	struct arena arena = ARENA_INIT;
	const char *is = parsed_bytes(&arena, text, strlen(text));

	if (strncmp(is, want, strlen(want)) != 0)
		fail_msg("want: %s…\ngot:  %s", want, is);
	arena_release(&arena);
}

static void test_a_line_is_a_type_and_a_command(void **state)
{
	(void)state;
	reads("web: bundle exec puma -p $PORT\nworker: sidekiq\n",
	      "web@1=bundle exec puma -p $PORT;worker@2=sidekiq;");
	reads("web:bin/web", "web@1=bin/web;");
	reads("  web:\t bin/web \t\n", "web@1=bin/web;");
	reads("web: env A=b: run # not a comment", "web@1=env A=b: run # not a comment;");
	reads("my-worker-2: run", "my-worker-2@1=run;");
	reads("web: grüße", "web@1=grüße;");
}

static void test_lines_that_say_nothing_are_passed_over(void **state)
{
	(void)state;
	reads("# what runs\n\n   \n\t# more\nweb: run\n\n", "web@5=run;");
	reads("\xef\xbb\xbfweb: run\r\nworker: work\r\n", "web@1=run;worker@2=work;");
	reads("# \xff\nweb: run", "web@2=run;");
}

static void test_release_is_no_process(void **state)
{
	(void)state;
	reads("release: rake db:migrate\nweb: run\n", "web@2=run;release@1");
	says("release: a\nweb: run\nrelease: b\n",
	     "Procfile:3:1: release stands in line 1 already");
	says("release: rake db:migrate\n", "Procfile: there is no process type in it");
}

static void test_a_line_that_is_none_is_shown(void **state)
{
	(void)state;
	says("web: run\nnonsense\n", "Procfile:2:9: expected ':' behind the type");
	says("web : run\n", "Procfile:1:4: expected ':' behind the type");
	says(" : run\n", "Procfile:1:2: expected TYPE: COMMAND");
	says("über: run\n", "Procfile:1:1: expected TYPE: COMMAND");
	says("web:\n", "Procfile:1:5: there is no command");
	says("web: run\nweb: walk\n", "Procfile:2:1: web stands in line 1 already");
	says("web: a\xff", "Procfile:1:7: not UTF-8");
	says("web: üa\x01", "Procfile:1:8: a control character");
	says("web: a\rb: c", "Procfile:1:7: a control character");
	says("", "Procfile: there is no process type in it");
	says("# nothing\n", "Procfile: there is no process type in it");
}

static void test_a_nul_is_shown(void **state)
{
	struct arena arena = ARENA_INIT;

	(void)state;
	assert_non_null(strstr(parsed_bytes(&arena, "web: a\0b", 8), "Procfile:1:7: a control"));
	arena_release(&arena);
}

static void test_a_type_that_no_formation_takes_is_refused_with_one_that_it_does(void **state)
{
	(void)state;
	says("Web: run\n", "Procfile:1:1: Web cannot be the type of a process");
	says("# x\n  mail_worker: run\n", "Procfile:2:3: mail_worker cannot be the type");
	reads("a_B: run",
	      "Procfile:1:1: a_B cannot be the type of a process: it has at most 57 lower-case "
	      "letters, digits and '-', begins with a letter and ends with a letter or digit; call "
	      "it a-b");
}

static void test_the_nearest_name_is_one(void **state)
{
	static const char *const NAMES[][2] = {
		{ "Mail_Worker", "mail-worker" },
		{ "_web_", "web" },
		{ "2nd", "p2nd" },
		{ "--", "app" },
		{ "", "app" },
		{ "a__b", "a-b" },
		{ "My Shop!", "my-shop" },
		{ "---9", "p9" },
		{ "x-", "x" },
		{ "abcdefgh-jk", "abcdefgh" },
		{ "Ünder", "nder" },
	};
	struct arena arena = ARENA_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(NAMES); i++)
		assert_string_equal(dns_name_near(&arena, NAMES[i][0], 9 + 2 * (i != 9)),
		                    NAMES[i][1]);
	arena_release(&arena);
}

/* Lines "x1: run", … */
static char *lines(struct arena *arena, int count)
{
	char *text = arena_strdup(arena, "");

	for (int i = 1; i <= count; i++)
		text = arena_printf(arena, "%sx%d: run\n", text, i);
	return text;
}

static void test_ceilings_are_said(void **state)
{
	struct arena arena = ARENA_INIT;
	char *command = arena_alloc(&arena, 20000);

	(void)state;
	assert_non_null(strstr(parsed_bytes(&arena, lines(&arena, 64), strlen(lines(&arena, 64))),
	                       "x64@64=run;"));
	says(lines(&arena, 65), "Procfile:65:1: a Formation has at most 64 process types");
	memcpy(command, "web: ", 5);
	memset(command + 5, 'x', 16384);
	assert_non_null(strstr(parsed_bytes(&arena, command, strlen(command)), "web@1=xxx"));
	command[5 + 16384] = 'x';
	says(command, "Procfile:1:6: the command has more than 16384 characters");
	arena_release(&arena);
}

/* --- whatever bytes there are -------------------------------------- */

static uint32_t next(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static void test_any_bytes_give_processes_that_a_formation_takes_or_a_place(void **state)
{
	static const char *const PIECES[] = { "web",  ": ",  ":",    "\n", "\r\n",    "#",   " ",
		                              "\t",   "_",   "A",    "9",  "-",       "ü",   "\xff",
		                              "\x01", "run", "\xc3", "a",  "release", "\n\n" };
	uint32_t seed = 1;
	int good = 0;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct arena arena = ARENA_INIT;
		struct procfile procfile = { 0 };
		struct err err = ERR_INIT;
		const char *text = "";

		for (uint32_t n = next(&seed) % 12; n > 0; n--)
			text = arena_printf(&arena, "%s%s", text,
			                    PIECES[next(&seed) % ARRAY_SIZE(PIECES)]);
		if (procfile_parse(&arena, "P", text, strlen(text), &procfile, &err) != 0) {
			assert_int_equal(err.code, ERR_PARSE);
			assert_int_equal(strncmp(err.msg, "P:", 2), 0);
		} else {
			good++;
		}
		for (size_t i = 0; i < procfile.count; i++) {
			assert_true(match_type(procfile.entries[i].type));
			assert_true(*procfile.entries[i].command);
		}
		assert_true(match_type(dns_name_near(&arena, text, TYPE_MAX)));
		arena_release(&arena);
	}
	assert_in_range(good, 100, 19900);
}

/* --- app.json ------------------------------------------------------ */

/* "TYPE@LINE:COLUMN=QUANTITY:SIZE;" for each, or the error. */
static const char *app(struct arena *arena, const char *text)
{
	struct app_json app_json = { 0 };
	struct err err = ERR_INIT;
	const char *is = "";

	if (app_json_parse(arena, "app.json", text, strlen(text), &app_json, &err) != 0)
		return arena_strdup(arena, err.msg);
	for (size_t i = 0; i < app_json.count; i++)
		is = arena_printf(arena, "%s%s@%zu:%zu=%d:%s;", is, app_json.entries[i].type,
		                  app_json.entries[i].line, app_json.entries[i].column,
		                  app_json.entries[i].quantity,
		                  app_json.entries[i].size ? app_json.entries[i].size : "");
	return is;
}

static void test_app_json_says_quantities_and_sizes(void **state)
{
	struct arena arena = ARENA_INIT;

	(void)state;
	assert_string_equal(
		app(&arena,
	            "{\"name\": \"x\",\n \"formation\": {\"web\": {\"quantity\": 2, \"size\": "
	            "\"standard-2X\"},\n  \"worker\": {\"size\": \"batch\"}, \"clock\": {}}}"),
		"web@2:16=2:2X;worker@3:3=-1:BATCH;clock@3:32=-1:;");
	assert_string_equal(app(&arena, "{\"formation\": {\"w\": {\"size\": \"performance-m\"}}}"),
	                    "w@1:16=-1:PX;");
	assert_string_equal(app(&arena, "{\"name\": \"x\"}"), "");
	assert_string_equal(app(&arena, "{\"formation\": null}"), "");
	arena_release(&arena);
}

static void test_a_wrong_app_json_is_shown_with_its_place(void **state)
{
	static const char *const WRONG[][2] = {
		{ "[]", "app.json:1:1: app.json: expected an object" },
		{ "{\"formation\": []}", "app.json:1:15: formation: expected an object" },
		{ "{\n\"formation\": {\"web\": 2}}", "app.json:2:22: formation.web: expected" },
		{ "{\"formation\": {\"web\": {\"quantity\": -1}}}",
		  "app.json:1:36: formation.web.quantity: expected a whole number from 0 to 1000" },
		{ "{\"formation\": {\"web\": {\"quantity\": \"2\"}}}",
		  "app.json:1:36: formation.web.quantity: expected" },
		{ "{\"formation\": {\"web\": {\"quantity\": 1001}}}",
		  "app.json:1:36: formation.web.quantity: expected" },
		{ "{\"formation\": {\"web\": {\"size\": 1}}}",
		  "app.json:1:32: formation.web.size: " },
		{ "{\"formation\": {\"web\": {\"size\": \"a b\"}}}",
		  "app.json:1:32: formation.web.size: expected the name of a size" },
		{ "{\n  \"formation\": {\n", "app.json:3:1: " },
		{ "", "app.json: JSON at byte" },
	};
	struct arena arena = ARENA_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(WRONG); i++) {
		const char *is = app(&arena, WRONG[i][0]);

		if (strncmp(is, WRONG[i][1], strlen(WRONG[i][1])) != 0)
			fail_msg("want: %s…\ngot:  %s", WRONG[i][1], is);
	}
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_line_is_a_type_and_a_command),
		cmocka_unit_test(test_lines_that_say_nothing_are_passed_over),
		cmocka_unit_test(test_release_is_no_process),
		cmocka_unit_test(test_a_line_that_is_none_is_shown),
		cmocka_unit_test(test_a_nul_is_shown),
		cmocka_unit_test(
			test_a_type_that_no_formation_takes_is_refused_with_one_that_it_does),
		cmocka_unit_test(test_the_nearest_name_is_one),
		cmocka_unit_test(test_ceilings_are_said),
		cmocka_unit_test(test_any_bytes_give_processes_that_a_formation_takes_or_a_place),
		cmocka_unit_test(test_app_json_says_quantities_and_sizes),
		cmocka_unit_test(test_a_wrong_app_json_is_shown_with_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
