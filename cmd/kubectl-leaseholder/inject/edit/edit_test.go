package edit

import (
	"testing"

	"gomodules.xyz/jsonpatch/v2"
)

func op(path string, value any) jsonpatch.Operation {
	return jsonpatch.NewOperation("add", path, value)
}

type pair = map[string]string

func TestWhatIsAddedStandsWhereItBelongs(t *testing.T) {
	for what, test := range map[string]struct {
		before string
		ops    []jsonpatch.Operation
		after  string
	}{
		"a key behind the last of a block": {
			"a: 1\nb:\n  c: d   # why\nf: g\n",
			[]jsonpatch.Operation{op("/b/e", "x v")},
			"a: 1\nb:\n  c: d   # why\n  e: \"x v\"\nf: g\n",
		},
		"a block is indented as the document is": {
			"a:\n    b: c\n",
			[]jsonpatch.Operation{op("/a/d", map[string]any{"e": []pair{{"f": "g"}}})},
			"a:\n    b: c\n    d:\n        e:\n        - f: g\n",
		},
		"a sequence is indented as the document's are": {
			"a:\n  - b: c\n",
			[]jsonpatch.Operation{op("/d", []pair{{"e": "f"}})},
			"a:\n  - b: c\nd:\n  - e: f\n",
		},
		"an item at the front, below what is said above the list": {
			"a:\n# the list\n\n# the first\n- b: c\n",
			[]jsonpatch.Operation{op("/a/0", pair{"d": "e"})},
			"a:\n# the list\n\n- d: e\n# the first\n- b: c\n",
		},
		"an item at the front whose dash has a line of its own": {
			"a:\n-\n  b: c\nd:\n  e:\n  # the first\n  - # said\n\n    f: g\n",
			[]jsonpatch.Operation{op("/a/0", pair{"x": "v"}), op("/d/e/0", "x"), op("/a/-", "z")},
			"a:\n- x: v\n-\n  b: c\n- z\nd:\n  e:\n  - x\n  # the first\n  - # said\n\n    f: g\n",
		},
		"a key of an item whose dash has a line of its own, in another": {
			"a: &x\n- -\n    b: c\n",
			[]jsonpatch.Operation{op("/a/0/0/x", "v"), op("/a/0/-", "z"), op("/a/-", "w")},
			"a: &x\n- -\n    b: c\n    x: v\n  - z\n- w\n",
		},
		"an item in the middle": {
			"a:\n- 1\n- 2\n",
			[]jsonpatch.Operation{op("/a/1", "x")},
			"a:\n- 1\n- x\n- 2\n",
		},
		"an item at the end, above what is said of the next key": {
			"a:\n- b\n# about c\nc: d\n",
			[]jsonpatch.Operation{op("/a/-", "x")},
			"a:\n- b\n- x\n# about c\nc: d\n",
		},
		"a comment at the end of a block stays in it": {
			"a:\n  b: c\n  # d: e\nf: g\n",
			[]jsonpatch.Operation{op("/a/x", 1)},
			"a:\n  b: c\n  # d: e\n  x: 1\nf: g\n",
		},
		"a key of an item": {
			"a:\n-   b: c\n    d: |\n      text\n\n      more\n-   e\n",
			[]jsonpatch.Operation{op("/a/0/x", true)},
			"a:\n-   b: c\n    d: |\n      text\n\n      more\n    x: true\n-   e\n",
		},
		"behind a text that keeps its empty lines": {
			"a:\n  b: |+\n    text\n\nc: d\n",
			[]jsonpatch.Operation{op("/a/x", "v")},
			"a:\n  b: |+\n    text\n\n  x: v\nc: d\n",
		},
		"behind a text of several lines without quotes": {
			"a:\n  b: one\n    two # said\nc: d\n",
			[]jsonpatch.Operation{op("/a/x", "v")},
			"a:\n  b: one\n    two # said\n  x: v\nc: d\n",
		},
		"behind a text of several lines in quotes": {
			"a:\n  b: \"one: \\\"\n    two # 'no comment\"\n  c: 'it''s\n    so'\nd: e\n",
			[]jsonpatch.Operation{op("/a/x", "v")},
			"a:\n  b: \"one: \\\"\n    two # 'no comment\"\n  c: 'it''s\n    so'\n  x: v\nd: e\n",
		},
		"behind nothing": {
			"a:\n  b:\nc: d\n",
			[]jsonpatch.Operation{op("/a/x", "v")},
			"a:\n  b:\n  x: v\nc: d\n",
		},
		"in the place of nothing": {
			"a:\n  b: # none\nc: d\n",
			[]jsonpatch.Operation{op("/a/b", pair{"x": "v"})},
			"a:\n  b: # none\n    x: v\nc: d\n",
		},
		"in the place of null": {
			"a:\n  b: null\nc: ~ # none\n",
			[]jsonpatch.Operation{op("/a/b", []string{"x"}), op("/c", "v")},
			"a:\n  b:\n  - x\nc: v # none\n",
		},
		"in the place of empty brackets": {
			"a: {} # none\nb: []\n",
			[]jsonpatch.Operation{op("/a/x", "v"), op("/b/-", pair{"x": "v"})},
			"a: # none\n  x: v\nb:\n- x: v\n",
		},
		"in the place of another word": {
			"a:\n  leaseholder.dev/role: \"leader\" # now\n",
			[]jsonpatch.Operation{op("/a/leaseholder.dev~1role", "standby")},
			"a:\n  leaseholder.dev/role: standby # now\n",
		},
		"between brackets": {
			"a: {b: c, d: [e, \"f\" ] } # why\n",
			[]jsonpatch.Operation{op("/a/d/0", "x:v"), op("/a/d/-", pair{"g": "h"}), op("/a/z", "on")},
			"a: {b: c, d: [\"x:v\", e, \"f\", {g: h} ], z: \"on\" } # why\n",
		},
		"between brackets of several lines": {
			"{\n\t\"a\": {\n\t\t\"b\": [],\n\t\t\"c\": [\n\t\t\t1\n\t\t]\n\t}\n}\n",
			[]jsonpatch.Operation{op("/a/b", []pair{{"x": "v"}}), op("/a/c/0", 2), op("/d", "e")},
			"{\n\t\"a\": {\n\t\t\"b\": [\n\t\t\t{\n\t\t\t\t\"x\": \"v\"\n\t\t\t}\n\t\t],\n\t\t\"c\": [\n\t\t\t2,\n\t\t\t1\n\t\t]\n\t},\n\t\"d\": \"e\"\n}\n",
		},
		"JSON in one line": {
			`{"a":{"b":"c"},"d":{}}`,
			[]jsonpatch.Operation{op("/a/x", []pair{{"v": "z"}}), op("/d/x", "v")},
			`{"a":{"b":"c", "x": [{"v": "z"}]},"d":{"x": "v"}}`,
		},
		"Windows' ends of lines": {
			"a:\r\n  b: c\r\nd: e\r\n",
			[]jsonpatch.Operation{op("/a/x", pair{"v": "z"})},
			"a:\r\n  b: c\r\n  x:\r\n    v: z\r\nd: e\r\n",
		},
		"a last line without an end": {
			"a:\n  b: c",
			[]jsonpatch.Operation{op("/a/x", "v")},
			"a:\n  b: c\n  x: v",
		},
		"behind a marker, with letters of two bytes": {
			"--- # größe\n\"ä\": {\"ö\": \"ü\"} # ß\nb: c\n...\n",
			[]jsonpatch.Operation{op("/ä/x", "v"), op("/z", 1)},
			"--- # größe\n\"ä\": {\"ö\": \"ü\", x: v} # ß\nb: c\nz: 1\n...\n",
		},
		"an alias is written out where it is changed": {
			"a: &x\n  b: c\nd: *x # the same\ne: *x\n",
			[]jsonpatch.Operation{op("/d/f", "g")},
			"a: &x\n  b: c\nd: # the same\n  b: c\n  f: g\ne: *x\n",
		},
		"what aliases refer to is changed only there": {
			"a: &x\n  b: c\nd: *x\nf:\n- *x\n",
			[]jsonpatch.Operation{op("/a/f", "g")},
			"a: &x\n  b: c\n  f: g\nd:\n  b: c\nf:\n- b: c\n",
		},
		"an anchor that nothing on the way has stays shared": {
			"a: &x {b: c}\nd: *x\ne:\n  f: *x\n",
			[]jsonpatch.Operation{op("/e/g", "h")},
			"a: &x {b: c}\nd: *x\ne:\n  f: *x\n  g: h\n",
		},
		"what is merged in is written out where it is changed": {
			"base: &x\n  l:\n    b: c\nd:\n  <<: *x\n  e: f\n",
			[]jsonpatch.Operation{op("/d/l/g", "h"), op("/d/z", "v")},
			"base: &x\n  l:\n    b: c\nd:\n  <<: *x\n  e: f\n  l:\n    b: c\n    g: h\n  z: v\n",
		},
		"what is merged in elsewhere is written out there": {
			"a: &x\n  b: c\nd:\n  <<: *x\n  e: f\ng: {<<: [*x]}\n",
			[]jsonpatch.Operation{op("/a/h", "i")},
			"a: &x\n  b: c\n  h: i\nd:\n  <<:\n    b: c\n  e: f\ng: {<<: [{b: c}]}\n",
		},
		"something in what was added before": {
			"a:\n  b: c\n",
			[]jsonpatch.Operation{op("/a/x", pair{}), op("/a/x/z", "v")},
			"a:\n  b: c\n  x:\n    z: v\n",
		},
		"an index that counts what was added before": {
			"a:\n- b: c\n- d: e\n",
			[]jsonpatch.Operation{op("/a/0", pair{"x": "v"}), op("/a/1/x", "w"), op("/a/-", "z"), op("/a/2/x", "u")},
			"a:\n- x: v\n- b: c\n  x: w\n- d: e\n  x: u\n- z\n",
		},
		"two blocks that end at the same place": {
			"a:\n  b:\n    c: d\ne: f\n",
			[]jsonpatch.Operation{op("/a/b/x", "v"), op("/a/x", "v"), op("/g", "h")},
			"a:\n  b:\n    c: d\n    x: v\n  x: v\ne: f\ng: h\n",
		},
		"an alias that two changes write out": {
			"a: &x\n  b: c\nd:\n  e: *x\n",
			[]jsonpatch.Operation{op("/d/e/f", "g"), op("/a/h", "i")},
			"a: &x\n  b: c\n  h: i\nd:\n  e:\n    b: c\n    f: g\n",
		},
		"words that read as something else": {
			"a:\n  b: c\n",
			[]jsonpatch.Operation{op("/a/x", []string{"on", "1e3", "12", "null", "~", "", "a: b", "-", "line\nbreak", "15s", ":4041", "0x1F", "2001-01-01", "ü"})},
			"a:\n  b: c\n  x:\n  - \"on\"\n  - \"1e3\"\n  - \"12\"\n  - \"null\"\n  - \"~\"\n  - \"\"\n  - \"a: b\"\n  - \"-\"\n  - \"line\\nbreak\"\n  - 15s\n  - \":4041\"\n  - \"0x1F\"\n  - \"2001-01-01\"\n  - \"ü\"\n",
		},
		"a tag and an anchor before a block": {
			"a: !!map &x\n  b: c\nd: !!seq\n- e\n",
			[]jsonpatch.Operation{op("/a/x", "v"), op("/d/0", "z")},
			"a: !!map &x\n  b: c\n  x: v\nd: !!seq\n- z\n- e\n",
		},
	} {
		t.Run(what, func(t *testing.T) {
			got, err := Apply([]byte(test.before), test.ops)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != test.after {
				t.Errorf("got:\n%s\nwant:\n%s\n%q\n%q", got, test.after, got, test.after)
			}
		})
	}
}

func TestWhatCannotBeWrittenInPlaceIsAnError(t *testing.T) {
	for what, test := range map[string]struct {
		before string
		op     jsonpatch.Operation
	}{
		"no such parent":                 {"a: b\n", op("/c/d", 1)},
		"a word is no parent":            {"a: b\n", op("/a/d", 1)},
		"beyond the end of a list":       {"a: [1]\n", op("/a/2", 1)},
		"another operation":              {"a: b\n", jsonpatch.NewOperation("remove", "/a", nil)},
		"the whole document":             {"a: b\n", op("", 1)},
		"a block in the place of others": {"a:\n  b: c\n", op("/a", pair{"x": "v"})},
		"no document":                    {"# nothing\n", op("/a", 1)},
	} {
		t.Run(what, func(t *testing.T) {
			if got, err := Apply([]byte(test.before), []jsonpatch.Operation{test.op}); err == nil {
				t.Errorf("it says:\n%s", got)
			}
		})
	}
}
