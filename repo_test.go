//go:build cgo

package main_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"picam/filters"
	"picam/pipeline"
)

// The rules of the house that a compiler does not hold. docs/architecture.md has the picture.

// rooms says which of the project's packages each package may import. A package that is not here is refused, so that a
// new one gets its place on purpose. Tests may import what they like, but for those of e2e: they see the program from
// outside, and have what judges its output, and the packages called …test.
var rooms = map[string][]string{
	".":                          {"cli"},
	"cli":                        {"capture", "capture/probe", "filters", "internal/file", "internal/wording", "mjpeg", "pipeline", "pipeline/sink", "transport", "transport/discovery"},
	"capture":                    {"internal/health", "internal/linklocal", "internal/sniff", "internal/wording", "mjpeg", "mjpeg/yuv"},
	"capture/capturetest":        {}, // for tests
	"capture/probe":              {"capture", "internal/sniff", "mjpeg"},
	"docs/plugins/negative_wasm": {}, // an example
	"e2e":                        {"capture", "capture/probe", "mjpeg"},
	"filters":                    {"filters/cv", "filters/opencvcheck", "filters/plugin", "internal/typeset", "internal/wording"},
	"filters/cv":                 {},
	"filters/filterstest":        {}, // for tests
	"filters/opencvcheck":        {},
	"filters/plugin":             {},
	"filters/plugin/plugintest":  {}, // for tests
	"internal/file":              {},
	"internal/health":            {},
	"internal/linklocal":         {},
	"internal/sniff":             {},
	"internal/typeset":           {},
	"internal/wording":           {},
	"mjpeg":                      {},
	"mjpeg/mjpegtest":            {"mjpeg"}, // for tests
	"mjpeg/codec":                {"mjpeg"},
	"mjpeg/yuv":                  {},
	"pipeline":                   {"filters", "filters/cv", "internal/health", "internal/wording", "mjpeg", "mjpeg/codec"},
	"pipeline/sink":              {"filters", "filters/cv", "internal/file", "internal/typeset", "mjpeg", "mjpeg/codec", "pipeline"},
	"pipeline/sink/sinktest":     {}, // for tests
	"scripts/bench":              {"mjpeg", "mjpeg/codec"},
	"scripts/corpora":            {"mjpeg", "mjpeg/codec"},
	"scripts/pictures":           {"filters", "filters/filterstest", "pipeline"},
	"transport":                  {"internal/health", "internal/linklocal", "mjpeg"},
	"transport/discovery":        {"internal/health"},
	"transport/networktest":      {}, // for tests
}

// reserved says which packages, or files, alone may import something.
var reserved = map[string][]string{
	"C":        {"filters/cv", "filters/opencvcheck", "mjpeg/codec", "pipeline/sink"},
	"unsafe":   {"capture/v4l2_kernel_linux.go", "docs/plugins/negative_wasm", "filters/cv", "mjpeg/codec", "pipeline/sink"},
	"reflect":  {},
	"log":      {},
	"log/slog": {"cli", "capture", "internal/health", "pipeline", "pipeline/sink", "transport", "transport/discovery"},
	"sync":     {"cli", "capture", "capture/capturetest", "filters/plugin", "internal/health", "internal/typeset", "mjpeg/yuv", "pipeline", "pipeline/sink", "transport"},
	"gocv.io/x/gocv": {"cli", "filters", "filters/cv", "filters/filterstest", "pipeline", "pipeline/sink",
		"scripts/corpora", "scripts/pictures"},
	"gopkg.in/yaml.v3":         {"pipeline"},
	"github.com/urfave/cli/v2": {"cli"},

	"github.com/tetratelabs/wazero": {"filters/plugin"},

	"github.com/libp2p/zeroconf/v2": {"transport/discovery"},

	"github.com/go-text/typesetting/shaping": {"internal/typeset"},
}

// source is a parsed Go file.
type source struct {
	*ast.File
	path string
	dir  string // of its package, "." for main
	test bool
}

func parseAll(t *testing.T, fset *token.FileSet) []source {
	t.Helper()
	var all []source
	for _, name := range projectFiles(t) {
		if path.Ext(name) != ".go" {
			continue
		}
		f, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, source{f, name, path.Dir(name), strings.HasSuffix(name, "_test.go")})
	}
	if len(all) == 0 {
		t.Fatal("found no Go file")
	}
	return all
}

