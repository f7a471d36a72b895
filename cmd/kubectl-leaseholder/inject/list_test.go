package inject

import (
	"fmt"
	"strings"
	"testing"
)

// TestALongListIsAnInputAsAnyOther puts the same Deployments in as a List and one by
// one. It is as long as "kubectl get deployments -A" can be.
func TestALongListIsAnInputAsAnyOther(t *testing.T) {
	const many = 200
	lines := []string{
		"apiVersion: apps/v1", "kind: Deployment", "metadata: {name: orders-%d, namespace: shop}", "spec:", "  template:", "    metadata:",
		"      annotations:", "        leaseholder.dev/inject: \"true\"", "    spec:", "      containers:", "      - name: app", "        image: orders:%[1]d",
		"        env:", "        - {name: A, value: b}", "      - name: other", "        image: other:1", "      volumes:", "      - name: data",
	}
	var list, single strings.Builder
	list.WriteString("kind: List\napiVersion: v1\nitems:\n")
	for i := range many {
		single.WriteString("---\n")
		for j, line := range lines {
			if strings.Contains(line, "%") {
				line = fmt.Sprintf(line, i)
			}
			dash := "  "
			if j == 0 {
				dash = "- "
			}
			list.WriteString(dash + line + "\n")
			single.WriteString(line + "\n")
		}
	}
	inList, told, code := call(t, list.String(), "-f", "-")
	if want := fmt.Sprintf("%d injected, 0 injected before", many); code != 0 || !strings.HasPrefix(told, want) {
		t.Fatalf("exit code %d: %s", code, told)
	}
	alone, told, code := call(t, single.String(), "-f", "-")
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, told)
	}
	items := strings.Split(inList, "\n- ")[1:]
	for i, document := range strings.Split(alone, "---\n")[1:] {
		if item := strings.TrimSuffix(items[i], "\n"); strings.ReplaceAll(item, "\n  ", "\n")+"\n" != document {
			t.Fatalf("item %d is\n%s\nand alone it is\n%s", i, item, document)
		}
	}
}
