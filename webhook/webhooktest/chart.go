package webhooktest

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/template"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// Values are the chart's.
type Values = map[string]any

// Chart reads one of the chart's templates, as Helm renders it with the default
// values, which change can alter before, so that what it says to the API server is
// tried as it stands. It knows as much of Helm as the templates need that tests ask
// for.
func Chart[T client.Object](t *testing.T, name string, object T, change ...func(Values)) T {
	t.Helper()
	return ChartIn(t, Namespace, name, object, change...)
}

// ChartIn is Chart, installed in another namespace.
func ChartIn[T client.Object](t *testing.T, namespace, name string, object T, change ...func(Values)) T {
	t.Helper()
	if err := renderIn(namespace, name, object, change...); err != nil {
		t.Fatal(err)
	}
	return object
}

func render(name string, object client.Object) error { return renderIn(Namespace, name, object) }

func renderIn(namespace, name string, object client.Object, change ...func(Values)) error {
	chart := filepath.Join(root(), "charts", "leaseholder")
	data, err := os.ReadFile(filepath.Join(chart, "values.yaml"))
	if err != nil {
		return err
	}
	var values Values
	if err := yaml.Unmarshal(data, &values); err != nil {
		return err
	}
	for _, f := range change {
		f(values)
	}
	rendered := template.New("chart")
	rendered.Funcs(helmFunctions()).Funcs(template.FuncMap{"include": func(name string, data any) (string, error) {
		var out bytes.Buffer
		err := rendered.ExecuteTemplate(&out, name, data)
		return out.String(), err
	}})
	file := filepath.Join(chart, "templates", filepath.FromSlash(name))
	if _, err := rendered.ParseFiles(filepath.Join(chart, "templates", "_helpers.tpl"), file); err != nil {
		return err
	}
	var out bytes.Buffer
	if err := rendered.ExecuteTemplate(&out, filepath.Base(file), map[string]any{
		"Values":  values,
		"Chart":   map[string]any{"Name": "leaseholder", "Version": "0.0.0", "AppVersion": "0.0.0"},
		"Release": map[string]any{"Name": "leaseholder", "Namespace": namespace, "Service": "Helm"},
	}); err != nil {
		return err
	}
	if err := yaml.UnmarshalStrict(out.Bytes(), object); err != nil {
		return fmt.Errorf("read %s: %w\n%s", name, err, &out)
	}
	return nil
}

// helmFunctions are those of Helm's functions that the templates use.
func helmFunctions() template.FuncMap {
	return template.FuncMap{
		"include": func() string { return "" }, // bound to the templates later
		"list":    func(items ...any) []any { return items },
		"has":     func(item any, in []any) bool { return slices.Contains(in, item) },
		"uniq": func(items []any) []any {
			var once []any
			for _, item := range items {
				if !slices.Contains(once, item) {
					once = append(once, item)
				}
			}
			return once
		},
		"dict": func(pairs ...any) map[string]any {
			d := map[string]any{}
			for i := 0; i+1 < len(pairs); i += 2 {
				d[fmt.Sprint(pairs[i])] = pairs[i+1]
			}
			return d
		},
		"merge": func(into, from map[string]any) map[string]any {
			all := maps.Clone(from)
			maps.Copy(all, into)
			return all
		},
		"default": func(otherwise, value any) any {
			if value == nil || value == "" {
				return otherwise
			}
			return value
		},
		"b64enc": func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) },
		"fromYaml": func(text string) (map[string]any, error) {
			var value map[string]any
			err := yaml.Unmarshal([]byte(text), &value)
			return value, err
		},
		"join": func(with string, items []any) string {
			words := make([]string, len(items))
			for i, item := range items {
				words[i] = fmt.Sprint(item)
			}
			return strings.Join(words, with)
		},
		"quote":   func(value any) string { return fmt.Sprintf("%q", fmt.Sprint(value)) },
		"replace": func(old, with, in string) string { return strings.ReplaceAll(in, old, with) },
		"toYaml": func(value any) (string, error) {
			data, err := yaml.Marshal(value)
			return strings.TrimSuffix(string(data), "\n"), err
		},
		"nindent": func(by int, text string) string {
			indent := "\n" + strings.Repeat(" ", by)
			return indent + strings.ReplaceAll(text, "\n", indent)
		},
	}
}