// projectFiles lists the files of the project, with slashes: what git tracks, or, where this is no clone, all that does
// not begin with a dot. What lies about beside them is nobody's business here.
func projectFiles(t *testing.T) []string {
	t.Helper()
	git := exec.Command("git", "ls-files", "-z")
	if out, err := git.Output(); err == nil && len(out) > 0 {
		names := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
		return slices.DeleteFunc(names, func(name string) bool {
			_, err := os.Stat(name)
			return err != nil // removed, but not yet from git
		})
	}
	var names []string
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != "." && (strings.HasPrefix(d.Name(), ".") || name == "dist"):
			if d.IsDir() {
				return fs.SkipDir
			}
		case d.Type().IsRegular():
			names = append(names, filepath.ToSlash(name))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestImports(t *testing.T) {
	fset := token.NewFileSet()
	for _, f := range parseAll(t, fset) {
		allowed, known := rooms[f.dir]
		if !known {
			t.Errorf("%s: the package %s has no place yet; give it a line in rooms, in this test, and in docs/architecture.md",
				f.path, f.dir)
			continue
		}
		if f.test && f.dir != "e2e" {
			continue
		}
		for _, spec := range f.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			at := fset.Position(spec.Pos())
			own, ok := strings.CutPrefix(name, "picam/")
			if ok && !slices.Contains(allowed, own) && !(f.test && strings.HasSuffix(own, "test")) {
				t.Errorf("%s: %s imports %s, but of the project it may only import %q; see docs/architecture.md",
					at, f.dir, name, allowed)
			}
			if dirs, ok := reserved[name]; ok && !f.test && !slices.Contains(dirs, f.dir) && !slices.Contains(dirs, f.path) {
				t.Errorf("%s: %s imports %s, which only %q may", at, f.dir, name, dirs)
			}
			if (f.dir == "mjpeg" || f.dir == "mjpeg/yuv") && strings.Contains(name, ".") {
				t.Errorf("%s: %s imports %s, but may only use the standard library", at, f.dir, name)
			}
		}
	}
}

// The image is built of what .dockerignore lets through: all that main imports, by way of others too.
func TestImageHasAllPackages(t *testing.T) {
	text, err := os.ReadFile(".dockerignore")
	if err != nil {
		t.Fatal(err)
	}
	let := strings.Fields(string(text))
	seen := map[string]bool{}
	var visit func(dir string)
	visit = func(dir string) {
		if seen[dir] {
			return
		}
		seen[dir] = true
		if folder, _, _ := strings.Cut(dir, "/"); dir != "." && !slices.Contains(let, "!"+folder) {
			t.Errorf(".dockerignore keeps %s out of the image; give %s a line: !%s", dir, folder, folder)
		}
		for _, other := range rooms[dir] {
			visit(other)
		}
	}
	visit(".")
	if len(seen) < 10 {
		t.Errorf("main imports only %d packages", len(seen))
	}
}

func TestCode(t *testing.T) {
	fset := token.NewFileSet()
	documented := map[string]bool{}
	for _, f := range parseAll(t, fset) {
		if f.test {
			continue
		}
		documented[f.dir] = documented[f.dir] || f.Doc.Text() != ""
		ast.Inspect(f.File, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Recv == nil && n.Name.Name == "init" {
					t.Errorf("%s: init() runs behind the reader's back; call what it does where it is needed",
						fset.Position(n.Pos()))
				}
			case *ast.GoStmt:
				if f.dir == "filters" || f.dir == "mjpeg" {
					t.Errorf("%s: %s starts a goroutine; that is the business of pipeline, capture and transport",
						fset.Position(n.Pos()), f.dir)
				}
			}
			return true
		})
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("package %s has no doc comment that says what it is for", dir)
		}
	}
}

// A test that sleeps to wait is slow on a quick machine and fails on a slow one: it waits for a condition instead, with
// a deadline. Where the time itself is meant, the line says why, after "// sleep: ".
func TestNoSleepToWait(t *testing.T) {
	fset := token.NewFileSet()
	slept := 0
	for _, f := range parseAll(t, fset) {
		fake := slices.ContainsFunc(f.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == `"testing/synctest"` })
		if fake || !f.test && !strings.HasSuffix(f.dir, "test") {
			continue // on a clock that nobody waits for
		}
		said := map[int]bool{} // lines
		for _, group := range f.Comments {
			for _, c := range group.List {
				said[fset.Position(c.Pos()).Line] = strings.HasPrefix(c.Text, "// sleep: ")
			}
		}
		var above []ast.Node
		ast.Inspect(f.File, func(n ast.Node) bool {
			if n == nil {
				above = above[:len(above)-1]
				return false
			}
			if sleeps(n, above) {
				slept++
				if at := fset.Position(n.Pos()); !said[at.Line] && !said[at.Line-1] {
					t.Errorf("%s: it sleeps; wait for a condition, or say why the time is meant: // sleep: why", at)
				}
			}
			above = append(above, n)
			return true
		})
	}
	if slept == 0 {
		t.Error("found no sleep, not even those that say why")
	}
}

// sleeps says whether a node lets time pass, and that not between two looks at a condition.
func sleeps(n ast.Node, above []ast.Node) bool {
	switch n := n.(type) {
	case *ast.CallExpr:
		if !isCall(n, "time", "Sleep") {
			return false
		}
	case *ast.UnaryExpr: // outside of a select
		if n.Op != token.ARROW || !isCall(n.X, "time", "After") || len(above) > 1 && isCase(above[len(above)-2]) {
			return false
		}
	default:
		return false
	}
	return !slices.ContainsFunc(above, func(n ast.Node) bool {
		loop, ok := n.(*ast.ForStmt)
		return ok && hasDeadline(loop)
	})
}

// hasDeadline says whether a loop compares the time that it takes with a limit.
func hasDeadline(loop *ast.ForStmt) (found bool) {
	ast.Inspect(loop, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr: // time.Since(began) > limit
			found = found || isCall(n.X, "time", "Since") && (n.Op == token.GTR || n.Op == token.LSS)
		case *ast.CallExpr: // time.Now().After(deadline)
			if method, ok := n.Fun.(*ast.SelectorExpr); ok && isCall(method.X, "time", "Now") {
				found = found || method.Sel.Name == "After" || method.Sel.Name == "Before"
			}
		}
		return !found
	})
	return found
}

// isCall says whether an expression is a call of a package's function.
func isCall(e ast.Expr, pkg, name string) bool {
	call, ok := e.(*ast.CallExpr)
	if !ok {
		return false
	}
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || f.Sel.Name != name {
		return false
	}
	x, ok := f.X.(*ast.Ident)
	return ok && x.Name == pkg
}

func isCase(n ast.Node) bool {
	_, ok := n.(*ast.CommClause)
	return ok
}

func TestGenerated(t *testing.T) {
	for _, test := range []struct {
		file  string
		write func(io.Writer) error
	}{
		{"config.example.yaml", filters.WriteYAML},
		{"docs/filters.md", filters.WriteMarkdown},
		{"docs/filters.schema.json", pipeline.WriteSchema},
	} {
		t.Run(test.file, func(t *testing.T) {
			got, err := os.ReadFile(test.file)
			if err != nil {
				t.Fatal(err)
			}
			var want bytes.Buffer
			if err := test.write(&want); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want.Bytes()) {
				t.Errorf("it is not what the filters' declarations say; type: make docs")
			}
		})
	}
}

// A reader who copies a filters file from the documentation has one that works.
func TestYAMLInDocs(t *testing.T) {
	if _, err := pipeline.LoadConfig("config.example.yaml"); err != nil {
		t.Error(err)
	}
	block := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```")
	found := map[string]int{}
	for name, text := range markdown(t) {
		for _, m := range block.FindAllSubmatchIndex(text, -1) {
			found[name]++
			// Empty lines in front make the lines in the faults those of the page.
			above := bytes.Repeat([]byte("\n"), bytes.Count(text[:m[2]], []byte("\n")))
			if _, err := pipeline.ParseConfig(name, append(above, text[m[2]:m[3]]...)); err != nil {
				t.Error(err)
			}
		}
	}
	if found["README.md"] == 0 {
		t.Error("README.md shows no filters file")
	}
}

// Every filters file of the project fits the schema, and what picam refuses for its shape does not.
func TestSchema(t *testing.T) {
	compiler := jsonschema.NewCompiler()
	schema, err := compiler.Compile("docs/filters.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	check := func(text []byte) error {
		var value any
		if err := yaml.Unmarshal(text, &value); err != nil {
			return err
		}
		return schema.Validate(value)
	}
	checked := 0
	for _, name := range projectFiles(t) {
		if path.Ext(name) != ".yaml" || strings.HasPrefix(name, ".") {
			continue
		}
		text, err := os.ReadFile(name)
		if err == nil {
			err = check(text)
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		checked++
	}
	block := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```")
	for name, text := range markdown(t) {
		for _, m := range block.FindAllSubmatch(text, -1) {
			if err := check(m[1]); err != nil {
				t.Errorf("%s: %v in\n%s", name, err, m[1])
			}
			checked++
		}
	}
	if checked < 10 {
		t.Errorf("only %d files and blocks were checked", checked)
	}
	for _, text := range []string{
		"fitlers: []", "filters: blur", "filters: [blurr]", "filters: [{blur: {size: 4}}]", "filters: [{blur: {sise: 3}}]",
		"filters: [{blur: {size: 101}}]", "filters: [{blur: {sigma: soft}}]", "filters: [{canny: {}, enabled: 1}]",
		"filters: [{rotate: {degrees: 45}}]", "on: [{label: face}]", "on: [{snapshot: out.gif}]", "on: [{run: x, for: 2}]",
		"cameras: {door: [blur]}",
	} {
		if check([]byte(text)) == nil {
			t.Errorf("the schema takes %s", text)
		}
		if _, err := pipeline.ParseConfig("x.yaml", []byte(text)); err == nil {
			t.Errorf("picam takes %s", text)
		}
	}
}

func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for name, text := range markdown(t) {
		for _, m := range link.FindAllSubmatch(text, -1) {
			target, _, _ := strings.Cut(string(m[1]), "#")
			if target == "" || strings.Contains(target, ":") {
				continue // in the same page, or on the web
			}
			if _, err := os.Stat(path.Join(path.Dir(name), target)); err != nil {
				t.Errorf("%s: the link to %s leads nowhere", name, m[1])
			}
		}
	}
}

func markdown(t *testing.T) map[string][]byte {
	t.Helper()
	pages := map[string][]byte{}
	for _, name := range projectFiles(t) {
		if path.Ext(name) != ".md" {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		pages[name] = text
	}
	return pages
}

// What works only on the computer where it was written must not get in.
func TestNoForeignPaths(t *testing.T) {
	foreign := regexp.MustCompile(`/(home|Users)/[a-zA-Z]+/|/root/|/work/`)
	usual := regexp.MustCompile(`/home/(pi|picam)/`) // a Pi's and the image's user
	for _, name := range projectFiles(t) {
		if name == "repo_test.go" {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range bytes.Split(text, []byte("\n")) {
			if found := foreign.Find(usual.ReplaceAll(line, nil)); found != nil {
				t.Errorf("%s:%d: holds a path of somebody's computer: %q", name, i+1, found)
			}
		}
	}
}

func TestBuildEnv(t *testing.T) {
	run := func(t *testing.T, env ...string) string {
		t.Helper()
		cmd := exec.Command("sh", "-c", `eval "$(scripts/build-env.sh)"; eval "$(scripts/build-env.sh)"; go env GOFLAGS`)
		cmd.Env = append(append(os.Environ(), "GOENV=off"), env...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return strings.TrimSpace(string(out))
	}
	const ours = `gocv_specific_modules,urfave_cli_no_docs(,customenv)?`
	for _, test := range []struct{ name, goflags, tags, want string }{
		{"alone", "", "", `^-tags=` + ours + `$`},
		{"keeps flags", "-mod=mod -v", "", `^-mod=mod -v -tags=` + ours + `$`},
		{"keeps tags", "-tags=netgo,customenv", "", `^-tags=netgo,customenv,gocv_specific_modules,urfave_cli_no_docs$`},
		{"adds tags", "-tags=netgo", "matprofile", `^-tags=netgo,` + ours + `,matprofile$`},
		{"keeps quotes", `'-gcflags=all=-N -l'`, "", `^'-gcflags=all=-N -l' -tags=` + ours + `$`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := run(t, "GOFLAGS="+test.goflags, "TAGS="+test.tags)
			if !regexp.MustCompile(test.want).MatchString(got) {
				t.Errorf("GOFLAGS %q and TAGS %q became %q, want %s", test.goflags, test.tags, got, test.want)
			}
		})
	}
}

func TestDepsWithoutGo(t *testing.T) {
	for _, test := range []struct{ name, version, want string }{
		{"none", "", "Go is not installed"},
		{"too old", "go1.19.8", "this Go is version 1.19.8"},
		{"just too old", "go1.9", "this Go is version 1.9"},
		{"new", "go1.99.0", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			// Only what the script calls, and a go that only knows its version.
			dir := t.TempDir()
			for _, tool := range []string{"dirname", "awk", "sort", "head", "sh"} {
				target, err := exec.LookPath(tool)
				if err != nil {
					t.Skip(err)
				}
				if err := os.Symlink(target, filepath.Join(dir, tool)); err != nil {
					t.Fatal(err)
				}
			}
			if test.version != "" {
				text := fmt.Sprintf("#!/bin/sh\necho go version %s linux/amd64\n", test.version)
				if err := os.WriteFile(filepath.Join(dir, "go"), []byte(text), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.Command("scripts/deps.sh", "go")
			cmd.Env = []string{"PATH=" + dir}
			out, err := cmd.CombinedOutput()
			if (err == nil) != (test.want == "") || !strings.Contains(string(out), test.want) {
				t.Errorf("error %v, output %q, want %q", err, out, test.want)
			}
			if test.want != "" && !strings.Contains(string(out), "https://go.dev/dl/") {
				t.Errorf("%q does not say where Go is", out)
			}
		})
	}
}
